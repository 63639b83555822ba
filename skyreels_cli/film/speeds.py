"""How long parts of a film took on this machine: kept by model and place, so that the next film's time is known."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyreels_cli.film.folder.durable import write_json
from skyreels_cli.paths import folders

if TYPE_CHECKING:
    from skyreels_cli.film.rendering import Rendering

MOST_KEPT = 100


@dataclass(frozen=True)
class Speeds:
    """Seconds by unit of cost of steps and of decoding, seconds of loading, and of joining by frame; None: not known.

    Costs are those of `plan.work.FilmWork`.
    """

    step: float | None = None
    decode: float | None = None
    loading: float | None = None
    joining: float | None = None


def speed_key(rendering: Rendering) -> str:
    """Equal for films that are made alike: same model, numbers, size and place."""
    recipe, placement = rendering.recipe, rendering.placement
    what = (rendering.facts.name, recipe.dtype, recipe.weights_dtype, recipe.resolution, recipe.cache)
    where = (placement.device, placement.offload, placement.attention, placement.gpus, placement.parallel)
    return " ".join(str(word) for word in (*what, *where) if word is not None)


def known_speeds(key: str) -> Speeds:
    """The speeds of the latest film of a key; nothing is known of a key that is new."""
    return Speeds(**_read().get(key, {}))


def remember_speeds(key: str, speeds: Speeds) -> None:
    """Keep the speeds of a film, over what was known before; where that cannot be written it is not kept."""
    kept = _read()
    measured = {name: value for name, value in asdict(speeds).items() if value is not None}
    kept[key] = {**kept.pop(key, {}), **measured}
    latest = dict(list(kept.items())[-MOST_KEPT:])
    with suppress(OSError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        write_json(_file(), latest)


def _file() -> Path:
    return folders().cache / "speeds.json"


def _read() -> dict[str, dict[str, Any]]:
    try:
        kept = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
