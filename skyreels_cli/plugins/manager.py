"""All plugins of this installation: what they offer, and which of them are broken and why."""

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
    """A plugin and what became of it; a broken one offers nothing, whatever it registered."""

    entry: Entry
    state: State
    hooks: Mapping[str, tuple[Spec, ...]] = field(default_factory=dict)
    problem: str | None = None

    @property
    def specs(self) -> tuple[Spec, ...]:
        """All that it registered."""
        return tuple(spec for specs in self.hooks.values() for spec in specs)

    @property
    def warning(self) -> str:
        """What to tell about a broken one, with the command that ends it."""
        return f"{self.entry} is broken: {self.problem}; to remove it: {removal_command(self.entry)}"


class Plugins:
    """The plugins behind some entry points; none of their targets is loaded before it is used."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.all = tuple(_set_clashes_aside([_take_in(entry) for entry in entries]))
        if os.environ.get(STRICT_VARIABLE) == "1":
            for plugin in self.broken:
                raise PluginError("plugin-broken", f"{plugin.entry} is broken: {plugin.problem}", "skyreels plugins")

    @property
    def broken(self) -> list[Plugin]:
        """Those that were set aside."""
        return [plugin for plugin in self.all if plugin.state == "broken"]

    def specs(self, kind: type[S]) -> dict[str, S]:
        """What can be chosen of one kind, by name."""
        ready = (plugin for plugin in self.all if plugin.state == "ready")
        return {spec.name: spec for plugin in ready for spec in plugin.specs if isinstance(spec, kind)}

    def find(self, kind: type[S], name: str) -> S:
        """The spec of that name; PluginError `plugin-not-found` or `plugin-broken`."""
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
        """The entry that a spec comes from."""
        return next(plugin.entry for plugin in self.all if spec in plugin.specs)

    def load(self, spec: Spec, target: str | None = None) -> Any:
        """The code behind a spec, or behind another target that it names; `plugin-broken` if it cannot be imported."""
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
        """Call the code behind a spec; what it raises is passed on, but arguments it does not take are its fault."""
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


def _take_in(entry: Entry) -> Plugin:
    if not is_wanted(entry):
        return Plugin(entry, "off")
    try:
        return Plugin(entry, "ready", load_specs(entry))
    except BrokenPluginError as broken:
        return Plugin(entry, "broken", problem=str(broken))


def _set_clashes_aside(found: list[Plugin]) -> list[Plugin]:
    """Break plugins that claim a name which is taken; between two third parties neither has it.

    The program's own keep theirs: nothing that is installed later may change what `--scheduler unipc` means.
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
