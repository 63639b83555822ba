"""Colours of pictures: whatever they are coded in, they arrive as sRGB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from skyreels_cli.errors import UsageError
from skyreels_cli.media.image import read_image

SEEN = (221, 42, 39)
"""A red that both sRGB and Display P3 can show."""


def display_p3() -> bytes:
    """A profile with the primaries of Display P3 and the curve of sRGB: that of sRGB, with other columns."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    columns = {
        "rXYZ": (0.51512, 0.24120, -0.00105),
        "gXYZ": (0.29198, 0.69225, 0.04189),
        "bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for name, values in columns.items():
        entry = profile.index(name.encode())
        at = int.from_bytes(profile[entry + 4 : entry + 8], "big") + 8
        for n, value in enumerate(values):
            profile[at + 4 * n : at + 4 * n + 4] = round(value * 65536).to_bytes(4, "big", signed=True)
    return bytes(profile)


def p3_of(srgb: tuple[int, int, int]) -> tuple[int, ...]:
    """An sRGB colour in Display P3, by the formulas of both (IEC 61966-2-1, SMPTE RP 431-2)."""
    v = np.array(srgb) / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    to_p3 = np.array([[0.822462, 0.177538, 0], [0.033194, 0.966806, 0], [0.017083, 0.072397, 0.910520]])
    wide = to_p3 @ linear
    return tuple(
        np.round(255 * np.where(wide <= 0.0031308, 12.92 * wide, 1.055 * wide ** (1 / 2.4) - 0.055)).astype(int)
    )


def read(path: Path) -> np.ndarray:
    return read_image(path, 8, 8).astype(int)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_the_profile_of_a_phone_is_applied(tmp_path: Path, name: str) -> None:
    image = Image.new("RGB", (8, 8), p3_of(SEEN))
    assert np.abs(np.array(p3_of(SEEN)) - SEEN).max() > 15  # dull, if nobody looks at the profile
    image.save(tmp_path / name, icc_profile=display_p3(), **({"quality": 100} if name in ("a.jpg", "a.webp") else {}))
    assert np.abs(read(tmp_path / name) - SEEN).max() <= 3


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_it_is_with_transparency_and_palettes_too(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (*p3_of(SEEN), 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    image = image if mode == "RGBA" else image.quantize(8)
    image.save(tmp_path / "a.png", icc_profile=display_p3())
    assert (read(tmp_path / "a.png")[:, :4] == 255).all()
    assert np.abs(read(tmp_path / "a.png")[:, 4:] - SEEN).max() <= 3


def test_a_profile_for_colours_is_left_out_of_grey(tmp_path: Path) -> None:
    Image.new("L", (8, 8), 128).save(tmp_path / "a.png", icc_profile=display_p3())
    assert (read(tmp_path / "a.png") == 128).all()


def test_a_broken_profile_is_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), SEEN).save(tmp_path / "a.png", icc_profile=b"no profile" * 20)
    assert (read(tmp_path / "a.png") == SEEN).all()


@pytest.mark.parametrize("depth", ["<u2", ">u2"])
def test_16_bit_grey(tmp_path: Path, depth: str) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    assert np.abs(read(tmp_path / "a.png")[..., 0] - ramp / 257).max() <= 1


def test_16_bit_colour(tmp_path: Path) -> None:
    from tests.second_reader import ffmpeg

    ffmpeg("-f", "lavfi", "-i", "color=c=0xDD2A27:s=8x8", "-frames:v", 1, "-pix_fmt", "rgb48be", tmp_path / "a.png")
    assert np.abs(read(tmp_path / "a.png") - SEEN).max() <= 2


@pytest.mark.parametrize(
    ("mode", "value", "seen"),
    [("L", 77, (77, 77, 77)), ("LA", (77, 255), (77, 77, 77)), ("LA", (77, 0), (255, 255, 255)), ("1", 1, (255,) * 3)],
)
def test_grey(tmp_path: Path, mode: str, value: object, seen: tuple[int, int, int]) -> None:
    Image.new(mode, (8, 8), value).save(tmp_path / "a.png")  # type: ignore[arg-type]
    assert (read(tmp_path / "a.png") == seen).all()


def test_cmyk(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    assert np.abs(read(tmp_path / "a.jpg") - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("form", ["gif", "png", "webp"])
def test_of_a_moving_picture_it_is_the_first_frame(tmp_path: Path, form: str) -> None:
    frames = [Image.new("RGB", (8, 8), (200, 60 * n, 0)) for n in range(3)]
    frames[0].save(tmp_path / f"a.{form}", save_all=True, append_images=frames[1:], duration=100)
    assert np.abs(read(tmp_path / f"a.{form}") - (200, 0, 0)).max() <= 4


def test_a_torn_picture_is_refused_in_one_line(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for form in ("png", "jpg", "webp"):
        whole = tmp_path / f"whole.{form}"
        Image.fromarray(noise).save(whole)
        (tmp_path / f"torn.{form}").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        with pytest.raises(UsageError) as error:
            read_image(tmp_path / f"torn.{form}", 8, 8)
        assert error.value.code == "image-unreadable"
        assert "\n" not in error.value.message
