"""The scorer is exact on what the world renders, and notices what is wrong."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from skyreels_tiny.captions import describe
from skyreels_tiny.meaning import Meaning
from skyreels_tiny.regions import count_regions
from skyreels_tiny.scoring import all_right, background_names, count_objects, look, score
from skyreels_tiny.steadiness import centre_jump, drift, join_jump, joins, wobble
from skyreels_tiny.world import Clip, make_clip


def truths(kind: str, count: int, first: int) -> list[Clip]:
    clips = (make_clip(seed, kind=kind) for seed in range(first, first + 10 * count))
    return [clip for clip in clips if not clip.settled][:count]


@pytest.mark.parametrize(
    ("kind", "count"),
    [("single", 30), ("resize", 8), ("gradient", 10), ("two", 8), ("pan", 8), ("zoom", 8), ("swing", 8)],
)
def test_ground_truth_scores_everything_right(score_tiny: ModuleType, kind: str, count: int) -> None:
    rng = np.random.default_rng(5)
    for clip in truths(kind, count, 40_000):
        prompt = describe(clip.meaning, rng)
        marks = score_tiny.score_prompt(clip.frames, prompt)
        assert all_right(marks), (prompt, marks)


def test_each_wrong_attribute_is_noticed() -> None:
    asked = Meaning("single", (("circle", "red"),), ("white",), "right")
    film = make_clip(1, meaning=asked, begin=0.0).frames
    assert all_right(score(film, asked))
    for wrong, name in [
        (Meaning("single", (("square", "red"),), ("white",), "right"), "shape"),
        (Meaning("single", (("circle", "blue"),), ("white",), "right"), "colour"),
        (Meaning("single", (("circle", "red"),), ("yellow",), "right"), "background"),
        (Meaning("single", (("circle", "red"),), ("white",), "left"), "direction"),
    ]:
        marks = score(film, wrong)
        assert [key for key, right in marks.items() if not right] == [name]


def test_one_object_too_many_is_noticed() -> None:
    one = Meaning("single", (("circle", "red"),), ("white",), "still")
    two = Meaning("two", (("circle", "red"), ("star", "blue")), ("white",), "still")
    pair, alone = make_clip(3, meaning=two).frames, make_clip(3, meaning=one).frames
    assert (count_objects(pair), count_objects(alone)) == (2, 1)
    assert not score(pair, one)["count"]
    assert not score(alone, two)["count"]


def test_regions_touch_by_corners_and_specks_do_not_count() -> None:
    mask = np.zeros((6, 8), bool)
    mask[0, 0] = mask[1, 1] = mask[2, 0] = mask[3, 1] = True  # one, by its corners
    mask[0:2, 4:6] = mask[5, 2:8] = True
    assert [count_regions(mask, least) for least in (1, 4, 5, 6, 7)] == [3, 3, 1, 1, 0]
    assert count_regions(np.zeros((3, 3), bool), 1) == 0


def test_an_empty_film_has_no_object() -> None:
    film = np.full((9, 64, 112, 3), 245, np.uint8)
    assert look(film) is None
    assert background_names(film) == ("white",)
    marks = score(film, Meaning("single", (("circle", "red"),), ("white",), "still"))
    right = {name for name, value in marks.items() if value}
    assert (right, len(marks)) == ({"background"}, 6)


def test_roles_swapped_are_both_wrong() -> None:
    film = make_clip(2, meaning=Meaning("single", (("star", "blue"),), ("white",), "still")).frames
    marks = score(film, Meaning("single", (("star", "white"),), ("blue",), "still"))
    assert not marks["colour"]
    assert not marks["background"]


def test_joins_and_jumps() -> None:
    assert joins(97, 33, 17) == [33, 49, 65, 81]
    meaning = Meaning("single", (("circle", "green"),), ("black",), "right")
    film = make_clip(4, 65, meaning=meaning, begin=0.0).frames
    assert join_jump(film, 33) < 1.5
    assert centre_jump(film, 33) < 0.3
    cut = np.concatenate((film[:33], film[10:42]))
    assert join_jump(cut, 33) > 4
    assert centre_jump(cut, 33) > 15


def test_drift_of_a_steady_film_is_nothing() -> None:
    film = make_clip(6, 97, meaning=Meaning("single", (("square", "red"),), ("white",), "still")).frames
    states = drift(film, 33, 17)
    assert len(states) == 5
    assert all(state.shape == "square" and state.colour == "red" for state in states)
    assert max(state.background_shift + state.colour_shift for state in states) < 1e-6
    assert all(abs(state.size - 1) < 1e-6 for state in states)
    assert wobble(film) < 1e-5
