"""The machine that runs the tests stays out: no settings, presets or models of its user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anybody imports torch. Models this small lose by threads: waiting for each other took 8 s of CPU per film on a
# busy machine, against 1 s in one thread. Children of the tests inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")


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
