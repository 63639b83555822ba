"""Why each value of a recipe is what it is (`--explain`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.order.order import Order

LONGEST_VALUE = 40


def explain_view(order: Order) -> RenderableType:
    """Draw each value of the recipe beside its source."""
    from rich.table import Table

    from skyreels_cli.recipe.rerolls import shown

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("field", "value", "because"):
        table.add_column(title)
    for name, source in order.sources.items():
        value = getattr(order.recipe, name)
        if value not in (None, [], {}):
            table.add_row(name, _short(str(shown(name, value))), source)
    return table


def offload_data(order: Order) -> dict[str, Any]:
    """What leaves the device between uses and why, and where free memory decided that: the bytes needed and free."""
    way = order.way
    if way is None:
        return {"offload": order.placement.offload, "because": "as was said"}
    return {
        "offload": way.offload,
        "because": way.because,
        "fits": way.fits,
        "device_bytes": way.need.device,
        "host_bytes": way.need.host,
        "free_device_bytes": way.machine.device_bytes,
        "free_host_bytes": way.machine.ram_bytes,
    }


def _short(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"
