"""Plugins made on the spot: modules in the test's folder, entry points that exist only for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from torch import Tensor

from skyreels_cli.plugins.entries import Entry

HEADER = """
from pydantic import BaseModel
from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import CacheSpec, CommandSpec, SchedulerSpec, hookimpl

SKYREELS_API = 1
"""

MakePlugin = Callable[..., Entry]


@pytest.fixture
def make_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePlugin]:
    """Write a module and return its entry; `header` comes before the body."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    made: list[str] = []

    def write(body: str, name: str = "foo", package: str | None = None, header: str = HEADER) -> Entry:
        module = f"made_for_test_{len(made)}_{name.replace('-', '_')}"
        (folder / f"{module}.py").write_text(header + dedent(body))
        made.append(module)
        return Entry(name, module, package or f"skyreels-{name}", "1.2")

    yield write
    for module in made:
        sys.modules.pop(module, None)


@dataclass
class FakePass:
    """One forward pass over layers that add what the test says; `runs` counts layers times frames."""

    row: int = 0
    branch: str = "cond"
    timesteps: tuple[int, ...] = (999,)
    moving: tuple[bool, ...] = (True,)
    time: Tensor = field(default_factory=lambda: torch.ones(1, 1, 4))
    modulation: Tensor = field(default_factory=lambda: torch.ones(1, 1, 6, 4))
    layers: int = 1
    adds: Callable[[int], float] = lambda frame: 1.0
    ran: list[tuple[int, ...]] = field(default_factory=list)

    def run(
        self,
        x: Tensor,
        start: int = 0,
        stop: int | None = None,
        frames: Sequence[int] | None = None,
        memory: object = None,
        *,
        keep_keys: bool = False,
    ) -> Tensor:
        present = tuple(frames if frames is not None else range(len(self.timesteps)))
        layers = range(self.layers)[start:stop]
        self.ran += [present for _ in layers]
        by_frame = x.unflatten(1, (len(present), -1))
        for place, frame in enumerate(present):
            by_frame[:, place] += len(layers) * self.adds(frame)  # in place, as the real layers do
        return x

    def agree(self, number: float) -> float:
        return number


@pytest.fixture
def fake_pass() -> type[FakePass]:
    return FakePass
