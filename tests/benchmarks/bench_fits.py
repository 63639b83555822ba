"""What is chosen for every released model on cards of many sizes, with nothing but free memory to go by.

    python -m tests.benchmarks.bench_fits

writes results/bench_fits.json and .md. Estimates, not measurements: no card is needed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skyreels_cli.hub.catalogue import catalogue
from skyreels_cli.hub.entry import Release
from skyreels_cli.hub.shapes import release_facts
from skyreels_cli.order.memory import nearest
from skyreels_cli.plan.advice import plan_of
from skyreels_cli.plan.fitting import fit, vaes_on
from skyreels_cli.plan.machine import Machine

RESULTS = Path(__file__).parent / "results"
GIGABYTES = (8, 12, 16, 24, 48, 80)
RAM = 64e9
RESOLUTIONS = ("540P", "720P")


def choice(release: Release, resolution: str, gigabytes: int) -> dict[str, Any]:
    """The way that is picked where so much is free, and 64 GB of RAM; nothing is allowed that has to be said."""
    machine = Machine.with_card(f"a card with {gigabytes} GB", gigabytes * 1e9, RAM)
    facts = release_facts(release)
    plan, recipe = plan_of(facts, resolution)
    way = fit(recipe, facts, plan.windows, machine, (), vaes_on(machine))
    return {
        "model": release.alias,
        "resolution": resolution,
        "free_gb": gigabytes,
        "way": way.called if way.fits else None,
        "device_gb": round(way.need.device / 1e9, 1),
        "host_gb": round(way.need.host / 1e9, 1),
        "nearest": None if way.fits else nearest(recipe, facts, machine),
    }


def choices() -> list[dict[str, Any]]:
    """Every model at both sizes on every card."""
    return [
        choice(release, resolution, gigabytes)
        for release in catalogue().releases
        for resolution in RESOLUTIONS
        for gigabytes in GIGABYTES
    ]


def table(chosen: list[dict[str, Any]]) -> str:
    """The choices as Markdown: the way, and the estimated peak in GB."""
    lines = [
        "What `--offload auto` picks for 97 frames, by the memory that is free (and 64 GB of RAM), and its estimated",
        "peak on the card in GB. Before the VAE is changed all of `none`, `model` and `stream` were too large.",
        "",
        "| model | at | " + " | ".join(f"{gigabytes} GB" for gigabytes in GIGABYTES) + " |",
        "| --- | --- |" + " --- |" * len(GIGABYTES),
    ]
    for start in range(0, len(chosen), len(GIGABYTES)):
        row = chosen[start : start + len(GIGABYTES)]
        lines.append(f"| {row[0]['model']} | {row[0]['resolution']} | " + " | ".join(map(_cell, row)) + " |")
    return "\n".join(lines) + "\n"


def _cell(one: dict[str, Any]) -> str:
    return f"{one['way']}: {one['device_gb']}" if one["way"] else f"does not fit; `{one['nearest']}` does"


if __name__ == "__main__":
    made = choices()
    (RESULTS / "bench_fits.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "bench_fits.md").write_text(table(made), encoding="utf-8")
