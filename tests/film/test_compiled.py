"""Films of compiled layers: the same to rounding, and timed without their compiling."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from skyreels_cli.film.events import StepDone, WindowDone
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.timing import Timing
from skyreels_cli.plan.speed import SpeedBook

from .conftest import Film

COMPILED = Placement(device="cpu", compile=True)


@pytest.mark.slow  # 40 s of compiling
def test_a_compiled_film_is_the_same_to_rounding(
    tmp_path: Path, film: Film, frames_of: Callable[[Path], npt.NDArray[np.uint8]]
) -> None:
    how = {"ar_step": 1, "causal_block_size": 1, "guidance_scale": 3.0}
    for _ in film(tmp_path / "plain.mkv", **how):
        pass
    for _ in film(tmp_path / "compiled.mkv", working={"placement": COMPILED}, **how):
        pass
    plain, compiled = (frames_of(tmp_path / f"{name}.mkv").astype(int) for name in ("plain", "compiled"))
    assert abs(plain - compiled).max() <= 1
    assert (plain != compiled).mean() < 0.01


@pytest.mark.parametrize(("compile_layers", "seconds"), [(True, 3 * 2.0), (False, 60.0 + 2 * 2.0)])
def test_compiling_is_no_part_of_the_speed(
    monkeypatch: pytest.MonkeyPatch, *, compile_layers: bool, seconds: float
) -> None:
    kept: list[Any] = []
    monkeypatch.setattr("skyreels_cli.film.timing.denoise_flops", lambda *_: 120.0)
    monkeypatch.setattr("skyreels_cli.film.timing.vae_flops", lambda *_: 50.0)
    monkeypatch.setattr("skyreels_cli.film.timing.FilmShape", SimpleNamespace(of=lambda *_: "shape"))
    monkeypatch.setattr(SpeedBook, "keep_speed", lambda *said: kept.append(said[-1]))
    window = SimpleNamespace(rows=3, index=0)
    rendering: Any = SimpleNamespace(
        recipe=SimpleNamespace(cache=None, join="pixels", dtype="float32"),
        facts=None,
        plan=SimpleNamespace(window=lambda _: window),
        placement=Placement(compile=compile_layers),
    )
    timing = Timing(rendering)
    for step, taken in enumerate((60.0, 2.0, 2.0)):
        timing.take(StepDone(1, step, 3, taken, 0, ()))
    timing.take(WindowDone(1, 64.0 + 5.0, 0))
    timing.remember()
    (speed,) = kept
    assert (speed.transformer, speed.vae) == (120.0 / seconds, 50.0 / 5.0)
