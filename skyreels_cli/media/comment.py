"""The `comment` tag of a video, where its recipe lives: `©cmt` in mp4 and mov, `COMMENT` in mkv and webm."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from skyreels_cli.media.ffmpeg import QUIET, ffmpeg_exe

ESCAPED = re.compile(r"([=;#\\\r\n])")


MOV_LIMIT = 2**16 - 1
"""mov counts a text's bytes in 16 bits, and ffmpeg cuts off the rest without a word (measured with 9.0.2)."""


def fits_comment(comment: str, path: Path) -> bool:
    """Whether a file of this name can hold all of it; a recipe that was cut off is worse than none."""
    return path.suffix.lower() != ".mov" or len(comment.encode("utf-8")) <= MOV_LIMIT


def write_comment(comment: str, folder: Path) -> Path:
    """An ffmetadata file for ffmpeg to read: command lines are too short for a recipe (32 KiB on Windows)."""
    path = folder / "comment.ffmetadata"
    text = ";FFMETADATA1\ncomment=" + ESCAPED.sub(r"\\\1", comment) + "\n"
    path.write_bytes(text.encode("utf-8"))
    return path


def read_comment(path: Path) -> str | None:
    """The comment of a video exactly as it was written; None if there is none or the file is no video."""
    found = subprocess.run(
        [ffmpeg_exe(), *QUIET, "-i", f"file:{path}", "-f", "ffmetadata", "-"],
        capture_output=True,
        check=False,
    )
    text = found.stdout.decode("utf-8", "replace")
    tag = re.search(r"^comment=((?:\\.|[^\\\n])*)", text, re.MULTILINE | re.IGNORECASE | re.DOTALL)
    return re.sub(r"\\(.)", r"\1", tag[1], flags=re.DOTALL) if tag else None
