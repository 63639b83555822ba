"""Films that several processes make together on the CPU: the same ones, whatever is shared, and what if one dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event as Flag
from types import ModuleType
from typing import Any

import psutil
import pytest
import torch

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.events import CacheUsed, Event, FilmDone, FilmResumed, StageStarted, StepDone, WindowDone

HERE = Path(__file__).parent
# Importing torch takes seconds, and some machines are slow: a launch has to show as much as it can.
FEW = [
    ("cfg", "long", None),
    ("cfg", "async", "blockcache"),
    ("cfg", "mixed", None),
    ("cfg", "rolling", "blockcache"),
    ("context", "image", None),
    ("context", "causal", None),
    ("context", "async", "blockcache"),
]
CACHED_MODES = ("sync", "async", "long", "image")
ALL = [(mode, cache) for mode in CACHED_MODES for cache in (None, "teacache", "blockcache", "firstblock")]
ALL += [("causal", None), ("causal", "blockcache"), ("mixed", None), ("rolling", None)]


@pytest.fixture(scope="module")
def on_ranks() -> Iterator[ModuleType]:
    """The module that ranks import; they find it by our path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        import on_ranks

        yield on_ranks


@dataclass
class Launch:
    """What came of films that ranks made one after the other, the last of which lost a rank."""

    films: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    events: dict[Any, list[Event]] = field(default_factory=dict)
    seen: list[Any] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    unfinished: Any = None
    error: SkyreelsError | None = None
    seconds_to_error: float = 0.0


def launch(on_ranks: ModuleType, folder: Path, count: int, cases: list[Any], doomed: str) -> Launch:
    """Make every case on ranks and alone; then kill the last rank in the second window of a film."""
    from skyreels_cli.film.ranks.launch import Ranks

    ran = Launch()
    for number, (parallel, mode, cache) in enumerate(cases):
        changes = {**on_ranks.MODES[mode], **on_ranks.CACHES.get(cache, {})}
        shared = on_ranks.rendering(folder / f"{number}.mkv", parallel, count, **changes)
        ran.films[parallel, mode, cache] = shared, on_ranks.rendering(folder / f"{number}-alone.mkv", **changes)
    ran.unfinished = on_ranks.rendering(folder / "doomed.mkv", doomed, count, **on_ranks.MODES["long"])
    with Ranks(count, on_ranks.watched_parts, folder) as ranks:
        ran.pids = ranks.pids
        for case, (shared, _) in ran.films.items():
            ran.events[case] = list(ranks.film(shared, Flag()))
        ran.seen = [torch.load(folder / f"rank-{rank}.pt") for rank in range(count)]
        events = ranks.film(ran.unfinished, Flag())
        while not isinstance(next(events), WindowDone):
            pass
        while not isinstance(next(events), StepDone):
            pass
        os.kill(ran.pids[-1], signal.SIGKILL)
        killed = time.monotonic()
        with pytest.raises(SkyreelsError) as raised:
            list(events)
        ran.error, ran.seconds_to_error = raised.value, time.monotonic() - killed
    return ran


@pytest.fixture(scope="module")
def two(on_ranks: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Launch:
    return launch(on_ranks, tmp_path_factory.mktemp("two"), 2, FEW, "cfg")


def difference(on_ranks: ModuleType, one: Any, other: Any) -> int:
    """Levels by which two films differ at most."""
    frames, expected = on_ranks.frames_of(one), on_ranks.frames_of(other)
    assert frames.shape == expected.shape
    return int((frames - expected).abs().max())


def skipped(events: list[Event]) -> list[float]:
    return [event.skipped for event in events if isinstance(event, CacheUsed)]


def check_film(ran: Launch, on_ranks: ModuleType, case: Any) -> None:
    """The film is that of a single process, and a cache that looks at both branches skips as much there."""
    shared, alone = ran.films[case]
    events = list(on_ranks.events_of(alone))
    assert difference(on_ranks, shared, alone) <= 1, case
    assert skipped(ran.events[case]) == skipped(events), case
    assert isinstance(ran.events[case][-1], FilmDone)


def check_latents(ran: Launch) -> None:
    """Every rank begins with the same noise, adds the same to the prefix and goes through the same rows."""
    first, *others = ran.seen
    for other in others:
        assert len(first) == len(other) > 20
        for ours, theirs in zip(first, other, strict=True):
            assert all(torch.equal(one, same) for one, same in zip(ours, theirs, strict=True))


def check_death(ran: Launch) -> None:
    """An error that says who died, soon, and nobody is left."""
    assert ran.error is not None
    assert ran.error.code == "rank-died"
    last = len(ran.pids) - 1
    assert ran.error.message.startswith(f"rank {last} of {last + 1} was killed by SIGKILL")
    assert "skyreels resume" in (ran.error.hint or "")
    assert ran.seconds_to_error < 10
    assert not any(psutil.pid_exists(pid) for pid in ran.pids)


def check_resumed(ran: Launch, on_ranks: ModuleType) -> None:
    """What is left is the very same film to a single process, which goes on with it."""
    calm = on_ranks.rendering(ran.unfinished.output.with_name("calm.mkv"), **on_ranks.MODES["long"])
    alone = on_ranks.rendering(ran.unfinished.output, **on_ranks.MODES["long"])
    assert alone.recipe == ran.unfinished.recipe
    assert FilmResumed(windows=1, frames=13) in list(on_ranks.events_of(alone))
    list(on_ranks.events_of(calm))
    assert difference(on_ranks, alone, calm) <= 1


@pytest.mark.parametrize("case", FEW, ids=str)
def test_the_film_is_that_of_a_single_process(two: Launch, on_ranks: ModuleType, case: Any) -> None:
    check_film(two, on_ranks, case)


def test_ranks_keep_their_model_from_film_to_film(two: Launch) -> None:
    loads = {case: StageStarted("loading transformer") in events for case, events in two.events.items()}
    firsts = {("cfg", "long", None), ("context", "image", None)}  # another backend is another placement
    assert {case for case, loaded in loads.items() if loaded} == firsts


def test_every_rank_sees_the_same_latents_in_every_row(two: Launch) -> None:
    check_latents(two)


def test_a_dead_rank_ends_the_film_with_an_error(two: Launch) -> None:
    check_death(two)


def test_what_is_left_of_it_is_resumed_by_a_single_process(two: Launch, on_ranks: ModuleType) -> None:
    check_resumed(two, on_ranks)


@pytest.mark.slow
@pytest.mark.parametrize(("parallel", "count"), [("cfg", 2), ("context", 2), ("cfg-context", 4)])
def test_every_mode_with_every_cache(on_ranks: ModuleType, tmp_path: Path, parallel: str, count: int) -> None:
    ran = launch(on_ranks, tmp_path, count, [(parallel, mode, cache) for mode, cache in ALL], parallel)
    for case in ran.films:
        check_film(ran, on_ranks, case)
    check_latents(ran)
    check_death(ran)
    check_resumed(ran, on_ranks)


@pytest.mark.slow
def test_ranks_live_on_until_a_film_breaks_off(on_ranks: ModuleType, tmp_path: Path) -> None:
    from skyreels_cli.film.ranks.shared_model import SharedModel
    from skyreels_cli.film.render import hold, render

    films = [
        on_ranks.rendering(tmp_path / f"{mode}.mkv", "cfg", 2, **on_ranks.MODES[mode]) for mode in ("sync", "mixed")
    ]
    model = hold(films[0])
    assert isinstance(model, SharedModel)
    model.expect(films[1].recipe.texts)
    stages = [[event for event in render(film, model=model) if isinstance(event, StageStarted)] for film in films]
    loading = [[event.stage for event in each if event.stage.startswith("loading")] for each in stages]
    assert loading == [["loading text encoder", "loading transformer", "loading VAE"], []]
    assert model._ranks is not None
    pids = model._ranks.pids
    unfinished = render(replace(films[0], output=tmp_path / "unfinished.mkv"), model=model)
    while not isinstance(next(unfinished), StepDone):
        pass
    unfinished.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    model.close()
