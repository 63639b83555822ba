"""Intake and queue fit films into what is free now, by one function; what does not fit says what would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.errors import OutOfMemoryError
from skyreels_cli.film.folder.manifest import MANIFEST, work_folder
from skyreels_cli.film.placement import Placement
from skyreels_cli.order import gpus as nvml
from skyreels_cli.order.intake import decide, take_up
from skyreels_cli.order.machine_here import machine_here
from skyreels_cli.order.memory import fit_decided, fit_new
from skyreels_cli.order.order import Order
from skyreels_cli.order.request import Request
from skyreels_cli.recipe.schema import Draft

MODEL = Path(__file__).parents[1] / "golden" / "model"


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the driver says of the cards; 64 GB of RAM are free."""
    known: list[dict[str, Any]] = []
    monkeypatch.setattr("skyreels_cli.order.machine_here.gpus", lambda: known)
    ram = type("Memory", (), {"available": 64e9, "total": 128e9})()
    monkeypatch.setattr("skyreels_cli.order.machine_here.psutil.virtual_memory", lambda: ram)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return known


def card(free: float, total: float = 80) -> dict[str, Any]:
    return {"name": "a card", "used_bytes": (total - free) * 1e9, "total_bytes": total * 1e9}


def planned(tmp_path: Path, machine: dict[str, Any] | None = None, queued: bool = False, **said: Any) -> Order:
    draft = Draft(prompt="x", model="df-14b-540p", seed=1, **said)
    output = tmp_path / "film.mp4"
    return decide(Request(typed=draft, output=output, machine=machine or {}, only_plan=True, queued=queued))


@pytest.mark.parametrize(
    ("free", "offload", "vae"),
    [(80, "none", "float32"), (36, "model", "float32"), (24, "stream", "float32"), (8, "stream", "bfloat16")],
)
def test_a_new_film_takes_what_is_free_now(
    cards: list[Any], tmp_path: Path, free: float, offload: str, vae: str
) -> None:
    cards.append(card(free))
    order = planned(tmp_path)
    assert order.way is not None
    assert order.way.fits
    assert (order.placement.offload, order.recipe.vae, order.recipe.weights_dtype) == (offload, vae, "file")
    assert order.sources["vae"] == ("free memory" if vae != "float32" else "default")
    assert order.plan.estimates["vae_decode"].value <= free * 1e9
    assert any("VAE" in note for note in order.plan.notes) == (vae != "float32")


def test_what_was_said_is_left_alone(cards: list[Any], tmp_path: Path) -> None:
    cards.append(card(8))
    said = planned(tmp_path, {"offload": "model"})
    assert (said.placement.offload, said.recipe.vae, said.way) == ("model", "float32", None)
    fixed = planned(tmp_path, vae="tiled", weights_dtype="fp8")
    assert (fixed.recipe.vae, fixed.recipe.weights_dtype, fixed.placement.offload) == ("tiled", "fp8", "stream")
    assert fixed.sources["vae"] == "typed"


def test_eight_bits_where_they_were_allowed(cards: list[Any], tmp_path: Path) -> None:
    cards.append(card(5.6))
    assert planned(tmp_path).way.fits is False  # type: ignore[union-attr]
    cards[:] = [card(22, total=24)]
    assert planned(tmp_path, weights_dtype="auto").recipe.weights_dtype == "file"


def test_the_same_command_later_goes_on_with_what_was_decided(cards: list[Any], tmp_path: Path) -> None:
    cards.append(card(8))
    begun = planned(tmp_path, weights_dtype="auto").recipe
    folder = work_folder(tmp_path / "film.mp4")
    folder.mkdir()
    made = {"recipe": {**begun.model_dump(mode="json", by_alias=True), "weights_dtype": "fp8"}}
    (folder / MANIFEST).write_text(json.dumps(made))
    cards[:] = [card(80)]
    again = planned(tmp_path, weights_dtype="auto")
    assert (again.recipe.vae, again.recipe.weights_dtype) == ("bfloat16", "fp8")
    assert planned(tmp_path, weights_dtype="file", vae="float32").recipe.vae == "float32"


def test_a_queued_film_waits_for_its_turn(cards: list[Any], tmp_path: Path) -> None:
    cards.append(card(8))
    order = planned(tmp_path, queued=True)
    assert (order.placement.offload, order.recipe.vae, order.way) == ("auto", "float32", None)


def test_a_plan_says_what_would_fit_and_a_film_is_refused(cards: list[Any], tmp_path: Path) -> None:
    cards.append(card(4.5))
    order = planned(tmp_path)
    (note,) = [note for note in order.notes if "does not fit" in note]
    assert "this would: --" in note
    cards[:] = [card(0.5)]
    draft = Draft(prompt="x", model=str(MODEL), seed=1, resolution="64x48", num_frames=5)
    with pytest.raises(OutOfMemoryError) as refused:
        decide(Request(typed=draft, output=tmp_path / "film.mp4"))
    assert (refused.value.code, refused.value.exit_code) == ("does-not-fit", 4)
    assert refused.value.hint
    recipe = planned_here(cards, tmp_path).recipe
    cards[:] = [card(0.5)]
    with pytest.raises(OutOfMemoryError):
        take_up(recipe, Placement(offload="auto"), tmp_path / "film.mp4")


def planned_here(cards: list[Any], tmp_path: Path) -> Order:
    cards[:] = [card(80)]
    draft = Draft(prompt="x", model=str(MODEL), seed=1, resolution="64x48", num_frames=5)
    return decide(Request(typed=draft, output=tmp_path / "other.mp4"))


def test_a_job_s_turn_and_a_resumed_film_ask_the_same_function_and_keep_their_recipe(
    cards: list[Any], tmp_path: Path
) -> None:
    order = planned_here(cards, tmp_path)
    windows = order.plan.windows
    auto = Placement(offload="auto")
    for free in (80, 3, 1):
        cards[:] = [card(free)]
        new = fit_new(order.recipe, order.facts, windows, auto, Draft(vae="float32"))
        decided = fit_decided(order.recipe, order.facts, windows, auto)
        assert new == decided
        assert take_up(order.recipe, auto, tmp_path / "film.mp4").placement.offload == decided.offload  # type: ignore[union-attr]


def test_cards_by_number_by_what_cuda_shows_and_the_fullest_of_several(
    cards: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cards += [card(10), card(20), card(30)]
    assert machine_here(free=True).device_bytes == 10e9
    assert machine_here("cuda:1", 2, free=True).device_bytes == 20e9
    assert machine_here("cuda:1", 2, free=True).ram_bytes == 32e9
    assert machine_here("cuda:1").device_bytes == 80e9
    assert machine_here("cpu", free=True).kind == "cpu"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    assert [machine_here(f"cuda:{n}", free=True).device_bytes for n in (0, 1)] == [30e9, 10e9]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert machine_here(free=True).kind == "cpu"


def test_without_a_driver_there_are_no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "_nvml", lambda: None)
    assert nvml.gpus() == []
