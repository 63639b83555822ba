"""Numbers as people read them."""

from __future__ import annotations


def byte_size(size: float) -> str:
    """Bytes as `8.1 GB`, `740 MB` or `1 kB`, in powers of ten as disks and GPUs are sold."""
    if size >= 0.95e9:
        return f"{size / 1e9:,.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 0.95e6 else f"{size / 1e3:.0f} kB"


def clock(seconds: float) -> str:
    """Seconds as `0:27` or `1:45:10`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def frame_range(first_frame: int, frames: int) -> str:
    """A stretch of the film, counted from 1 as people do: `98–177`."""
    return f"{first_frame + 1}–{first_frame + frames}"
