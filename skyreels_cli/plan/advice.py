"""Which released models fit a machine, with which settings, and how long a film of 97 frames would take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skyreels_cli.hub.catalogue import catalogue
from skyreels_cli.hub.entry import Release
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.shapes import release_facts
from skyreels_cli.plan.compute import Speed
from skyreels_cli.plan.fitting import fit, vaes_on
from skyreels_cli.plan.machine import Machine
from skyreels_cli.plan.memory import OffloadMode
from skyreels_cli.plan.plan import Plan
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.choices import Vae, WeightsDtype
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft, Recipe

FRAMES = 97
SMALLER = ("540P", "640x368", "480x272")
"""What to render at where a model's own resolution does not fit."""

DAY = 86400.0
PATIENCE = 3600.0
"""Seconds for four seconds of film, beyond which a smaller model is the better advice."""


@dataclass(frozen=True)
class Advice:
    """How a model can be rendered with on a machine; if it `fits` nowhere, what it would take at the least."""

    model: str
    fits: bool
    native: bool
    resolution: str
    offload: OffloadMode
    storage: WeightsDtype
    vae: Vae
    device_peak: float
    host_peak: float
    seconds: float
    fetch_bytes: int

    @property
    def options(self) -> str:
        """What to type; offloading, and what the VAE computes in, are chosen when a film is planned."""
        words = ["--model", self.model]
        words += [] if self.native else ["--resolution", self.resolution]
        words += [] if self.storage == "file" else ["--weights-dtype", self.storage]
        return " ".join(words)


def advise(machine: Machine) -> list[Advice]:
    """Advice for every release."""
    return [_advise(release, machine) for release in catalogue().releases]


def best(advice: Sequence[Advice]) -> Advice | None:
    """The one to begin with: the largest DF model that fits at its own resolution within an hour, else the quickest.

    None if none would be done within a day.
    """
    fitting = [each for each in advice if each.fits and each.seconds <= DAY]
    patient = [each for each in fitting if each.native and each.seconds <= PATIENCE]
    diffusion_forcing = [each for each in patient if each.model.startswith("df-")] or patient
    if diffusion_forcing:
        return max(diffusion_forcing, key=lambda each: (each.fetch_bytes, -each.seconds))
    return min(fitting, key=lambda each: each.seconds, default=None)


def _advise(release: Release, machine: Machine) -> Advice:
    """The first way that fits, at the largest size that does; else the most frugal one."""
    tried = None
    for tried in _ways(release, machine):
        if tried.fits:
            return tried
    assert tried is not None
    return tried


def _ways(release: Release, machine: Machine) -> Iterator[Advice]:
    facts = release_facts(release)
    for resolution in dict.fromkeys((release.native, *SMALLER)):
        yield _try(release, facts, machine, resolution)


def _try(release: Release, facts: ModelFacts, machine: Machine, resolution: str) -> Advice:
    plan, recipe = plan_of(facts, resolution, machine.speed)
    storages: Sequence[WeightsDtype] = ("file",) if machine.kind == "mps" else ("file", "fp8")  # no float8 there
    way = fit(recipe, facts, plan.windows, machine, storages, vaes_on(machine))
    return Advice(
        model=release.alias,
        fits=way.fits,
        native=resolution == release.native,
        resolution=resolution,
        offload=way.offload,
        storage=way.weights_dtype,
        vae=way.vae,
        device_peak=way.need.device,
        host_peak=way.need.host,
        seconds=plan.estimates["time"].value,
        fetch_bytes=release.layouts[0].bytes,
    )


def plan_of(facts: ModelFacts, resolution: str, speed: Speed | None = None) -> tuple[Plan, Recipe]:
    """The plan of a film of 97 frames with the model's own settings, and its recipe."""
    recipe = complete(Draft(prompt="a film", num_frames=FRAMES, resolution=resolution, seed=0), facts)
    recipe = _with_picture(recipe, facts)
    return make_plan(recipe, facts, speed), recipe


def _with_picture(recipe: Recipe, facts: ModelFacts) -> Recipe:
    """A film of a model that needs a picture, which is never opened."""
    return recipe.model_copy(update={"image": "first.png"}) if facts.traits.image == "required" else recipe
