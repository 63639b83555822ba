"""Writes the files of a new plugin package from templates, for its author to go on with."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from skyreels_cli.errors import UsageError
from skyreels_cli.plugins.loading import NAME
from skyreels_cli.plugins.manager import plugins

USAGE = {
    "scheduler": 'skyreels generate "a red ball" --scheduler {name}',
    "cache": 'skyreels generate "a red ball" --cache {name}',
    "parallel": 'skyreels generate "a red ball" --parallel {name} --gpus 2',
    "enhancer": 'skyreels enhance-prompt "a red ball" --provider {name}',
}


def write_package(name: str, kind: str, parent: Path) -> Path:
    """Write the folder `skyreels-NAME` into `parent`; UsageError `bad-name`, `name-taken` or `folder-exists`."""
    name = name.removeprefix("skyreels-")
    if not NAME.fullmatch(name):
        message = f"{name!r} cannot be a plugin's name: small letters, digits and hyphens only"
        raise UsageError("bad-name", message, f"skyreels plugins new my-{kind} --kind {kind}")
    folder = parent / f"skyreels-{name}"
    again = f"skyreels plugins new my-{name} --kind {kind}"
    if name in _taken():
        raise UsageError("name-taken", f"there is a plugin {name} already", again)
    if folder.exists():
        raise UsageError("folder-exists", f"{folder} is there already", again)
    module = f"skyreels_{name.replace('-', '_')}"
    words = {
        "name": name,
        "kind": kind,
        "module": module,
        "class": "".join(part.capitalize() for part in name.split("-")),
        "usage": USAGE[kind].format(name=name),
    }
    templates = files("skyreels_cli.cli") / "templates"
    places = {
        templates / "pyproject.toml.template": folder / "pyproject.toml",
        templates / "README.md.template": folder / "README.md",
        templates / kind / "plugin.py.template": folder / module / "plugin.py",
        templates / kind / f"{kind}.py.template": folder / module / f"{kind}.py",
        templates / kind / "test_plugin.py.template": folder / "tests" / "test_plugin.py",
    }
    for template, place in places.items():
        _fill(template, place, words)
    (folder / module / "__init__.py").write_text(f'"""A {kind} for skyreels."""\n', encoding="utf-8")
    return folder


def _taken() -> set[str]:
    """Names of installed plugins and of their specs."""
    known = plugins().all
    return {plugin.entry.name for plugin in known} | {spec.name for plugin in known for spec in plugin.specs}


def _fill(template: Traversable, place: Path, words: dict[str, str]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(Template(template.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
