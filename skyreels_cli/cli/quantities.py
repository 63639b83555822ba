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


def frames_of_run(first_frame: int, frames: int, count: int) -> str:
    """The frames of `count` windows of so many frames: `98–177`, `98–3537 (80 each)`."""
    whole = frame_range(first_frame, count * frames)
    return whole if count == 1 else f"{whole} ({frames} each)"


def window_numbers(index: int, count: int) -> str:
    """The numbers of `count` windows, counted from 1: `2`, `3–44`."""
    return str(index + 1) if count == 1 else f"{index + 1}–{index + count}"
