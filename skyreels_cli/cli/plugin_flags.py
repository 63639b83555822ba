"""Flags that choose and set up plugins, as a draft has them; the reference's own names are short for ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from skyreels_cli.cli.options import MachineOptions
from skyreels_cli.errors import UsageError

# The reference's flag: the plugin it chooses, by which field of the draft.
CHOICES = {"teacache": ("cache", "teacache")}
MACHINE_CHOICES = {"use_usp": ("parallel", "usp")}
# The reference's flag: the option of TeaCache that it sets.
TEACACHE = {"teacache_thresh": "threshold", "use_ret_steps": "ret_steps"}


def fold_plugin_flags(typed: dict[str, Any]) -> dict[str, Any]:
    """Turn typed options into fields of a draft: `teacache` into `cache`, `option` into `options`, and so on."""
    from skyreels_cli.plugins.options import parse_options

    words = _fold_choices(CHOICES, {name: typed[name] for name in typed if name not in (*TEACACHE, "option")})
    options = parse_options(typed.get("option") or [])
    for flag, option in TEACACHE.items():
        if flag in typed:
            options.setdefault("teacache", {})[option] = typed[flag]
    return words | ({"options": options} if options else {})


def fold_machine_flags(machine: MachineOptions) -> dict[str, Any]:
    """What was typed about the machine, by the names of settings."""
    return _fold_choices(MACHINE_CHOICES, {name: value for name, value in asdict(machine).items() if value is not None})


def _fold_choices(choices: Mapping[str, tuple[str, str]], typed: Mapping[str, Any]) -> dict[str, Any]:
    words = {name: value for name, value in typed.items() if name not in choices}
    for flag, (field, plugin) in choices.items():
        if flag in typed and words.setdefault(field, plugin) != plugin:
            message = f"--{flag.replace('_', '-')} and --{field} {words[field]} are two {field}s"
            raise UsageError("usage", message, "leave one of them out")
    return words


def spell(key: str) -> str:
    """Write a key of the draft as it was typed: `--num-frames`, `-O teacache.threshold`."""
    plugin_option = key.removeprefix("options.")
    return f"-O {plugin_option}" if plugin_option != key else "--" + key.replace("_", "-")
