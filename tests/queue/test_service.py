from __future__ import annotations

import configparser
import shlex
import sys
from pathlib import Path

import pytest

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.queue.service import UNIT, unit_folder, unit_text, write_unit


def test_the_unit_runs_this_python_and_leaves_time_to_checkpoint(home: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string(unit_text())
    assert shlex.split(unit["Service"]["ExecStart"]) == [sys.executable, "-m", "skyreels_cli", "queue", "run"]
    assert shlex.split(unit["Service"]["Environment"]) == [f"SKYREELS_HOME={home}"]
    assert int(unit["Service"]["TimeoutStopSec"]) > 30
    assert (unit["Service"]["KillMode"], unit["Install"]["WantedBy"]) == ("mixed", "default.target")


def test_it_goes_where_systemd_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = unit_folder() / UNIT
    assert path == tmp_path / "systemd" / "user" / "skyreels-queue.service"
    write_unit(path)
    assert path.read_text() == unit_text()
    (tmp_path / "file").touch()
    with pytest.raises(SkyreelsError, match="cannot be written"):
        write_unit(tmp_path / "file" / UNIT)
