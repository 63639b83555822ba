"""Events in a file: batched, read while it grows, whole after a full disk and after a kill."""

from __future__ import annotations

import errno
import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.queue.batch import event_log
from skyreels_cli.queue.batch.event_log import EventLog, EventReader

from .conftest import wait_for


def sample() -> dict[str, Any]:
    return {"gpus": []}


def steps(events: list[dict[str, Any]]) -> list[int]:
    return [event["step"] for event in events if event["event"] == "step_done"]


def test_events_arrive_in_order_in_few_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []
    append = event_log._append
    monkeypatch.setattr(event_log, "_append", lambda *args: times.append(time.monotonic()) or append(*args))
    log, reader = EventLog(tmp_path / "events", sample, 0.2), EventReader(tmp_path / "events")
    until, said = time.monotonic() + 1.0, 0
    while time.monotonic() < until:
        log.say({"event": "step_done", "step": said})
        said += 1
    read = reader.read()
    assert log.close()
    read += reader.read()
    assert steps(read) == list(range(said))
    assert read[0] == {"event": "heartbeat", "sample": {"gpus": []}}
    between = [later - earlier for earlier, later in pairwise(times)]
    assert min(between) >= 0.2
    assert len(times) <= 8
    assert event_log.SECONDS_PER_WRITE >= 1.0  # what a job on a node does


def test_a_line_that_is_not_whole_waits(tmp_path: Path) -> None:
    file = tmp_path / "events"
    reader = EventReader(file)
    assert reader.read() == []
    file.write_bytes(b'{"event": "step_done", "step": 0}\n{"event": "st')
    assert steps(reader.read()) == [0]
    with file.open("ab") as stream:
        stream.write(b'ep_done", "step": 1}\nno event\n[1]\n')
    assert steps(reader.read()) == [1]
    assert reader.read() == []


def test_a_writer_that_was_killed_within_a_line_spoils_none_of_the_next(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_bytes(b'{"event": "step_done", "step": 0}\n{"event": "st')
    log = EventLog(file, sample, 0.01)
    log.say({"event": "step_done", "step": 1})
    assert log.close()
    assert steps(EventReader(file).read()) == [0, 1]


@pytest.mark.parametrize("fails", ["write", "fsync"])
def test_a_full_disk_delays_events_and_doubles_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    full, fsync = [True], os.fsync

    def no_space(descriptor: int) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    file = tmp_path / "events"
    if fails == "fsync":
        monkeypatch.setattr(os, "fsync", no_space)
    else:
        file.mkdir()  # stands for a file that cannot be opened
    log, reader = EventLog(file, sample, 0.01), EventReader(file)
    read = []
    for step in range(20):
        log.say({"event": "step_done", "step": step})
        time.sleep(0.005)
        read += reader.read()
    full[0] = False
    if fails == "write":
        file.rmdir()
    wait_for(lambda: file.is_file() and file.stat().st_size > 0)
    assert log.close()
    read += reader.read()
    assert steps(read) == list(range(20))


def test_a_folder_that_was_removed_is_not_waited_for(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "gone" / "events", sample, 0.01)
    log.say({"event": "film_done"})
    began = time.monotonic()
    assert not log.close()
    assert time.monotonic() - began < event_log.LAST_WRITE_SECONDS / 2


def test_a_disk_that_stays_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "LAST_WRITE_SECONDS", 0.05)
    monkeypatch.setattr(event_log, "_append", lambda *args: False)
    log = EventLog(tmp_path / "events", sample, 0.01)
    log.say({"event": "film_done"})
    assert not log.close()
    assert json.loads(log._waiting.splitlines()[-1]) == {"event": "film_done"}
