"""Which film is meant: a path, a name that the machine's films have, or `last`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from skyreels_cli.errors import SkyreelsError, UsageError, did_you_mean
from skyreels_cli.film.folder.manifest import film_of, read_manifest, work_folder
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.film.index.found import FoundFilm
    from skyreels_cli.film.index.search import FilmFilter

MANY = 100
"""Films that must be read before a person is told why it takes a moment."""


def film_names() -> list[tuple[str, str]]:
    """The films there are, with their prompts, for the shell to offer."""
    with suppress(SkyreelsError):
        return [(Path(film.path).name, film.prompt) for film in known_films()]
    return []


FilmName = Annotated[
    str, Argument(metavar="FILM", autocompletion=film_names, help="A file, a name out of the list, or last.")
]
FilmNames = Annotated[
    list[str], Argument(metavar="FILM", autocompletion=film_names, help="Files, names out of the list, or last.")
]


def known_films(
    wanted: FilmFilter | None = None, out: Output | None = None, folders: list[Path] | None = None
) -> list[FoundFilm]:
    """The films of this machine, or of some folders, the newest first."""
    from skyreels_cli.film.index.search import FilmPlaces, find_films
    from skyreels_cli.queue.film_places import film_cache, film_places
    from skyreels_cli.settings import load_settings

    def tell(count: int) -> None:
        if out and count >= MANY:
            out.narrate(f"reading {count:,} films for the first time…")

    places = FilmPlaces(tuple(folders)) if folders else film_places(load_settings())
    return find_films(places, film_cache(), wanted, tell)


def playable(film: Path) -> Path:
    """The film, or as much of it as can be played; UsageError `nothing-to-play` before its first window."""
    from skyreels_cli.film.index.frames import preview_of

    there = preview_of(film)
    if there is None:
        message = f"nothing of {film} can be played before its first window is finished"
        raise UsageError("nothing-to-play", message, f"skyreels resume {quote(str(film))}")
    return there[0]


def film_named(named: str) -> Path:
    """The path of a film, finished or not; UsageError `film-not-found` or `film-ambiguous`."""
    from skyreels_cli.film.index.search import find_one
    from skyreels_cli.paths import expanded

    path = film_of(expanded(named))
    if path.is_file() or read_manifest(work_folder(path)):
        return path
    films = known_films()
    found = find_one(named, films)
    if len(found) == 1:
        return Path(found[0].path)
    if found:
        message = f"{len(found)} films are called {named}: {', '.join(film.path for film in found)}"
        raise UsageError("film-ambiguous", message, quote(found[0].path))
    near = did_you_mean(path.name, [name for film in films for name in (Path(film.path).name, Path(film.path).stem)])
    raise UsageError("film-not-found", f"there is no film {named}{near}", "skyreels films list")
