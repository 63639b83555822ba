"""The plugins of this installation: their specs, and what is wrong with the broken ones."""

from __future__ import annotations

import inspect
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any, Literal, TypeVar

from skyreels_cli.errors import PluginError, SkyreelsError, did_you_mean
from skyreels_cli.plugins.entries import Entry, find_entries, is_wanted, removal_command
from skyreels_cli.plugins.loading import BrokenPluginError, load_specs
from skyreels_cli.plugins.specs import Spec

STRICT_VARIABLE = "SKYREELS_STRICT_PLUGINS"

State = Literal["ready", "broken", "off"]
S = TypeVar("S", bound=Spec)


@dataclass(frozen=True)
class Plugin:
    """A plugin and its state; the specs of a broken one are not used."""

    entry: Entry
    state: State
    hooks: Mapping[str, tuple[Spec, ...]] = field(default_factory=dict)
    problem: str | None = None

    @property
    def specs(self) -> tuple[Spec, ...]:
        """All specs that it registered."""
        return tuple(spec for specs in self.hooks.values() for spec in specs)

    @property
    def warning(self) -> str:
        """The warning about a broken plugin, with the command that removes it."""
        return f"{self.entry} is broken: {self.problem}; to remove it: {removal_command(self.entry)}"


class Plugins:
    """The plugins of some entry points; a spec's target is loaded when it is first used."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.all = tuple(_refuse_clashes([_load(entry) for entry in entries]))
        if os.environ.get(STRICT_VARIABLE) == "1":
            for plugin in self.broken:
                raise PluginError("plugin-broken", f"{plugin.entry} is broken: {plugin.problem}", "skyreels plugins")

    @property
    def broken(self) -> list[Plugin]:
        """The plugins that cannot be loaded, or whose names clash with another's."""
        return [plugin for plugin in self.all if plugin.state == "broken"]

    def specs(self, kind: type[S]) -> dict[str, S]:
        """The specs of one kind, by name, of all plugins that are ready."""
        ready = (plugin for plugin in self.all if plugin.state == "ready")
        return {spec.name: spec for plugin in ready for spec in plugin.specs if isinstance(spec, kind)}

    def find(self, kind: type[S], name: str) -> S:
        """The spec of that kind and name; raises PluginError `plugin-not-found` or `plugin-broken`."""
        known = self.specs(kind)
        if name in known:
            return known[name]
        for plugin in self.broken:
            if name in (plugin.entry.name, *(spec.name for spec in plugin.specs if isinstance(spec, kind))):
                message = f"{kind.kind} {name}: {plugin.entry} is broken: {plugin.problem}"
                raise PluginError("plugin-broken", message, removal_command(plugin.entry))
        near = did_you_mean(name, known)
        there = f"one of: {', '.join(known)}" if known else "skyreels plugins"
        raise PluginError("plugin-not-found", f"there is no {kind.kind} {name!r}{near}", there)

    def owner(self, spec: Spec) -> Entry:
        """The entry point of the plugin that registered a spec."""
        return next(plugin.entry for plugin in self.all if spec in plugin.specs)

    def load(self, spec: Spec, target: str | None = None) -> Any:
        """The object that a spec's target (or another `target`) names; PluginError `plugin-broken` if there is none."""
        target = target or spec.target
        module, _, attribute = target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except SkyreelsError:
            raise
        except (Exception, SystemExit) as error:
            entry = self.owner(spec)
            message = f"{spec.kind} {spec.name}: {entry} cannot load {target}"
            raise PluginError("plugin-broken", message, removal_command(entry)) from error

    def make(self, spec: Spec, *arguments: Any) -> Any:
        """Call a spec's target, and raise what it raises; PluginError `plugin-broken` if it takes other arguments."""
        target = self.load(spec)
        try:
            inspect.signature(target).bind(*arguments)
        except TypeError as error:
            entry = self.owner(spec)
            message = f"{spec.kind} {spec.name}: {entry}: {spec.target} does not take ({len(arguments)} arguments)"
            raise PluginError("plugin-broken", message, removal_command(entry)) from error
        return target(*arguments)


@cache
def plugins() -> Plugins:
    """The plugins of this process."""
    return Plugins(find_entries())


def _load(entry: Entry) -> Plugin:
    if not is_wanted(entry):
        return Plugin(entry, "off")
    try:
        return Plugin(entry, "ready", load_specs(entry))
    except BrokenPluginError as broken:
        return Plugin(entry, "broken", problem=str(broken))


def _refuse_clashes(found: list[Plugin]) -> list[Plugin]:
    """Mark plugins as broken that register a name which another registers too; of two third parties both are.

    The program's own plugins keep their names: no other package may change what `--scheduler unipc` means.
    """
    claims: dict[tuple[str, str], list[Plugin]] = defaultdict(list)
    for plugin in found:
        for spec in plugin.specs:
            claims[spec.kind, spec.name].append(plugin)
    problems: dict[Entry, str] = {}
    for (kind, name), owners in claims.items():
        for plugin in owners if len(owners) > 1 else ():
            others = ", ".join(f"{other.entry.package} {other.entry.version}" for other in owners if other != plugin)
            if not plugin.entry.own:
                problems.setdefault(plugin.entry, f"{kind} {name} is also registered by {others}")
    return [
        replace(plugin, state="broken", problem=problems[plugin.entry]) if plugin.entry in problems else plugin
        for plugin in found
    ]
