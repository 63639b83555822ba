"""Plans against a film simulated frame by frame, latent by latent, with none of the planner's formulas."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.plan.matrix import updated_blocks
from skyreels_cli.plan.plan import Plan, Window
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]

GOLDEN = Path(__file__).parents[1] / "golden"
STRIDE = 4


@dataclass
class SimulatedWindow:
    """Film frame numbers that a window decodes, in three runs."""

    dropped: list[int]
    new: list[int]
    trimmed: list[int]

    @property
    def latents(self) -> int:
        """The first frame is one latent, every further four make another."""
        frames = len(self.dropped) + len(self.new) + len(self.trimmed)
        count = 1
        while frames > 1:
            frames, count = frames - STRIDE, count + 1
        assert frames == 1
        return count


def simulate_windows(asked: int, base: int | None, overlap: int) -> list[SimulatedWindow]:
    """Render frame after frame: a window goes on until it is full or the film is long enough for the VAE."""
    needed = asked
    while needed % STRIDE != 1:
        needed += 1
    windows: list[SimulatedWindow] = []
    film: list[int] = []
    while len(film) < needed:
        dropped = film[-overlap:] if film else []
        rendered: list[int] = []
        while len(film) < needed and (base is None or len(dropped) + len(rendered) < base):
            rendered.append(len(film))
            film.append(len(film))
        kept = [frame for frame in rendered if frame < asked]
        windows.append(SimulatedWindow(dropped, kept, rendered[len(kept) :]))
    return windows


def simulate_blocks(new: int, size: int) -> list[int]:
    """Deal latents out one at a time to the fewest blocks that can hold them."""
    piles = [0]
    while len(piles) * size < new:
        piles.append(0)
    for latent in range(new):
        piles[latent % len(piles)] += 1
    return piles


def simulate_noise(blocks: int, steps: int, ar_step: int) -> list[list[int]]:
    """Steps done per block after each row; one moves when the one before is far enough ahead or finished."""
    done, rows = [0] * blocks, []
    while done[-1] < steps:
        before = list(done)
        for block in range(blocks):
            free = block == 0 or before[block - 1] == steps or done[block - 1] - done[block] > ar_step
            if free and done[block] < steps:
                done[block] += 1
        rows.append(list(done))
    return rows


@dataclass(frozen=True)
class Case:
    """A request to plan; `base` and `overlap` in pixel frames."""

    frames: int
    base: int
    overlap: int
    block: int
    steps: int
    ar_step: int
    image: bool
    end_image: bool
    join: str
    t2v: bool


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any combination that can be planned; T2V without what only DF models can do."""
    base = draw(st.integers(2, 26))
    t2v = draw(st.sampled_from([False, False, False, True]))
    image = draw(st.booleans()) and not t2v
    return Case(
        frames=draw(st.integers(2 if image else 1, 260)),
        base=STRIDE * (base - 1) + 1,
        overlap=STRIDE * (draw(st.integers(1, base - 1)) - 1) + 1,
        block=draw(st.integers(1, 12)),
        steps=draw(st.integers(1, 9)),
        ar_step=0 if t2v else draw(st.integers(0, 12)),
        image=image,
        end_image=draw(st.booleans()) and not t2v,
        join=draw(st.sampled_from(["pixels", "latents"])),
        t2v=t2v,
    )


def plan_case(case: Case, recipe_of: RecipeOf, facts_of: FactsOf) -> Plan:
    recipe = recipe_of(
        num_frames=case.frames,
        base_num_frames=case.base,
        overlap_history=case.overlap,
        causal_block_size=case.block,
        inference_steps=case.steps,
        ar_step=case.ar_step,
        image="first.png" if case.image else None,
        end_image="last.png" if case.end_image else None,
        join=case.join,
    )
    return make_plan(recipe, facts_of("t2v" if case.t2v else "df"))


@settings(max_examples=400, deadline=None)
@given(case=cases())
def test_windows_are_those_of_a_film_rendered_frame_by_frame(
    case: Case, recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    plan = plan_case(case, recipe_of, facts_of)
    simulated = simulate_windows(case.frames, None if case.t2v else case.base, case.overlap)
    shown = [frame for w in plan.windows for frame in range(w.first_frame, w.first_frame + w.new_frames)]
    assert shown == list(range(case.frames))
    assert sum(window.new_frames for window in plan.windows) == plan.num_frames == case.frames
    assert [w.index for w in plan.windows] == list(range(len(simulated)))
    for window, expected in zip(plan.windows, simulated, strict=True):
        assert window.latents == expected.latents
        assert window.first_frame == expected.new[0]
        counts = (window.drop_frames, window.new_frames, window.trim_frames)
        assert counts == (len(expected.dropped), len(expected.new), len(expected.trimmed))
        assert window.end_frame == (case.end_image and window.index == len(simulated) - 1)
        known = len(expected.dropped) or int(case.image)
        assert STRIDE * (window.prefix_latents - 1) + 1 == known if known else window.prefix_latents == 0


@settings(max_examples=400, deadline=None)
@given(case=cases())
def test_every_new_latent_is_denoised_once_per_timestep_and_in_order(
    case: Case, recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    for window in plan_case(case, recipe_of, facts_of).windows:
        visited: list[list[int]] = [[] for _ in range(window.latents)]
        for row, indices in enumerate(window.steps):
            for block in updated_blocks(window, row, case.steps):
                for latent in range(window.blocks[block].start, window.blocks[block].stop):
                    visited[latent].append(indices[block])
            assert list(indices) == sorted(indices, reverse=True)
        assert visited[: window.prefix_latents] == [[]] * window.prefix_latents
        assert visited[window.prefix_latents :] == [list(range(1, case.steps + 1))] * window.new_latents


@settings(max_examples=400, deadline=None)
@given(case=cases())
def test_blocks_and_rows_are_those_of_a_simulated_window(case: Case, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    for window in plan_case(case, recipe_of, facts_of).windows:
        covered = [latent for block in window.blocks for latent in range(block.start, block.stop)]
        assert covered == list(range(window.latents))
        new = [block for block in window.blocks if not block.ready]
        assert [block.size for block in new] == simulate_blocks(window.new_latents, case.block)
        assert sum(block.size for block in window.blocks if block.ready) == window.prefix_latents
        assert max(block.size for block in window.blocks) <= case.block
        assert_steps(window, len(new), case)


def assert_steps(window: Window, new: int, case: Case) -> None:
    simulated = simulate_noise(new, case.steps, case.ar_step)
    assert window.rows == len(simulated) == case.steps + (new - 1) * min(case.ar_step, case.steps)
    ready = len(window.blocks) - new
    before = [0] * new
    for indices, done in zip(window.steps, simulated, strict=True):
        assert indices[:ready] == (case.steps + 1,) * ready
        for index, count, count_before in zip(indices[ready:], done, before, strict=True):
            assert index == (case.steps + 1 if count_before == case.steps else count)
        before = done


@pytest.mark.parametrize(("frames", "windows"), [(97, 1), (98, 2), (257, 3), (377, 5), (737, 9), (1457, 18)])
def test_window_counts_of_the_reference(frames: int, windows: int, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    plan = make_plan(recipe_of(num_frames=frames), facts_of())
    assert len(plan.windows) == windows
    assert sum(window.new_frames for window in plan.windows) == frames


def test_a_long_film_window_by_window(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    plan = make_plan(recipe_of(num_frames=255, image="a.png", end_image="b.png"), facts_of())
    assert [(w.latents, w.prefix_latents, w.drop_frames, w.trim_frames) for w in plan.windows] == [
        (25, 1, 0, 0),
        (25, 5, 17, 0),
        (25, 5, 17, 2),
    ]
    assert [(w.first_frame, w.new_frames, w.end_frame) for w in plan.windows] == [
        (0, 97, False),
        (97, 80, False),
        (177, 78, True),
    ]
    assert [w.forward_latents for w in plan.windows] == [25, 25, 26]


@pytest.mark.parametrize("image", ["first.png", None])
def test_async_keeps_the_image(image: str | None, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    """Defect 1: one ready latent // block 5 = 0 ready blocks, and the image was denoised away."""
    plan = make_plan(recipe_of(image=image, ar_step=5, causal_block_size=5), facts_of())
    (window,) = plan.windows
    assert [block.size for block in window.blocks] == ([1, 5, 5, 5, 5, 4] if image else [5] * 5)
    assert {indices[0] for indices in window.steps} == ({31} if image else set(range(1, 32)))


def test_end_frame_adds_no_frames_to_a_long_film(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    """Defect 2: 257 frames with an end image came out as 261."""
    plan = make_plan(recipe_of(num_frames=257, end_image="last.png"), facts_of())
    assert [window.new_frames for window in plan.windows] == [97, 80, 80]
    assert [window.latents for window in plan.windows] == [25, 25, 25]


def test_blocks_that_do_not_divide_leave_no_tail(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    """Defect 2: the last latent of a 121-frame window (31 latents) stayed noise with block 5."""
    recipe = recipe_of(num_frames=121, base_num_frames=121, causal_block_size=5, ar_step=5)
    (window,) = make_plan(recipe, facts_of()).windows
    assert [block.size for block in window.blocks] == [5, 5, 5, 4, 4, 4, 4]
    assert window.steps[-1] == (31,) * 6 + (30,)


def golden_facts(folder: Path, family: str) -> ModelFacts:
    def read(name: str) -> Component:
        config = json.loads((folder / name / "config.json").read_text())
        return Component(name, config, (), {"F32": 1000}, {})

    return ModelFacts(
        name="golden",
        folder=folder,
        family=family,
        transformer=read("transformer"),
        vae=read("vae"),
        text_encoder=read("text_encoder"),
        defaults={},
    )


CASES = json.loads((GOLDEN / "cases.json").read_text())


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["kind"] == "generate"])
def test_frames_of_the_golden_films(name: str, recipe_of: RecipeOf) -> None:
    case = CASES[name]
    family: str = "t2v" if "t2v" in case.get("model", "") else "df"
    kept = recipe_of().model_dump().keys() & case.keys() - {"model", "overlap_history"}
    recipe = recipe_of(
        **{key: case[key] for key in kept},
        resolution=f"{case['width']}x{case['height']}",
        inference_steps=case["num_inference_steps"],
        overlap_history=case.get("overlap_history") or 5,
    )
    plan = make_plan(recipe, golden_facts(GOLDEN / case.get("model", "model"), family))
    assert sum(window.new_frames for window in plan.windows) == case["frames"]
    assert plan.tokens_per_frame == 3 * 5
    rows = {"t2v_async": [14], "t2v_async_causal": [10], "long_sync": [6, 6, 6], "long_async": [14, 10, 10]}
    assert [window.rows for window in plan.windows] == rows.get(name, [case["num_inference_steps"]] * len(plan.windows))
