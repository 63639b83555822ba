"""The dtype and the times that a machine is given: measured once, remembered, and true where its CPU is masked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.film.folder.manifest import MANIFEST, work_folder
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.waits import Waits, remember_waits, waits_key
from skyreels_cli.order import speed as module
from skyreels_cli.order.intake import decide, take_up
from skyreels_cli.order.request import Request
from skyreels_cli.plan.compute import Speed
from skyreels_cli.plan.speed import FilmShape, SpeedBook
from skyreels_cli.recipe.schema import Draft

MASK = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
FOUND = {"dtype": "float32", "why": "it is the quicker one", "transformer": 2e9, "vae": 1e9}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What calibrations were asked for; each finds the same."""
    calls: list[dict[str, Any]] = []

    def measure(said: dict[str, Any]) -> dict[str, Any]:
        calls.append(said)
        return FOUND

    monkeypatch.setenv("SKYREELS_CALIBRATE", "true")
    monkeypatch.setattr(module, "_measure", measure)
    return calls


def order_of(tmp_path: Path, name: str = "film.mp4", **said: Any) -> Any:
    draft = Draft(prompt="a red ball", model="tiny", seed=1, num_frames=17, **said)
    return decide(Request(typed=draft, output=tmp_path / name))


def test_a_machine_is_measured_once_for_a_shape(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    first = order_of(tmp_path)
    assert (first.recipe.dtype, first.sources["dtype"]) == ("float32", "auto: it is the quicker one")
    assert "a short calibration on this machine" in first.plan.estimates["time"].basis
    assert order_of(tmp_path, dtype="auto").plan == first.plan
    assert [call["dtype"] for call in asked] == [None]
    typed = order_of(tmp_path, dtype="bfloat16")
    assert (typed.recipe.dtype, typed.sources["dtype"]) == ("bfloat16", "typed")
    assert [call["dtype"] for call in asked] == [None, "bfloat16"]


def test_what_a_film_took_wins_over_a_calibration(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    fresh = order_of(tmp_path)
    remember_waits(waits_key(fresh.recipe, fresh.facts, fresh.placement), Waits(loading=9.0))
    before = order_of(tmp_path)
    shape = FilmShape.of(before.recipe, before.facts, before.plan)
    SpeedBook("auto").keep_speed(shape, "float32", Speed(4e9, 2e9, "measured in a film"))
    after = order_of(tmp_path)
    assert "; 9 s of loading the model" in before.plan.estimates["time"].basis
    first, later = (order.plan.estimates["time"].value - 9.0 for order in (before, after))
    assert later == pytest.approx(first / 2)
    assert len(asked) == 1
    taken_up = take_up(after.recipe, Placement(), tmp_path / "film.mp4")
    assert taken_up.plan == after.plan


def test_a_job_is_computed_in_what_suits_the_machine_that_renders_it(
    tmp_path: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = order_of(tmp_path).recipe
    film = tmp_path / "film.mp4"
    monkeypatch.setenv("OMP_NUM_THREADS", "7")  # another machine, as far as speed is concerned
    monkeypatch.setitem(FOUND, "dtype", "bfloat16")
    assert take_up(decided, Placement(), film).recipe.dtype == "float32"
    assert take_up(decided, Placement(), film, open_dtype=True).recipe.dtype == "bfloat16"
    work_folder(film).mkdir()
    begun = decided.model_dump(mode="json", by_alias=True)
    (work_folder(film) / MANIFEST).write_text(json.dumps({"recipe": begun}))
    assert take_up(decided, Placement(), film, open_dtype=True).recipe == decided
    assert len(asked) == 2


def test_a_calibration_that_fails_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYREELS_CALIBRATE", "true")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    order = order_of(tmp_path)
    assert order.recipe.dtype in ("bfloat16", "float32")
    assert "assumption" in order.plan.estimates["time"].basis
    assert SpeedBook("auto").dtype() is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"vm": 1}'])
def test_a_damaged_file_counts_as_empty(content: str, home: Path) -> None:
    file = home / "cache" / "speed.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert SpeedBook("cpu").dtype() is None
    SpeedBook("cpu").keep_dtype("float32", "so it is")
    assert SpeedBook("cpu").dtype() == ("float32", "so it is")


def test_another_version_of_the_program_measures_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    SpeedBook("cpu").keep_dtype("bfloat16", "the CPU has it")
    monkeypatch.setattr("skyreels_cli.plan.speed.__version__", "0.2.0")
    assert SpeedBook("cpu").dtype() is None


def test_the_cpus_mask_makes_it_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    SpeedBook("cpu").keep_dtype("bfloat16", "the CPU has it")
    for name, value in MASK.items():
        monkeypatch.setenv(name, value)
    assert SpeedBook("cpu").dtype() is None
    assert module._likely_dtype("cpu")[0] == "float32"


def test_without_the_units_for_it_bfloat16_is_not_computed_in() -> None:
    """The real calibration, on this machine's CPU as one without AVX-512."""
    shape = FilmShape(dim=64, heads=2, ffn_dim=128, tokens=64, vae_dim=8, width=64, height=64)
    asked = json.dumps({"device": "cpu", "dtype": None, "shape": asdict(shape)})
    command = [sys.executable, "-m", "skyreels_cli.model.calibration", asked]
    said = subprocess.run(command, capture_output=True, check=True, env=os.environ | MASK)
    found = json.loads(said.stdout)
    assert (found["dtype"], found["transformer"] > 0, found["vae"] > 0) == ("float32", True, True)
