"""Recipes of every kind, and presets that make them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from hypothesis import strategies as st

from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.recipe.choices import Aspect, Codec, ColorMatch, Join, Movement, ShotType
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft, Recipe

NASTY = [
    "雪" * 6000,
    "\"'`“”„\n\n\t\\n: - #",
    "🎬🎞️👩\u200d🚀" * 800,
    "a\r\nb",
    " x ",
    "\u202e\u200f",
    "no",
    "16:9",
    "\x00\x1b[31m",
    "!" + "雪" * 500,
    " &",
]

texts = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
prompts = texts.filter(lambda text: text.strip() != "")
seeds = st.integers(0, 2**63 - 1)
frames = st.integers(1, 2000)
scales = st.floats(1, 20, allow_nan=False)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


cameras = optional(
    shot=st.sampled_from(get_args(ShotType)),
    movement=st.lists(st.sampled_from(get_args(Movement)), min_size=1, max_size=3),
)
shots = st.lists(
    st.builds(
        dict.__or__,
        st.fixed_dictionaries({"prompt": prompts, "num_frames": frames}),
        optional(negative_prompt=texts, seed=seeds, guidance_scale=scales, cut=st.booleans(), camera=cameras),
    ),
    min_size=1,
    max_size=4,
)
rerolls = st.lists(
    st.fixed_dictionaries({"window": st.integers(0, 9)}, optional={"seed": seeds, "prompt": prompts}), max_size=2
)
lengths = st.sampled_from([{}, {"duration": "inf"}, {"duration": "7.3s"}]) | frames.map(lambda n: {"num_frames": n})
drafts = st.builds(
    dict.__or__,
    st.fixed_dictionaries({"prompt": prompts, "seed": seeds}),
    optional(
        negative_prompt=texts,
        camera=cameras,
        aspect=st.sampled_from(get_args(Aspect)),
        fps=st.integers(1, 240) | st.sampled_from(["24000/1001", 23.976, 29.97]),
        inference_steps=st.integers(1, 200),
        guidance_scale=scales,
        shift=scales,
        ar_step=st.integers(0, 20),
        causal_block_size=st.integers(1, 9),
        causal_attention=st.booleans(),
        addnoise_condition=st.integers(0, 999) | st.just("auto"),
        join=st.sampled_from(get_args(Join)),
        frame_sink=st.booleans(),
        latent_anchor=st.floats(0, 1),
        history_guidance=scales,
        color_match=st.sampled_from(get_args(ColorMatch)),
        rerolls=rerolls,
        scheduler=st.sampled_from(["unipc", "euler"]),
        cache=st.sampled_from(["teacache"]),
        options=st.just({"teacache": {"threshold": 0.25}}),
        codec=st.sampled_from(get_args(Codec)),
        quality=st.floats(0, 10),
    ),
)
recipes = st.builds(
    lambda draft, length, story: recipe_of({**draft, **({"shots": story} if story else length)}),
    drafts,
    lengths,
    st.none() | shots,
)


def facts() -> ModelFacts:
    """A model with Wan's strides."""
    transformer = Component("transformer", {"patch_size": [1, 2, 2]}, (), {}, {})
    other = Component("vae", {}, (), {}, {})
    return ModelFacts("df-1.3b-540p", Path("model"), "df", transformer, other, other, {})


def recipe_of(draft: Draft | dict[str, Any]) -> Recipe:
    """The recipe that a draft comes to."""
    return complete(Draft.model_validate(draft), facts())
