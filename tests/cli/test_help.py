"""`--help`, near flags and completion."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from skyreels_cli.cli import completion
from skyreels_cli.cli.app import app
from skyreels_cli.cli.help import EXAMPLES, default_words
from skyreels_cli.hub.family import family_named

from .conftest import Ran

Run = Callable[..., Ran]


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, child in group.commands.items():
        if hasattr(child, "commands"):
            yield from commands(child, (*path, name))
        else:
            yield " ".join((*path, name)), child


TREE = dict(commands(typer.main.get_command(app)))


def test_every_command_has_two_examples_that_can_be_typed() -> None:
    lacking = {name for name, command in TREE.items() if name not in EXAMPLES and not command.hidden}
    assert lacking == set()
    for name, examples in EXAMPLES.items():
        assert len(set(examples)) == 2, name
        options = {option for param in TREE[name].params for option in (*param.opts, *param.secondary_opts)}
        for example in examples:
            typed = {word for word in shlex.split(example) if word.startswith("-")}
            assert typed <= options, (name, example)


def test_help_shows_defaults_and_examples_and_no_type_of_switches(run: Run) -> None:
    out = " ".join(run("generate", "--help").out.split())
    assert "<bool>" not in out
    assert "Denoising steps. [30]" in out
    assert "skyreels generate" in out
    assert "Examples:" in out
    assert "<bool>" not in run("queue", "--help").out


def test_defaults_are_those_of_df_models_and_of_settings() -> None:
    words = default_words()
    assert words["inference_steps"] == str(family_named("df").defaults["inference_steps"])
    assert (words["num_frames"], words["resolution"], words["device"], words["gpus"]) == ("97", "540P", "auto", "1")
    assert words["negative_prompt"] == "the reference's"


@pytest.mark.parametrize(
    ("line", "meant", "hint"),
    [
        (("--steps", "3", "x"), "--inference-steps", "skyreels generate --inference-steps 3 x"),
        (("a b", "--cfg=5"), "--guidance-scale", "skyreels generate 'a b' --guidance-scale=5"),
        (("--num-frame", "3"), "--num-frames", "skyreels generate --num-frames 3"),
        (("--frames", "3"), "--num-frames", "skyreels generate --num-frames 3"),
        (("--negative", "x"), "--negative-prompt", "skyreels generate --negative-prompt x"),
        (("--teacache_tresh", "3"), "--teacache-thresh", "skyreels generate --teacache-thresh 3"),
    ],
)
def test_a_flag_that_is_near(run: Run, line: tuple[str, ...], meant: str, hint: str) -> None:
    ran = run("generate", *line, "--json")
    assert ran.status == 2
    assert f'did you mean "{meant}"?' in ran.envelope["error"]["message"]
    assert ran.envelope["error"]["hint"] == f"{hint} --json"


def test_a_flag_that_is_near_to_nothing(run: Run) -> None:
    assert run("generate", "--quux").err.splitlines()[-1] == "hint: skyreels generate --help"


class TestCompletion:
    def test_models_that_can_render(self) -> None:
        assert completion.model_names() == ["tiny"]

    def test_options_of_plugins(self) -> None:
        assert completion.plugin_options("unipc.") == ["unipc.order="]

    def test_jobs(self, run: Run) -> None:
        assert completion.job_numbers() == []
        run("queue", "add", "a red circle")
        assert completion.job_numbers() == [("1", "queued: a red circle")]

    def test_settings(self) -> None:
        assert {"device", "film_folders"} <= {name for name, _ in completion.setting_names()}


class TestConfig:
    def test_get_and_set_keep_comments(self, run: Run, home: Path) -> None:
        home.mkdir()
        (home / "config.yaml").write_text("# mine\noutdir: /films # large\n")
        assert run("config", "set", "device", "cuda:1").out == "device: cuda:1\n"
        assert (home / "config.yaml").read_text() == "# mine\noutdir: /films # large\ndevice: cuda:1\n"
        assert run("config", "get", "device").out == "cuda:1\n"
        assert run("config", "get", "film-folders").out == "\n"
        run("config", "set", "device")
        assert run("config", "get", "device").out == "auto\n"

    def test_what_does_not_suit_is_not_written(self, run: Run, home: Path) -> None:
        ran = run("config", "set", "gpus", "many", "--json")
        assert ran.envelope["error"]["code"] == "bad-setting"
        assert not (home / "config.yaml").exists()
        assert run("config", "get", "devise", "--json").envelope["error"]["code"] == "no-setting"

    def test_alone_it_shows_all(self, run: Run) -> None:
        assert run("config").out == run("config", "show").out

    def test_a_typo_in_the_file_is_found_at_its_line(self, run: Run, home: Path) -> None:
        home.mkdir()
        (home / "config.yaml").write_text("gpus: 1\ndevise: cpu\n")
        ran = run("config", "show")
        assert ran.err.splitlines()[-1] == f"hint: edit {home / 'config.yaml'}:2"

    def test_edit_needs_somebody(self, run: Run) -> None:
        assert run("config", "edit", "--json").envelope["error"]["code"] == "usage"


def test_films_in_a_variable_are_as_in_path(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYREELS_FILM_FOLDERS", "/a:/b")
    assert run("config", "get", "film_folders").out == "/a\n/b\n"


def test_no_gpu_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skyreels_cli.queue.device.sample", lambda: {"gpus": []})
    ran = run("generate", "a red circle", "--gpus", "2", "--dry-run")
    assert "no GPU was found here: 2 processes share the CPU" in ran.err


class TestTakesInTheQueue:
    def test_a_job_for_each_seed(self, run: Run) -> None:
        ran = run("queue", "add", "a red circle", "--seeds", "1,2,3", "-o", "x.mp4", "--json")
        jobs = ran.envelope["data"]["jobs"]
        assert [(job["id"], job["seed"], Path(job["output"]).name) for job in jobs] == [
            (1, 1, "x_1.mp4"),
            (2, 2, "x_2.mp4"),
            (3, 3, "x_3.mp4"),
        ]

    def test_so_many_with_new_seeds(self, run: Run) -> None:
        jobs = run("queue", "add", "a red circle", "--takes", "4", "--json").envelope["data"]["jobs"]
        assert len({job["seed"] for job in jobs}) == 4

    @pytest.mark.parametrize(
        "options", [("--seeds", "1,x"), ("--seeds", "1,1"), ("--seed", "1", "--takes", "2"), ("--takes", "0")]
    )
    def test_mistakes(self, run: Run, options: tuple[str, ...]) -> None:
        ran = run("queue", "add", "a red circle", *options, "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "usage")
        assert re.fullmatch(r"\s*", run("queue", "list", "-q").out)
