"""The queue with the real engine: workers that are killed cost nothing but time."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.hub.open import open_model
from skyreels_cli.media.reader import read_frames
from skyreels_cli.plan.dry_run import plan_data
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.queue.job import Job, NewJob
from skyreels_cli.queue.logs import read_log
from skyreels_cli.queue.store import Store
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft

from .storm import Moment, Storm, Workers, check_ended

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
CASES = json.loads((GOLDEN / "cases.json").read_text())
OPTIONS = (
    "prompt", "negative_prompt", "shift", "guidance_scale", "fps", "base_num_frames", "overlap_history", "seed",
    "num_frames",
)  # fmt: skip
WINDOWS = 3


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers()
    yield workers
    workers.close()


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, for processes that know where the program is."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    (tmp_path / "films").mkdir()
    return tmp_path / "films"


def queue(folder: Path, *args: str) -> str:
    command = [sys.executable, "-m", "skyreels_cli", "queue", *args]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True, timeout=600).stdout


def add(folder: Path, name: str) -> None:
    case = CASES[name]
    said = [f"--{key.replace('_', '-')}={case[key]}" for key in OPTIONS if case[key] is not None]
    said += [f"--inference-steps={case['num_inference_steps']}", f"--resolution={case['width']}x{case['height']}"]
    queue(
        folder, "add", *said, "--model", str(GOLDEN / "model"), "--dtype", "float32", "--codec", "ffv1",
        "-o", f"{name}.mkv",
    )  # fmt: skip


def test_golden_films_by_a_worker_that_was_killed(folder: Path, home: Path, workers: Workers) -> None:
    """It dies with its renderer in the last of three windows."""
    for name in ("long_sync", "t2v_sync"):
        add(folder, name)
    store = Store(home / "queue")
    assert workers.start(store, "14").wait(600) == -signal.SIGKILL
    assert store.job(1).state == "running"
    assert (folder / "long_sync.mkv.skyreels" / "film.json").is_file()
    said = queue(folder, "run", "--once", "--json", "--device", "cpu")
    assert json.loads(said)["data"] == {"ended": {"succeeded": 2}}, read_log(store.log(1))
    for number, name in ((1, "long_sync"), (2, "t2v_sync")):
        job = store.job(number)
        assert (job.state, job.error, job.attempts) == ("succeeded", None, 1)
        film, expected = (
            np.stack(list(read_frames(path))).astype(int) for path in (folder / f"{name}.mkv", GOLDEN / f"{name}.mkv")
        )
        assert film.shape == expected.shape
        assert np.abs(film - expected).max() <= 1
    assert sorted(path.name for path in folder.iterdir()) == [
        "long_sync.mkv", "long_sync.mkv.json", "t2v_sync.mkv", "t2v_sync.mkv.json",
    ]  # fmt: skip
    assert [film.job for film in store.history()] == [2, 1]
    rate = store.history()[0].flops_per_second
    assert rate is not None
    assert rate > 1e6


def tiny_job(number: int, films: Path) -> NewJob:
    """A film of three windows, two steps each; every third one has the same prompt."""
    facts = open_model(str(GOLDEN / "model"))
    draft = Draft(
        prompt=f"a ball of colour {number % 3}", model=str(GOLDEN / "model"), resolution="64x48", num_frames=21,
        base_num_frames=13, overlap_history=9, seed=number, inference_steps=2, guidance_scale=1.0,
        addnoise_condition=20, dtype="float32", codec="ffv1",
    )  # fmt: skip
    recipe = complete(draft, facts)
    plan = make_plan(recipe, facts)
    assert len(plan.windows) == WINDOWS
    return NewJob(
        draft=draft.model_dump(mode="json", by_alias=True, exclude_none=True),
        recipe=recipe.model_dump(mode="json", by_alias=True),
        plan=plan_data(plan),
        output=films / f"{number}.mkv",
        max_attempts=10_000,
    )


def begin_night(folder: Path, jobs: int) -> tuple[Store, Path, list[Job]]:
    films = folder / "films"
    films.mkdir(parents=True)
    store = Store(folder / "queue")
    return store, films, [store.add(tiny_job(number, films)) for number in range(jobs)]


def calm_night(workers: Workers, folder: Path, jobs: int) -> tuple[list[Path], Moment]:
    """Films that nobody disturbed, and moments that fall as often on the loading of the model as on the films."""
    store, _, added = begin_night(folder, jobs)
    began = time.time()
    workers.finish(store, "real")
    ended = [store.job(job.id).finished_at or 0.0 for job in added]
    loading, films = ended[0] - began, ended[-1] - ended[0]

    def moment(chance: random.Random) -> float:
        return chance.uniform(0, loading) if chance.random() < 0.5 else loading + chance.uniform(0, films / 3)

    return [Path(job.output) for job in added], moment


@pytest.mark.parametrize(("kills", "jobs"), [(2, 2), pytest.param(100, 12, marks=pytest.mark.slow)], ids=["2", "100"])
def test_killed_at_random_moments(
    tmp_path: Path, workers: Workers, digest_of: Callable[[Path], str], kills: int, jobs: int
) -> None:
    calm, moment = calm_night(workers, tmp_path / "calm", jobs)
    expected = [digest_of(film) for film in calm]
    assert len(set(expected)) == jobs
    storm = Storm(workers, "real", moment, seed=5)
    for night in count():
        store, films, added = begin_night(tmp_path / f"night-{night}", jobs)
        storm.rage(store, films, kills)
        check_ended(store, added)
        assert [digest_of(Path(job.output)) for job in added] == expected
        if storm.landed.total() >= kills:
            break
    print(f"killed: {dict(storm.landed)} in {night + 1} nights of {jobs} jobs")
