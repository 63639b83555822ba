"""A run's drawing never costs the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from skyreels_tiny.train.figures import draw_run, read_run

HEAD = "phase,step,seconds,samples,name,value\n"


def test_a_run_without_figures_draws_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_text(HEAD)
    draw_run(tmp_path / "run.csv", tmp_path / "run.png")
    assert not (tmp_path / "run.png").exists()


def test_curves_break_where_a_run_began_again(tmp_path: Path) -> None:
    rows = "full,25,10.0,400,loss/sync,0.3\nfull,50,20.0,800,loss/sync,0.2\nfull,50,15.0,800,loss/sync,0.25\n"
    (tmp_path / "run.csv").write_text(HEAD + rows)
    times, values = read_run(tmp_path / "run.csv")["full"]["loss/sync"]
    assert (times[:2], times[3]) == ([10.0, 20.0], 15.0)
    assert times[2] != times[2]
    assert values[3] == pytest.approx(0.25)
