"""`skyreels models`: what is here, whether it is whole, and what suits this machine."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from skyreels_cli.cli.command import command_group, unfold
from skyreels_cli.cli.completion import model_names
from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.output import Output, byte_size

if TYPE_CHECKING:
    from skyreels_cli.hub.inventory import StoredModel

app = command_group("The models on this machine, and which of them suit it.")

ModelName = Annotated[str, Argument(metavar="MODEL", autocompletion=model_names, help="A model.")]


@app.command("list")
@unfold
def list_models(out: Output) -> None:
    """Print what is on this machine: where, how large, complete or not, and what uses it."""
    from skyreels_cli.cli.models_view import models_view, stored_data, users_of
    from skyreels_cli.hub.inventory import stored_models

    models = list(stored_models())
    users = {model.name: users_of(model) for model in models}
    data = {"models": [{**stored_data(model), "used_by": users[model.name]} for model in models]}
    out.result(data, "\n".join(model.name for model in models), lambda: models_view(models, users))


@app.command("show")
@unfold
def show(out: Output, *, model: ModelName) -> None:
    """Print all about a model: its parts and sizes, what it needs, where it comes from, whether it is here."""
    from skyreels_cli.cli.models_view import about_data, about_view

    data = about_data(model)
    out.result(data, data["name"], lambda: about_view(data))


@app.command("path")
@unfold
def path(out: Output, *, model: ModelName) -> None:
    """Print the folder that a model lies in."""
    from skyreels_cli.hub.inventory import find_stored

    folder = str(find_stored(model).folder)
    out.result({"path": folder}, folder)


@app.command("verify")
@unfold
def verify(
    out: Output,
    *,
    model: ModelName,
    quick: Annotated[bool, Option("--quick", help="Sizes and headers only: a moment, no hashes.")] = False,
) -> None:
    """Check every file of a model against the hashes of its hub; without them by size and header."""
    from skyreels_cli.hub.download.verify import check_files
    from skyreels_cli.hub.inventory import find_stored

    stored = find_stored(model)
    checked = []
    for file in check_files(stored.folder, stored.record, hashes=not quick):
        out.narrate(f"{file.path}: {file.finding}")
        checked.append(file)
    damaged = [file.path for file in checked if file.damaged]
    if damaged:
        raise _damaged(stored, damaged)
    unknown = sum(file.finding == "unknown" for file in checked)
    if not checked or (unknown and not quick and unknown == len(checked)):
        out.warning("nothing says what its hashes should be; sizes and headers are right")
    data = {"model": stored.name, "folder": str(stored.folder), "files": {file.path: file.finding for file in checked}}
    out.result(data, f"{stored.name}: {len(checked)} files are right")


def _damaged(stored: StoredModel, paths: list[str]) -> SkyreelsError:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    message = f"{len(paths)} files of {stored.name} are not what they should be: {', '.join(paths[:3])}{more}"
    record = stored.record
    to = f" --to {quote(str(record.folder))}" if record and record.into_folder else ""
    source = " --source modelscope" if stored.origin == "modelscope" else ""
    return SkyreelsError("model-damaged", message, f"skyreels download {stored.name}{source}{to} --verify")


@app.command("remove")
@unfold
def remove(
    out: Output, *, model: ModelName, yes: Annotated[bool, Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Delete a model from this machine, after saying what that frees."""
    from skyreels_cli.cli.models_view import users_of
    from skyreels_cli.cli.monitor import interactive
    from skyreels_cli.hub.inventory import find_stored
    from skyreels_cli.hub.removal import plan_removal

    stored = find_stored(model)
    removal = plan_removal(stored)
    out.narrate(f"{stored.name} in {stored.folder}: deleting it frees {byte_size(removal.frees)}")
    if users := users_of(stored):
        out.narrate(f"used by {', '.join(users)}")
    if not yes and not interactive(out):
        message = f"{stored.name} would be deleted, and nobody can be asked"
        raise UsageError("not-confirmed", message, f"skyreels models remove {quote(model)} --yes")
    if not yes and not typer.confirm("Delete it?", err=True):
        out.result({"removed": False, "freed_bytes": 0}, "nothing deleted")
        return
    removal.carry_out()
    out.result({"removed": True, "freed_bytes": removal.frees}, f"{byte_size(removal.frees)} freed")


@app.command("recommend")
@unfold
def recommend(
    out: Output,
    *,
    gpu_memory: Annotated[
        float | None, Option(metavar="GB", min=1, help="For a machine with such a GPU instead.")
    ] = None,
) -> None:
    """Print which models fit this machine, with which settings, and how long their usual film would take."""
    from skyreels_cli.cli.models_view import advice_data, advice_view
    from skyreels_cli.order.machine_here import machine_here
    from skyreels_cli.plan.advice import advise
    from skyreels_cli.plan.machine import Machine

    machine = machine_here() if gpu_memory is None else Machine.with_gpu(gpu_memory * 1e9)
    advice = advise(machine)
    best = next((each.model for each in advice if each.fits), "")
    out.result(advice_data(machine, advice), best, lambda: advice_view(machine, advice))
