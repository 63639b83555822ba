from __future__ import annotations

from collections.abc import Callable

import pytest

from skyreels_cli.plugins.entries import Entry
from skyreels_cli.plugins.loading import BrokenPluginError, load_specs
from skyreels_cli.plugins.specs import API_VERSION

MakePlugin = Callable[..., Entry]

CACHES = "@hookimpl\ndef skyreels_register_caches():\n    return [{}]\n"
GOOD = 'CacheSpec("foo", "Does foo.", "nowhere.to.be:found")'


def test_specs_by_hook_and_no_target_loaded(make_plugin: MakePlugin) -> None:
    specs = load_specs(make_plugin(CACHES.format(GOOD)))
    assert [(hook, spec.kind, spec.name) for hook, (spec,) in specs.items()] == [
        ("skyreels_register_caches", "cache", "foo")
    ]


def test_a_hook_may_have_nothing_to_offer(make_plugin: MakePlugin) -> None:
    entry = make_plugin("@hookimpl\ndef skyreels_register_caches():\n    pass\n")
    assert load_specs(entry) == {"skyreels_register_caches": ()}


BROKEN = {
    "raises at import": ("raise RuntimeError('no GPU\\nat all')", "RuntimeError: no GPU"),
    "ends the process at import": ("import sys\nsys.exit('bye')", "SystemExit: bye"),
    "lacks a package": ("import gone_for_good", "ModuleNotFoundError: No module named 'gone_for_good'"),
    "is no Python": ("def (:", "SyntaxError: invalid syntax"),
    "raises at registration": (
        "@hookimpl\ndef skyreels_register_caches():\n    return [1 / 0]\n",
        "ZeroDivisionError: division by zero",
    ),
    "wrong signature": (
        "@hookimpl\ndef skyreels_register_caches(pipeline):\n    return []\n",
        "Argument(s) {'pipeline'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "misspelt hook": (
        "@hookimpl\ndef skyreels_register_cache():\n    return []\n",
        'there is no hook skyreels_register_cache; did you mean "skyreels_register_caches"?',
    ),
    "unmarked hook": (
        "def skyreels_register_caches():\n    return []\n",
        "skyreels_register_caches is not marked with @hookimpl",
    ),
    "old API": ("SKYREELS_API = 0", "it is for plugin API 0; this program has API 1"),
    "no API": ("del SKYREELS_API", "it does not say which plugin API it is for; this program has API 1"),
    "no spec": (CACHES.format("{'name': 'foo'}"), "skyreels_register_caches returned {'name': 'foo'}, which is no"),
    "spec of another kind": (
        CACHES.format('SchedulerSpec("foo", "", "a:b")'),
        "which is no CacheSpec",
    ),
    "one name twice": (CACHES.format(f"{GOOD}, {GOOD}"), "it registers the cache foo twice"),
    "name": (CACHES.format('CacheSpec("Foo Bar", "", "a:b")'), "cache name 'Foo Bar': small letters, digits"),
    "target": (CACHES.format('CacheSpec("foo", "", "a.b.c")'), "cache foo: target 'a.b.c' is not module:attribute"),
    "options are no model": (
        CACHES.format('CacheSpec("foo", "", "a:b", options={"threshold": 1})'),
        "cache foo: options are no pydantic model",
    ),
    "an option without default": (
        "class Foo(Options):\n    threshold: float\n\n" + CACHES.format('CacheSpec("foo", "", "a:b", options=Foo)'),
        "cache foo: option threshold has no default",
    ),
    "options without a schema": (
        "from typing import Any, Callable\nclass Foo(Options):\n    f: Callable[[], int] = int\n\n"
        + CACHES.format('CacheSpec("foo", "", "a:b", options=Foo)'),
        "PydanticInvalidForJsonSchema",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_whatever_is_wrong_is_one_line_about_the_plugin(make_plugin: MakePlugin, fault: str) -> None:
    body, expected = BROKEN[fault]
    with pytest.raises(BrokenPluginError) as broken:
        load_specs(make_plugin(body))
    assert expected in str(broken.value)
    assert "\n" not in str(broken.value)


def test_the_line_that_mends_an_old_plugin_is_told(make_plugin: MakePlugin) -> None:
    with pytest.raises(BrokenPluginError, match=f"SKYREELS_API = {API_VERSION}"):
        load_specs(make_plugin("SKYREELS_API = 7"))


def test_ctrl_c_is_no_fault_of_the_plugin(make_plugin: MakePlugin) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_specs(make_plugin("raise KeyboardInterrupt"))
