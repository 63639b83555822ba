"""The picture that a text begins with: the first frame, or the last one of the video that the film goes on with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def picture(image: str | Path | None, video: str | Path | None) -> Iterator[Path | None]:
    """A file that is there until the context is left, and None if neither is given.

    Raises UsageError `image-not-found`, `image-unreadable` and those of `open_video`.
    """
    if image:
        from skyreels_cli.media.image import image_size

        image_size(Path(image).expanduser())  # raises what says that it is no picture
        yield Path(image).expanduser()
    elif video:
        with TemporaryDirectory(prefix="skyreels-enhance-") as folder:
            yield _last_frame(Path(video).expanduser(), Path(folder))
    else:
        yield None


def _last_frame(path: Path, folder: Path) -> Path:
    from PIL import Image

    from skyreels_cli.media.reader import read_tail
    from skyreels_cli.media.video import open_video

    video = open_video(path)
    (frame,) = read_tail(video, 1, *video.shown_size)
    Image.fromarray(frame).save(folder / "last.png")
    return folder / "last.png"
