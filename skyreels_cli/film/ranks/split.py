"""How the work of a film is shared among several GPUs: by which backend, and whether it can be."""

from __future__ import annotations

from skyreels_cli.errors import UsageError
from skyreels_cli.film.placement import Placement
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.branches import most_branches
from skyreels_cli.plan.plan import Plan
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import make_options
from skyreels_cli.plugins.protocols import Load, Parallel
from skyreels_cli.plugins.specs import CacheSpec, ParallelSpec
from skyreels_cli.recipe.schema import Recipe

# What several GPUs use if nobody says how.
BEST = "cfg-context"


def make_parallel(placement: Placement) -> Parallel:
    """The backend that was chosen; PluginError if it is missing or broken, UsageError for its options."""
    known = plugins()
    spec = known.find(ParallelSpec, placement.parallel or BEST)
    parallel: Parallel = known.make(spec, make_options(spec, placement.options))
    return parallel


def load_of(recipe: Recipe, plan: Plan, facts: ModelFacts) -> Load:
    """What a film gives its ranks to share; a film has as many branches as any of its windows."""
    return Load(
        heads=facts.transformer.config["num_attention_heads"],
        tokens_per_frame=plan.tokens_per_frame,
        branches=len(most_branches(recipe, plan.windows)),
        causal=recipe.causal_attention,
    )


def is_shared(placement: Placement) -> bool:
    """Whether several ranks make the film."""
    return placement.gpus > 1


def check_split(recipe: Recipe, plan: Plan, facts: ModelFacts, placement: Placement) -> None:
    """Refuse GPUs that cannot share a film: UsageError `gpus-unsaid`, `cache-alone` or the backend's own.

    PluginError if the backend is missing or broken.
    """
    if not is_shared(placement) and placement.parallel is None:
        return
    parallel = make_parallel(placement)
    if not is_shared(placement):
        message = f"--parallel {placement.parallel}: on how many GPUs?"
        raise UsageError("gpus-unsaid", message, f"--parallel {placement.parallel} --gpus 2")
    if recipe.cache and not plugins().find(CacheSpec, recipe.cache).agrees:
        message = f"the cache {recipe.cache} decides on each GPU for itself, and ranks must decide alike"
        raise UsageError("cache-alone", message, "--gpus 1, or another --cache")
    parallel.split(load_of(recipe, plan, facts), placement.gpus)


def describe_split(recipe: Recipe, plan: Plan, facts: ModelFacts, placement: Placement) -> str | None:
    """For people, of a split that was checked: `4 GPUs by cfg-context: 2 branches × 2 shares`; None for one GPU."""
    if not is_shared(placement):
        return None
    shares = make_parallel(placement).split(load_of(recipe, plan, facts), placement.gpus)
    return f"{placement.gpus} GPUs by {placement.parallel or BEST}: {shares}"
