"""The machine that runs the tests stays out: no settings, presets or models of its user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anybody imports torch. Models this small lose by threads: waiting for each other took 8 s of CPU per film on a
# busy machine, against 1 s in one thread. Children of the tests inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")


# What a slow test may take.
SLOW_SECONDS = 7200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests have longer than pytest's `timeout` before they are taken to hang."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SKYREELS_HOME, and no machine is measured; no other SKYREELS_* variable is set."""
    for name in list(os.environ):
        if name.startswith("SKYREELS_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("SKYREELS_HOME", str(folder))
    monkeypatch.setenv("SKYREELS_CALIBRATE", "false")
    return folder
