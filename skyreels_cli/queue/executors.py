"""Where jobs run: an executor is a command that starts a program which speaks the protocol of `queue.renderer`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from skyreels_cli.errors import PluginError, UsageError
from skyreels_cli.plugins.entries import removal_command
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import make_options
from skyreels_cli.plugins.specs import ExecutorSpec


def find_executor(name: str, options: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The command by which the executor of that name starts a renderer; `options` are by plugin, as `-O` gives them.

    Raises PluginError `plugin-not-found` or `plugin-broken`, UsageError `bad-option`.
    """
    known = plugins()
    spec = known.find(ExecutorSpec, name)
    for other in options.keys() - {name}:
        message = f"-O {other}.…: the executor is {name}, and only its options are of use here"
        raise UsageError("bad-option", message, f"skyreels plugins show {name}")
    command = known.make(spec, make_options(spec, options.get(name, {})))
    if not _can_start(command):
        owner = known.owner(spec)
        message = f"executor {name}: {owner} starts its renderer with {command!r}, which is no command on this machine"
        raise PluginError("plugin-broken", message, removal_command(owner))
    return list(command)


def _can_start(command: Any) -> bool:
    is_words = isinstance(command, list | tuple) and all(isinstance(word, str) for word in command)
    return is_words and bool(command) and shutil.which(command[0]) is not None
