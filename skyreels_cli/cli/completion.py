"""What the shell offers behind `--preset` and `--model` when Tab is pressed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from skyreels_cli.errors import SkyreelsError

if TYPE_CHECKING:
    from skyreels_cli.plugins.specs import Spec


def preset_names() -> list[tuple[str, str]]:
    """Return the presets there are, with what they are for; nothing if the settings are broken."""
    from skyreels_cli.recipe.presets.find import list_presets, own_folder

    with suppress(SkyreelsError):
        return [(preset.name, preset.title or preset.description) for preset in list_presets(own_folder())]
    return []


def camera_words() -> list[tuple[str, str]]:
    """Return the camera's vocabulary, with which of its four lists a word is in."""
    from skyreels_cli.recipe.choices import CAMERA_WORDS

    return list(CAMERA_WORDS.items())


def scheduler_names() -> list[tuple[str, str]]:
    """Return the schedulers that plugins offer, with what they are."""
    from skyreels_cli.plugins.specs import SchedulerSpec

    return _names(SchedulerSpec)


def cache_names() -> list[tuple[str, str]]:
    """Return the caches that plugins offer, with what they are."""
    from skyreels_cli.plugins.specs import CacheSpec

    return _names(CacheSpec)


def parallel_names() -> list[tuple[str, str]]:
    """Return the parallel backends that plugins offer, with what they are."""
    from skyreels_cli.plugins.specs import ParallelSpec

    return _names(ParallelSpec)


def enhancer_names() -> list[tuple[str, str]]:
    """Return the prompt enhancers that plugins offer, with what they are."""
    from skyreels_cli.plugins.specs import EnhancerSpec

    return _names(EnhancerSpec)


def _names(kind: type[Spec]) -> list[tuple[str, str]]:
    from skyreels_cli.plugins.manager import plugins

    with suppress(SkyreelsError):
        return [(name, spec.summary) for name, spec in plugins().specs(kind).items()]
    return []


def model_names() -> list[str]:
    """Return the models that can render: the bundled ones, and those that are here whole; else what can be fetched."""
    from skyreels_cli.hub.catalogue import bundled_models
    from skyreels_cli.hub.inventory import stored_models

    with suppress(SkyreelsError, OSError):
        return list(dict.fromkeys(stored.name for stored in stored_models() if stored.problem is None))
    return [*bundled_models(), *release_names()]


def setting_names() -> list[tuple[str, str]]:
    """Return the settings, with what they are."""
    from skyreels_cli.settings import Settings

    return [(name, field.description or "") for name, field in Settings.model_fields.items()]


def plugin_options(incomplete: str) -> list[str]:
    """Return `plugin.option=` for every option of every plugin."""
    from skyreels_cli.plugins.manager import plugins
    from skyreels_cli.plugins.options import options_model
    from skyreels_cli.plugins.specs import CacheSpec, EnhancerSpec, ParallelSpec, SchedulerSpec

    with suppress(SkyreelsError):
        kinds = (SchedulerSpec, CacheSpec, ParallelSpec, EnhancerSpec)
        specs = [spec for kind in kinds for spec in plugins().specs(kind).values()]
        named = [f"{spec.name}.{option}=" for spec in specs for option in options_model(spec).model_fields]
        return [option for option in named if option.startswith(incomplete)]
    return []


def job_numbers() -> list[tuple[str, str]]:
    """Return the jobs of the queue, with their states and prompts."""
    from skyreels_cli.paths import folders
    from skyreels_cli.queue.store import Store

    with suppress(SkyreelsError):
        if folders().queue.is_dir():
            jobs = Store(folders().queue).jobs(limit=100)
            return [(str(job.id), f"{job.state}: {job.prompt}") for job in jobs]
    return []


def release_names() -> list[str]:
    """Return what can be downloaded by name; only what comes along if the user's catalogue is broken."""
    from skyreels_cli.hub.catalogue import RELEASES, catalogue

    with suppress(SkyreelsError):
        return [entry.alias for entry in catalogue().named]
    return [release.alias for release in RELEASES]
