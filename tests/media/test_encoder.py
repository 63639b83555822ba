"""Frames in, the same frames out; and what happens when ffmpeg cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.media.codecs import CONTAINERS, film_coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.reader import read_frames
from skyreels_cli.media.video import open_video
from tests.second_reader import Frames, description, ffmpeg


@pytest.fixture(autouse=True)
def no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever happens, nothing stays in the folder for temporary files."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    assert list(scratch.iterdir()) == []


def encode(path: Path, frames: Frames, codec: str, quality: float = 7, comment: str | None = None) -> None:
    _, height, width, _ = frames.shape
    coding = film_coding(codec, quality)
    with VideoEncoder(path, width=width, height=height, fps=24, coding=coding, comment=comment) as video:
        for start in range(0, len(frames), 3):
            video.write(frames[start : start + 3])
        assert video.frames == len(frames)


def decoded(path: Path) -> Frames:
    return np.stack(list(read_frames(path)))


def psnr(one: Frames, other: Frames) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def test_ffv1_is_bit_exact(tmp_path: Path, static: Frames) -> None:
    encode(tmp_path / "film.mkv", static, "ffv1")
    assert np.array_equal(decoded(tmp_path / "film.mkv"), static)
    facts = open_video(tmp_path / "film.mkv")
    assert (facts.codec, facts.pix_fmt, facts.frames) == ("ffv1", "bgr0", 7)


LOSSY = [(codec, suffix) for suffix, codecs in CONTAINERS.items() for codec in codecs if codec != "ffv1"]


@pytest.mark.parametrize(("codec", "suffix"), LOSSY)
def test_lossy_codecs_come_close(tmp_path: Path, waves: Frames, codec: str, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    encode(path, waves, codec)
    seen = decoded(path)
    assert seen.shape == waves.shape
    assert psnr(seen, waves) > 37  # measured 38.9 to 40.1
    assert np.abs(seen.astype(float).mean((0, 1, 2)) - waves.mean((0, 1, 2))).max() < 1  # no colour cast
    facts = open_video(path)
    names = {"h264": "h264", "h265": "h265", "av1": "av1"}
    assert (facts.codec, facts.pix_fmt, facts.frames) == (names[codec], "yuv420p", 20)
    assert facts.fps == 24


def test_quality_is_felt(tmp_path: Path, waves: Frames) -> None:
    results = []
    for quality in (2.0, 5.0, 9.0):
        encode(tmp_path / "film.mp4", waves, "h264", quality=quality)
        results.append((psnr(decoded(tmp_path / "film.mp4"), waves), (tmp_path / "film.mp4").stat().st_size))
    assert results == sorted(results)
    assert results[2][0] - results[0][0] > 5


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 40)])
def test_luma_follows_bt709(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    encode(tmp_path / "film.mp4", np.full((3, 48, 80, 3), colour, np.uint8), "h264", quality=10)
    planes = ffmpeg("-i", tmp_path / "film.mp4", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    luma = np.frombuffer(planes, np.uint8)[: 48 * 80]
    red, green, blue = colour
    expected = 16 + 219 * (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255  # ITU-R BT.709, limited range
    assert np.abs(luma - expected).max() < 1.5


def test_colours_are_tagged(tmp_path: Path, waves: Frames) -> None:
    encode(tmp_path / "film.mp4", waves, "h264")
    assert "yuv420p(tv, bt709, progressive)" in description(tmp_path / "film.mp4")


def test_h265_opens_on_apple_s_players(tmp_path: Path, waves: Frames) -> None:
    encode(tmp_path / "film.mp4", waves, "h265")
    assert b"hvc1" in (tmp_path / "film.mp4").read_bytes()


def test_the_index_comes_first(tmp_path: Path, waves: Frames) -> None:
    encode(tmp_path / "film.mp4", waves, "h264")
    content = (tmp_path / "film.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_missing_folder_is_made(tmp_path: Path, static: Frames) -> None:
    encode(tmp_path / "new" / "folder" / "film.mkv", static, "ffv1")
    assert np.array_equal(decoded(tmp_path / "new" / "folder" / "film.mkv"), static)


def test_names_that_ffmpeg_could_misread(tmp_path: Path, static: Frames) -> None:
    for name in ("http:%03d.mkv", "-y.mkv", "雪 'a' [b].mkv"):
        encode(tmp_path / name, static, "ffv1")
        assert np.array_equal(decoded(tmp_path / name), static)


def test_broadcast_rates(tmp_path: Path, static: Frames) -> None:
    path = tmp_path / "film.mp4"
    with VideoEncoder(path, width=80, height=48, fps=Fraction(30000, 1001), coding=film_coding("h264", 7)) as video:
        video.write(static)
    assert open_video(path).fps == Fraction(30000, 1001)


def test_an_exception_leaves_no_file(tmp_path: Path, static: Frames) -> None:
    video = VideoEncoder(tmp_path / "film.mp4", width=80, height=48, fps=24, coding=film_coding("h264", 7))
    video.write(static)
    with pytest.raises(KeyboardInterrupt), video:
        raise KeyboardInterrupt
    assert not (tmp_path / "film.mp4").exists()


def test_closing_twice_is_harmless(tmp_path: Path, static: Frames) -> None:
    video = VideoEncoder(tmp_path / "film.mkv", width=80, height=48, fps=24, coding=film_coding("ffv1", 7))
    video.write(static)
    video.close()
    video.close()
    video.abort()
    assert np.array_equal(decoded(tmp_path / "film.mkv"), static)
    with pytest.raises(ValueError, match="closed"):
        video.write(static)


@pytest.mark.parametrize("frames", [np.zeros((1, 80, 48, 3), np.uint8), np.zeros((1, 48, 80, 3), np.float32)])
def test_other_frames_are_refused(tmp_path: Path, frames: Frames) -> None:
    with (
        pytest.raises(ValueError, match="not uint8"),
        VideoEncoder(tmp_path / "film.mkv", width=80, height=48, fps=24, coding=film_coding("h264", 7)) as video,
    ):
        video.write(frames)


def test_what_a_container_cannot_hold_is_said(tmp_path: Path, static: Frames) -> None:
    with pytest.raises(SkyreelsError, match=r"film\.webm could not be written") as error:
        encode(tmp_path / "film.webm", static, "ffv1")
    assert (error.value.code, error.value.exit_code) == ("encode-failed", 1)
    assert not (tmp_path / "film.webm").exists()


def test_a_failure_is_noticed_while_writing(tmp_path: Path) -> None:
    frames = np.zeros((4, 480, 640, 3), np.uint8)  # more than a pipe holds
    with pytest.raises(SkyreelsError) as error:
        encode(tmp_path / "film.webm", frames.repeat(8, axis=0), "ffv1")
    assert error.value.code == "encode-failed"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.symlink_to("/dev/full")
    noise = np.random.default_rng(0).integers(0, 256, (4, 480, 640, 3), dtype=np.uint8)
    with pytest.raises(SkyreelsError, match="disk became full") as error:
        encode(path, noise.repeat(4, axis=0), "ffv1")
    assert (error.value.code, error.value.hint) == ("disk-full", f"df -h {tmp_path}")
    assert not path.is_symlink()


INTERRUPTED = """
import signal, sys, time
from pathlib import Path
import numpy as np
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it from birth
with VideoEncoder(Path(sys.argv[1]), width=80, height=48, fps=24, coding=film_coding("ffv1", 7)) as video:
    video.write(np.full((5, 48, 80, 3), 7, np.uint8))
    try:
        print("ready", flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        time.sleep(0.2)
        video.write(np.full((5, 48, 80, 3), 9, np.uint8))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals a process group")
def test_ctrl_c_leaves_the_file_to_us(tmp_path: Path) -> None:
    """Ctrl-C reaches every process of the terminal's group; the film so far must still be finished."""
    path = tmp_path / "film.mkv"
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, path],
        stdout=subprocess.PIPE,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        os.killpg(child.pid, signal.SIGINT)
    assert child.returncode == 0
    assert decoded(path)[:, 0, 0, 0].tolist() == [7] * 5 + [9] * 5


def test_the_comment_travels_along(tmp_path: Path, static: Frames) -> None:
    from skyreels_cli.media.comment import read_comment

    recipe = json.dumps({"prompt": 'a ball; b=c # d \\ "e" 雪 é 🎬\n' * 400, "seed": 1}, ensure_ascii=False)
    assert len(recipe.encode()) > 15_000
    encode(tmp_path / "film.mkv", static, "ffv1", comment=recipe)
    assert read_comment(tmp_path / "film.mkv") == recipe
    assert np.array_equal(decoded(tmp_path / "film.mkv"), static)


PRIORITIES = """
import os, sys, threading
from pathlib import Path
import numpy as np
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder

policies = []
with VideoEncoder(Path(sys.argv[1]), width=64, height=64, fps=24, coding=film_coding(sys.argv[2], 7)) as video:
    for _ in range(3):
        video.write(np.zeros((8, 64, 64, 3), dtype=np.uint8))
        policies += [os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")]
started = threading.Thread(target=lambda: policies.append(os.sched_getscheduler(0)))
started.start()
started.join()
print(len(policies), set(policies), os.sched_getscheduler(0))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists the threads of a process")
@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "ffv1"])
def test_no_encoder_puts_itself_before_everything_else(tmp_path: Path, codec: str) -> None:
    """SVT-AV1 asks for real-time priority, which root is given, for itself and for the thread that opens it."""
    command = [sys.executable, "-c", PRIORITIES, str(tmp_path / "film.mkv"), codec]
    count, said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(" ", 1)
    assert said == f"{{{os.SCHED_OTHER}}} {os.SCHED_OTHER}\n"
    assert int(count) > 3
