"""Films whose VAE computes in bfloat16 or in tiles: nearly those of float32, in two windows and with either join."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from skyreels_cli.film.events import Event

Film = Callable[..., Iterator[Event]]


@pytest.mark.parametrize("join", ["pixels", "latents"])
def test_frames_are_nearly_those_of_float32(
    join: str,
    film: Film,
    frames_of: Callable[[Path], npt.NDArray[np.uint8]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("skyreels_cli.model.loading.VAE_TILE", 32)
    monkeypatch.setattr("skyreels_cli.model.loading.VAE_TILE_STRIDE", 24)
    made = {}
    for vae in ("float32", "bfloat16", "tiled"):
        output = tmp_path / f"{vae}.mkv"
        list(film(output=output, vae=vae, join=join))
        made[vae] = frames_of(output).astype(int)
    assert made["float32"].shape == (21, 48, 64, 3)
    off = {vae: np.abs(frames - made["float32"])[:13].mean() for vae, frames in made.items()}
    assert 0 == off["float32"] < off["bfloat16"] < 3
    assert off["bfloat16"] < off["tiled"] < 40
