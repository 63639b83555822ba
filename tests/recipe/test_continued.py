"""What a video decides of a recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.size import nearest_size, picture_within
from tests.second_reader import ffmpeg

Facts = Callable[..., ModelFacts]
AREA_540P, AREA_720P = 960 * 544, 1280 * 720


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames of 100x60 at 30 per second, as MPEG-4 part 2."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    make = ["-f", "lavfi", "-i", "testsrc2=s=100x60:r=30", "-frames:v", "40", "-c:v", "mpeg4", str(path)]
    ffmpeg(*make)
    return path


def going_on(facts: ModelFacts, video: Path, **values: Any) -> Recipe:
    return complete(Draft.model_validate({"prompt": "a ball", "video": str(video)} | values), facts)


def test_shape_and_rate_are_the_videos(facts: Facts, clip: Path) -> None:
    recipe = going_on(facts(), clip, aspect="9:16", fps=24)  # of a preset
    assert (recipe.video, recipe.resolution, recipe.fps, recipe.codec) == (str(clip), "112x64", 30, "h264")


def test_its_codec_is_kept_where_nobody_chose_one(facts: Facts) -> None:
    prefix = Path(__file__).parents[1] / "golden" / "prefix.mkv"
    assert going_on(facts(), prefix).codec == "ffv1"
    assert going_on(facts(), prefix, codec="h265").codec == "h265"


@pytest.mark.parametrize(
    ("said", "frames"),
    [
        ({"num_frames": 33}, 33),
        ({"num_frames": 33, "reference_count": True}, 16),
        ({"duration": "2s"}, 60),
        ({"duration": "2s", "reference_count": True}, 43),
        ({}, 97 - 17),  # one window
        ({"reference_count": True}, 97 - 17),
        ({"base_num_frames": 121, "overlap_history": 37}, 121 - 37),
    ],
)
def test_frames_are_new_ones(facts: Facts, clip: Path, said: dict[str, Any], frames: int) -> None:
    assert going_on(facts(), clip, **said).num_frames == frames


def test_nothing_left_to_render(facts: Facts, clip: Path) -> None:
    with pytest.raises(UsageError, match="17 leave nothing to render") as error:
        going_on(facts(), clip, num_frames=17, reference_count=True)
    assert error.value.code == "plan-num-frames"
    assert error.value.hint == "--num-frames 21, or leave out --reference-count"


def test_too_short(facts: Facts, clip: Path) -> None:
    with pytest.raises(UsageError, match="has 40 frames, and 41 of them") as error:
        going_on(facts(), clip, overlap_history=41)
    assert (error.value.code, error.value.hint) == ("video-too-short", "--overlap-history 37")


def test_an_image_as_well(facts: Facts, clip: Path, tmp_path: Path) -> None:
    image = tmp_path / "first.png"
    ffmpeg("-i", str(clip), "-frames:v", "1", str(image))
    with pytest.raises(UsageError) as error:
        going_on(facts(), clip, image=str(image))
    assert error.value.code == "video-and-image"


@pytest.mark.parametrize(
    ("video", "area", "film", "picture"),
    [
        ((960, 544), AREA_540P, (960, 544), (960, 544)),
        ((544, 960), AREA_540P, (544, 960), (544, 960)),
        ((1920, 1080), AREA_540P, (960, 544), (960, 540)),
        ((1080, 1920), AREA_540P, (544, 960), (540, 960)),
        ((1280, 720), AREA_720P, (1280, 720), (1280, 720)),
        ((854, 480), AREA_540P, (864, 480), (854, 480)),
        ((101, 61), AREA_540P, (112, 64), (101, 61)),
        ((1440, 1080), AREA_540P, (832, 624), (832, 624)),
    ],
)
def test_the_nearest_size_that_can_be_rendered(
    video: tuple[int, int], area: int, film: tuple[int, int], picture: tuple[int, int]
) -> None:
    assert nearest_size(video, area, 16) == film
    assert picture_within(film, video) == picture
