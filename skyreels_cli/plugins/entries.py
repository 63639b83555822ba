"""Finds the entry points of plugins: those of installed packages, and of this checkout if it is not installed."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import skyreels_cli
from skyreels_cli.plugins.specs import PROJECT

OWN_PACKAGE = "skyreels-cli"
CHOICE_VARIABLE = "SKYREELS_LOAD_PLUGINS"


@dataclass(frozen=True)
class Entry:
    """An entry point of the group `skyreels`: its name, its module, and the package that declares it."""

    name: str
    module: str
    package: str
    version: str

    @property
    def own(self) -> bool:
        """Whether this program's package declares it."""
        return self.package == OWN_PACKAGE

    def __str__(self) -> str:
        return f"plugin {self.name} of {self.package} {self.version}"


def find_entries() -> list[Entry]:
    """All entry points, those of the program first, so that no other plugin can take their names."""
    found = [
        Entry(point.name, point.value, point.dist.name, point.dist.version)
        for point in entry_points(group=PROJECT)
        if point.dist
    ]
    if not any(entry.own for entry in found):
        found += _of_checkout()
    return sorted(found, key=lambda entry: (not entry.own, entry.package, entry.name))


def is_wanted(entry: Entry) -> bool:
    """Whether `SKYREELS_LOAD_PLUGINS` allows a plugin: the program's own always, others if unset or listed in it."""
    choice = os.environ.get(CHOICE_VARIABLE)
    return choice is None or entry.own or bool({entry.name, entry.package} & set(choice.replace(",", " ").split()))


def removal_command(entry: Entry) -> str:
    """The command that removes a plugin's package, or that reinstalls the program if the plugin is part of it."""
    prefix = Path(sys.prefix)
    if entry.own:
        return f"{sys.executable} -m pip install --force-reinstall {OWN_PACKAGE}"
    if prefix.parent.parts[-2:] == ("pipx", "venvs"):
        return f"pipx uninject {prefix.name} {entry.package}"
    if prefix.parent.parts[-2:] == ("uv", "tools"):
        return f"uv pip uninstall --python {sys.executable} {entry.package}"
    return f"{sys.executable} -m pip uninstall {entry.package}"


def _of_checkout() -> Iterator[Entry]:
    """The program's own entry points, read from its pyproject.toml."""
    root = Path(skyreels_cli.__file__).parent.parent
    if not (root / "pyproject.toml").is_file():
        return
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    sys.path.append(str(root / "plugins"))
    for name, module in project.get("entry-points", {}).get(PROJECT, {}).items():
        yield Entry(name, module, OWN_PACKAGE, skyreels_cli.__version__)
