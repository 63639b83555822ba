"""Pictures: fitted, upright, opaque, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skyreels_cli.errors import UsageError
from skyreels_cli.media.image import image_size, read_image

GOLDEN = Path(__file__).parents[1] / "golden"
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def saved(path: Path, *stripes: tuple[int, ...], width: int = 10, height: int = 20) -> Path:
    """A picture of vertical stripes, each `width` pixels wide."""
    pixels = np.repeat(np.array([stripes], np.uint8), width, axis=1).repeat(height, axis=0)
    Image.fromarray(pixels).save(path)
    return path


def test_a_picture_of_this_size_is_not_changed() -> None:
    with Image.open(GOLDEN / "first.png") as file:
        pixels = np.asarray(file.convert("RGB"))
    assert image_size(GOLDEN / "first.png") == (80, 48)
    assert np.array_equal(read_image(GOLDEN / "first.png", 80, 48), pixels)


def test_too_wide_is_cropped_about_the_centre(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", RED, GREEN, BLUE, width=20, height=20)
    image = read_image(path, 20, 20)
    assert image.shape == (20, 20, 3)
    assert (image == GREEN).all()


def test_too_high_is_cropped_about_the_centre(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with Image.open(saved(tmp_path / "b.png", RED, GREEN, BLUE, width=20, height=20)) as file:
        file.transpose(Image.Transpose.ROTATE_90).save(path)
    assert (read_image(path, 20, 20) == GREEN).all()


def test_the_crop_is_resized_by_lanczos(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    expected = Image.fromarray(noise[:, 20:180]).resize((80, 48), Image.Resampling.LANCZOS)
    assert np.array_equal(read_image(tmp_path / "a.png", 80, 48), np.asarray(expected))


def test_exif_orientation_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with Image.open(saved(tmp_path / "b.png", RED, GREEN, width=10, height=10)) as file:
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise
        file.save(path, exif=exif)
    assert image_size(path) == (10, 20)
    image = read_image(path, 10, 20)
    assert (image[:10] == RED).all()
    assert (image[10:] == GREEN).all()


@pytest.mark.parametrize(
    ("pixel", "seen"), [((255, 0, 0, 255), RED), ((255, 0, 0, 0), WHITE), ((255, 0, 0, 102), (255, 153, 153))]
)
def test_transparency_shows_white(tmp_path: Path, pixel: tuple[int, ...], seen: tuple[int, ...]) -> None:
    assert (read_image(saved(tmp_path / "a.png", pixel), 10, 20) == seen).all()


def test_a_transparent_palette(tmp_path: Path) -> None:
    image = Image.new("P", (10, 20), 1)
    image.putpalette([*RED, *BLUE])
    image.save(tmp_path / "a.png", transparency=1)
    assert (read_image(tmp_path / "a.png", 10, 20) == WHITE).all()


@pytest.mark.parametrize(
    ("pixels", "seen"),
    [(np.full((20, 10), 40000, np.uint16), round(40000 / 257)), (np.full((20, 10), 77, np.uint8), 77)],
)
def test_grey_of_any_depth(tmp_path: Path, pixels: np.ndarray[tuple[int, int]], seen: int) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png", 10, 20) == seen).all()


def test_missing(tmp_path: Path) -> None:
    saved(tmp_path / "first.png", RED)
    with pytest.raises(UsageError, match=r'did you mean "first.png"') as error:
        image_size(tmp_path / "frist.png")
    assert (error.value.code, error.value.exit_code) == ("image-not-found", 2)
    assert error.value.hint == f"ls {tmp_path}"


def test_unreadable(tmp_path: Path) -> None:
    whole = saved(tmp_path / "whole.png", RED).read_bytes()
    for name, content in (("text.png", b"hello"), ("empty.png", b""), ("cut.png", whole[:-30])):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UsageError, match=name) as error:
            image_size(path)
        assert (error.value.code, error.value.exit_code) == ("image-unreadable", 2)
        assert error.value.hint


def test_a_folder_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_image(tmp_path, 16, 16)
    assert error.value.code == "image-unreadable"
