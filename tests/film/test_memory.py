"""Memory is flat in the length of the film."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from skyreels_cli.film.background import Background
from skyreels_cli.film.events import Event, WindowDone
from skyreels_cli.model.vae import temporal_reach

GOLDEN = Path(__file__).parents[1] / "golden"
BASE, NEW = 13, 8  # frames of a window, and of those the new ones in every window but the first
LATENT_BYTES = 16 * 6 * 8 * 4  # one latent frame of a film of 64x48

Film = Callable[..., Iterator[Event]]


def peak_rss(output: Path, windows: int, join: str) -> int:
    """Peak resident set of a process of its own that renders so many windows."""
    line = ["generate", "a red ball", "--model", str(GOLDEN / "model"), "--resolution", "32x32", "--join", join]
    line += ["--num-frames", str(BASE + NEW * (windows - 1)), "--base-num-frames", str(BASE), "--overlap-history", "5"]
    line += ["--inference-steps", "1", "--guidance-scale", "1", "--device", "cpu", "--dtype", "float32"]
    line += ["-o", str(output), "--json"]
    # glibc gives every thread a heap of its own, and which threads there are is chance.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "skyreels_cli", *line], capture_output=True, text=True, check=False, env=environment
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    data = json.loads(ran.stdout)["data"]
    assert data["windows"] == windows
    return int(data["peak_memory_bytes"])


@pytest.mark.parametrize("join", ["pixels", pytest.param("latents", marks=pytest.mark.slow)])
def test_peak_of_20_windows_is_that_of_4(tmp_path: Path, join: str) -> None:
    few, many = (peak_rss(tmp_path / f"{windows}.mp4", windows, join) for windows in (4, 20))
    assert many <= 1.1 * few


@pytest.mark.slow
def test_peak_of_40_windows_is_that_of_5(tmp_path: Path) -> None:
    few, many = (peak_rss(tmp_path / f"{windows}.mp4", windows, "pixels") for windows in (5, 40))
    assert many <= 1.05 * few


@pytest.fixture
def all_in_front(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left to the background, so that every window is recorded when it is done."""
    monkeypatch.setattr(Background, "run", lambda _, task: task())


@pytest.mark.usefixtures("all_in_front")
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files by /proc")
def test_open_files_and_disk_are_as_planned(film: Film, tmp_path: Path) -> None:
    opened = []
    used = 0
    for event in film(num_frames=BASE + NEW * 5, inference_steps=1):
        if isinstance(event, WindowDone):
            opened.append(len(list(Path("/proc/self/fd").iterdir())))
            used = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert max(opened[1:]) == opened[1]
    planned = json.loads((tmp_path / "film.mkv.json").read_text())["plan"]["estimates"]["disk"]["value"]
    assert used + (tmp_path / "film.mkv").stat().st_size <= planned


@pytest.fixture
def live_tensor_bytes() -> Iterator[Callable[[], int]]:
    """Counts the bytes of all tensors made since the test began that are still alive, shared storage once."""
    gc.collect()
    gc.freeze()  # a hundred thousand objects of the libraries need not be looked at again and again

    def count() -> int:
        gc.collect()
        tensors = (found for found in gc.get_objects() if issubclass(type(found), torch.Tensor))
        storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
        return sum(storages.values())

    yield count
    gc.unfreeze()


@pytest.mark.usefixtures("all_in_front")
@pytest.mark.parametrize("join", ["pixels", "latents", "rolling"])
def test_no_window_leaves_more_behind_than_the_one_before(
    film: Film, live_tensor_bytes: Callable[[], int], join: str
) -> None:
    left = [
        live_tensor_bytes()
        for event in film(num_frames=BASE + NEW * 4, inference_steps=2, join=join)
        if isinstance(event, WindowDone)
    ]
    assert len(left) == {"rolling": 6}.get(join, 5)
    # Joined by latents, a film keeps as many as its decoder needs to be warmed up again, from wherever it stops.
    vae_config = json.loads((GOLDEN / "model/vae/config.json").read_text())
    allowed = 0 if join == "pixels" else temporal_reach(vae_config) * LATENT_BYTES
    assert max(left[1:]) - left[1] <= allowed


@pytest.mark.slow
@pytest.mark.usefixtures("all_in_front")
def test_two_hundred_blocks_roll_in_the_memory_of_forty(film: Film, live_tensor_bytes: Callable[[], int]) -> None:
    left = {
        event.window: live_tensor_bytes()
        for event in film(num_frames=4 * 199 + 1, inference_steps=2, join="rolling")
        if isinstance(event, WindowDone) and event.window in (20, 60, 98)
    }
    assert left[20] == left[60] == left[98]
