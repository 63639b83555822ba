"""The machine that runs the tests stays out: no settings, presets or models of its user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SKYREELS_HOME; no other SKYREELS_* variable is set."""
    for name in list(os.environ):
        if name.startswith("SKYREELS_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("SKYREELS_HOME", str(folder))
    return folder
