from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.plugins import manager
from skyreels_cli.plugins.entries import Entry
from skyreels_cli.plugins.manager import Plugins

Run = Callable[..., Any]

BROKEN = Entry("bar", "gone_for_good", "skyreels-bar", "0.3")


@pytest.fixture
def with_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more plugin is installed, and it is broken."""
    found = Plugins([*(plugin.entry for plugin in manager.plugins().all), BROKEN])
    monkeypatch.setattr(manager, "plugins", lambda: found)
    for module in ("recipe.plugin_choices", "film.ranks.split"):
        monkeypatch.setattr(f"skyreels_cli.{module}.plugins", lambda: found)


class TestList:
    def test_as_data(self, run: Run, with_broken: None) -> None:
        ran = run("plugins", "--json")
        assert (ran.status, ran.envelope["command"]) == (0, "plugins list")
        rows = {row["name"]: row for row in ran.envelope["data"]["plugins"]}
        assert rows["teacache"] == {
            "name": "teacache",
            "package": "skyreels-cli",
            "version": "0.1.0",
            "state": "ready",
            "hooks": ["skyreels_register_caches"],
            "offers": [
                {
                    "kind": "cache",
                    "name": "teacache",
                    "summary": "Skips steps between which the time embedding changes little.",
                }
            ],
            "problem": None,
        }
        assert rows["bar"]["state"] == "broken"
        assert rows["bar"]["problem"] == "ModuleNotFoundError: No module named 'gone_for_good'"

    def test_for_people(self, run: Run, with_broken: None) -> None:
        ran = run("plugins", "list")
        lines = ran.out.splitlines()
        assert any("schedulers" in line and "scheduler unipc" in line for line in lines)
        assert any(line.split()[:4] == ["bar", "skyreels-bar", "0.3", "broken"] for line in lines)

    def test_nothing_heavy_is_imported(self) -> None:
        code = (
            "import sys\nfrom skyreels_cli.cli.main import main\nmain(['plugins', '-q'])\n"
            "print(sorted({'torch', 'diffusers', 'numpy'} & set(sys.modules)))"
        )
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ran.stdout.splitlines()[-1] == "[]"


class TestShow:
    def test_options_and_schema(self, run: Run) -> None:
        (spec,) = run("plugins", "show", "firstblock", "--json").envelope["data"]["specs"]
        assert (spec["kind"], spec["package"]) == ("cache", "skyreels-cli")
        assert spec["schema"]["properties"]["threshold"] == {
            "default": 0.05,
            "description": "Change of what the first layer adds up to which the rest is skipped; 0: never.",
            "minimum": 0,
            "title": "Threshold",
            "type": "number",
        }
        assert run("plugins", "show", "firstblock", "-q").out == "firstblock.threshold=0.05\n"
        assert "-O firstblock.threshold=0.05" in run("plugins", "show", "firstblock").out

    def test_what_nobody_offers(self, run: Run) -> None:
        ran = run("plugins", "show", "teacash", "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (5, "plugin-not-found")
        assert ran.envelope["error"]["message"] == "no plugin offers 'teacash'; did you mean \"teacache\"?"


class TestBroken:
    def test_the_film_is_made_and_the_warning_said_once(self, generate: Run, film: Any, with_broken: None) -> None:
        ran = generate("x", "--num-frames", "17")
        assert ran.status == 0
        warnings = [line for line in ran.err.splitlines() if line.startswith("warning:")]
        assert len(warnings) == 1
        for said in ("bar", "skyreels-bar", "0.3", "No module named 'gone_for_good'", "pip uninstall skyreels-bar"):
            assert said in warnings[0]

    @pytest.mark.parametrize("flag", ["--cache", "--scheduler", "--parallel"])
    def test_asking_for_it_is_exit_5(self, generate: Run, film: Any, with_broken: None, flag: str) -> None:
        ran = generate("x", "--num-frames", "17", flag, "bar", "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (5, "plugin-broken")
        assert film.recipes == []


class TestFlags:
    @pytest.mark.parametrize(
        ("line", "cache", "options"),
        [
            (["--cache", "teacache"], "teacache", {"threshold": 0.2, "ret_steps": False}),
            (["--teacache"], "teacache", {"threshold": 0.2, "ret_steps": False}),
            (["--teacache", "--teacache_thresh", "0.3"], "teacache", {"threshold": 0.3, "ret_steps": False}),
            (["--teacache", "--use-ret-steps"], "teacache", {"threshold": 0.2, "ret_steps": True}),
            (["--cache", "teacache", "-O", "teacache.threshold=0.1"], "teacache", {"threshold": 0.1}),
            (["--cache", "blockcache", "-O", "blockcache.order=0"], "blockcache", {"order": 0, "threshold": 0.05}),
        ],
    )
    def test_what_reaches_the_recipe(
        self, generate: Run, film: Any, line: list[str], cache: str, options: dict[str, Any]
    ) -> None:
        ran = generate("x", "--num-frames", "17", *line)
        assert ran.status == 0, ran.err
        (recipe,) = film.recipes
        assert recipe.cache == cache
        assert {name: recipe.options[cache][name] for name in options} == options

    def test_typed_options_lie_over_the_presets(self, generate: Run, film: Any, tmp_path: Path) -> None:
        preset = tmp_path / "cached.yaml"
        preset.write_text("cache: teacache\noptions:\n  teacache:\n    threshold: 0.3\n    ret_steps: true\n")
        assert generate("x", "--preset", str(preset), "-O", "teacache.threshold=0.1").status == 0
        assert film.recipes[0].options["teacache"] == {"threshold": 0.1, "ret_steps": True, "fit": "auto"}

    def test_teacache_on_a_df_model_is_advised_against(self, generate: Run, film: Any) -> None:
        ran = generate("x", "--num-frames", "17", "--teacache")
        (note,) = [line for line in ran.err.splitlines() if "teacache" in line]
        assert note == (
            "note: The cache teacache does not suit diffusion-forcing models: its authors advise against it on "
            "diffusion-forcing models (SkyReels-V2 issue 123)."
        )

    @pytest.mark.parametrize(
        ("line", "status", "code", "message"),
        [
            (["--scheduler", "eulre"], 5, "plugin-not-found", "there is no scheduler 'eulre'; did you mean \"euler\"?"),
            (["--cache", "stepcache"], 5, "plugin-not-found", "there is no cache 'stepcache'"),
            (["--use-usp"], 2, "gpus-unsaid", "--parallel usp: on how many GPUs?"),
            (["--teacache", "--cache", "blockcache"], 2, "usage", "--teacache and --cache blockcache are two caches"),
            (["-O", "teacache=1"], 2, "bad-option", "-O teacache=1: expected plugin.option=value"),
            (
                ["-O", "teacache.thresh=1"],
                2,
                "bad-value",
                '-O teacache.thresh: teacache has no such option; did you mean "threshold"?',
            ),
            (
                ["--teacache", "--teacache_thresh", "-1"],
                2,
                "bad-value",
                "-O teacache.threshold: -1.0 should be greater than or equal to 0",
            ),
            (
                ["-O", "teacash.threshold=1"],
                5,
                "plugin-not-found",
                "options are set for 'teacash', which is no plugin that is installed; did you mean \"teacache\"?",
            ),
        ],
    )
    def test_mistakes(self, generate: Run, film: Any, line: list[str], status: int, code: str, message: str) -> None:
        ran = generate("x", "--num-frames", "17", *line, "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (status, code)
        assert ran.envelope["error"]["message"].startswith(message)
        assert ran.envelope["error"]["hint"]
        assert film.recipes == []

    def test_a_preset_is_told_the_line(self, generate: Run, tmp_path: Path) -> None:
        preset = tmp_path / "cached.yaml"
        preset.write_text("cache: teacache\noptions:\n  teacache:\n    threshold: 0.3\n    retsteps: true\n")
        ran = generate("x", "--preset", str(preset), "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "bad-preset")
        assert ran.envelope["error"]["message"] == (
            f'{preset}:5: options.teacache.retsteps: teacache has no such option; did you mean "ret_steps"?'
        )


class TestNew:
    @pytest.mark.parametrize("kind", ["scheduler", "cache", "parallel", "enhancer"])
    def test_a_package_with_passing_tests(self, run: Run, tmp_path: Path, kind: str) -> None:
        ran = run("plugins", "new", f"my-{kind}", "--kind", kind, "--to", str(tmp_path), "-q")
        folder = tmp_path / f"skyreels-my-{kind}"
        assert (ran.status, ran.out) == (0, f"{folder}\n")
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        module = f"skyreels_my_{kind}"
        code = {f"{module}/__init__.py", f"{module}/{kind}.py", f"{module}/plugin.py"}
        assert set(files) == code | {"README.md", "pyproject.toml", "tests/test_plugin.py"}
        assert "$" not in "".join((folder / file).read_text() for file in files)

    @pytest.mark.parametrize(
        ("name", "code"), [("My Cache", "bad-name"), ("teacache", "name-taken"), ("there", "folder-exists")]
    )
    def test_names_that_will_not_do(self, run: Run, tmp_path: Path, name: str, code: str) -> None:
        (tmp_path / "skyreels-there").mkdir()
        ran = run("plugins", "new", name, "--kind", "cache", "--to", str(tmp_path), "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, code)


COMMANDS = """
import typer
from skyreels_cli.plugins.specs import CommandSpec, hookimpl

SKYREELS_API = 1
app = typer.Typer()


@app.command()
def hello(context: typer.Context, name: str = "you") -> None:
    context.obj.result({"hello": name}, f"hello {name}")


@hookimpl
def skyreels_register_commands():
    target = f"{__name__}:app"
    return [CommandSpec("hello", "Greets.", target), CommandSpec("show", "Clashes.", target)]
"""


class TestCommands:
    @pytest.fixture(autouse=True)
    def installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        (tmp_path / "hello_plugin.py").write_text(COMMANDS)
        monkeypatch.syspath_prepend(str(tmp_path))
        found = [Entry("hello", "hello_plugin", "skyreels-hello", "1.0")]
        monkeypatch.setattr("skyreels_cli.plugins.entries.find_entries", lambda: found)
        monkeypatch.setattr(manager, "find_entries", lambda: found)
        manager.plugins.cache_clear()
        yield
        manager.plugins.cache_clear()

    def test_it_is_in_the_help_and_not_imported_for_it(self, run: Run) -> None:
        ran = run("--help")
        assert re.search(r"hello +Greets\.", ran.out)

    def test_it_runs_and_speaks_through_the_programs_output(self, run: Run) -> None:
        assert run("hello").out == "hello you\n"
        assert run("--json", "hello", "--name", "me").envelope["data"] == {"hello": "me"}

    def test_the_programs_own_commands_stay(self, run: Run) -> None:
        ran = run("show", "gone.mp4")
        assert ran.status == 2
        assert "warning: the command show of plugin hello of skyreels-hello 1.0 is hidden by skyreels' own" in ran.err


def test_strict_mode(tmp_path: Path) -> None:
    """A broken package as it lies in site-packages, in a process of its own: reported, or refused if strict."""
    info = tmp_path / "skyreels_bar-0.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: skyreels-bar\nVersion: 0.3\n")
    (info / "entry_points.txt").write_text("[skyreels]\nbar = gone_for_good\n")
    code = (
        f"import os, sys\nsys.path.insert(0, {str(tmp_path)!r})\nfrom skyreels_cli.cli.main import main\n"
        "assert main(['plugins', '--json']) == 0\nos.environ['SKYREELS_STRICT_PLUGINS'] = '1'\n"
        "from skyreels_cli.plugins.manager import plugins\nplugins.cache_clear()\nsys.exit(main(['plugins', '--json']))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    reported, refused = map(json.loads, ran.stdout.splitlines())
    assert [row["state"] for row in reported["data"]["plugins"] if row["name"] == "bar"] == ["broken"]
    assert (ran.returncode, refused["error"]["code"]) == (5, "plugin-broken")
