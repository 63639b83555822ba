"""Fifty stories by rules, from a few words to a film."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.bench_stories import measure


@pytest.mark.parametrize("seeds", [range(1, 2), pytest.param(range(50), marks=pytest.mark.slow)], ids=["one", "fifty"])
def test_stories_are_rendered_whole(seeds: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for row in measure(seeds):
        assert row["frames"] == row["frames_written"], row
        assert row["windows"] == row["shots"] == 2 + row["seed"] % 5, row
        assert row["unknown_words"] == 0 or row["story"] not in ("a red circle", "a swan on a lake at dawn"), row
