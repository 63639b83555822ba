"""New frames behind videos of many kinds: nothing doubled, nothing missing, the old stream and the sound untouched."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.comment import read_comment
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.join import join_behind, piece_suffix
from skyreels_cli.media.matching import can_be_followed, following_coding, reencode
from skyreels_cli.media.reader import read_tail
from skyreels_cli.media.video import Video, steady_video
from tests.second_reader import Frames, description, ffmpeg, frame_hashes, hashes, program_version, sound_hash

SIZE = (80, 48)
LOSSLESS = ["-c:v", "ffv1", "-level", "3", "-g", "1", "-slicecrc", "1", "-pix_fmt", "bgr0"]
STREAMS = {
    "ours.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p"],
    "main_profile.mov": ["-c:v", "libx264", "-profile:v", "main", "-bf", "0", "-pix_fmt", "yuv420p"],
    "one_b_frame.mkv": ["-c:v", "libx264", "-x264-params", "b-pyramid=none", "-pix_fmt", "yuv420p"],
    "ten_bit.mkv": ["-c:v", "libx264", "-pix_fmt", "yuv422p10le"],
    "phone.mp4": ["-c:v", "libx265", "-x265-params", "log-level=error:ctu=32:bframes=0", "-tag:v", "hvc1"],
    "av1.mp4": ["-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p"],
    "transport.ts": ["-c:v", "libx264", "-pix_fmt", "yuv420p"],
    "lossless.mkv": LOSSLESS,
}


def make(path: Path, *coding: str, rate: str = "30", frames: int = 40) -> Path:
    """A video with sound that ends before it does."""
    picture = ("-f", "lavfi", "-i", f"testsrc2=s={SIZE[0]}x{SIZE[1]}:r={rate}")
    ffmpeg(*picture, "-f", "lavfi", "-i", "sine=d=1", "-frames:v", frames, *coding, "-c:a", "aac", path)
    return path


def follow(video: Video, sound: Video, waves: Frames, output: Path) -> list[Path]:
    """Put 12 and 8 frames behind a video."""
    pieces = []
    for name, part in (("a", waves[:12]), ("b", waves[12:])):
        piece = output.parent / f"{name}{piece_suffix(video.codec)}"
        coding = following_coding(video, SIZE, SIZE, 7)
        with VideoEncoder(piece, width=SIZE[0], height=SIZE[1], fps=video.fps, coding=coding) as encoder:
            encoder.write(part)
        pieces.append((piece, len(part)))
    join_behind(video, sound, pieces, output, '{"a": "=;"}')
    return [piece for piece, _ in pieces]


@pytest.mark.parametrize("name", STREAMS)
def test_the_stream_and_the_sound_are_copied(name: str, tmp_path: Path, waves: Frames) -> None:
    if name.endswith(".ts") and program_version() == "7.0.2-static":
        pytest.skip("this build of the second reader crashes on any transport stream")
    video = steady_video(make(tmp_path / name, *STREAMS[name]))
    assert can_be_followed(video, video.codec)
    output = tmp_path / f"out{'.mp4' if name.endswith('.ts') else video.path.suffix}"
    pieces = follow(video, video, waves, output)
    new = [line for piece in pieces for line in frame_hashes(piece)]
    assert len(new) == 20
    assert frame_hashes(output) == frame_hashes(video.path) + new
    if not name.endswith(".ts"):  # mp4 leaves out the frame headers that a transport stream needs
        assert sound_hash(output) == sound_hash(video.path)
    joined = steady_video(output)
    assert (joined.fps, joined.width, joined.height) == (30, *SIZE)
    assert read_comment(output) == '{"a": "=;"}'
    assert near(read_tail(joined, 20, *SIZE), waves) < 3.5


def near(frames: npt.NDArray[np.uint8], others: Frames) -> float:
    return float(np.abs(frames.astype(int) - others).mean())


def test_a_film_of_ours_goes_on_under_its_own_headers(tmp_path: Path, waves: Frames) -> None:
    """Players that read headers only from the beginning of an mp4 file show the new frames too."""
    film = tmp_path / "film.mp4"
    with VideoEncoder(film, width=SIZE[0], height=SIZE[1], fps=24, coding=film_coding("h264", 7)) as encoder:
        encoder.write(waves)
    video = steady_video(film)
    pieces = follow(video, video, waves, tmp_path / "out.mp4")
    headers = [hashes(path, "-map", "0:v", "-c", "copy", "-f", "framecrc", "-") for path in (film, *pieces)]
    assert all(header[0] == headers[0][0] for header in headers)


@pytest.mark.parametrize("rate", ["30", "24000/1001", "12.5"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_every_frame_has_its_time(rate: str, suffix: str, tmp_path: Path, waves: Frames) -> None:
    video = steady_video(make(tmp_path / f"in{suffix}", *STREAMS["ours.mp4"], rate=rate))
    follow(video, video, waves, tmp_path / f"out{suffix}")
    joined = steady_video(tmp_path / f"out{suffix}")
    assert joined.fps == video.fps == Fraction(rate)
    tick = joined.times.time_base
    assert joined.times.seconds(0) == video.times.seconds(0)
    assert all(abs(joined.times.seconds(n) - n / Fraction(rate)) <= 1.5 * tick for n in range(60))


def test_lossless_frames_arrive_unchanged(tmp_path: Path, static: Frames) -> None:
    video = steady_video(make(tmp_path / "in.mkv", *LOSSLESS))
    follow(video, video, np.concatenate([static] * 3)[:20], tmp_path / "out.mkv")
    last = read_tail(steady_video(tmp_path / "out.mkv"), 7, *SIZE)
    assert np.array_equal(last, [static[6], *static[:6]])


def test_a_turned_video_stays_turned(tmp_path: Path, waves: Frames) -> None:
    make(tmp_path / "wide.mp4", *STREAMS["ours.mp4"])
    ffmpeg("-display_rotation", 90, "-i", tmp_path / "wide.mp4", "-c", "copy", tmp_path / "tall.mp4")
    video = steady_video(tmp_path / "tall.mp4")
    upright = np.ascontiguousarray(np.rot90(waves, axes=(1, 2)))
    piece = tmp_path / "piece.mp4"
    coding = following_coding(video, (48, 80), (48, 80), 7)
    with VideoEncoder(piece, width=48, height=80, fps=30, coding=coding) as encoder:
        encoder.write(upright)
    join_behind(video, video, [(piece, 20)], tmp_path / "out.mp4", "")
    joined = steady_video(tmp_path / "out.mp4")
    assert (joined.orientation, joined.shown_size) == (video.orientation, (48, 80))
    assert frame_hashes(joined.path)[:40] == frame_hashes(video.path)
    assert near(read_tail(joined, 20, 48, 80), upright) < 3.5


@pytest.mark.parametrize(
    ("name", "coding", "codec"),
    [
        ("old.avi", ["-c:v", "mpeg4"], "h264"),
        ("strange.mkv", ["-c:v", "ffv1", "-coder", "range_tab", "-pix_fmt", "yuv420p"], "ffv1"),
        ("moving.mkv", ["-c:v", "libvpx-vp9", "-deadline", "realtime"], "h264"),
    ],
)
def test_what_cannot_be_followed_is_encoded_once_more(
    name: str, coding: list[str], codec: str, tmp_path: Path, waves: Frames
) -> None:
    video = steady_video(make(tmp_path / name, *coding))
    again = tmp_path / ("again.mkv" if codec == "ffv1" else "again.mp4")
    reencode(video, again, codec, 7)
    source = steady_video(again)
    assert (source.frames, source.fps, source.codec) == (40, 30, codec)
    pieces = follow(source, video, waves, tmp_path / "out.mkv")
    expected = frame_hashes(again) + [line for piece in pieces for line in frame_hashes(piece)]
    assert frame_hashes(tmp_path / "out.mkv") == expected
    assert sound_hash(tmp_path / "out.mkv") == sound_hash(video.path)
    if codec == "ffv1":
        assert frame_hashes(again) == frame_hashes(video.path)


def test_odd_sides_lose_a_row_where_the_codec_needs_even_ones(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=81x49:r=10", "-frames:v", 6, tmp_path / "odd.gif")
    reencode(steady_video(tmp_path / "odd.gif"), tmp_path / "even.mp4", "h264", 7)
    assert steady_video(tmp_path / "even.mp4").shown_size == (80, 48)
    reencode(steady_video(tmp_path / "odd.gif"), tmp_path / "odd.mkv", "ffv1", 7)
    assert steady_video(tmp_path / "odd.mkv").shown_size == (81, 49)


def test_a_join_that_went_wrong_is_found(tmp_path: Path, waves: Frames) -> None:
    video = steady_video(make(tmp_path / "in.mkv", "-c:v", "ffv1", "-level", "1", "-pix_fmt", "yuv420p"))
    with pytest.raises(SkyreelsError) as error:
        follow(video, video, waves, tmp_path / "out.mkv")
    assert error.value.code == "join-failed"


def test_other_tags_stay(tmp_path: Path, waves: Frames) -> None:
    make(tmp_path / "in.mp4", *STREAMS["ours.mp4"])
    tags = ("-metadata", "title=My Cat", "-metadata", "comment=old")
    ffmpeg("-i", tmp_path / "in.mp4", "-c", "copy", *tags, tmp_path / "t.mp4")
    video = steady_video(tmp_path / "t.mp4")
    follow(video, video, waves, tmp_path / "out.mp4")
    assert "My Cat" in description(tmp_path / "out.mp4")
    assert read_comment(tmp_path / "out.mp4") == '{"a": "=;"}'
