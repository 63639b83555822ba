"""Start-up is a contract: what is imported when, seen in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "diffusers", "transformers", "accelerate", "textual"}
UNUSED_BY_FILMS = {
    "torch._dynamo",
    "torch._inductor",
    "torch.distributed.checkpoint",
    "torch.distributed.tensor",
    "diffusers.pipelines",
    "diffusers.hooks.faster_cache",
    "diffusers.models.autoencoders.autoencoder_kl",
    "diffusers.models.transformers.transformer_flux",
    "diffusers.models.unets.unet_2d_condition",
    "transformers.models.clip",
    "transformers.pipelines",
    "skyreels_cli.film.ranks.launch",
    "cache_dit",
    "openai",
    "pandas",
    "scipy",
    "sklearn",
    "textual",
    "xfuser",
}
if Version(version("torch")) >= Version("2.13"):  # torch 2.7 imports it by itself
    UNUSED_BY_FILMS |= {"sympy"}
SLOW_FOR_HELP = {
    "rich.progress",
    "numpy",
    "PIL",
    "huggingface_hub",
    "ruamel.yaml",
}
LIGHT_ROOMS = ("cli", "plugins", "plan", "recipe", "hub", "media")


def modules_after(code: str) -> set[str]:
    """Names in sys.modules once a fresh interpreter has run this code."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))


@pytest.mark.parametrize("line", [["--help"], ["generate", "--help"], ["preset", "list", "--help"], ["--version"]])
def test_help_imports_nothing_slow(line: list[str]) -> None:
    modules = modules_after(f"from skyreels_cli.cli.main import main\nassert main({line}) == 0")
    assert modules & (HEAVY | SLOW_FOR_HELP) == set()


@pytest.mark.parametrize(
    "line",
    [
        ["preset", "list"],
        ["config", "show"],
        ["enhance-prompt", "a fox"],
        ["generate", "x", "--preset", "gone"],
        ["generate", "x", "--dry-run"],
    ],
)
def test_commands_that_render_nothing_leave_torch_alone(line: list[str]) -> None:
    modules = modules_after(f"from skyreels_cli.cli.main import main\nmain({line})")
    assert modules & HEAVY == set()


def test_what_is_done_before_a_film_is_rendered_leaves_torch_alone() -> None:
    """While torch is imported a signal is safe only where no handler raises, which is so behind `render`."""
    parts = ("cli.resume", "cli.generate", "order.intake", "film.render", "film.new_take", "film.folder.takes")
    more = ("film.drift", "film.index.frames", "queue.worker", "queue.batch.remote")
    modules = modules_after("\n".join(f"import skyreels_cli.{name}" for name in (*parts, *more)))
    assert "torch" not in modules


def test_a_film_imports_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    line = ["generate", "a red circle", "--num-frames", "5", "--inference-steps", "1", "-o", str(tmp_path / "film.mp4")]
    modules = modules_after(f"from skyreels_cli.cli.main import main\nassert main({line}) == 0")
    assert {"torch", "diffusers.models.autoencoders.autoencoder_kl_wan", "transformers.models.umt5"} <= modules
    assert modules & UNUSED_BY_FILMS == set()


def test_importing_light_rooms_imports_nothing_heavy() -> None:
    files = [file for room in LIGHT_ROOMS for file in (ROOT / "skyreels_cli" / room).rglob("*.py")]
    files += [ROOT / "skyreels_cli" / name for name in ("errors.py", "output.py", "settings.py")]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    modules = modules_after("\n".join(f"import {name.removesuffix('.__init__')}" for name in names))
    assert {"skyreels_cli.plan.planner", "skyreels_cli.media.encoder"} <= modules
    assert modules & HEAVY == set()
