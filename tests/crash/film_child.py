"""Renders a small film of six windows in processes that may be killed; run as a program.

Every line on stdin is a job `{"output": …, "join": …, "die_at_commit": …}`. It is done by a forked process (importing
torch anew would cost 3 s a job), whose number is printed first and whose exit status afterwards.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import skyreels_cli.film.film
import skyreels_cli.film.loaded_model  # noqa: F401 - `render` imports both, here it is once for all
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.render import render
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft

MODEL = Path(__file__).parents[1] / "golden" / "model"
WINDOWS = 6


def render_film(job: dict[str, Any]) -> None:
    """Render to the end, or go on with what is there."""
    torch.set_num_threads(1)
    facts = open_folder(MODEL, "golden")
    said = {
        "prompt": "a red ball", "resolution": "64x48", "num_frames": 33, "base_num_frames": 13, "seed": 7,
        "inference_steps": 2, "overlap_history": job.get("overlap", 9), "guidance_scale": 1.0, "addnoise_condition": 20,
        "dtype": "float32", "codec": job.get("codec", "ffv1"), "join": job.get("join", "pixels"), **job.get("said", {}),
    }  # fmt: skip
    draft = Draft.model_validate(said)
    recipe = complete(draft, facts)
    plan = make_plan(recipe, facts)
    assert len(plan.windows) == job.get("windows", WINDOWS), plan.windows
    rendering = Rendering(
        recipe=recipe,
        facts=facts,
        plan=plan,
        placement=Placement(device="cpu"),
        output=Path(job["output"]),
        checkpoint_seconds=job.get("checkpoint_seconds", 0.0),
    )
    for _ in render(rendering):
        pass


def die_at(commit: int) -> None:
    """Have this process killed before (even numbers) or after (odd ones) its `commit // 2`-th rename or link."""
    seen = -1

    def deadly(original: Callable[..., Any]) -> Callable[..., Any]:
        def renamed(*names: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == commit // 2 and commit % 2 == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*names)
            if seen == commit // 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return renamed

    Path.replace = deadly(Path.replace)  # type: ignore[method-assign]
    os.link = deadly(os.link)


def do_job(job: dict[str, Any]) -> None:
    """One job in this process: limits and deaths first, then the film; its error, if any, goes to a file."""
    if "die_at_commit" in job:
        die_at(job["die_at_commit"])
    if "file_size_limit" in job:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_size_limit"],) * 2)
    if "user" in job and os.getuid() == 0:  # permissions do not bind root
        with tempfile.TemporaryDirectory() as folder:
            render_film({"output": f"{folder}/film.mkv"})  # imports what that user may not read
        os.setuid(job["user"])
    try:
        render_film(job)
    except BaseException as error:  # noqa: BLE001 - the test reads what it was
        Path(job["output"] + ".error").write_text(f"{getattr(error, 'code', '')}\n{traceback.format_exc()}")
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Fork a process per job until stdin ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            do_job(json.loads(line))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
