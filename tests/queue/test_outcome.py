from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.errors import OutOfMemoryError, PluginError, RetryableError, UsageError
from skyreels_cli.queue.degrade import describe, next_step
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.outcome import RetryDecision, decide_retry, error_record
from skyreels_cli.queue.store import Store

from .conftest import PLACEMENT, new_job

MEMORY = {"code": "out-of-memory", "message": "", "hint": None, "exit_code": 4}
STREAM = {**PLACEMENT, "offload": "stream"}


@pytest.fixture
def job(store: Store, films: Path) -> Job:
    return store.add(new_job(films / "a.mp4"))


def decision(job: Job, error: dict[str, Any], attempts: int = 1, **more: Any) -> RetryDecision:
    return decide_retry(job, attempts, error, PLACEMENT, **{"degrade": True, "pause": 10.0, **more})


def error(code: str, exit_code: int) -> dict[str, Any]:
    return {"code": code, "message": "", "hint": None, "exit_code": exit_code}


def test_each_kind_of_error(job: Job) -> None:
    assert decision(job, error("plan-resolution", 2)) == RetryDecision(keep_renderer=True)
    assert decision(job, error("plugin-not-found", 5)) == RetryDecision(keep_renderer=True)
    assert decision(job, error("internal", 1)) == RetryDecision(delay=0.0)
    assert [decision(job, error("network", 3), n).delay for n in (1, 2, 3)] == [10.0, 20.0, None]
    assert decision(job, error("film-busy", 2), attempts=9) == RetryDecision(
        delay=10.0, keep_renderer=True, counts=False
    )
    assert decision(job, error("internal", 1), attempts=3) == RetryDecision()


def test_out_of_memory_degrades_or_fails_but_is_never_just_repeated(job: Job) -> None:
    step = decision(job, MEMORY, attempts=3).step
    assert step is not None
    assert step["change"] == {"offload": "stream"}
    assert decision(job, MEMORY, degrade=False) == RetryDecision()
    assert decision(replace(job, degrade=False), MEMORY) == RetryDecision()


def test_what_did_not_fit_by_the_estimates_is_not_tried_with_less_on_the_device(job: Job) -> None:
    heavy = replace(job, plan={**job.plan, "estimates": {"vae_decode": {"value": 2.0}, "activations": {"value": 1.0}}})
    refused = error("does-not-fit", 4)
    for known, vae in ((None, "bfloat16"), ("bfloat16", "tiled")):
        step = decision(replace(heavy, overrides={"vae": known} if known else {}), refused).step
        assert step is not None
        assert step["change"] == {"vae": vae}
    chosen = decision(replace(heavy, draft={**job.draft, "vae": "float32"}), refused).step
    assert chosen is not None
    assert chosen["change"] == {"base_num_frames": 69}


def changed(job: Job, placement: dict[str, Any], plan: dict[str, Any] | None = None, **recipe: Any) -> Any:
    step = next_step(replace(job, recipe={**job.recipe, **recipe}, plan={**job.plan, **(plan or {})}), placement)
    return step and step["change"]


def test_the_ladder(job: Job) -> None:
    assert changed(job, PLACEMENT) == {"offload": "stream"}
    assert changed(job, STREAM) == {"base_num_frames": 69}
    assert changed(job, STREAM, base_num_frames=121, num_frames=737) == {"base_num_frames": 89}
    assert changed(job, STREAM, base_num_frames=97, num_frames=49) == {"base_num_frames": 33}
    assert changed(job, STREAM, base_num_frames=33) == {"weights_dtype": "fp8"}
    assert changed(job, STREAM, base_num_frames=33, weights_dtype="fp8") is None
    assert changed(job, STREAM, {"family": "t2v"}) == {"weights_dtype": "fp8"}
    assert changed(job, PLACEMENT, {"device": "cpu"}) == {"base_num_frames": 69}
    assert changed(job, PLACEMENT, {"device": "cpu"}, base_num_frames=33) is None


def test_windows_stay_longer_than_the_overlap_that_was_asked_for(job: Job) -> None:
    wide = replace(job, draft={**job.draft, "overlap_history": 65})
    assert changed(wide, STREAM) == {"base_num_frames": 69}
    wider = replace(job, draft={**job.draft, "overlap_history": 69})
    assert changed(wider, STREAM) == {"weights_dtype": "fp8"}


def test_steps_are_described(job: Job) -> None:
    step = next_step(job, STREAM)
    assert step is not None
    assert describe(step) == "base_num_frames 97 → 69"


def test_errors_become_records() -> None:
    assert error_record(UsageError("no-model", "none", "--model x")) == {
        "code": "no-model",
        "message": "none",
        "hint": "--model x",
        "exit_code": 2,
    }
    codes = [error_record(kind("c", "m"))["exit_code"] for kind in (RetryableError, OutOfMemoryError, PluginError)]
    assert codes == [3, 4, 5]
    torch_error = type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried\nto allocate")
    assert error_record(torch_error)["message"] == "out of memory: CUDA out of memory. Tried"
    for memory in (torch_error, MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate")):
        assert (error_record(memory)["code"], error_record(memory)["exit_code"]) == ("out-of-memory", 4)
    bug = error_record(KeyError("shape"))
    assert (bug["code"], bug["message"], bug["exit_code"]) == ("internal", "internal error: KeyError: 'shape'", 1)
