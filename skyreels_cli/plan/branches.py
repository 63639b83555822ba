"""Guidance branches: what the model is asked in each row of a window, a forward pass for each."""

from __future__ import annotations

from skyreels_cli.plan.plan import Window, Windows
from skyreels_cli.plugins.protocols import Branch
from skyreels_cli.recipe.schema import Recipe


def guidance_branches(recipe: Recipe, window: Window) -> tuple[Branch, ...]:
    """The branches of a window or turn: `uncond` under classifier-free guidance, `no_history` under history guidance.

    Without latents that earlier windows have left there is nothing that history guidance could take away.
    """
    guided = len(recipe.story[window.shot].texts) > 1
    by_history = recipe.history_guidance != 1 and window.history_latents > 0
    return ("cond", *(("uncond",) if guided else ()), *(("no_history",) if by_history else ()))


def most_branches(recipe: Recipe, windows: Windows) -> tuple[Branch, ...]:
    """Those of the window or turn that has most of them."""
    passes = (part for run in windows.runs for part in run.first.passes)
    return max((guidance_branches(recipe, part) for part in passes), key=len)
