"""Executors come from plugins: the one that is shipped, and one that is made up here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from skyreels_local.executor import Local, renderer_command

from skyreels_cli.errors import PluginError, SkyreelsError, UsageError
from skyreels_cli.plugins.entries import Entry, find_entries
from skyreels_cli.plugins.manager import Plugins
from skyreels_cli.queue import executors
from skyreels_cli.queue.executors import find_executor

MODULE = "executor_made_for_test"
PLUGIN = f"""
import sys
from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import ExecutorSpec, hookimpl

SKYREELS_API = 1

class FarOptions(Options):
    hosts: int = 1

@hookimpl
def skyreels_register_executors():
    return [ExecutorSpec("far", "Elsewhere.", "{MODULE}:executor", FarOptions)]

class Far:
    elsewhere = True
    def __init__(self, hosts):
        self.hosts = hosts
    def start(self, tell): ...
    def sample(self): ...

def executor(options):
    return %s
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Add a plugin whose executor `far` returns what an expression comes to."""

    def write(returned: str) -> None:
        folder = tmp_path / "site"
        folder.mkdir()
        (folder / f"{MODULE}.py").write_text(PLUGIN % returned)
        monkeypatch.syspath_prepend(str(folder))
        known = Plugins([*find_entries(), Entry("far", MODULE, "skyreels-far", "1.2")])
        monkeypatch.setattr(executors, "plugins", lambda: known)

    yield write
    sys.modules.pop(MODULE, None)


def test_local_is_this_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(find_executor("local", {}), Local)
    monkeypatch.chdir(tmp_path)
    assert renderer_command() == [sys.executable, "-P", "-m", "skyreels_cli.queue.renderer"]
    monkeypatch.syspath_prepend(tmp_path)
    assert renderer_command() == [sys.executable, "-m", "skyreels_cli.queue.renderer"]


def test_an_executor_of_a_plugin_is_found_and_gets_its_options(install: Callable[[str], None]) -> None:
    install("Far(options.hosts)")
    assert vars(find_executor("far", {})) == {"hosts": 1}
    assert vars(find_executor("far", {"far": {"hosts": 3}})) == {"hosts": 3}


@pytest.mark.parametrize(
    ("name", "options", "kind", "code", "said"),
    [
        ("locl", {}, PluginError, "plugin-not-found", "there is no executor 'locl'; did you mean \"local\"?"),
        ("far", {"far": {"host": 3}}, UsageError, "bad-option", 'far has no such option; did you mean "hosts"?'),
        ("far", {"far": {"hosts": "many"}}, UsageError, "bad-option", "far.hosts: 'many' should be a valid integer"),
        ("far", {"local": {"hosts": 3}}, UsageError, "bad-option", "-O local.…: the executor is far"),
        ("local", {"local": {"slots": 2}}, UsageError, "bad-option", "local has no such option"),
    ],
)
def test_what_is_wrong_is_said(
    install: Callable[[str], None],
    name: str,
    options: dict[str, Any],
    kind: type[SkyreelsError],
    code: str,
    said: str,
) -> None:
    install("Far(1)")
    with pytest.raises(kind) as raised:
        find_executor(name, options)
    assert raised.value.code == code
    assert said in raised.value.message


@pytest.mark.parametrize("returned", ["None", "['python']", "type('Half', (), {'elsewhere': True, 'start': 1})()"])
def test_what_is_no_executor_is_the_plugins_fault(install: Callable[[str], None], returned: str) -> None:
    install(returned)
    with pytest.raises(PluginError) as raised:
        find_executor("far", {})
    assert raised.value.code == "plugin-broken"
    assert raised.value.message.startswith("executor far: plugin far of skyreels-far 1.2 returns ")
