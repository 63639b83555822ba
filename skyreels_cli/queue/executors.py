"""Finds the executor that plugins offer under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from skyreels_cli.errors import PluginError, UsageError
from skyreels_cli.plugins.entries import removal_command
from skyreels_cli.plugins.executor import Executor
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import make_options
from skyreels_cli.plugins.specs import ExecutorSpec

MEMBERS = ("elsewhere", "start", "sample")


def find_executor(name: str, options: Mapping[str, Mapping[str, Any]]) -> Executor:
    """The executor of that name; `options` are by plugin, as `-O` gives them.

    Raises PluginError `plugin-not-found` or `plugin-broken`, UsageError `bad-option`, and what the executor itself
    finds missing.
    """
    known = plugins()
    spec = known.find(ExecutorSpec, name)
    for other in options.keys() - {name}:
        message = f"-O {other}.…: the executor is {name}, and only its options are of use here"
        raise UsageError("bad-option", message, f"skyreels plugins show {name}")
    executor = known.make(spec, make_options(spec, options.get(name, {})))
    missing = [member for member in MEMBERS if not hasattr(executor, member)]
    if missing:
        owner = known.owner(spec)
        message = f"executor {name}: {owner} returns {executor!r}, which has no {missing[0]!r}"
        raise PluginError("plugin-broken", message, removal_command(owner))
    return cast(Executor, executor)
