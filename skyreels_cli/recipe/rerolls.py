"""Re-rolls: a film is rendered again from some window on, with another seed or another prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from skyreels_cli.recipe.shots import Seed


class Reroll(BaseModel):
    """From window `window` (counted from 0) on, noise is drawn from `seed`; `prompt` holds to the end of the shot."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window: int = Field(ge=0)
    seed: Seed | None = None
    prompt: str | None = None


def add_reroll(earlier: Sequence[Reroll], new: Reroll) -> list[Reroll]:
    """The re-rolls with a new one: those of later windows are removed, and one of the same window is merged with it."""
    kept = [reroll for reroll in earlier if reroll.window < new.window]
    same = next((reroll for reroll in earlier if reroll.window == new.window), new)
    seed = same.seed if new.seed is None else new.seed
    return [*kept, Reroll(window=new.window, seed=seed, prompt=new.prompt or same.prompt)]


def shown(key: str, value: Any) -> Any:
    """A recipe's value as people are told it: re-rolls in words, for people count windows from 1."""
    if not value or key.rpartition(".")[2] != "rerolls":
        return value
    try:
        return "; ".join(_in_words(Reroll.model_validate(each)) for each in value)
    except (TypeError, ValueError):  # what a file says that no skyreels wrote
        return value


def _in_words(reroll: Reroll) -> str:
    changes = [f"seed {reroll.seed}"] if reroll.seed is not None else []
    changes += [f'"{reroll.prompt}"'] if reroll.prompt else []
    return f"from window {reroll.window + 1} on {' and '.join(changes)}".rstrip()
