"""Films that go on with a video: the join, the picture's place, stopping and going on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.continued import ContinuedFilm
from skyreels_cli.film.events import Event, FilmDone, StageStarted, StepDone, WindowDone
from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.film.folder.video_tail import VideoTail
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.media.reader import read_frames
from skyreels_cli.media.video import steady_video
from skyreels_cli.recipe.schema import Recipe
from tests.second_reader import ffmpeg

UNUSED: dict[str, Any] = {
    **dict.fromkeys(("prompt", "negative_prompt", "model"), ""),
    **dict.fromkeys(("num_frames", "fps", "seed", "inference_steps", "guidance_scale", "shift", "base_num_frames"), 1),
}
"""What a recipe has to say, and a delivery does not read."""

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], np.ndarray]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """30 frames of 64x48 with sound, lossless, 24000/1001 a second."""
    path = tmp_path / "clip.mkv"
    noisy = "testsrc2=s=64x48:r=24000/1001,noise=alls=40:allf=t+u"
    picture = ("-f", "lavfi", "-i", noisy, "-f", "lavfi", "-i", "sine=d=1")
    lossless = ("-c:v", "ffv1", "-level", 3, "-g", 1, "-slicecrc", 1, "-pix_fmt", "bgr0", "-c:a", "flac")
    ffmpeg(*picture, "-frames:v", 30, *lossless, path)
    return path


def stages(events: list[Event]) -> list[str]:
    return [event.stage for event in events if isinstance(event, StageStarted)]


@pytest.mark.parametrize("join", ["pixels", "latents"])
def test_new_frames_follow_the_old(film: Film, frames_of: Frames, clip: Path, tmp_path: Path, join: str) -> None:
    events = list(film(video=str(clip), num_frames=14, join=join))
    done = events[-1]
    assert isinstance(done, FilmDone)
    assert (done.frames, done.windows, done.width, done.height) == (44, 2, 64, 48)
    assert done.fps == pytest.approx(23.976, abs=0.001)
    frames = frames_of(tmp_path / "film.mkv")
    assert len(frames) == 44
    assert np.array_equal(frames[:30], frames_of(clip))
    assert len(np.unique(frames.reshape(44, -1), axis=0)) == 44  # none is doubled
    assert steady_video(tmp_path / "film.mkv").fps == Fraction(24000, 1001)
    assert not work_folder(tmp_path / "film.mkv").exists()


def test_it_depends_on_the_last_frames_only(film: Film, frames_of: Frames, clip: Path, tmp_path: Path) -> None:
    late = ("-vf", "select='gte(n,25)',setpts=PTS-STARTPTS", "-an", "-c:v", "ffv1", "-level", 3, "-g", 1)
    ffmpeg("-i", clip, *late, "-slicecrc", 1, tmp_path / "late.mkv")
    new = []
    for name in ("clip", "late"):
        list(film(tmp_path / f"from_{name}.mkv", video=str(tmp_path / f"{name}.mkv"), num_frames=4))
        new.append(frames_of(tmp_path / f"from_{name}.mkv")[-4:])
    assert np.array_equal(*new)


def test_stopped_and_gone_on_without_the_video(film: Film, frames_of: Frames, clip: Path, tmp_path: Path) -> None:
    said: dict[str, Any] = {"video": str(clip), "num_frames": 14}
    list(film(tmp_path / "calm.mkv", **said))
    for last in (StepDone, WindowDone):
        events = film(**said)
        next(event for event in events if isinstance(event, last))
        events.close()  # type: ignore[attr-defined]
    going_on = film(**said)
    clip.rename(tmp_path / "away.mkv")
    with pytest.raises(SkyreelsError, match="no longer the file that the new frames follow") as error:
        list(going_on)
    assert error.value.code == "video-changed"
    (tmp_path / "away.mkv").rename(clip)
    events = list(film(**said))
    assert not any(isinstance(event, StepDone) for event in events)
    assert "reading the video" not in stages(events)
    assert np.array_equal(frames_of(tmp_path / "film.mkv"), frames_of(tmp_path / "calm.mkv"))


class TestDelivery:
    """What needs no model: the tail itself takes the part of new frames."""

    def deliver(self, video: Path, output: Path, resolution: str, **changes: Any) -> tuple[list[str], ContinuedFilm]:
        film = {"video": str(video), "resolution": resolution, "overlap_history": 9, **changes}
        recipe = Recipe.model_validate(UNUSED | film)
        with WorkFolder(work_folder(output)) as work:
            tail = VideoTail(work.path)
            delivery = ContinuedFilm(recipe, work, output, tail)
            said = stages(list(delivery.begin()))
            piece = work.path / f"piece{delivery.piece_suffix}"
            with delivery.encoder(piece) as encoder:
                encoder.write(tail.read().numpy())
            delivery.join([(piece, 9)], output, "")
        return said, delivery

    def test_a_scaled_picture_comes_back_to_its_place(self, tmp_path: Path) -> None:
        """150x84 is rendered as 80x48, where 80x45 is the picture; a pixel of it too high or low would be seen."""
        video, output = tmp_path / "in.mp4", tmp_path / "out.mp4"
        slow = "gradients=s=150x84:r=10:n=8:seed=3:speed=0.05"
        ffmpeg("-f", "lavfi", "-i", slow, "-frames:v", 12, "-pix_fmt", "yuv420p", "-crf", 10, video)
        said, film = self.deliver(video, output, "80x48")
        assert said == ["reading the video"]
        assert VideoTail(work_folder(output)).read().shape == (9, 48, 80, 3)
        assert film.shape == (150, 84, 10, 12)
        frames = np.stack(list(read_frames(output))).astype(int)
        assert frames.shape == (21, 84, 150, 3)
        old, new = frames[3:12], frames[12:]
        apart = np.abs(old - new).mean()
        assert apart < 2
        shifted = [np.abs(old - np.roll(new, shift, axis)).mean() for shift in (-2, 2) for axis in (1, 2)]
        assert apart < min(shifted)

    def test_a_codec_that_cannot_be_followed_is_told(self, tmp_path: Path) -> None:
        video, output = tmp_path / "in.avi", tmp_path / "out.mp4"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=101x61:r=30", "-frames:v", 20, "-c:v", "mjpeg", "-q:v", 2, video)
        said, film = self.deliver(video, output, "112x64")
        assert said == ["reading the video", "encoding the video once more (from mjpeg to h264)"]
        assert film.shape[:2] == (100, 60)
        assert steady_video(output).frames == 29
        assert (work_folder(output) / "video.mp4").exists()

    def test_sound_that_the_container_cannot_hold(self, tmp_path: Path) -> None:
        video = tmp_path / "in.mkv"
        both = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=30", "-f", "lavfi", "-i", "sine=d=1")
        ffmpeg(*both, "-frames:v", 20, "-c:v", "libaom-av1", "-cpu-used", 8, "-c:a", "aac", video)
        with pytest.raises(SkyreelsError) as error:
            self.deliver(video, tmp_path / "out.webm", "64x48", codec="av1")
        assert error.value.code == "join-failed"
        assert str(error.value.hint).endswith("out.mkv")

    def test_a_damaged_tail_is_read_again(self, tmp_path: Path) -> None:
        video, output = tmp_path / "in.mp4", tmp_path / "out.mp4"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=30", "-frames:v", 20, "-pix_fmt", "yuv420p", video)
        self.deliver(video, output, "64x48")
        tail = work_folder(output) / "tail.safetensors"
        content = bytearray(tail.read_bytes())
        content[-1] ^= 1
        tail.write_bytes(content)
        assert WorkFolder(work_folder(output)).record("video.json") is None
