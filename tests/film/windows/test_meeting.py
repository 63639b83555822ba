"""Ranks as threads of one process, with the store that real ones meet in."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from skyreels_cli.film.windows import meeting as module
from skyreels_cli.film.windows.meeting import Meeting

RANKS, ROUNDS = 3, 40


@pytest.fixture
def server() -> TCPStore:
    return TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)


def meeting_of(server: TCPStore, rank: int) -> Meeting:
    return Meeting(PrefixStore("meeting", TCPStore("127.0.0.1", server.port, is_master=False)), rank, RANKS)


def test_nobody_leaves_before_all_have_come(server: TCPStore) -> None:
    lock, log = threading.Lock(), []

    def run(rank: int) -> None:
        meeting = meeting_of(server, rank)
        for number in range(ROUNDS):
            with lock:
                log.append((number, "come"))
            meeting.wait()
            with lock:
                log.append((number, "gone"))

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(RANKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(log) == 2 * RANKS * ROUNDS
    for number in range(ROUNDS):
        last = max(place for place, said in enumerate(log) if said == (number, "come"))
        first = min(place for place, said in enumerate(log) if said == (number, "gone"))
        assert last < first
    assert server.num_keys() <= 4, "meetings that are over leave nothing in the store"


def test_a_wait_has_no_end(server: TCPStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", timedelta(milliseconds=20))
    gone = []

    def run(rank: int) -> None:
        meeting_of(server, rank).wait()
        gone.append(rank)

    early = [threading.Thread(target=run, args=(rank,)) for rank in (0, 1)]
    for thread in early:
        thread.start()
    time.sleep(0.3)
    assert gone == []
    meeting_of(server, 2).wait()
    for thread in early:
        thread.join(60)
    assert sorted(gone) == [0, 1]
