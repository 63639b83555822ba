"""Pictures from disk, upright, opaque, in sRGB and fitted to the film."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

from skyreels_cli.errors import UsageError
from skyreels_cli.media.failure import not_found

BACKGROUND = "white"
"""What shows through a transparent picture."""
SRGB = ImageCms.createProfile("sRGB")


def read_image(path: Path, width: int, height: int) -> npt.NDArray[np.uint8]:
    """RGB of shape (height, width, 3): cropped about its centre to that aspect, then resized (Lanczos).

    As in the reference; a picture of exactly this size is not changed. Raises UsageError `image-not-found` or
    `image-unreadable`. Of a moving picture it is the first frame.
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
        raise not_found(path, "image") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        message = f"{path} cannot be read as an image: {error}"
        raise UsageError("image-unreadable", message, "--image FILE.png or FILE.jpg") from error


def _opaque(image: Image.Image) -> Image.Image:
    """RGB with transparency flattened and 16-bit grey scaled down (Pillow itself clips it to white)."""
    if image.mode.startswith("I"):
        levels = np.asarray(image, dtype=np.float32) / 257
        profile = image.info.get("icc_profile")
        image = Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))
        image.info["icc_profile"] = profile
    if not image.has_transparency_data:
        return _as_srgb(image)
    clear = image.convert("RGBA")
    seen = _as_srgb(clear.convert("RGB") if image.mode == "P" else _without_alpha(image))
    seen.putalpha(clear.getchannel("A"))
    return Image.alpha_composite(Image.new("RGBA", image.size, BACKGROUND), seen).convert("RGB")


def _without_alpha(image: Image.Image) -> Image.Image:
    return image.convert("L" if image.mode in ("LA", "La") else "RGB")


def _as_srgb(image: Image.Image) -> Image.Image:
    """The picture's colours as the profile in it means them; without one, or with a broken one, they are sRGB's."""
    profile = image.info.get("icc_profile")
    image = image if image.mode in ("RGB", "L", "CMYK", "LAB") else image.convert("RGB")
    if not profile:
        return image.convert("RGB")
    try:
        meant = ImageCms.ImageCmsProfile(BytesIO(profile))
        intent = ImageCms.Intent(ImageCms.getDefaultIntent(meant))
        converted = ImageCms.profileToProfile(image, meant, SRGB, renderingIntent=intent, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB")
    assert converted is not None  # only a conversion in place returns nothing
    return converted


def _crop(image: Image.Image, width: int, height: int) -> Image.Image:
    """The centred part with the aspect of width x height; edges between two pixels go to the even one (Pillow's rule).

    As in the reference, so that the part may be a pixel wider or narrower than the exact one.
    """
    across, down = image.size
    if down * width > across * height:
        down = max(1, int(across * height / width))
    else:
        across = max(1, int(down * width / height))
    beside, above = (image.width - across) / 2, (image.height - down) / 2
    edges = (beside, above, beside + across, above + down)
    return image.crop(edges)  # it rounds them
