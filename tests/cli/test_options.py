from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main

from skyreels_cli.cli.app import app
from skyreels_cli.cli.options import GlobalOptions, MachineOptions, RecipeOptions
from skyreels_cli.cli.plugin_flags import CHOICES, MACHINE_CHOICES, TEACACHE
from skyreels_cli.output import Output
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.settings import Settings

from .conftest import FakeFilm, Ran

Run = Callable[..., Ran]

# Every flag of the reference's two scripts (tests/golden/REFERENCE.md §3), with a value it would be given there.
REFERENCE_FLAGS = {
    "outdir": "films",
    "model_id": "Skywork/SkyReels-V2-DF-1.3B-540P",
    "resolution": "540P",
    "num_frames": "97",
    "image": "first.png",
    "end_image": "last.png",
    "video_path": "clip.mp4",
    "ar_step": "0",
    "causal_attention": None,
    "causal_block_size": "1",
    "base_num_frames": "97",
    "overlap_history": "17",
    "addnoise_condition": "20",
    "guidance_scale": "6.0",
    "shift": "8.0",
    "inference_steps": "30",
    "use_usp": None,
    "offload": None,
    "fps": "24",
    "seed": "1",
    "prompt": "a red ball",
    "prompt_enhancer": None,
    "teacache": None,
    "teacache_thresh": "0.2",
    "use_ret_steps": None,
}


@pytest.mark.parametrize("spell", [lambda name: name, lambda name: name.replace("_", "-")], ids=["_", "-"])
@pytest.mark.parametrize("name", REFERENCE_FLAGS)
def test_every_flag_of_the_reference_is_understood(run: Run, name: str, spell: Callable[[str], str]) -> None:
    value = REFERENCE_FLAGS[name]
    ran = run("generate", f"--{spell(name)}", *([value] if value else []), "--model", "gone", "--dry-run", "--json")
    assert ran.envelope["error"]["code"] != "usage", ran.err


def test_a_lora_that_is_not_there_is_told_before_anything_is_loaded(generate: Run, tmp_path: Path) -> None:
    preset = tmp_path / "styled.yaml"
    preset.write_text("lora: [style.safetensors:0.8]\n")
    ran = generate("x", "--preset", str(preset), "--json")
    assert (ran.status, ran.envelope["error"]["code"]) == (2, "lora-not-found")


@pytest.mark.parametrize(
    ("line", "placement"),
    [
        ([], {"gpus": 1, "parallel": None, "options": {}}),
        (["--gpus", "1"], {"gpus": 1, "parallel": None, "options": {}}),
        (["--gpus", "2"], {"gpus": 2, "parallel": None, "options": {}}),
        (["--gpus", "2", "--parallel", "context"], {"gpus": 2, "parallel": "context", "options": {}}),
        (["--gpus", "2", "--use_usp"], {"gpus": 2, "parallel": "usp", "options": {}}),
        (
            ["--gpus", "4", "--parallel", "usp", "-O", "usp.ring=2"],
            {"gpus": 4, "parallel": "usp", "options": {"ring": 2}},
        ),
    ],
)
def test_gpus_are_a_matter_of_the_machine(
    generate: Run, film: FakeFilm, line: list[str], placement: dict[str, Any]
) -> None:
    """The recipe, and so the film, is the same on any number of them."""
    ran = generate("x", "--num-frames", "17", "--resolution", "64x48", *line)
    assert ran.status == 0, ran.err
    (given,) = film.placements
    assert {name: getattr(given, name) for name in placement} == placement
    assert film.recipes[0].options.keys() == {"unipc"}


@pytest.mark.parametrize(
    ("line", "status", "code", "said"),
    [
        (["--gpus", "3"], 2, "gpus-indivisible", "it can among 2 or 4"),
        (["--gpus", "2", "--parallel", "cfg", "--guidance-scale", "1"], 2, "gpus-indivisible", "guidance is off"),
        (["--gpus", "2", "--parallel", "contex"], 5, "plugin-not-found", 'did you mean "context"?'),
        (["--parallel", "context"], 2, "gpus-unsaid", "on how many GPUs?"),
        (["--use-usp", "--parallel", "context"], 2, "usage", "--use-usp and --parallel context are two parallels"),
        (["--gpus", "2", "--cache", "dbcache"], 2, "cache-alone", "dbcache decides on each GPU for itself"),
        (["--gpus", "2", "-O", "usp.rings=2"], 2, "bad-value", "usp has no such option"),
        (["--gpus", "2", "--use-usp", "--causal-attention"], 2, "usp-plain", "causal attention is asked for"),
    ],
)
def test_gpus_that_cannot_share_the_film(
    generate: Run, film: FakeFilm, line: list[str], status: int, code: str, said: str
) -> None:
    ran = generate("x", "--num-frames", "17", *line, "--json")
    assert (ran.status, ran.envelope["error"]["code"]) == (status, code)
    assert said in ran.envelope["error"]["message"]
    assert film.recipes == []


def test_the_plan_says_how_they_share_it(generate: Run) -> None:
    line = ("x", "--num-frames", "17", "--gpus", "4", "--dry-run")
    assert generate(*line, "--json").envelope["data"]["split"] == "4 GPUs by cfg-context: 2 branches × 2 shares"
    assert "on 4 GPUs by cfg-context: 2 branches × 2 shares" in generate(*line).out


def test_recipe_options_are_the_fields_of_a_draft() -> None:
    elsewhere = {
        "schema_version",
        "description",
        "options",
        "rerolls",
        "enhanced",
        "story_shots",
    }
    folded = {"preset", "option", *CHOICES, *TEACACHE}
    assert {option.name for option in fields(RecipeOptions)} - folded == set(Draft.model_fields) - elsewhere


def test_machine_options_are_settings() -> None:
    assert {option.name for option in fields(MachineOptions)} - set(MACHINE_CHOICES) <= set(Settings.model_fields)


def test_global_options_are_switches_of_the_output() -> None:
    assert {option.name for option in fields(GlobalOptions)} <= {switch.name for switch in fields(Output)}


def commands(group: typer.main.TyperGroup, *path: str) -> list[tuple[str, ...]]:
    found = [path]
    for name, command in group.commands.items():
        inner = isinstance(command, typer.main.TyperGroup)
        found += commands(command, *path, name) if inner else [(*path, name)]  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("path", commands(typer.main.get_group(app)), ids=" ".join)
def test_every_command_takes_and_shows_the_global_options(run: Run, path: tuple[str, ...]) -> None:
    for flag in ("-h", "--help"):
        ran = run(*path, flag)
        assert ran.status == 0
        for option in ("--json", "--events", "--quiet", "-q", "--verbose", "-v", "--debug", "--no-input"):
            assert re.search(rf"(?<![\w-]){option}\b", ran.out), option
        assert max(map(len, ran.out.splitlines())) <= 80
        assert "…" not in ran.out, "an option's name does not fit into 80 columns"


def test_global_options_may_stand_before_the_command(run: Run) -> None:
    assert run("--json", "preset", "list").envelope["ok"] is True
    assert run("preset", "--json", "list").envelope["command"] == "preset list"
