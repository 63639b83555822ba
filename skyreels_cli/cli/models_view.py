"""What `skyreels models` shows, as data and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.output import byte_size, clock

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from skyreels_cli.hub.inventory import StoredModel
    from skyreels_cli.plan.advice import Advice
    from skyreels_cli.plan.machine import Machine

NOTHING = "none of them would be done within a day here; the bundled demo model is, in a minute"


def stored_data(model: StoredModel) -> dict[str, Any]:
    """A model on this machine as JSON values."""
    return {
        "name": model.name,
        "origin": model.origin,
        "path": str(model.folder),
        "bytes": model.bytes,
        "complete": model.problem is None,
        "problem": model.problem,
        "revision": model.revision,
    }


def users_of(model: StoredModel) -> list[str]:
    """Presets and jobs that are not finished that name the model: `preset NAME`, `job 3`."""
    from skyreels_cli.paths import folders
    from skyreels_cli.queue.job import WAITING
    from skyreels_cli.queue.store import Store
    from skyreels_cli.recipe.presets.find import list_presets
    from skyreels_cli.recipe.sharing.load import load_preset
    from skyreels_cli.settings import load_settings

    users = []
    presets = load_settings().presets_dir
    for preset in list_presets(presets):
        with suppress(SkyreelsError):
            draft = load_preset(preset.name, presets)
            if any(said and _means(model, said) for said in (draft.model, draft.base)):
                users.append(f"preset {preset.name}")
    if folders().queue.is_dir():
        for job in Store(folders().queue).jobs((*WAITING, "running")):
            users += [f"job {job.id}"] if _means(model, job.model) else []
    return users


def _means(model: StoredModel, name: str) -> bool:
    with suppress(SkyreelsError):
        return model.means(name)
    return False


def models_view(models: Sequence[StoredModel], users: Mapping[str, Sequence[str]]) -> RenderableType:
    """Draw the models on this machine."""
    table = _table("model", "size", "from", "path")
    for model in models:
        table.add_row(model.name, byte_size(model.bytes), model.origin, str(model.folder))
        if model.problem:
            table.add_row("", "", "", f"→ {model.problem}")
        if users[model.name]:
            table.add_row("", "", "", f"used by {', '.join(users[model.name])}")
    return table


def about_data(name: str) -> dict[str, Any]:
    """All that is known about a model, whether or not it is on this machine; raises what `open_model` raises."""
    from skyreels_cli.hub.inventory import stored_models
    from skyreels_cli.hub.located import find_hub_model
    from skyreels_cli.hub.open import open_model
    from skyreels_cli.plan.reference import reference_peak

    facts = open_model(name, absent=True)
    hub = find_hub_model(name) if facts.absent or "/" in facts.name else None
    release = hub.release if hub else None
    here = [stored_data(model) for model in stored_models() if model.means(name)]
    return {
        "name": hub.alias if hub else facts.name,
        "family": facts.family,
        "summary": facts.summary,
        "parameters": {part.name: part.parameter_count for part in facts.components},
        "stored_as": {part.name: sorted(part.parameters) for part in facts.components},
        "here": here,
        "repositories": {layout.name: dict(layout.repositories) for layout in release.layouts} if release else {},
        "fetch_bytes": {layout.name: layout.bytes for layout in release.layouts} if release else {},
        "recommended": release.recommended.model_dump() if release else dict(facts.defaults),
        "licence": release.licence if release else None,
        "reference_peak": reference_peak(release) if release else None,
    }


def about_view(data: Mapping[str, Any]) -> RenderableType:
    """Draw what is known about a model."""
    table = _table("", "")
    table.add_row("model", f"{data['name']} ({data['family'].upper()})")
    if data["summary"]:
        table.add_row("", data["summary"])
    for part, count in data["parameters"].items():
        table.add_row(part.replace("_", " "), f"{count / 1e9:.3g} B parameters, {', '.join(data['stored_as'][part])}")
    for layout, repositories in data["repositories"].items():
        where = ", ".join(f"{repo} ({hub})" for hub, repo in repositories.items())
        table.add_row(layout, f"about {byte_size(data['fetch_bytes'][layout])}: {where}")
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in data["recommended"].items())
    table.add_row("recommended", said)
    if data["licence"]:
        table.add_row("licence", data["licence"])
    if peak := data["reference_peak"]:
        table.add_row("memory", peak["comparison"])
    places = [f"{each['path']}" + (f" ({each['problem']})" if each["problem"] else "") for each in data["here"]]
    table.add_row("here", "\n".join(places) or "no")
    return table


def advice_data(machine: Machine, advice: Sequence[Advice]) -> dict[str, Any]:
    """Advice as JSON values."""
    from dataclasses import asdict

    from skyreels_cli.plan.advice import best

    chosen = best(advice)
    models = [{**asdict(each), "options": each.options} for each in advice]
    return {"machine": asdict(machine), "best": chosen.options if chosen else None, "models": models}


def advice_view(machine: Machine, advice: Sequence[Advice]) -> RenderableType:
    """Draw what fits a machine, and what to type."""
    from rich.console import Group

    from skyreels_cli.plan.advice import FRAMES, best

    memory = f"{byte_size(machine.device_bytes)} for the model, {byte_size(machine.ram_bytes)} of RAM"
    device = "GPU" if machine.kind == "cuda" else "memory"
    table = _table("model", "fits at", "offload", "weights", "VAE", device, "RAM", f"{FRAMES} frames")
    for each in advice:
        how = (
            (each.resolution, each.offload, each.storage, each.vae)
            if each.fits
            else ("not, at least", each.offload, each.storage, each.vae)
        )
        needs = (byte_size(each.device_peak), byte_size(each.host_peak))
        table.add_row(each.model, *how, *needs, clock(each.seconds) if each.fits else "")
    chosen = best(advice)
    line = f"begin with: skyreels generate … {chosen.options}" if chosen else NOTHING
    return Group(f"{machine.name}: {memory}; times by {machine.rate_basis}", "", table, "", line)


def _table(*titles: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(titles))
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
