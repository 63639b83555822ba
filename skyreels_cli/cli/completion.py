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
    """Return the bundled models and those of the catalogue."""
    from skyreels_cli.hub.catalogue import bundled_models

    return [*bundled_models(), *release_names()]


def release_names() -> list[str]:
    """Return what can be downloaded by name; only what comes along if the user's catalogue is broken."""
    from skyreels_cli.hub.catalogue import RELEASES, catalogue

    with suppress(SkyreelsError):
        return [entry.alias for entry in catalogue().named]
    return [release.alias for release in RELEASES]
