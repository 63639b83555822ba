"""What a preset needs and this installation lacks, with the command that brings it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from shlex import quote

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from skyreels_cli import __version__
from skyreels_cli.errors import PluginError, SkyreelsError, UsageError
from skyreels_cli.hub.catalogue import find_release
from skyreels_cli.hub.identity import sha256_of
from skyreels_cli.hub.lora import parse_lora
from skyreels_cli.plugins.manager import Plugin, plugins
from skyreels_cli.recipe.presets.preset import Requires


@dataclass(frozen=True)
class Unmet:
    """One thing that is missing, and the command that installs it."""

    kind: str
    message: str
    command: str

    def error(self, where: str) -> SkyreelsError:
        """The error to report for a preset."""
        if self.kind == "plugin":
            return PluginError("plugin-not-found", f"{where} needs {self.message}", self.command)
        return UsageError("preset-requires", f"{where} needs {self.message}", self.command)


def unmet(requires: Requires | None) -> list[Unmet]:
    """Everything that is missing, the model and LoRA files apart: these are known when a film is ordered."""
    if requires is None:
        return []
    return [*_program(requires.skyreels), *_plugins(requires.plugins)]


def check_requirements(requires: Requires | None, where: str) -> None:
    """Raise the error for the first thing that is missing."""
    for missing in unmet(requires):
        raise missing.error(where)


def check_model(requires: Requires | None, model: str, where: str) -> None:
    """Raise `preset-requires` if a preset is made for another model than the one that is to be used."""
    if requires and requires.model and _canonical(requires.model) != _canonical(model):
        message = f"the model {requires.model}, and {model} is to be used"
        raise Unmet("model", message, f"--model {quote(requires.model)}").error(where)


def check_loras(requires: Requires | None, loras: Sequence[str], where: str) -> None:
    """Raise `preset-requires` unless each LoRA of a preset is among those that are to be used, under whatever name."""
    if requires is None or not requires.lora:
        return
    files = [path for path, _ in map(parse_lora, loras) if path.is_file()]
    there = {sha256_of(file) for file in files}
    for name, sha256 in requires.lora.items():
        if sha256 not in there:
            other = ", and the file of this name is another one" if name in {file.name for file in files} else ""
            message = f"the LoRA {name} (SHA-256 {sha256[:12]}…){other}"
            raise Unmet("lora", message, f"--lora {quote(f'/PATH/TO/{name}')}").error(where)


def _program(versions: str | None) -> Iterator[Unmet]:
    if versions and not SpecifierSet(versions).contains(__version__, prereleases=True):
        yield Unmet("program", f"skyreels {versions}, and this is {__version__}", "pipx upgrade skyreels-cli")


def _plugins(wanted: Mapping[str, str]) -> Iterator[Unmet]:
    for name, text in wanted.items():
        requirement = Requirement(text)
        found = _plugin(name)
        command = _install(text)
        if found is None:
            yield Unmet("plugin", f"the plugin {name} of {text}, which is not installed", command)
        elif not requirement.specifier.contains(found.entry.version, prereleases=True):
            yield Unmet("plugin", f"the plugin {name} of {text}, and {found.entry.version} is installed", command)


def _plugin(name: str) -> Plugin | None:
    """The plugin of a name, or the one that offers a scheduler, cache … of it."""
    ready = [plugin for plugin in plugins().all if plugin.state == "ready"]
    return next(
        (plugin for plugin in ready if name in (plugin.entry.name, *(spec.name for spec in plugin.specs))), None
    )


def _install(package: str) -> str:
    """How a package gets to where this program runs."""
    prefix = Path(sys.prefix)
    if prefix.parent.parts[-2:] == ("pipx", "venvs"):
        return f"pipx inject {prefix.name} {quote(package)}"
    if prefix.parent.parts[-2:] == ("uv", "tools"):
        return f"uv pip install --python {sys.executable} {quote(package)}"
    return f"{sys.executable} -m pip install {quote(package)}"


def _canonical(model: str) -> str:
    """One spelling for the names that a model has: alias, repository or folder."""
    release = find_release(model)
    return release.alias if release else PurePath(model).name.lower()
