"""Films of several shots against a simulation that renders frame by frame, with none of the planner's formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.dry_run import plan_data
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]

STRIDE = 4


@dataclass(frozen=True)
class Told:
    """A shot as it is asked for."""

    frames: int
    cut: bool = False
    image: bool = False
    end_image: bool = False

    def recipe(self, index: int) -> dict[str, Any]:
        return {
            "prompt": f"shot {index}",
            "negative_prompt": "",
            "num_frames": self.frames,
            "guidance_scale": 6.0,
            "cut": self.cut,
            "image": "first.png" if self.image else None,
            "end_image": "last.png" if self.end_image else None,
        }


@dataclass(frozen=True)
class Film:
    """A film to plan; `base` and `overlap` in pixel frames."""

    shots: tuple[Told, ...]
    base: int
    overlap: int
    block: int
    ar_step: int
    video: bool

    def recipe(self, recipe_of: RecipeOf) -> Recipe:
        return recipe_of(
            num_frames=sum(shot.frames for shot in self.shots),
            shots=[shot.recipe(index) for index, shot in enumerate(self.shots)],
            base_num_frames=self.base,
            overlap_history=self.overlap,
            causal_block_size=self.block,
            ar_step=self.ar_step,
            video="before.mp4" if self.video else None,
        )


@st.composite
def films(draw: st.DrawFn) -> Film:
    base = draw(st.integers(2, 12))
    video = draw(st.booleans())
    shots = []
    for index in range(draw(st.integers(1, 6))):
        cut = draw(st.booleans())
        image = draw(st.booleans()) and (cut or (index == 0 and not video))
        shots.append(Told(draw(st.integers(2 if image else 1, 90)), cut, image, draw(st.booleans())))
    return Film(
        shots=tuple(shots),
        base=STRIDE * (base - 1) + 1,
        overlap=STRIDE * (draw(st.integers(1, base - 1)) - 1) + 1,
        block=draw(st.integers(1, 6)),
        ar_step=draw(st.integers(0, 5)),
        video=video,
    )


Frame = tuple[int, int]
"""(shot, number within the shot); shot -1 is the video that a film goes on with."""


@dataclass
class SimulatedWindow:
    shot: int
    repeated: list[Frame]
    new: list[Frame]
    wasted: int


def simulate(film: Film) -> list[SimulatedWindow]:
    """Render shot after shot: each window repeats what it can of the frames since the last cut, then fills up."""
    windows: list[SimulatedWindow] = []
    since_cut: list[Frame] = [(-1, n) for n in range(film.overlap)] if film.video else []
    for number, shot in enumerate(film.shots):
        if shot.cut or (number == 0 and not film.video):
            since_cut = []
        left = [(number, n) for n in range(shot.frames)]
        while left:
            repeated = since_cut[-film.overlap :]
            while len(repeated) % STRIDE != 1 and repeated:
                repeated = repeated[1:]
            new: list[Frame] = []
            while left and len(repeated) + len(new) < film.base:
                new.append(left.pop(0))
            wasted = 0
            while (len(repeated) + len(new) + wasted) % STRIDE != 1:
                wasted += 1
            windows.append(SimulatedWindow(number, repeated, new, wasted))
            since_cut = since_cut + new
    return windows


@settings(max_examples=400, deadline=None)
@given(film=films())
def test_every_shot_gets_its_frames(film: Film, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    plan = make_plan(film.recipe(recipe_of), facts_of())
    simulated = simulate(film)
    counts = [sum(w.new_frames for w in plan.windows if w.shot == n) for n in range(len(film.shots))]
    assert counts == [shot.frames for shot in film.shots]
    shown = [frame for w in plan.windows for frame in range(w.first_frame, w.first_frame + w.new_frames)]
    assert shown == list(range(sum(counts)))
    assert len(plan.windows) == len(simulated)
    for index, (window, expected) in enumerate(zip(plan.windows, simulated, strict=True)):
        shot = film.shots[expected.shot]
        assert (window.index, window.shot) == (index, expected.shot)
        frames = (window.drop_frames, window.new_frames, window.trim_frames)
        assert frames == (len(expected.repeated), len(expected.new), expected.wasted)
        assert STRIDE * (window.latents - 1) + 1 == sum(frames)
        assert window.fresh == (not expected.repeated)
        known = len(expected.repeated) or int(shot.image and expected.new[0][1] == 0)
        assert STRIDE * (window.prefix_latents - 1) + 1 == known if known else window.prefix_latents == 0
        assert sum(block.size for block in window.blocks if block.ready) == window.prefix_latents
        assert window.end_frame == (shot.end_image and expected.new[-1][1] == shot.frames - 1)


@settings(max_examples=100, deadline=None)
@given(film=films(), kept=st.integers(1, 6))
def test_a_shot_is_planned_without_regard_to_what_follows(
    film: Film, kept: int, recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    beginning = Film(film.shots[:kept], film.base, film.overlap, film.block, film.ar_step, film.video)
    plan = make_plan(film.recipe(recipe_of), facts_of())
    alone = make_plan(beginning.recipe(recipe_of), facts_of())
    assert tuple(alone.windows) == plan.windows[: len(alone.windows)]


@settings(max_examples=100, deadline=None)
@given(film=films(), base=st.integers(2, 12))
def test_a_single_shot_is_a_film_without_shots(film: Film, base: int, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    told = film.shots[0]
    pictures = {
        "image": "first.png" if told.image else None,
        "end_image": "last.png" if told.end_image else None,
    }
    single = Film((told,), film.base, film.overlap, film.block, film.ar_step, video=False)
    recipe = single.recipe(recipe_of)
    plain = recipe.model_copy(update={"shots": [], **pictures})
    assert make_plan(recipe, facts_of()).windows == make_plan(plain, facts_of()).windows


def test_shots_window_by_window(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    film = Film((Told(10), Told(100), Told(20, cut=True, image=True)), 97, 17, 1, 0, video=False)
    plan = make_plan(film.recipe(recipe_of), facts_of())
    assert [(w.shot, w.first_frame, w.new_frames, w.drop_frames, w.trim_frames) for w in plan.windows] == [
        (0, 0, 10, 0, 3),
        (1, 10, 88, 9, 0),
        (1, 98, 12, 17, 0),
        (2, 110, 20, 0, 1),
    ]
    assert [w.prefix_latents for w in plan.windows] == [0, 3, 5, 1]
    assert plan.notes == ("134 frames are rendered and at the ends of shots 4 frames trimmed.",)
    assert [window["shot"] for window in plan_data(plan)["windows"]] == [0, 1, 1, 2]


class TestRefused:
    def plan(self, recipe_of: RecipeOf, facts: ModelFacts, *shots: Told, **changes: Any) -> UsageError:
        lengths = [shot.frames for shot in shots]
        told = [shot.recipe(index) for index, shot in enumerate(shots)]
        with pytest.raises(UsageError) as caught:
            make_plan(recipe_of(num_frames=sum(lengths), shots=told, **changes), facts)
        return caught.value

    @pytest.mark.parametrize(
        ("shots", "says"),
        [
            ([Told(10), Told(8)], "shot 1 has 10 frames; with --join latents, for the next to go on from it"),
            ([Told(10), Told(8)], "a multiple of 4 plus 1 (the nearest: 9 or 13)"),
            ([Told(9), Told(9), Told(5)], "shot 2 has 9 frames"),
            ([Told(9), Told(9), Told(5)], "a multiple of 4 (the nearest: 8 or 12)"),
            ([Told(9), Told(2), Told(5)], "a multiple of 4 (the nearest: 4)"),
        ],
    )
    def test_latents_cannot_be_trimmed(
        self, shots: list[Told], says: str, recipe_of: RecipeOf, facts_of: FactsOf
    ) -> None:
        error = self.plan(recipe_of, facts_of(), *shots, join="latents")
        assert error.code == "plan-shots"
        assert says in error.message

    def test_lengths_that_work_do(self, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
        for lengths in ([9, 8, 3], [13, 4, 12]):
            told = [Told(length).recipe(index) for index, length in enumerate(lengths)]
            plan = make_plan(recipe_of(num_frames=sum(lengths), shots=told, join="latents"), facts_of())
            assert sum(window.trim_frames for window in plan.windows[:-1]) == 0

    def test_a_cut_may_be_anywhere(self, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
        told = [Told(10).recipe(0), Told(7, cut=True).recipe(1)]
        assert make_plan(recipe_of(num_frames=17, shots=told, join="latents"), facts_of()).num_frames == 17

    def test_t2v_models_only_cut(self, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
        error = self.plan(recipe_of, facts_of("t2v", "14B"), Told(97), Told(97))
        assert (error.code, error.hint) == ("model-family", "--model df-1.3b-540p")
        told = [Told(97).recipe(0), Told(50, cut=True).recipe(1)]
        plan = make_plan(recipe_of(num_frames=147, shots=told), facts_of("t2v", "14B"))
        assert [window.new_frames for window in plan.windows] == [97, 50]

    def test_an_image_needs_more_than_a_frame(self, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
        error = self.plan(recipe_of, facts_of(), Told(9), Told(1, cut=True, image=True))
        assert error.code == "plan-num-frames"

    def test_rerolls_behind_the_end(self, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
        error = self.plan(recipe_of, facts_of(), Told(9), rerolls=[{"window": 1, "seed": 3}])
        assert (error.code, error.hint) == ("plan-rerolls", "--from-window 1")
