from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from skyreels_cli.errors import PluginError
from skyreels_cli.plugins import entries
from skyreels_cli.plugins.entries import Entry, find_entries, is_wanted, removal_command
from skyreels_cli.plugins.manager import Plugins
from skyreels_cli.plugins.specs import CacheSpec, ExecutorSpec, ModelSpec, ParallelSpec, SchedulerSpec

MakePlugin = Callable[..., Entry]

SCHEDULER = """
@hookimpl
def skyreels_register_schedulers():
    return [SchedulerSpec({name!r}, "Solves.", {target!r})]
"""


def scheduler(name: str = "foo", target: str = "nowhere:Foo") -> str:
    return SCHEDULER.format(name=name, target=target)


class TestBuiltIn:
    def test_they_come_through_the_same_entry_points(self) -> None:
        own = {entry.name: entry.module for entry in find_entries() if entry.own}
        assert own == {
            "blockcache": "skyreels_blockcache.plugin",
            "enhance": "skyreels_enhance.plugin",
            "local": "skyreels_local.plugin",
            "parallel": "skyreels_parallel.plugin",
            "ray": "skyreels_ray.plugin",
            "schedulers": "skyreels_schedulers.plugin",
            "slurm": "skyreels_slurm.plugin",
            "ssh": "skyreels_ssh.plugin",
            "stepcache": "skyreels_stepcache.plugin",
            "teacache": "skyreels_teacache.plugin",
            "tiny": "skyreels_tiny.plugin",
            "usp": "skyreels_usp.plugin",
        }

    def test_what_they_offer(self) -> None:
        known = Plugins(entry for entry in find_entries() if entry.own)
        assert known.broken == []
        assert list(known.specs(SchedulerSpec)) == ["unipc", "dpmpp", "euler"]
        assert set(known.specs(CacheSpec)) == {
            "blockcache",
            "dbcache",
            "firstblock",
            "magcache",
            "taylorseer",
            "teacache",
        }
        assert list(known.specs(ParallelSpec)) == ["cfg-context", "cfg", "context", "usp"]
        assert list(known.specs(ModelSpec)) == ["tiny"]
        assert list(known.specs(ExecutorSpec)) == ["local", "ray", "slurm", "ssh"]


class TestBroken:
    def test_others_still_work(self, make_plugin: MakePlugin) -> None:
        known = Plugins([make_plugin(scheduler(), "foo"), make_plugin("import gone", "bar")])
        assert [(plugin.entry.name, plugin.state) for plugin in known.all] == [("foo", "ready"), ("bar", "broken")]
        assert list(known.specs(SchedulerSpec)) == ["foo"]

    def test_the_warning_has_package_version_cause_and_cure(self, make_plugin: MakePlugin) -> None:
        (broken,) = Plugins([make_plugin("import gone", "bar")]).broken
        assert broken.warning == (
            "plugin bar of skyreels-bar 1.2 is broken: ModuleNotFoundError: No module named 'gone'; "
            f"to remove it: {sys.executable} -m pip uninstall skyreels-bar"
        )

    def test_asking_for_it_by_name(self, make_plugin: MakePlugin) -> None:
        with pytest.raises(PluginError) as asked:
            Plugins([make_plugin("import gone", "bar")]).find(CacheSpec, "bar")
        assert (asked.value.code, asked.value.exit_code) == ("plugin-broken", 5)
        assert "plugin bar of skyreels-bar 1.2 is broken: ModuleNotFoundError" in asked.value.message
        assert asked.value.hint == f"{sys.executable} -m pip uninstall skyreels-bar"

    def test_a_target_that_cannot_be_imported(self, make_plugin: MakePlugin) -> None:
        known = Plugins([make_plugin(scheduler())])
        with pytest.raises(PluginError) as asked:
            known.make(known.find(SchedulerSpec, "foo"))
        assert (asked.value.code, asked.value.exit_code) == ("plugin-broken", 5)
        assert asked.value.message == "scheduler foo: plugin foo of skyreels-foo 1.2 cannot load nowhere:Foo"
        assert isinstance(asked.value.__cause__, ModuleNotFoundError)

    def test_a_target_that_takes_other_arguments(self, make_plugin: MakePlugin) -> None:
        known = Plugins([make_plugin(scheduler(target="fractions:Fraction"))])
        with pytest.raises(PluginError, match=r"fractions:Fraction does not take \(3 arguments\)"):
            known.make(known.find(SchedulerSpec, "foo"), 1, 2, 3)

    def test_strict_mode_stops_at_the_first(self, make_plugin: MakePlugin, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SKYREELS_STRICT_PLUGINS", "1")
        with pytest.raises(PluginError, match=r"plugin bar of skyreels-bar 1\.2 is broken"):
            Plugins([make_plugin(scheduler()), make_plugin("import gone", "bar")])


def test_a_name_that_nobody_has(make_plugin: MakePlugin) -> None:
    with pytest.raises(PluginError) as asked:
        Plugins([make_plugin(scheduler("euler")), make_plugin(scheduler("heun"), "heun")]).find(SchedulerSpec, "eulre")
    assert (asked.value.code, asked.value.exit_code) == ("plugin-not-found", 5)
    assert asked.value.message == "there is no scheduler 'eulre'; did you mean \"euler\"?"
    assert asked.value.hint == "one of: euler, heun"


class TestClash:
    def test_between_two_packages_neither_has_the_name(self, make_plugin: MakePlugin) -> None:
        known = Plugins([make_plugin(scheduler(), "one"), make_plugin(scheduler(), "two")])
        assert [plugin.problem for plugin in known.broken] == [
            "scheduler foo is also registered by skyreels-two 1.2",
            "scheduler foo is also registered by skyreels-one 1.2",
        ]
        with pytest.raises(PluginError) as asked:
            known.find(SchedulerSpec, "foo")
        assert "skyreels-one" in asked.value.message
        assert "skyreels-two" in asked.value.message

    def test_the_programs_own_keep_theirs(self, make_plugin: MakePlugin) -> None:
        own = make_plugin(scheduler("unipc", "own:UniPC"), "schedulers", entries.OWN_PACKAGE)
        known = Plugins([own, make_plugin(scheduler("unipc", "other:UniPC"), "other")])
        assert known.find(SchedulerSpec, "unipc").target == "own:UniPC"
        assert [plugin.problem for plugin in known.broken] == ["scheduler unipc is also registered by skyreels-cli 1.2"]

    def test_one_name_for_two_kinds_is_no_clash(self, make_plugin: MakePlugin) -> None:
        cache = '@hookimpl\ndef skyreels_register_caches():\n    return [CacheSpec("foo", "", "a:b")]\n'
        known = Plugins([make_plugin(scheduler(), "one"), make_plugin(cache, "two")])
        assert known.broken == []


class TestChoice:
    @pytest.mark.parametrize(
        ("choice", "wanted"),
        [
            (None, ["schedulers", "bar", "foo"]),
            ("", ["schedulers"]),
            ("foo", ["schedulers", "foo"]),
            ("skyreels-bar, baz", ["schedulers", "bar"]),
        ],
    )
    def test_which_are_let_in(self, choice: str | None, wanted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        if choice is not None:
            monkeypatch.setenv("SKYREELS_LOAD_PLUGINS", choice)
        own = Entry("schedulers", "m", entries.OWN_PACKAGE, "1")
        others = [Entry(name, "m", f"skyreels-{name}", "1") for name in ("bar", "foo")]
        assert [entry.name for entry in (own, *others) if is_wanted(entry)] == wanted

    def test_the_others_are_listed_as_off(self, make_plugin: MakePlugin, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SKYREELS_LOAD_PLUGINS", "")
        known = Plugins([make_plugin("raise RuntimeError('never imported')")])
        assert [(plugin.state, plugin.specs) for plugin in known.all] == [("off", ())]


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/me/.local/share/pipx/venvs/skyreels-cli", "pipx uninject skyreels-cli skyreels-foo"),
        ("/home/me/.local/share/uv/tools/skyreels-cli", "uv pip uninstall --python PYTHON skyreels-foo"),
        ("/usr", "PYTHON -m pip uninstall skyreels-foo"),
    ],
)
def test_how_to_remove_it_depends_on_how_it_was_installed(
    prefix: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(Path(prefix)))
    monkeypatch.setattr(sys, "executable", "PYTHON")
    assert removal_command(Entry("foo", "foo", "skyreels-foo", "1")) == command
