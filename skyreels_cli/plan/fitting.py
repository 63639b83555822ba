"""The quickest way of rendering that fits into the memory that is free: one answer for films, jobs and advice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.output import byte_size
from skyreels_cli.plan.machine import Machine
from skyreels_cli.plan.memory import Need, OffloadMode, needs
from skyreels_cli.plan.plan import Windows
from skyreels_cli.recipe.choices import Vae, WeightsDtype
from skyreels_cli.recipe.schema import Recipe

OFFLOADS: Sequence[OffloadMode] = ("none", "model", "stream")
"""From the quickest to the most frugal; frames are the same."""
VAES: Sequence[Vae] = ("float32", "bfloat16", "tiled")
"""From the reference's to the most frugal; frames differ."""


@dataclass(frozen=True)
class Way:
    """A way of rendering: what it changes in the recipe, what it takes, and whether a machine has that free.

    `rejected` are quicker or more faithful ways, and the bytes that each would take.
    """

    need: Need
    weights_dtype: WeightsDtype
    vae: Vae
    fits: bool
    machine: Machine
    rejected: tuple[tuple[str, float], ...] = ()

    @property
    def offload(self) -> OffloadMode:
        """What leaves the device between uses."""
        return self.need.offload

    @property
    def called(self) -> str:
        """The way in a few words: `stream, weights fp8, VAE tiled`."""
        weights = [f"weights {self.weights_dtype}"] if self.weights_dtype != "file" else []
        vae = [f"VAE {self.vae}"] if self.vae != "float32" else []
        return ", ".join([self.offload, *weights, *vae])

    @property
    def because(self) -> str:
        """Why it was picked, for people."""
        machine, need = self.machine, self.need
        device = need.device + (need.host if machine.shares_memory else 0.0)
        said = f"takes {byte_size(device)} of {byte_size(machine.device_bytes)} free on {machine.name}"
        if need.host > machine.ram_bytes:
            said += f" and {byte_size(need.host)} of {byte_size(machine.ram_bytes)} free RAM"
        exact = [each for each in self.rejected if each[0] in OFFLOADS]
        return said + "".join(f"; {called} would take {byte_size(size)}" for called, size in exact[-2:])

    def applied(self, recipe: Recipe) -> Recipe:
        """The recipe as it is rendered in this way."""
        if (recipe.weights_dtype, recipe.vae) == (self.weights_dtype, self.vae):
            return recipe
        return recipe.model_copy(update={"weights_dtype": self.weights_dtype, "vae": self.vae})


def fit(
    recipe: Recipe,
    facts: ModelFacts,
    windows: Windows,
    machine: Machine,
    weights: Sequence[WeightsDtype] = (),
    vaes: Sequence[Vae] = (),
) -> Way:
    """The first way that fits: all three of offloading, then other `weights`, then another of the `vaes`.

    Without `weights` or `vaes` the recipe's own are left alone. If nothing fits, the most frugal way, which does not.
    """
    tried: list[Way] = []
    for vae in vaes or (recipe.vae,):
        for dtype in weights or (recipe.weights_dtype,):
            changed = recipe.model_copy(update={"weights_dtype": dtype, "vae": vae})
            for need in _ways(changed, facts, windows, machine):
                fits = machine.holds(need.device, need.host)
                rejected = tuple((each.called, each.need.device) for each in tried)
                tried.append(Way(need, dtype, vae, fits, machine, rejected))
                if fits:
                    return tried[-1]
    return min(tried, key=lambda each: each.need.device + (each.need.host if machine.shares_memory else 0.0))


def vaes_on(machine: Machine) -> Sequence[Vae]:
    """What may be tried there; many CPUs have no bfloat16 of their own, and the system can swap."""
    return VAES if machine.kind == "cuda" else VAES[:1]


def _ways(recipe: Recipe, facts: ModelFacts, windows: Windows, machine: Machine) -> Iterator[Need]:
    """Offloading is for a device with memory of its own."""
    found = needs(recipe, facts, windows)
    yield from (found[offload] for offload in (OFFLOADS if machine.kind == "cuda" else OFFLOADS[:1]))
