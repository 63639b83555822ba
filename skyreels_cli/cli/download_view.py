"""What `skyreels download` shows: the plan of a download, and what there is to download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from skyreels_cli.output import byte_size

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.hub.download.planned import DownloadPlan, PlannedFile


def plan_data(plan: DownloadPlan) -> dict[str, Any]:
    """The plan as JSON values."""
    return {
        "model": plan.wanted.model,
        "source": plan.listing.source,
        "repo": plan.listing.repo,
        "revision": plan.listing.revision,
        "layout": plan.layout,
        "folder": str(plan.folder),
        "bytes": plan.bytes,
        "missing_bytes": plan.missing,
        "free_bytes": plan.free,
        "estimated": plan.estimated,
        "files": [{"path": file.remote.path, "size": file.remote.size, "present": file.present} for file in plan.files],
    }


def plans_view(plans: Sequence[DownloadPlan]) -> RenderableType:
    """Draw the files of each download, what is here of them, and the room there is."""
    from rich.console import Group

    return Group(*(_plan_view(plan) for plan in plans))


def _plan_view(plan: DownloadPlan) -> RenderableType:
    from rich.console import Group
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    for file in plan.files:
        table.add_row(byte_size(file.remote.size), file.remote.path, _state(file))
    about = "about " if plan.estimated else ""
    head = f"{plan.wanted.model}: {plan.listing.repo} at {plan.listing.revision[:12]}, {plan.layout} layout"
    total = f"{about}{byte_size(plan.bytes)}, of which {byte_size(plan.missing)} to fetch; {byte_size(plan.free)} free"
    short = ["the disk is too small"] if plan.missing > plan.free else []
    return Group(head, table, f"{total} in {plan.folder}", *short)


def _state(file: PlannedFile) -> str:
    if not file.missing:
        return "here"
    return f"{byte_size(file.present)} here" if file.present else ""


def catalogue_data() -> dict[str, Any]:
    """Everything that has a name in the catalogue."""
    from skyreels_cli.hub.catalogue import catalogue

    known = catalogue()
    return {
        "releases": [
            {
                "name": release.alias,
                "family": release.family,
                "bytes": {layout.name: layout.bytes for layout in release.layouts},
                "repositories": {layout.name: layout.repositories for layout in release.layouts},
                "licence": release.licence,
            }
            for release in known.releases
        ],
        "community": [entry.model_dump() for entry in known.community],
        "announced": [entry.model_dump() for entry in known.announced],
    }


def catalogue_view() -> RenderableType:
    """Draw releases and community files with their sizes, and name what was never released."""
    from rich.console import Group
    from rich.table import Table

    from skyreels_cli.hub.catalogue import catalogue

    known = catalogue()
    releases = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("release", "diffusers", "original", "hubs"):
        releases.add_column(title, no_wrap=True)
    for release in known.releases:
        sizes = {layout.name: byte_size(layout.bytes) for layout in release.layouts}
        hubs = sorted({hub for layout in release.layouts for hub in layout.repositories})
        releases.add_row(release.alias, sizes.get("diffusers", ""), sizes.get("original", ""), ", ".join(hubs))
    community = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("community file", "weights", "size", "with the rest of"):
        community.add_column(title, no_wrap=True)
    for entry in known.community:
        if entry.unreadable is None:
            community.add_row(entry.alias, entry.dtype, byte_size(entry.bytes), entry.base)
    unreadable = [f"{entry.alias}: {entry.unreadable}" for entry in known.community if entry.unreadable]
    never = ", ".join(entry.alias for entry in known.announced)
    return Group(releases, "", community, "", *unreadable, f"announced, never released: {never}")
