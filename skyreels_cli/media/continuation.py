"""New frames behind a video: its stream and its sound are copied packet by packet, and the result is checked."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.media.comment import fits_comment, write_comment
from skyreels_cli.media.encoder import OWN_GROUP
from skyreels_cli.media.ffmpeg import QUIET, ffmpeg_exe, reason
from skyreels_cli.media.footage import Footage
from skyreels_cli.media.join import concat_input, copy_streams
from skyreels_cli.media.matching import reencoding_options
from skyreels_cli.media.tail import tail_hashes
from skyreels_cli.media.timing import file_times, frame_times

MICROSECONDS = 10**6
COMPARED_FRAMES = 17
"""Frames before the join that are decoded from the video and from the result, and must be the same."""


def join_behind(
    footage: Footage, sound: Footage, pieces: Sequence[tuple[Path, int]], output: Path, comment: str
) -> None:
    """Write the footage and, behind it, the pieces (file, frames); sound and other tags come from `sound`, unchanged.

    Raises SkyreelsError `join-failed` if the result is not, frame for frame, the one and then the others.
    """
    with tempfile.TemporaryDirectory(prefix="skyreels-") as scratch:
        listed, start = _concatenated(footage, pieces, Path(scratch))
        tags = ["-map_metadata", "1"]
        if fits_comment(comment, output):
            written = write_comment(comment, Path(scratch))
            tags = ["-f", "ffmetadata", "-i", f"file:{written}", "-map_metadata", "2", "-map_metadata", "1"]
        shift = float(sound.times.first * sound.times.time_base - start)
        inputs = ["-itsoffset", f"{shift:.6f}", *listed, "-i", f"file:{sound.path}"]
        copy_streams([*inputs, *tags, "-map", "0:v", "-map", "1:a?"], output)
    if problem := _find_problem(footage, pieces, output):
        raise _failed(footage, problem)


def reencode(footage: Footage, path: Path, codec: str, quality: float) -> None:
    """Encode a video's pictures once more, upright, into a form that new frames can follow."""
    options = reencoding_options(footage, codec, quality)
    source = ["-i", f"file:{footage.path}", "-map", "0:v:0"]
    command = [ffmpeg_exe(), *QUIET, *source, *options, "-y", f"file:{path}"]
    run = subprocess.run(command, capture_output=True, check=False, **OWN_GROUP)
    if run.returncode:
        message = f"ffmpeg could not encode {footage.path} once more: {reason(run.stderr)}"
        raise SkyreelsError("encode-failed", message, "--codec h264")


def _concatenated(footage: Footage, pieces: Sequence[tuple[Path, int]], scratch: Path) -> tuple[list[str], Fraction]:
    """All files as one input of ffmpeg, and when the first frame is shown in it.

    ffmpeg begins the second file where the first one's longest stream ends, or as long after its earliest packet as
    it is told, and either may be sound; so the gap it leaves is measured and closed.
    """
    files = [footage.path, *(piece for piece, _ in pieces)]
    lengths = [count / footage.fps for _, count in pieces]
    end = footage.times.seconds(-1) + 1
    trial = frame_times(concat_input(files[:2], scratch, [end, None]))
    if trial is None:
        raise _failed(footage, "they cannot be read one after the other")
    gap = (trial.ticks[footage.frames] - trial.ticks[footage.frames - 1]) * trial.time_base
    return concat_input(files, scratch, _rounded(end - gap + 1 / footage.fps, lengths)), trial.first * trial.time_base


def _rounded(first: Fraction, others: Sequence[Fraction]) -> list[Fraction]:
    """Durations in whole microseconds, in which ffmpeg takes them, with no error that grows."""
    ends = [Fraction(round(end * MICROSECONDS), MICROSECONDS) for end in accumulate([first, *others])]
    return [ends[0], *(later - earlier for earlier, later in pairwise(ends))]


def _failed(footage: Footage, why: str) -> SkyreelsError:
    return SkyreelsError("join-failed", f"new frames could not be joined to {footage.path}: {why}")


def _find_problem(footage: Footage, pieces: Sequence[tuple[Path, int]], joined: Path) -> str | None:
    """Compare number, times and content of the frames around the join and behind it."""
    times = file_times(joined)
    new = sum(count for _, count in pieces)
    if times is None or len(times.ticks) != footage.frames + new:
        return f"{len(times.ticks) if times else 0} frames came out, {footage.frames} and {new} went in"
    if not times.steady(footage.fps, since=footage.frames - 1, share=1):
        return "the frames do not follow each other at an even pace"
    old = min(COMPARED_FRAMES, footage.frames)
    expected = tail_hashes(footage.path, footage.times, old)
    for piece, count in pieces:
        piece_times = file_times(piece)
        expected += tail_hashes(piece, piece_times, count) if piece_times else []
    return None if tail_hashes(joined, times, old + new) == expected else "decoded frames differ"
