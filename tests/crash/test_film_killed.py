"""A film that is killed, at any moment and as often as you like, ends as the film that was not."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KILLED = -signal.SIGKILL
Check = Callable[[Path, str], None]


def kill_at_random(renderer: Any, calm: Any, check_finished: Check, folder: Path, trials: int) -> None:
    chance = random.Random(4711)
    for trial in range(trials):
        output = folder / str(trial) / "film.mkv"
        output.parent.mkdir()
        moment = chance.uniform(0, 1.1 * calm.seconds)
        while renderer.run(output, kill_after=moment) == KILLED and chance.random() < 0.5:
            moment = chance.uniform(0, calm.seconds)
        if not output.exists() or output.with_name("film.mkv.skyreels").exists():
            renderer.finish(output)
        check_finished(output, calm.digest)


def test_killed_at_random_moments(renderer: Any, calm: Any, check_finished: Check, tmp_path: Path) -> None:
    kill_at_random(renderer, calm, check_finished, tmp_path, trials=6)


@pytest.mark.slow
def test_killed_at_a_hundred_random_moments(renderer: Any, calm: Any, check_finished: Check, tmp_path: Path) -> None:
    kill_at_random(renderer, calm, check_finished, tmp_path, trials=100)


def kill_at_commits(renderer: Any, expected: str, check_finished: Check, folder: Path, step: int, **job: Any) -> int:
    """Kill one film around every `step`-th rename of its life; returns how many there were."""
    commit = 0
    while True:
        output = folder / f"{commit}" / "film.mkv"
        output.parent.mkdir()
        if renderer.run(output, die_at_commit=commit, **job) != KILLED:
            check_finished(output, expected)
            return commit
        renderer.finish(output, **job)
        check_finished(output, expected)
        commit += step


def test_killed_around_renames(renderer: Any, calm: Any, check_finished: Check, tmp_path: Path) -> None:
    assert kill_at_commits(renderer, calm.digest, check_finished, tmp_path, step=17) > 34


@pytest.mark.slow
def test_killed_around_every_rename(renderer: Any, calm: Any, check_finished: Check, tmp_path: Path) -> None:
    assert kill_at_commits(renderer, calm.digest, check_finished, tmp_path, step=1) > 60


AGAINST_DRIFT = {"addnoise_condition": "auto", "latent_anchor": 0.5, "history_guidance": 1.5, "frame_sink": True}
OTHERS = ({"join": "latents"}, {"join": "rolling", "overlap": 5, "windows": 5, "said": AGAINST_DRIFT})


@pytest.mark.parametrize("job", OTHERS, ids=lambda job: job["join"])
def test_other_joins_survive_too(
    renderer: Any, digest_of: Callable[[Path], str], check_finished: Check, tmp_path: Path, job: dict[str, Any]
) -> None:
    """A rolling film is killed between two turns of a window, too: it is saved after every step."""
    renderer.finish(tmp_path / "calm.mkv", **job)
    expected = digest_of(tmp_path / "calm.mkv")
    (tmp_path / "killed").mkdir()
    kill_at_commits(renderer, expected, check_finished, tmp_path / "killed", step=31, **job)
