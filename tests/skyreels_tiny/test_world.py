"""The toy world renders what it says, the same for the same seed, and its words come back from its captions."""

from __future__ import annotations

import numpy as np
import pytest
from skyreels_tiny.captions import describe, parse
from skyreels_tiny.meaning import KINDS, MIXTURE, Meaning, draw_meaning, draw_single, held_out
from skyreels_tiny.palette import BACKGROUND_RGB, MIN_DISTANCE, clear_pairs, rgb_distance
from skyreels_tiny.shapes import SHAPES, pixel_grid, shape_mask
from skyreels_tiny.world import make_clip


def test_one_seed_gives_one_clip() -> None:
    first, again, other = make_clip(7), make_clip(7), make_clip(8)
    assert first.meaning == again.meaning
    assert np.array_equal(first.frames, again.frames)
    assert first.frames.shape == (33, 64, 112, 3)
    assert not np.array_equal(first.frames, other.frames)


def test_a_red_circle_is_red_and_moves_to_the_right() -> None:
    meaning = Meaning("single", (("circle", "red"),), ("dark blue",), "right")
    clip = make_clip(3, meaning=meaning, begin=0.0)
    red = np.array(BACKGROUND_RGB["red"]) * 255
    is_red = np.abs(clip.frames - red).max(-1) < 2
    columns = [np.nonzero(frame)[1].mean() for frame in is_red]
    assert columns[-1] - columns[0] > 25
    assert np.allclose(clip.frames[0, 0, 0], np.array(BACKGROUND_RGB["dark blue"]) * 255, atol=1)
    assert np.array_equal(clip.present[0] & is_red[0], is_red[0])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_renders_with_something_in_it(kind: str) -> None:
    clip = make_clip(11, kind=kind)
    assert clip.meaning.kind == kind
    assert 60 < clip.present[0].sum() < 64 * 112 * 0.5


def test_all_pairs_are_clear_and_roles_occur_both_ways() -> None:
    pairs = clear_pairs()
    assert len(pairs) == 96
    assert all(rgb_distance(BACKGROUND_RGB[one], BACKGROUND_RGB[two]) > MIN_DISTANCE for one, two in pairs)
    assert ("red", "blue") in pairs
    assert ("blue", "red") in pairs


def test_training_never_draws_what_is_held_out() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_single(rng) for _ in range(500)]
    unseen = [draw_single(rng, unseen=True) for _ in range(50)]
    assert not any(held_out(*meaning.objects[0], meaning.background[0], meaning.motion) for meaning in drawn)
    assert all(held_out(*meaning.objects[0], meaning.background[0], meaning.motion) for meaning in unseen)


def test_nothing_has_a_larger_share_than_one_object_and_no_kind_is_left_out() -> None:
    assert sum(MIXTURE.values()) == pytest.approx(1.0)
    assert set(MIXTURE) == set(KINDS)
    assert max(MIXTURE.values()) == MIXTURE["single"]


def test_captions_parse_back_to_their_meaning() -> None:
    rng = np.random.default_rng(1)
    for _ in range(400):
        meaning = draw_meaning(rng)
        read = parse(describe(meaning, rng))
        if meaning.kind == "scene":
            assert read.scene == meaning.scene
        else:
            assert read == meaning


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_have_about_the_same_area_and_stay_in_their_extent(shape: str) -> None:
    y, x = pixel_grid(80, 80)
    mask = shape_mask(shape, y - 40, x - 40, np.full((1, 1, 1), 20.0, np.float32))[0]
    assert 700 < mask.sum() < 1300
    assert mask[0].max() == 0.0
    assert mask[40, 40] == 1.0
