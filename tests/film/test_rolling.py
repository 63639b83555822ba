"""Rolling films of the golden model: what they equal, how they go on, and that nothing asked for is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag
from typing import Any

import numpy as np
import pytest

from skyreels_cli.film.events import Event, FilmDone, FramesReady, StepDone, WindowDone, WindowStarted
from skyreels_cli.film.folder.manifest import work_folder

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], np.ndarray]

GOLDEN = Path(__file__).parents[1] / "golden"
ROLLING: dict[str, Any] = {"join": "rolling", "base_num_frames": 17, "overlap_history": 5, "addnoise_condition": 30}
"""Windows of 5 latents, 2 of them known: with 3 steps, blocks of one latent are one row apart."""


def rendered(film: Film, output: Path, **changes: Any) -> FilmDone:
    *_, done = film(output, **{**ROLLING, **changes})
    assert isinstance(done, FilmDone)
    return done


def test_a_film_of_one_window_is_the_async_one(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    pictures = {"image": str(GOLDEN / "first.png"), "end_image": str(GOLDEN / "last.png")}
    rolled = rendered(film, tmp_path / "rolling.mkv", num_frames=17, **pictures)
    staggered = rendered(film, tmp_path / "async.mkv", num_frames=17, join="pixels", ar_step=1, **pictures)
    assert rolled.steps == staggered.steps == 3 + 3
    assert np.array_equal(frames_of(tmp_path / "rolling.mkv"), frames_of(tmp_path / "async.mkv"))


def test_frames_leave_block_by_block(film: Film) -> None:
    steps, left = 0, []
    for event in film(**ROLLING, num_frames=41):
        steps += isinstance(event, StepDone)
        left += [(steps, event.frames)] if isinstance(event, FramesReady) else []
    assert left == [(3 + block, 1 + 4 * block) for block in range(11)]


@pytest.mark.parametrize("steps", [2, 4, 7, 11])
def test_stopped_and_resumed_is_bit_exact(film: Film, frames_of: Frames, tmp_path: Path, steps: int) -> None:
    done = rendered(film, tmp_path / "calm.mkv", num_frames=41)
    assert (done.frames, done.windows, done.steps) == (41, 4, 3 + 10)
    events = film(**ROLLING, num_frames=41)
    for event in events:
        steps -= isinstance(event, StepDone)
        if steps == 0:
            break
    events.close()  # type: ignore[attr-defined]
    rendered(film, tmp_path / "film.mkv", num_frames=41)
    assert np.array_equal(frames_of(tmp_path / "film.mkv"), frames_of(tmp_path / "calm.mkv"))


def test_told_to_end_it_is_the_finite_film(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    ending, endless = Flag(), {"num_frames": None, "duration": "inf"}
    begun = []
    events = film(**ROLLING, **endless, ending=ending)
    for event in events:
        begun += [event.window] if isinstance(event, WindowStarted) else []
        if isinstance(event, StepDone) and event.window == 3:
            ending.set()
        if isinstance(event, WindowDone) and event.window == 4:
            break
    events.close()  # type: ignore[attr-defined]
    assert begun == [1, 2, 3, 4]
    done = rendered(film, tmp_path / "film.mkv", **endless)  # it is not asked to end again
    assert (done.frames, done.windows, done.recipe["num_frames"]) == (9 + 12 + 12 + 8, 4, 41)
    assert not work_folder(tmp_path / "film.mkv").exists()
    rendered(film, tmp_path / "finite.mkv", num_frames=41)
    assert np.array_equal(frames_of(tmp_path / "film.mkv"), frames_of(tmp_path / "finite.mkv"))


def test_every_shot_has_its_frames_and_pictures(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    shots = [
        {"prompt": "a red ball", "num_frames": 29, "image": str(GOLDEN / "first.png")},
        {"prompt": "a blue ball", "num_frames": 23},
        {"prompt": "a lake", "num_frames": 26, "cut": True, "end_image": str(GOLDEN / "last.png")},
    ]
    asked = []
    for event in film(**ROLLING, num_frames=None, shots=shots):
        asked += [event] if isinstance(event, WindowStarted) else []
    frames = frames_of(tmp_path / "film.mkv")
    assert len(frames) == 29 + 23 + 26
    assert {event.prompt for event in asked} == {"a red ball", "a blue ball", "a lake"}
    assert next(event.first_frame for event in asked if event.prompt == "a blue ball") == 29
    from skyreels_cli.media.image import read_image

    first = read_image(GOLDEN / "first.png", 64, 48).astype(int)
    assert np.abs(frames[0].astype(int) - first).mean() < np.abs(frames[40].astype(int) - first).mean()


def test_it_goes_on_with_a_video(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    rendered(film, tmp_path / "given.mkv", num_frames=17)
    done = rendered(film, tmp_path / "longer.mkv", num_frames=30, video=str(tmp_path / "given.mkv"))
    frames = frames_of(tmp_path / "longer.mkv")
    assert done.frames == len(frames) == 47
    assert np.array_equal(frames[:17], frames_of(tmp_path / "given.mkv"))


def test_a_reroll_keeps_what_was_clean_before(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    rendered(film, tmp_path / "plain.mkv", num_frames=41)
    rendered(film, tmp_path / "other.mkv", num_frames=41, rerolls=[{"window": 2, "seed": 5}])
    plain, other = frames_of(tmp_path / "plain.mkv"), frames_of(tmp_path / "other.mkv")
    assert np.array_equal(plain[: 9 + 12], other[: 9 + 12])
    assert not np.array_equal(plain[9 + 12 :], other[9 + 12 :])


def test_a_held_colour_waits_for_its_window(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    """Its statistics are of whole windows; what it is given is the same film."""
    rendered(film, tmp_path / "plain.mkv", num_frames=41)
    rendered(film, tmp_path / "held.mkv", num_frames=41, color_match="anchor")
    plain, held = frames_of(tmp_path / "plain.mkv"), frames_of(tmp_path / "held.mkv")
    assert np.array_equal(plain[:9], held[:9])
    assert not np.array_equal(plain[9:], held[9:])


@pytest.mark.parametrize("cache", ["teacache", "blockcache"])
def test_a_cache_begins_anew_with_every_turn(film: Film, frames_of: Frames, tmp_path: Path, cache: str) -> None:
    """One that never skips changes nothing."""
    never = {"cache": cache, "options": {cache: {"threshold": 0.0}}}
    rendered(film, tmp_path / "cached.mkv", num_frames=33, **never)
    rendered(film, tmp_path / "plain.mkv", num_frames=33)
    assert np.array_equal(frames_of(tmp_path / "cached.mkv"), frames_of(tmp_path / "plain.mkv"))
