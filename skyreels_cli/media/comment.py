"""The `comment` tag of a video, where its recipe lives: `©cmt` in mp4 and mov, `COMMENT` in mkv and webm."""

from __future__ import annotations

from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.media.video import opened

MOV_LIMIT = 2**16 - 1
"""mov counts a text's bytes in 16 bits, and FFmpeg cuts off the rest without a word (measured with 9.0.2)."""


def fits_comment(comment: str, path: Path) -> bool:
    """Whether a file of this name can hold all of it; a recipe that was cut off is worse than none."""
    return path.suffix.lower() != ".mov" or len(comment.encode("utf-8")) <= MOV_LIMIT


def read_comment(path: Path) -> str | None:
    """The comment of a video exactly as it was written; None if there is none or the file is no video."""
    try:
        with opened(path) as container:
            tags = {name.lower(): text for name, text in container.metadata.items()}
    except UsageError:
        return None
    return tags.get("comment")
