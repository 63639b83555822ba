"""Loads one plugin: imports its module and checks its hooks and the specs that they return."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pluggy

from skyreels_cli.errors import did_you_mean
from skyreels_cli.plugins import hookspecs
from skyreels_cli.plugins.entries import Entry
from skyreels_cli.plugins.hookspecs import SPEC_OF_HOOK
from skyreels_cli.plugins.specs import API_VERSION, PROJECT, Spec

HOOK_PREFIX = "skyreels_register_"
NAME = re.compile(r"[a-z][a-z0-9-]*")
TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class BrokenPluginError(Exception):
    """A plugin cannot be used; the message is one line that says why."""


def load_specs(entry: Entry) -> dict[str, tuple[Spec, ...]]:
    """The specs that a plugin registers, by hook; raises BrokenPluginError for whatever the plugin does wrong."""
    try:
        module = import_module(entry.module)
        _check_api(module)
        return {hook: _checked(hook, returned) for hook, returned in _call_hooks(module)}
    except BrokenPluginError:
        raise
    except pluggy.PluginValidationError as invalid:
        raise BrokenPluginError(_first_sentence(invalid)) from invalid
    except (Exception, SystemExit) as error:
        raise BrokenPluginError(f"{type(error).__name__}: {_first_line(error)}") from error


def _check_api(module: ModuleType) -> None:
    api = getattr(module, "SKYREELS_API", None)
    if api != API_VERSION:
        made_for = f"is for plugin API {api}" if api is not None else "does not say which plugin API it is for"
        line = f"SKYREELS_API = {API_VERSION}"
        raise BrokenPluginError(f"it {made_for}; this program has API {API_VERSION} (its module says `{line}`)")


def _call_hooks(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Each hook that a module implements, with what it returns; pluggy checks the signatures."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    marked = {caller.name: caller.get_hookimpls()[0].function for caller in manager.get_hookcallers(module) or ()}
    unmarked = [name for name in vars(module) if name.startswith(HOOK_PREFIX) and name not in marked]
    for name in [*marked, *unmarked]:
        if name not in SPEC_OF_HOOK:
            raise BrokenPluginError(f"there is no hook {name}{did_you_mean(name, SPEC_OF_HOOK)}")
        if name in unmarked:
            raise BrokenPluginError(f"{name} is not marked with @hookimpl")
        yield name, marked[name]()


def _checked(hook: str, returned: Any) -> tuple[Spec, ...]:
    kind = SPEC_OF_HOOK[hook]
    specs = tuple(returned or ())
    for spec in specs:
        if not isinstance(spec, kind):
            raise BrokenPluginError(f"{hook} returned {spec!r}, which is no {kind.__name__}")
        _check_spec(spec)
    twice = [name for name, count in Counter(spec.name for spec in specs).items() if count > 1]
    if twice:
        raise BrokenPluginError(f"it registers the {kind.kind} {twice[0]} twice")
    return specs


def _check_spec(spec: Spec) -> None:
    if not NAME.fullmatch(spec.name):
        raise BrokenPluginError(f"{spec.kind} name {spec.name!r}: small letters, digits and hyphens only")
    if not TARGET.fullmatch(spec.target):
        raise BrokenPluginError(f"{spec.kind} {spec.name}: target {spec.target!r} is not module:attribute")
    if spec.options is not None:
        _check_options(spec, spec.options)


def _check_options(spec: Spec, options: Any) -> None:
    from pydantic import BaseModel

    if not (isinstance(options, type) and issubclass(options, BaseModel)):
        raise BrokenPluginError(f"{spec.kind} {spec.name}: options are no pydantic model")
    required = [name for name, field in options.model_fields.items() if field.is_required()]
    if required:
        raise BrokenPluginError(f"{spec.kind} {spec.name}: option {required[0]} has no default")
    options.model_json_schema()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no message").splitlines()[0]


def _first_sentence(invalid: pluggy.PluginValidationError) -> str:
    """The message of a pluggy error without the dump of the module at its beginning."""
    lines = [line.strip() for line in str(invalid).splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith("Plugin "))
