"""plugins/README.md says what the code says; `SKYREELS_UPDATE_DOCS=1 pytest tests/plugins/test_docs.py` rewrites it."""

from __future__ import annotations

import inspect
import os
import re
from dataclasses import fields
from pathlib import Path

import pytest

from skyreels_cli.plugins import executor, hookspecs, protocols, specs
from skyreels_cli.plugins.entries import find_entries
from skyreels_cli.plugins.hookspecs import SPEC_OF_HOOK
from skyreels_cli.plugins.manager import Plugins
from skyreels_cli.plugins.options import options_model

README = Path(__file__).parents[2] / "plugins" / "README.md"
UPDATE = os.environ.pop("SKYREELS_UPDATE_DOCS", None)


def hooks_section() -> str:
    lines = ["| hook | returns | its target |", "|---|---|---|"]
    for hook, spec in SPEC_OF_HOOK.items():
        own = [f"`{field.name}`" for field in fields(spec) if field.name not in {f.name for f in fields(specs.Spec)}]
        more = f" (with {', '.join(own)})" if own else ""
        doc = " ".join(inspect.getdoc(spec).split("\n\n")[0].split())  # type: ignore[union-attr]
        lines.append(f"| `{hook}()`: {inspect.getdoc(getattr(hookspecs, hook))} | `{spec.__name__}`{more} | {doc} |")
    return "\n".join(lines)


def built_in_section() -> str:
    known = Plugins(entry for entry in find_entries() if entry.own)
    lines = ["| what | option | default | meaning |", "|---|---|---|---|"]
    for plugin in known.all:
        for spec in plugin.specs:
            lines.append(f"| {spec.kind} **{spec.name}** | | | {spec.summary} |")
            for name, field in options_model(spec).model_fields.items():
                lines.append(f"| | `-O {spec.name}.{name}` | `{field.default}` | {field.description} |")
    return "\n".join(lines)


@pytest.mark.parametrize(("name", "section"), [("hooks", hooks_section), ("built in", built_in_section)])
def test_generated_sections(name: str, section: object) -> None:
    assert callable(section)
    text = README.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name}: .*? -->\n)(.*?)(<!-- end of {name} -->)", re.DOTALL)
    expected = pattern.sub(lambda found: f"{found[1]}{section()}\n{found[3]}", text)
    if UPDATE:
        README.write_text(expected, encoding="utf-8")
    assert text == expected or UPDATE, "run it with SKYREELS_UPDATE_DOCS=1"


def test_every_hook_is_specified_and_documented() -> None:
    declared = [name for name in vars(hookspecs) if name.startswith("skyreels_")]
    assert declared == list(SPEC_OF_HOOK)
    for hook in declared:
        function = getattr(hookspecs, hook)
        assert inspect.getdoc(function)
        for argument in inspect.signature(function).parameters:
            assert f":param {argument}:" in (inspect.getdoc(function) or ""), f"{hook}({argument}) is undocumented"


PROTOCOLS = ("Scheduler", "Cache", "Pass", "Parallel", "PromptEnhancer")
EXECUTORS = ("RendererHandle", "Executor", "BatchSystem")


@pytest.mark.parametrize("name", [*PROTOCOLS, *EXECUTORS])
def test_every_method_an_author_writes_is_documented(name: str) -> None:
    protocol = getattr(executor if name in EXECUTORS else protocols, name)
    assert inspect.getdoc(protocol)
    for method, function in vars(protocol).items():
        if inspect.isfunction(function) and not method.startswith("_"):
            assert inspect.getdoc(function), f"{name}.{method} is undocumented"


def test_the_page_is_read_in_ten_minutes() -> None:
    """At 200 words a minute."""
    source = inspect.getsource(protocols)
    assert len(re.findall(r"[A-Za-z]{2,}", source)) < 2000


def test_the_environment_is_documented() -> None:
    text = README.read_text(encoding="utf-8")
    for variable in ("SKYREELS_LOAD_PLUGINS", "SKYREELS_STRICT_PLUGINS"):
        assert variable in text


def test_the_example_is_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skyreels_cli.plugins.entries import Entry
    from skyreels_cli.plugins.loading import load_specs

    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "readme_example.py").write_text(example)
    monkeypatch.syspath_prepend(str(tmp_path))
    (spec,) = load_specs(Entry("foo", "readme_example", "skyreels-foo", "1"))["skyreels_register_caches"]
    assert options_model(spec)().model_dump() == {"threshold": 0.1}
