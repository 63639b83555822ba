"""Why each value of a recipe is what it is (`--explain`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.hub.facts import ModelFacts
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
LONGEST_VALUE = 40


def value_sources(
    recipe: Recipe, typed: Draft, preset_name: str | None, preset: Draft, facts: ModelFacts
) -> dict[str, str]:
    """Say for each field of the recipe who decided it: typed, preset, model, model family or this program."""
    from skyreels_cli.recipe.defaults import family_defaults, model_defaults

    layers = {
        "typed": typed,
        f"preset {preset_name}": preset,
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


def explain_view(recipe: Recipe, sources: Mapping[str, str]) -> RenderableType:
    """Draw each value beside its source."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("field", "value", "because"):
        table.add_column(title)
    for name, source in sources.items():
        value = getattr(recipe, name)
        if value not in (None, [], {}):
            table.add_row(name, _short(str(value)), source)
    return table


def _short(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"
