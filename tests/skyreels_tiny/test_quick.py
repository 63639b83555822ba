"""The trainer learns at all: a small model, a few minutes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


@pytest.mark.slow
def test_a_quick_run_learns_and_exports(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "skyreels_tiny.train", "--folder", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(PLUGINS), "OMP_WAIT_POLICY": "PASSIVE"}
    subprocess.run([*command, "--quick"], check=True, env=environment)
    with (tmp_path / "run.csv").open() as file:
        rows = list(csv.DictReader(file))
    psnr = [float(row["value"]) for row in rows if row["name"] == "psnr" and row["phase"] == "vae-image"]
    losses = [float(row["value"]) for row in rows if row["name"] == "loss/sync" and row["phase"] == "image"]
    assert psnr[-1] > psnr[0] + 5
    assert losses[-1] < 0.6 * losses[0]
    target = tmp_path / "bundle"
    subprocess.run([*command, "--export", str(target)], check=True, env=environment)
    assert (target / "skyreels.json").exists()
    assert sum(path.stat().st_size for path in target.rglob("*") if path.is_file()) < 20e6
