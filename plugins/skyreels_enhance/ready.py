"""Whether an enhancer may be chosen where none is named: only if somebody has set it up, and without loading it."""

from __future__ import annotations


def endpoint_is_set() -> bool:
    """An address of our own setting: a key for something else in the environment sends no prompt anywhere."""
    from skyreels_cli.settings import load_settings

    return load_settings().enhancer_url is not None


def model_is_here() -> bool:
    """A model is named in the settings, or one of ours lies in the cache."""
    from skyreels_cli.settings import load_settings
    from skyreels_enhance.sizes import cached_sizes

    settings = load_settings()
    return (settings.enhancer_model is not None and settings.enhancer_url is None) or bool(cached_sizes())


def always() -> bool:
    """Rules need nothing."""
    return True
