"""Re-rolls: from some window on, a film is made again with another seed or another prompt."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from skyreels_cli.recipe.shots import Seed


class Reroll(BaseModel):
    """From window `window` (counted from 0) on, noise comes from `seed`; `prompt` holds to the end of the shot."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window: int = Field(ge=0)
    seed: Seed | None = None
    prompt: str | None = None


def add_reroll(earlier: Sequence[Reroll], new: Reroll) -> list[Reroll]:
    """The re-rolls that hold after a new one: it undoes those behind it, and completes one of the same window."""
    kept = [reroll for reroll in earlier if reroll.window < new.window]
    same = next((reroll for reroll in earlier if reroll.window == new.window), new)
    seed = same.seed if new.seed is None else new.seed
    return [*kept, Reroll(window=new.window, seed=seed, prompt=new.prompt or same.prompt)]
