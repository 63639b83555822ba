"""What `skyreels show` writes with -o: a frame, a contact sheet, its drift, or the film as a small moving picture."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from skyreels_cli.errors import UsageError

if TYPE_CHECKING:
    from skyreels_cli.media.video import Video


def write_picture(
    file: Path, frame: str | None, output: Path | None, *, sheet: bool, plot: bool, overwrite: bool
) -> dict[str, Any]:
    """Write the picture that is asked for; returns what was written.

    Raises UsageError `usage`, `frame-number`, `picture-suffix`, `output-…`, `video-…`.
    """
    from skyreels_cli.media.output import check_output
    from skyreels_cli.media.pictures import MOVING, STILL, check_picture, save_picture, write_moving
    from skyreels_cli.media.video import open_video

    chosen = {"--frame": frame is not None, "--sheet": sheet, "--plot": plot}
    if sum(chosen.values()) > 1:
        message = f"{' and '.join(name for name, said in chosen.items() if said)} are several pictures"
        raise UsageError("usage", message, "say one of them")
    if output is None:
        raise UsageError("usage", "where is the picture to go?", f"-o {quote(file.stem)}.png")
    still = any(chosen.values())
    if not still and output.suffix.lower() in STILL and output.suffix.lower() not in MOVING:
        message = f"{output.name} holds one picture: which one?"
        raise UsageError("usage", message, f"--frame last -o {quote(str(output))} (or --sheet, or --plot)")
    check_picture(output, STILL if still else MOVING)
    check_output(output, overwrite=overwrite)
    video = open_video(file)
    if not still:
        return _written(output, write_moving(video, output))
    save_picture(_picture(video, frame, plot=plot), output)
    return _written(output, 1)


def _written(output: Path, frames: int) -> dict[str, Any]:
    from skyreels_cli.media.image import image_size

    width, height = image_size(output)
    return {"output": str(output), "width": width, "height": height, "frames": frames}


def _number(said: str, video: Video) -> int:
    """The frame that is meant, counted from 0."""
    if said == "last":
        return video.frames - 1
    if not said.isdecimal() or not 1 <= int(said) <= video.frames:
        message = f"--frame {said}: the frames of {video.path} are 1 to {video.frames}, and last"
        raise UsageError("frame-number", message, "--frame last")
    return int(said) - 1


def _picture(video: Video, frame: str | None, *, plot: bool) -> Any:
    from skyreels_cli.cli.show_drift import drift_of, drift_plot
    from skyreels_cli.media.reader import read_frame

    if frame is not None:
        return read_frame(video, _number(frame, video))
    return drift_plot(drift_of(video.path), video.path.name) if plot else _sheet(video)


def _sheet(video: Video) -> Any:
    from skyreels_cli.film.index.frames import telling_frames
    from skyreels_cli.media.pictures import contact_sheet
    from skyreels_cli.media.reader import read_some

    numbers, captions = telling_frames(video)
    return contact_sheet(read_some(video, numbers), captions)
