"""Caches in whole films: fresh in every window, resumed in the middle of one, and what is told about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from skyreels_cli.film.events import CacheUsed, Event, FilmDone, FilmResumed, StepDone, WindowStarted

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], npt.NDArray[np.uint8]]

TEACACHE = {"cache": "teacache", "options": {"teacache": {"threshold": 1.5, "fit": "none"}}, "inference_steps": 6}
BLOCKCACHE = {
    "cache": "blockcache",
    "options": {"blockcache": {"threshold": 0.3, "order": 0}},
    "inference_steps": 6,
    "ar_step": 2,
}


def used(events: list[Event]) -> list[CacheUsed]:
    return [event for event in events if isinstance(event, CacheUsed)]


def test_every_window_tells_its_skip_rate(film: Film) -> None:
    """21 frames in windows of 13, 5 taken over: windows of 4, 4 and 4 latents, 6 rows each; both branches agree."""
    events = list(film(**TEACACHE, guidance_scale=2.0))
    told = used(events)
    assert [(event.window, event.cache) for event in told] == [(1, "teacache"), (2, "teacache")]
    assert 0 < told[0].skipped < 1
    assert told[0].skipped * 6 == pytest.approx(round(told[0].skipped * 6), abs=1e-3)


def test_a_window_begins_as_if_there_had_been_none_before(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    from skyreels_teacache.cache import TeaCache

    made: list[TeaCache] = []
    first_runs: list[bool] = []

    class Watched(TeaCache):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

        def run(self, x: Any, call: Any) -> Any:
            if call.row == 0:
                first_runs.append(self._accounts[call.branch].residual is None)
            return super().run(x, call)

    monkeypatch.setattr("skyreels_teacache.cache.TeaCache", Watched)
    list(film(**TEACACHE, guidance_scale=2.0))
    assert len(made) == 2
    assert first_runs == [True] * 4


def test_switched_off_it_changes_no_bit(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    plain, cached = tmp_path / "plain.mkv", tmp_path / "cached.mkv"
    assert used(list(film(plain, ar_step=1, guidance_scale=2.0))) == []
    options = {"blockcache": {"threshold": 0}}
    told = used(list(film(cached, ar_step=1, guidance_scale=2.0, cache="blockcache", options=options)))
    assert [event.skipped for event in told] == [0.0, 0.0]
    assert np.array_equal(frames_of(plain), frames_of(cached))


def interrupt(events: Iterator[Event], window: int, row: int) -> None:
    for event in events:
        if isinstance(event, StepDone) and (event.window, event.step) == (window + 1, row):
            events.close()  # type: ignore[attr-defined]
            return


@pytest.mark.parametrize(("changes", "row"), [(TEACACHE, 4), (BLOCKCACHE, 1)], ids=["teacache", "blockcache"])
def test_resumed_in_the_middle_of_a_window(
    film: Film, frames_of: Frames, tmp_path: Path, changes: dict[str, Any], row: int
) -> None:
    """TeaCache goes on where it was; the block cache cannot be saved, so its window begins again. Same film."""
    whole, resumed = tmp_path / "whole.mkv", tmp_path / "resumed.mkv"
    uninterrupted = used(list(film(whole, **changes)))
    interrupt(film(resumed, **changes), window=1, row=row)
    events = list(film(resumed, **changes))
    assert isinstance(events[-1], FilmDone)
    assert any(isinstance(event, FilmResumed) for event in events)
    assert [event.window for event in events if isinstance(event, WindowStarted)] == [2]
    first_row = next(event.step for event in events if isinstance(event, StepDone))
    assert first_row == (row + 1 if changes is TEACACHE else 0)
    assert used(events) == uninterrupted[1:]
    assert np.array_equal(frames_of(whole), frames_of(resumed))
