"""Re-rolls: a film is rendered again from some window on, with another seed or another prompt."""

from __future__ import annotations

from collections.abc import Sequence

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
