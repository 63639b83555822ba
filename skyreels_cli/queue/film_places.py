"""Where the films of this machine lie: in `outdir`, in folders that the settings name, and where jobs put them."""

from __future__ import annotations

from pathlib import Path

from skyreels_cli.film.index.cache import FilmCache
from skyreels_cli.film.index.search import FilmPlaces
from skyreels_cli.paths import folders
from skyreels_cli.queue.store import Store
from skyreels_cli.settings import Settings


def film_places(settings: Settings) -> FilmPlaces:
    """The places; a machine without a queue gets none made by looking."""
    outputs = Store(folders().queue).outputs() if folders().queue.is_dir() else []
    return FilmPlaces((settings.outdir, *settings.film_folders), tuple(map(Path, outputs)))


def film_cache() -> FilmCache:
    """What was read of films before."""
    return FilmCache(folders().cache / "films.db")
