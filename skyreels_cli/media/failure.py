"""What goes wrong with files of pictures and sound, in one line each."""

from __future__ import annotations

import errno
from pathlib import Path
from shlex import quote

from av import FFmpegError
from av.error import InvalidDataError

from skyreels_cli.errors import SkyreelsError, UsageError, did_you_mean

AS_GIF = "from PIL import Image; Image.open({name!r}).save({name!r} + '.gif', save_all=True)"

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""Disk, file size limit and quota: nothing more can be written."""


def not_found(path: Path, kind: str) -> UsageError:
    """The error `video-not-found` or `image-not-found`, with the name that may have been meant."""
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    message = f"there is no {kind} {path}{did_you_mean(path.name, siblings)}"
    return UsageError(f"{kind}-not-found", message, f"ls {quote(str(path.parent))}")


def unreadable(path: Path, why: object) -> UsageError:
    """The error for a file that makes no sense as a video."""
    if isinstance(why, FFmpegError):
        why = "it is no video, or cut off" if isinstance(why, InvalidDataError) else why.strerror
    message = f"{path} cannot be read as a video: {why}"
    cure = f"copy it again from where it is whole: ls -l {quote(str(path))}"
    if path.suffix.lower() == ".webp":  # FFmpeg reads still ones only
        cure = f"turn it into a GIF: python -c {quote(AS_GIF.format(name=str(path)))}"
    return UsageError("video-unreadable", message, cure)


def unwritable(path: Path, error: Exception, code: str) -> SkyreelsError:
    """The error `disk-full` where that is the reason, else `code`: the libraries' own words for it."""
    if isinstance(error, OSError) and error.errno in FULL:
        message = f"the disk became full while writing {path}"
        return SkyreelsError("disk-full", message, f"df -h {quote(str(path.parent))}")
    why = error.strerror if isinstance(error, FFmpegError | OSError) else error
    return SkyreelsError(code, f"{path} could not be written: {why}")
