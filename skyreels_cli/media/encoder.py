"""Frames into ffmpeg as they appear, so that memory is flat in the length of the film."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.media.codecs import encoder_arguments
from skyreels_cli.media.comment import fits_comment, write_comment
from skyreels_cli.media.ffmpeg import QUIET, disk_is_full, ffmpeg_exe, reason

# Ctrl-C in a terminal goes to the whole process group; in a group of its own ffmpeg lives until we decide.
OWN_GROUP: dict[str, Any] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    if sys.platform == "win32"
    else {"start_new_session": True}
)


class VideoEncoder:
    """A video file being written; use it as a context manager, which aborts if an exception passes through.

    The container follows the suffix of `path`; a missing folder is made, an existing file replaced.
    `quality` is 0-10 (`media.codecs`), `comment` goes into the comment tag, `frames` counts what was written.
    `options` are ffmpeg's own, in place of codec and quality.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: int | Fraction,
        codec: str = "h264",
        quality: float = 7.0,
        comment: str | None = None,
        options: Sequence[str] | None = None,
    ) -> None:
        self.path = path
        self.frames = 0
        self._shape = (height, width, 3)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._scratch = tempfile.TemporaryDirectory(prefix="skyreels-")
        scratch = Path(self._scratch.name)
        self._stderr: IO[bytes] = (scratch / "stderr").open("w+b")  # unlike a pipe, a file cannot block ffmpeg
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-framerate", str(fps)]
        tags = ["-map_metadata", "-1"]
        if comment is not None and fits_comment(comment, path):
            metadata = write_comment(comment, scratch)
            tags = ["-f", "ffmetadata", "-i", f"file:{metadata}", "-map_metadata", "1"]
        coding = options or encoder_arguments(codec, quality, path.suffix.lower())
        output = [*coding, "-y", f"file:{path}"]
        self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
            [ffmpeg_exe(), *QUIET, *source, "-i", "pipe:0", *tags, "-map", "0:v", *output],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            env=os.environ | {"SVT_LOG": "1"},  # SVT-AV1 reports its settings as errors otherwise
            **OWN_GROUP,
        )

    def write(self, frames: npt.NDArray[np.uint8]) -> None:
        """Append RGB frames of shape (n, height, width, 3)."""
        if frames.dtype != np.uint8 or frames.shape[1:] != self._shape:
            raise ValueError(f"frames are {frames.dtype} {frames.shape}, not uint8 (n, {self._shape})")
        process = self._running()
        assert process.stdin is not None  # Popen was given a pipe
        try:
            process.stdin.write(np.ascontiguousarray(frames).data)
        except OSError as error:
            raise self._failure() from error
        self.frames += len(frames)

    def close(self) -> None:
        """Wait until the file is complete; SkyreelsError `encode-failed` or `disk-full` if it cannot be."""
        if self._process is None:
            return
        try:
            self._process.communicate()
        except BaseException:
            self.abort()
            raise
        if self._process.returncode:
            raise self._failure()
        self._release()

    def abort(self) -> None:
        """Kill ffmpeg and remove the file; what is already closed stays."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._release()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ValueError(f"the encoder of {self.path} is closed")
        return self._process

    def _failure(self) -> SkyreelsError:
        """What ffmpeg said when it gave up, after cleaning up behind it."""
        process = self._running()
        process.wait()
        self._stderr.seek(0)
        stderr = self._stderr.read()
        self.abort()
        if disk_is_full(stderr):
            message = f"the disk became full while writing {self.path}"
            return SkyreelsError("disk-full", message, f"df -h {quote(str(self.path.parent))}")
        message = f"ffmpeg could not write {self.path} (exit code {process.returncode}): {reason(stderr)}"
        return SkyreelsError("encode-failed", message, "--codec h264")

    def _release(self) -> None:
        self._process = None
        self._stderr.close()
        self._scratch.cleanup()
