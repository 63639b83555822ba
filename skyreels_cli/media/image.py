"""Pictures from disk, upright, opaque and fitted to the film."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from skyreels_cli.errors import UsageError, did_you_mean

BACKGROUND = "white"
"""What shows through a transparent picture."""


def read_image(path: Path, width: int, height: int) -> npt.NDArray[np.uint8]:
    """RGB of shape (height, width, 3): cropped about its centre to that aspect, then resized (Lanczos).

    As in the reference; a picture of exactly this size is not changed. Raises UsageError `image-not-found` or
    `image-unreadable`.
    """
    image = _crop(_open(path), width, height)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.array(image)


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) as seen, EXIF orientation applied; reads all of it, so that damage is found early."""
    return _open(path).size


def _open(path: Path) -> Image.Image:
    """The upright RGB picture."""
    try:
        with Image.open(path) as file:
            return _opaque(ImageOps.exif_transpose(file))
    except FileNotFoundError as error:
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        near = did_you_mean(path.name, siblings)
        hint = f"ls {quote(str(path.parent))}"
        raise UsageError("image-not-found", f"there is no image {path}{near}", hint) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        message = f"{path} cannot be read as an image: {error}"
        raise UsageError("image-unreadable", message, "--image FILE.png or FILE.jpg") from error


def _opaque(image: Image.Image) -> Image.Image:
    """RGB with transparency flattened and 16-bit grey scaled down (Pillow itself clips it to white)."""
    if image.mode.startswith("I"):
        levels = np.asarray(image, dtype=np.float32) / 257
        return Image.fromarray(levels.round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    canvas = Image.new("RGBA", image.size, BACKGROUND)
    return Image.alpha_composite(canvas, image.convert("RGBA")).convert("RGB")


def _crop(image: Image.Image, width: int, height: int) -> Image.Image:
    """The centred part with the aspect of width x height; edges between two pixels go to the even one (Pillow's rule).

    As in the reference, so that the part may be a pixel wider or narrower than the exact one.
    """
    across, down = image.size
    if down * width > across * height:
        down = max(1, int(across * height / width))
    else:
        across = max(1, int(down * width / height))
    edges = ((image.width - across) / 2, (image.height - down) / 2, (image.width + across) / 2, (image.height + down) / 2)
    return image.crop(edges)  # type: ignore[arg-type] # it rounds them
