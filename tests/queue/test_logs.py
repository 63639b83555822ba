from __future__ import annotations

import re
from pathlib import Path

import pytest

from skyreels_cli.queue import logs
from skyreels_cli.queue.logs import JobLog, LogFollower, last_lines, read_log


def test_notes_have_the_time_and_words_of_the_renderer_are_kept_as_they_are(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "logs" / "3.log")
    log.note("attempt 1 of 3")
    log.write("Loading weights: 100%\n")
    first, second = read_log(log.path).splitlines()
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] attempt 1 of 3", first)
    assert second == "Loading weights: 100%"


def test_a_log_stays_small_and_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 100)
    log = JobLog(tmp_path / "3.log")
    for number in range(100):
        log.write(f"line {number:03}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.log", "3.log.1", "3.log.2", "3.log.3"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    kept = read_log(log.path).splitlines()
    assert kept == [f"line {number:03}" for number in range(100 - len(kept), 100)]
    assert len(kept) == 1 + 3 * 11  # lines of 9 bytes
    assert last_lines(log.path, 2) == ["line 098", "line 099"]


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    JobLog(tmp_path / "logs" / "3.log").note("attempt 1")
    assert read_log(tmp_path / "logs" / "3.log") == ""
    assert last_lines(tmp_path / "logs" / "3.log", 5) == []


def test_a_log_is_followed_through_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 50)
    log, follower, seen = JobLog(tmp_path / "3.log"), LogFollower(tmp_path / "3.log"), ""
    assert follower.more() == ""
    for number in range(20):
        log.write(f"line {number:03}\n")
        seen += follower.more() if number % 3 == 0 else ""
    assert seen + follower.more() == "".join(f"line {number:03}\n" for number in range(20))
    assert follower.more() == ""
