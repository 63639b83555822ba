"""What a video that a film goes on with means for what was said: some of it the video decides, some it answers."""

from __future__ import annotations

import json
from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.media.codecs import CONTAINERS
from skyreels_cli.media.comment import read_comment
from skyreels_cli.media.companions import misfits
from skyreels_cli.recipe.rate import rate_number
from skyreels_cli.recipe.schema import Draft, Recipe


def check_video_options(typed: Draft) -> None:
    """Refuse what was typed and would have no effect."""
    if typed.video and typed.aspect:
        message = "--aspect: the film keeps the shape of the video that it goes on with"
        raise UsageError("usage", message, "leave out --aspect")
    if typed.reference_count is not None and not typed.video:
        message = "--reference-count counts frames that are taken over from a video, and there is none"
        raise UsageError("usage", message, "skyreels extend VIDEO --reference-count")


def check_video_rate(typed: Draft, recipe: Recipe) -> None:
    """Refuse another frame rate than the video's."""
    if recipe.video and typed.fps and typed.fps != recipe.fps:
        own = rate_number(recipe.fps)
        message = f"--fps {rate_number(typed.fps)}: the film keeps the rate of the video that it goes on with, {own}"
        raise UsageError("usage", message, "leave out --fps")


def lost_streams(recipe: Recipe, output: Path) -> list[str]:
    """A note about what comes with the video and the finished film cannot hold."""
    lost = misfits(Path(recipe.video), output, ("subtitle", "attachment")) if recipe.video else []
    return (
        [f"{output.suffix} cannot hold what comes with the video: {', '.join(lost)} (-o FILE.mkv can)"] if lost else []
    )


def prompt_of_video(draft: Draft) -> str | None:
    """The prompt that a video of ours was made with, where the draft has none; None if there is no such video."""
    if draft.prompt or not draft.video:
        return None
    try:
        return str(json.loads(read_comment(Path(draft.video).expanduser()) or "")["recipe"]["prompt"])
    except (ValueError, KeyError, TypeError):
        return None


def like_video(output: Path, recipe: Recipe) -> Path:
    """The default name in the container of the video, if that can hold the film's codec."""
    suffix = Path(recipe.video).suffix.lower() if recipe.video else output.suffix
    return output.with_suffix(suffix) if recipe.codec in CONTAINERS.get(suffix, ()) else output


def video_bytes(recipe: Recipe) -> int:
    """Disk for the video that a film goes on with: in the finished file, and encoded once more if need be."""
    return 2 * Path(recipe.video).stat().st_size if recipe.video else 0
