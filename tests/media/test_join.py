"""Pieces become a film: every frame once, each at its number over the rate, whoever reads it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.media.codecs import CONTAINERS, film_coding
from skyreels_cli.media.comment import read_comment
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.join import Piece, join_pieces, piece_suffix
from skyreels_cli.media.reader import read_frames
from skyreels_cli.media.video import open_video
from tests.second_reader import Frames, frame_hashes, picture_times, read_rgb

RATES = [
    Fraction(16), Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30),
    Fraction(50), Fraction(60000, 1001), Fraction(60),
]  # fmt: skip
KINDS = [(codec, suffix) for suffix, codecs in CONTAINERS.items() for codec in codecs]
NOISE: Frames = np.random.default_rng(0).integers(0, 256, (24, 16, 64, 3), dtype=np.uint8)
SMOOTH: Frames = np.linspace(0, 255, 24 * 16 * 64 * 3).reshape(24, 16, 64, 3).astype(np.uint8)
CASES = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def cut(folder: Path, frames: Frames, lengths: list[int], rate: Fraction, codec: str) -> list[Piece]:
    """Pieces of these lengths."""
    pieces, first = [], 0
    for index, length in enumerate(lengths):
        path = folder / f"{index}{piece_suffix(codec)}"
        with VideoEncoder(path, width=64, height=16, fps=rate, coding=film_coding(codec, 7)) as encoder:
            encoder.write(frames[first : first + length])
        pieces.append((path, length))
        first += length
    return pieces


@pytest.mark.parametrize(("codec", "suffix"), KINDS)
@CASES
@given(lengths=st.lists(st.integers(1, 8), min_size=1, max_size=3), rate=st.sampled_from(RATES))
def test_any_split_at_any_rate(tmp_path: Path, codec: str, suffix: str, lengths: list[int], rate: Fraction) -> None:
    frames = (NOISE if codec == "ffv1" else SMOOTH)[: sum(lengths)]
    pieces = cut(tmp_path, frames, lengths, rate, codec)
    film = tmp_path / f"film{suffix}"
    join_pieces(pieces, rate, film, "told")
    assert_even(film, rate, len(frames))
    assert frame_hashes(film) == [line for piece, _ in pieces for line in frame_hashes(piece)]
    by_the_clock = read_rgb(film, 64, 16, "-fps_mode", "cfr", "-r", str(rate))
    ours = np.stack(list(read_frames(film)))
    assert len(by_the_clock) == len(ours) == len(frames)
    if codec == "ffv1":
        assert np.array_equal(ours, frames)
        assert np.array_equal(by_the_clock, frames)
    assert read_comment(film) == "told"


def assert_even(film: Path, rate: Fraction, count: int) -> None:
    """By both readers: the first frame at 0, each at n / rate and the end at count / rate, to the container's tick."""
    tick, shown = picture_times(film)
    assert len(shown) == count
    assert shown[0] == 0
    assert all(abs(at * tick - n / rate) <= tick for n, at in enumerate(shown))
    assert len(set(shown)) == count
    video = open_video(film)
    assert (video.fps, video.frames, video.times.ticks[0]) == (rate, count, 0)
    assert video.times.even(rate)
    assert abs(video.duration_s - count / rate) <= 1.01 * video.times.time_base
    assert abs(duration(film) - count / rate) <= max(1.01 * tick, 0.0011)


def duration(film: Path) -> float:
    """What the file's header says."""
    import av

    with av.open(str(film)) as container:
        assert container.duration is not None
        return container.duration / 1_000_000


def test_the_golden_defect_is_gone(tmp_path: Path) -> None:
    """65 frames of two windows at 24 a second in mkv had 64 times."""
    frames = np.concatenate([NOISE] * 3)[:65]
    join_pieces(cut(tmp_path, frames, [33, 32], Fraction(24), "ffv1"), Fraction(24), tmp_path / "film.mkv")
    assert np.array_equal(read_rgb(tmp_path / "film.mkv", 64, 16, "-fps_mode", "cfr", "-r", 24), frames)


def test_hours_later_frames_are_still_on_time(tmp_path: Path) -> None:
    rate = Fraction(24000, 1001)
    (piece,) = cut(tmp_path, np.concatenate([NOISE] * 10)[:240], [240], rate, "ffv1")
    join_pieces([piece] * 100, rate, tmp_path / "film.mkv")
    assert_even(tmp_path / "film.mkv", rate, 24_000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_names_that_are_bytes_and_lines(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "two\nlines 'b\udce9' %03d"
    folder.mkdir()
    pieces = cut(folder, SMOOTH, [12, 12], Fraction(24), "h264")
    join_pieces(pieces, Fraction(24), folder / f"-film{suffix}")
    assert open_video(folder / f"-film{suffix}").frames == 24


def test_a_piece_that_lacks_frames_is_found(tmp_path: Path) -> None:
    pieces = cut(tmp_path, SMOOTH, [12, 12], Fraction(24), "h264")
    with pytest.raises(SkyreelsError, match=r"25 frames went into .*, and 24 came out") as error:
        join_pieces([pieces[0], (pieces[1][0], 13)], Fraction(24), tmp_path / "film.mp4")
    assert error.value.code == "join-failed"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_full_disk_is_told_from_other_failures(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = cut(tmp_path, SMOOTH, [12, 12], Fraction(24), "h264")
    (tmp_path / f"film{suffix}").symlink_to("/dev/full")
    with pytest.raises(SkyreelsError, match="disk became full") as error:
        join_pieces(pieces, Fraction(24), tmp_path / f"film{suffix}")
    assert error.value.code == "disk-full"


def test_a_full_folder_for_temporary_files_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/dev/full/nowhere")
    pieces = cut(tmp_path, SMOOTH, [12, 12], Fraction(24), "h264")
    join_pieces(pieces, Fraction(24), tmp_path / "film.mp4", "told")
    assert open_video(tmp_path / "film.mp4").frames == 24
