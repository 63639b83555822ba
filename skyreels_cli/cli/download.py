"""`skyreels download`: models onto this machine, planned before and checked after."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

from skyreels_cli.cli.completion import release_names
from skyreels_cli.errors import RetryableError, SkyreelsError, UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.hub.download.planned import DownloadPlan
    from skyreels_cli.hub.download.record import DownloadRecord
    from skyreels_cli.hub.download.wanted import Fetch


def download(
    out: Output,
    *,
    models: Annotated[
        list[str] | None,
        Argument(metavar="MODEL", autocompletion=release_names, help="Names or repositories OWNER/NAME."),
    ] = None,
    source: Annotated[Literal["hf", "modelscope"], Option(help="From which hub.")] = "hf",
    layout: Annotated[Literal["diffusers", "original"] | None, Option(help="How its files are laid out.")] = None,
    to: Annotated[
        Path | None, Option(metavar="FOLDER", help="Into a folder, and not into the hub's cache.", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None, Option(metavar="PART", help="Only this part (vae, text_encoder), for a --base; repeatable.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what would come.")] = False,
    verify: Annotated[bool, Option("--verify", help="Check every hash afterwards, and mend.")] = False,
    list_: Annotated[bool, Option("--list", help="What there is to download.")] = False,
) -> None:
    """Fetch models: what a render reads, several files at once, checked, and resumed after whatever happened.

    The same command goes on with a download that was interrupted.
    """
    if list_:
        _list(out)
        return
    if not models:
        raise UsageError("usage", "which model?", "skyreels download df-1.3b-540p  (all: skyreels download --list)")
    if to and len(models) > 1:
        message = "--to takes one model, as each has a folder of its own"
        raise UsageError("usage", message, f"--to {quote(str(to))} {models[0]}")
    from skyreels_cli.hub.download.wanted import wanted

    wants = [wanted(model, source, layout, to, only or ()) for model in models]
    plans = [_plan(want, out, dry_run=dry_run) for want in wants]
    if dry_run:
        _show(plans, out)
    else:
        results = [_fetch(plan, out, verify=verify) for plan in plans]
        out.result({"downloads": results}, "\n".join(result["folder"] for result in results))


def _list(out: Output) -> None:
    from skyreels_cli.cli.download_view import catalogue_data, catalogue_view

    data = catalogue_data()
    out.result(data, "\n".join(entry["name"] for entry in data["releases"]), catalogue_view)


def _plan(want: Fetch, out: Output, *, dry_run: bool) -> DownloadPlan:
    """The plan by the hub; for a dry run without network that of the catalogue will do."""
    from skyreels_cli.hub.download.planned import plan_download, plan_from_catalogue

    try:
        return plan_download(want)
    except SkyreelsError as error:
        offline = isinstance(error, RetryableError) or error.code in ("offline", "extra-missing")
        known = plan_from_catalogue(want) if dry_run and offline else None
        if known is None:
            raise
        out.narrate(f"{error.message}; sizes are those of the catalogue")
        return known


def _show(plans: list[DownloadPlan], out: Output) -> None:
    from skyreels_cli.cli.download_view import plan_data, plans_view

    data = {"downloads": [plan_data(plan) for plan in plans]}
    out.result(data, "\n".join(str(plan.missing) for plan in plans), lambda: plans_view(plans))


def _fetch(plan: DownloadPlan, out: Output, *, verify: bool) -> dict[str, Any]:
    """Make the model complete, and with `verify` right."""
    from skyreels_cli.cli.download_view import plan_data
    from skyreels_cli.cli.fetching import fetch

    if plan.complete and plan.record:
        out.narrate(f"{plan.wanted.model} is complete on this machine")
        record = plan.record
    else:
        record = fetch(plan, out)
    mended = _mend(record, plan, out) if verify else []
    return {**plan_data(plan), "complete": True, "mended": mended}


def _mend(record: DownloadRecord, plan: DownloadPlan, out: Output) -> list[str]:
    """Check every hash and fetch what is damaged again; the files that were."""
    from skyreels_cli.cli.fetching import fetch
    from skyreels_cli.hub.download.planned import plan_download
    from skyreels_cli.hub.download.verify import check_files, discard

    damaged = []
    for number, checked in enumerate(check_files(record.folder, record), start=1):
        out.narrate(f"checked {number}/{len(record.files)}  {checked.path}: {checked.finding}")
        if checked.damaged:
            damaged.append(checked.path)
            discard(record.folder, checked.path)
    if damaged:
        fetch(plan_download(plan.wanted), out)
    return damaged
