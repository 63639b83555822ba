"""Checks that the plugins of a recipe are installed and that their options are valid, and fills in the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skyreels_cli.errors import PluginError, did_you_mean
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import OptionProblem, find_problems, make_options
from skyreels_cli.plugins.specs import CacheSpec, EnhancerSpec, ParallelSpec, SchedulerSpec, Spec
from skyreels_cli.recipe.schema import Recipe


def complete_options(recipe: Recipe) -> Recipe:
    """The recipe with all options of its plugins, so that it renders alike when their defaults change.

    Options of parallel backends are checked and left out, because they do not change the film.
    Raises PluginError `plugin-not-found` or `plugin-broken`, UsageError `bad-option`.
    """
    options: dict[str, dict[str, Any]] = {}
    for spec in chosen_specs(recipe):
        values = make_options(spec, recipe.options.get(spec.name, {})).model_dump(mode="json")
        options |= {spec.name: values} if values else {}
    for name in recipe.options.keys() - options.keys():
        options |= _unused(name, recipe.options[name])
    return recipe.model_copy(update={"options": options})


def chosen_specs(recipe: Recipe) -> Iterator[Spec]:
    """Scheduler and cache of a recipe."""
    known = plugins()
    yield known.find(SchedulerSpec, recipe.scheduler)
    if recipe.cache is not None:
        yield known.find(CacheSpec, recipe.cache)


def option_problems(options: Any) -> Iterator[OptionProblem]:
    """What is wrong with the options of installed plugins; those of other plugins cannot be checked."""
    for name, values in options.items() if isinstance(options, Mapping) else ():
        for spec in _specs_called(name)[:1] if isinstance(values, Mapping) else ():
            yield from find_problems(spec, values)


def _unused(name: str, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Options of a plugin that the recipe does not use, after a check; raises PluginError if it is not installed."""
    specs = _specs_called(name)
    if not specs:
        names = [spec.name for plugin in plugins().all for spec in plugin.specs]
        message = f"options are set for {name!r}, which is no plugin that is installed{did_you_mean(name, names)}"
        raise PluginError("plugin-not-found", message, "skyreels plugins")
    make_options(specs[0], values)
    return {} if isinstance(specs[0], ParallelSpec | EnhancerSpec) else {name: values}


def _specs_called(name: str) -> list[Spec]:
    """The specs of that name, those with options first."""
    ready = (plugin for plugin in plugins().all if plugin.state == "ready")
    specs = [spec for plugin in ready for spec in plugin.specs if spec.name == name]
    return sorted(specs, key=lambda spec: spec.options is None)
