"""What a film takes beside its windows, loading and joining, remembered by model and place for the next film's time."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyreels_cli.film.folder.durable import write_json
from skyreels_cli.paths import folders

if TYPE_CHECKING:
    from skyreels_cli.film.placement import Placement
    from skyreels_cli.hub.facts import ModelFacts
    from skyreels_cli.recipe.schema import Recipe

MOST_KEPT = 100


@dataclass(frozen=True)
class Waits:
    """Seconds of loading the model, and of joining by frame; None where it is not known."""

    loading: float | None = None
    joining: float | None = None


NOT_KNOWN = Waits()


def waits_key(recipe: Recipe, facts: ModelFacts, placement: Placement) -> str:
    """Equal for films that wait alike: same model, numbers, size and place."""
    what = (facts.name, recipe.dtype, recipe.weights_dtype, recipe.resolution)
    where = (placement.device, placement.leaving, placement.gpus, placement.parallel)
    return " ".join(str(word) for word in (*what, *where) if word is not None)


def known_waits(key: str) -> Waits:
    """What the latest film of a key took; nothing is known of a key that is new."""
    return Waits(**_read().get(key, {}))


def remember_waits(key: str, waits: Waits) -> None:
    """Keep what a film took, over what was known before; where that cannot be written it is not kept."""
    kept = _read()
    measured = {name: value for name, value in asdict(waits).items() if value is not None}
    kept[key] = {**kept.pop(key, {}), **measured}
    latest = dict(list(kept.items())[-MOST_KEPT:])
    with suppress(OSError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        write_json(_file(), latest)


def _file() -> Path:
    return folders().cache / "waits.json"


def _read() -> dict[str, dict[str, Any]]:
    try:
        kept = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
