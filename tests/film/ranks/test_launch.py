"""Processes that are started together: what they say, what they raise, how they are stopped and how they end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag
from types import ModuleType

import psutil
import pytest

from skyreels_cli.errors import OutOfMemoryError, SkyreelsError, UsageError

HERE = Path(__file__).parent


@pytest.fixture
def parts() -> Iterator[ModuleType]:
    """The module that the processes import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        import rank_parts

        yield rank_parts


def test_events_come_one_by_one_until_it_is_closed(parts: ModuleType, tmp_path: Path) -> None:
    from skyreels_cli.film.ranks.launch import Ranks

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ending = Flag()
    with Ranks(2, parts.count_up, str(tmp_path)) as ranks:
        assert {number: signal.getsignal(number) for number in before} == before
        pids = ranks.pids
        events = ranks.events(ending)
        assert next(events) == {"rank": "0", "of": "2", "event": 1, "ending": False}
        ending.set()
        assert next(events)["ending"] is True
        assert not (tmp_path / "3").exists(), "nothing is done ahead of what is asked for"
        events.close()
        assert (tmp_path / "closed-at-2").exists(), "what is closed here is closed there first"
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_errors_arrive_as_they_were_raised(parts: ModuleType) -> None:
    from skyreels_cli.film.ranks.launch import Ranks

    with Ranks(2, parts.complain) as ranks, pytest.raises(OutOfMemoryError) as raised:
        ranks.hear()
    error = raised.value
    assert (error.code, error.message, error.hint) == ("out-of-memory", "rank 1 has no memory", "buy some")
    assert "in complain" in error.__notes__[0]


def test_the_dead_are_told_with_their_last_words(parts: ModuleType) -> None:
    """Also where another rank's grief is heard first."""
    from skyreels_cli.film.ranks.launch import Ranks

    with Ranks(2, parts.die) as ranks:
        started = time.monotonic()
        with pytest.raises(SkyreelsError) as raised:
            ranks.hear()
        assert time.monotonic() - started < 300
    assert raised.value.code == "rank-died"
    first, *log = raised.value.message.splitlines()
    assert first == "rank 1 of 2 was killed by SIGKILL; the end of its log:"
    assert log[-1] == "  goodbye"


def test_ranks_wait_for_each_other_longer_than_a_collective_does(parts: ModuleType) -> None:
    from skyreels_cli.film.ranks.launch import Ranks

    with Ranks(2, parts.late) as ranks:
        assert [ranks.hear() for _ in range(6)] == [2.0] * 6


def test_a_collective_that_one_rank_leaves_out_is_an_error(parts: ModuleType) -> None:
    from skyreels_cli.film.ranks.launch import Ranks

    with Ranks(2, parts.disagree) as ranks, pytest.raises(RuntimeError, match=r"[Tt]imed out"):
        ranks.hear()


@pytest.mark.slow
def test_they_die_with_the_program(parts: ModuleType, tmp_path: Path) -> None:
    from skyreels_cli.film.ranks.launch import Ranks

    child = os.fork()
    if child == 0:
        with Ranks(2, parts.count_up, str(tmp_path)) as ranks:
            (tmp_path / "pids").write_text(" ".join(map(str, ranks.pids)))
            next(ranks.events(Flag()))
            os._exit(0)  # as good as killed: nothing is cleaned up
    os.waitpid(child, 0)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    deadline = time.monotonic() + 60
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    """Whether it runs; what nobody waits for remains as a zombie."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_more_gpus_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from skyreels_cli.film.ranks.shared_model import check_devices

    check_devices("cpu", 16)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    for device, gpus in (("auto", 4), ("cuda", 4), ("cuda:2", 2)):
        check_devices(device, gpus)
    with pytest.raises(UsageError) as raised:
        check_devices("cuda:2", 3)
    assert (raised.value.code, raised.value.hint) == ("gpus-missing", "--gpus 2")
