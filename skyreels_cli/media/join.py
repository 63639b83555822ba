"""Pieces of a film into one file without encoding them again."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from shlex import quote

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.media.comment import fits_comment, write_comment
from skyreels_cli.media.encoder import OWN_GROUP
from skyreels_cli.media.ffmpeg import QUIET, disk_is_full, ffmpeg_exe, reason
from skyreels_cli.media.reader import probe


def piece_suffix(codec: str) -> str:
    """The container for pieces: mp4, or NUT for ffv1, which mp4 cannot hold and Matroska times in whole ms."""
    return ".nut" if codec == "ffv1" else ".mp4"


def join_pieces(pieces: Sequence[Path], output: Path, frames: int, comment: str) -> None:
    """Write the finished film, with its comment; SkyreelsError `join-failed` unless all frames are in it."""
    copy_pieces(pieces, output, comment)
    found = probe(output).frames
    if found != frames:
        raise SkyreelsError("join-failed", f"the joined film has {found} frames instead of {frames}")


def copy_pieces(pieces: Sequence[Path], output: Path, comment: str | None = None) -> None:
    """One file from pieces of one codec, size and rate, frames untouched; the container follows its suffix."""
    with tempfile.TemporaryDirectory(prefix="skyreels-") as scratch:
        tags = ["-map_metadata", "-1"]
        if comment is not None and fits_comment(comment, output):
            tags = ["-f", "ffmetadata", "-i", f"file:{write_comment(comment, Path(scratch))}", "-map_metadata", "1"]
        copy_streams([*concat_input(pieces, Path(scratch)), *tags, "-map", "0:v"], output)


def copy_streams(arguments: Sequence[str], output: Path) -> None:
    """Run ffmpeg from these inputs and maps to a file, encoding nothing; SkyreelsError `join-failed`, `disk-full`."""
    faststart = ["-movflags", "+faststart"] if output.suffix.lower() in (".mp4", ".mov") else []
    command = [ffmpeg_exe(), *QUIET, *arguments, "-c", "copy", *faststart, "-y", f"file:{output}"]
    run = subprocess.run(command, capture_output=True, check=False, **OWN_GROUP)
    if disk_is_full(run.stderr):
        message = f"the disk became full while writing {output}"
        raise SkyreelsError("disk-full", message, f"df -h {quote(str(output.parent))}")
    if run.returncode:
        raise SkyreelsError("join-failed", f"ffmpeg could not join the film's pieces: {reason(run.stderr)}")


def concat_input(
    pieces: Sequence[Path], scratch: Path, durations: Sequence[Fraction | None] | None = None
) -> list[str]:
    """The pieces, one after another, as one input of ffmpeg; `durations` in seconds where a file's own is not right."""
    listing = scratch / "pieces.txt"
    lines = []
    for piece, duration in zip(pieces, durations or [None] * len(pieces), strict=True):
        name = str(piece.absolute()).replace("'", r"'\''")
        lines.append(f"file 'file:{name}'\n")
        if duration is not None:
            lines.append(f"duration {float(duration):.6f}\n")
    listing.write_text("".join(lines), encoding="utf-8")
    return ["-f", "concat", "-safe", "0", "-i", str(listing)]
