"""Films of several shots, on the golden model: a shot depends on its words and on what came before, no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyreels_cli.film.events import Event, StepDone, WindowStarted

from .conftest import GOLDEN

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], np.ndarray]

FIRST = {"prompt": "a red ball", "num_frames": 9}
SECOND = {"prompt": "snow over a town", "num_frames": 8}


@pytest.fixture
def shoot(film: Film, frames_of: Frames, tmp_path: Path) -> Callable[..., np.ndarray]:
    """Frames of a film of these shots."""

    def render(*shots: dict[str, Any], **changes: Any) -> np.ndarray:
        length: dict[str, Any] = {"num_frames": None} if shots else {}
        list(film(overwrite(tmp_path), shots=list(shots) or None, **length, **changes))
        return frames_of(tmp_path / "film.mkv")

    return render


def overwrite(folder: Path) -> Path:
    (folder / "film.mkv").unlink(missing_ok=True)
    return folder / "film.mkv"


Shoot = Callable[..., np.ndarray]


@pytest.mark.parametrize("join", ["pixels", "latents", "rolling"])
def test_without_the_second_shot_the_first_is_the_same(shoot: Shoot, join: str) -> None:
    both = shoot(FIRST, SECOND, join=join, addnoise_condition=20)
    assert len(both) == 17
    assert np.array_equal(shoot(FIRST, join=join, addnoise_condition=20), both[:9])


@pytest.mark.parametrize(
    "change", [{"prompt": "a blue square"}, {"seed": 3}, {"num_frames": 5}, {"cut": True}, {"guidance_scale": 3.0}]
)
def test_what_is_said_of_the_second_shot_changes_the_second_shot(shoot: Shoot, change: dict[str, Any]) -> None:
    plain, changed = shoot(FIRST, SECOND), shoot(FIRST, SECOND | change)
    assert len(changed) == 9 + change.get("num_frames", 8)
    assert np.array_equal(changed[:9], plain[:9])
    if "num_frames" not in change:
        assert not np.array_equal(changed[9:], plain[9:])


def test_a_shot_goes_on_from_the_one_before(shoot: Shoot) -> None:
    plain, changed = shoot(FIRST, SECOND), shoot(FIRST | {"prompt": "a green star"}, SECOND)
    assert not np.array_equal(changed[9:], plain[9:])


@pytest.mark.parametrize("join", ["pixels", "latents", "rolling"])
def test_a_cut_with_a_seed_is_a_film_of_its_own(shoot: Shoot, join: str) -> None:
    both = shoot(FIRST, {**SECOND, "num_frames": 23, "cut": True, "seed": 5}, join=join, addnoise_condition=20)
    alone = shoot(prompt=SECOND["prompt"], num_frames=23, seed=5, join=join, addnoise_condition=20)
    assert np.array_equal(both[9:], alone)


def test_one_shot_is_the_film_without_shots(shoot: Shoot) -> None:
    assert np.array_equal(shoot({"prompt": "a red ball", "num_frames": 21}), shoot(num_frames=21))


def test_trimmed_frames_are_forgotten(shoot: Shoot, samplers: list[Any]) -> None:
    """The second shot goes on from the five frames that were kept, not from the eight that were decoded."""
    frames = shoot({"prompt": "a", "num_frames": 6}, SECOND)
    assert len(frames) == 14
    assert [sampler.window.prefix_latents for sampler in samplers] == [0, 2]


def test_each_prompt_holds_from_its_first_new_frame(film: Film) -> None:
    shots = [{**FIRST, "num_frames": 20}, {**SECOND, "num_frames": 20}]
    begun = [event for event in film(num_frames=None, shots=shots) if isinstance(event, WindowStarted)]
    assert [(event.prompt, event.first_frame, event.new_frames) for event in begun] == [
        ("a red ball", 0, 13),
        ("a red ball", 13, 7),
        ("snow over a town", 20, 8),
        ("snow over a town", 28, 8),
        ("snow over a town", 36, 4),
    ]


def test_a_cut_may_start_from_an_image(shoot: Shoot, samplers: list[Any]) -> None:
    image = str(GOLDEN / "first.png")
    shoot(FIRST, {**SECOND, "num_frames": 9, "cut": True, "image": image}, resolution="80x48")
    shoot(prompt="x", num_frames=9, image=image, resolution="80x48", guidance_scale=1.0, shift=8.0)
    _, cut, alone = samplers
    assert np.array_equal(cut.latents[:, 0], alone.latents[:, 0])


def test_stopped_in_the_second_shot_and_resumed(film: Film, shoot: Shoot, frames_of: Frames, tmp_path: Path) -> None:
    shots = [FIRST, {**SECOND, "seed": 4, "num_frames": 20}]
    calm = shoot(*shots, addnoise_condition=20)
    for event in (events := film(tmp_path / "stopped.mkv", num_frames=None, shots=shots, addnoise_condition=20)):
        if isinstance(event, StepDone) and (event.window, event.step) == (3, 0):
            break
    events.close()  # type: ignore[attr-defined]
    list(film(tmp_path / "stopped.mkv", num_frames=None, shots=shots, addnoise_condition=20))
    assert np.array_equal(frames_of(tmp_path / "stopped.mkv"), calm)
