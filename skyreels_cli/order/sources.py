"""Where each value of a recipe comes from."""

from __future__ import annotations

from collections.abc import Mapping

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.recipe.defaults import family_defaults, model_defaults
from skyreels_cli.recipe.schema import Draft, Recipe

# Where somebody set one of these instead, it decided the field.
DECIDED_BY = {
    "num_frames": ("num_frames", "duration", "shots"),
    "prompt": ("prompt", "shots"),
    "resolution": ("resolution", "aspect", "video"),
    "fps": ("video", "fps"),
    "codec": ("codec", "video"),
}
UNSAID = {"seed": "drawn at random", "model": "default model"}


def value_sources(recipe: Recipe, said: Mapping[str, Draft], facts: ModelFacts) -> dict[str, str]:
    """Say for each field of the recipe who decided it; `said` names drafts, the strongest first.

    Behind them come the defaults of the model, of its family, and of the program.
    """
    layers = {
        **said,
        f"default of {facts.name}": model_defaults(facts),
        f"default of {facts.family.upper()} models": family_defaults(facts, image=recipe.image is not None),
    }
    return {name: _source(name, layers) for name in type(recipe).model_fields if name != "schema_version"}


def _source(name: str, layers: Mapping[str, Draft]) -> str:
    for source, layer in layers.items():
        for key in DECIDED_BY.get(name, (name,)):
            if getattr(layer, key) is not None:
                return source if key == name else f"{source} ({key})"
    return UNSAID.get(name, "default")
