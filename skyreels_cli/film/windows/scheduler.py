"""Schedulers by name: the code behind them comes from plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import make_options
from skyreels_cli.plugins.protocols import Scheduler, SchedulerSetting
from skyreels_cli.plugins.specs import SchedulerSpec


def make_scheduler(
    name: str,
    steps: int,
    shift: float,
    diffusion_forcing: bool,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Scheduler:
    """A fresh scheduler; `options` are the recipe's, by plugin. PluginError if it is missing or broken."""
    known = plugins()
    spec = known.find(SchedulerSpec, name)
    setting = SchedulerSetting(steps, shift, diffusion_forcing)
    scheduler: Scheduler = known.make(spec, setting, make_options(spec, (options or {}).get(name, {})))
    return scheduler
