"""What the shell offers behind `--preset` and `--model` when Tab is pressed."""

from __future__ import annotations

from contextlib import suppress

from skyreels_cli.errors import SkyreelsError


def preset_names() -> list[tuple[str, str]]:
    """Return the presets there are, with what they are for; nothing if the settings are broken."""
    from skyreels_cli.recipe.presets import list_presets
    from skyreels_cli.settings import load_settings

    with suppress(SkyreelsError):
        return [(preset.name, preset.description) for preset in list_presets(load_settings().presets_dir)]
    return []


def model_names() -> list[str]:
    """Return the bundled models and the aliases of the published ones."""
    from skyreels_cli.hub.catalogue import RELEASES, bundled_models

    return [*bundled_models(), *(release.alias for release in RELEASES)]
