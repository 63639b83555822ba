"""`skyreels films open`, `tag` and `remove`: what is done with films that are there."""

from __future__ import annotations

from shlex import quote
from typing import Annotated

import typer
from typer import Option

from skyreels_cli.cli.film_names import FilmName, FilmNames, film_named, playable
from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.output import Output, byte_size


def open_(
    out: Output,
    *,
    film: FilmName,
    folder: Annotated[bool, Option("--folder", help="Open the folder that it lies in.")] = False,
) -> None:
    """Open a film in the desktop's player; an unfinished one as far as it is."""
    from skyreels_cli.film.index.player import open_outside

    path = film_named(film)
    target = path.parent if folder else playable(path)
    if not open_outside(target):
        raise SkyreelsError("no-desktop", "no desktop to open it on (over SSH?)", f"ls -l {quote(str(target))}")
    out.result({"opened": str(target)}, str(target))


def tag(
    out: Output,
    *,
    film: FilmName,
    tags: Annotated[list[str] | None, typer.Argument(metavar="[TAG]", help="Words; none prints those it has.")] = None,
    drop: Annotated[bool, Option("--drop", help="Take these tags away.")] = False,
) -> None:
    """Give a film tags, by which `films list --tag` finds it; they lie in the file beside it."""
    from skyreels_cli.film.index.tags import change_tags

    path = film_named(film)
    said = set(tags or ())
    now = change_tags(path, add=() if drop else said, drop=said if drop else ())
    out.result({"film": str(path), "tags": list(now)}, " ".join(now))


def remove(
    out: Output,
    *,
    films: FilmNames,
    yes: Annotated[bool, Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete films with all that lies beside them, after saying what that frees."""
    from skyreels_cli.cli.monitor import interactive
    from skyreels_cli.film.index.removal import FilmRemoval

    removals = [FilmRemoval.of(film_named(film)) for film in films]
    frees = sum(removal.frees for removal in removals)
    for removal in removals:
        out.narrate(f"{removal.film}: {', '.join(removal.what)}, {byte_size(removal.frees)}")
    if not yes and not interactive(out):
        message = f"{byte_size(frees)} of films would be deleted, and nobody can be asked"
        raise UsageError("not-confirmed", message, f"skyreels films remove {' '.join(map(quote, films))} --yes")
    if not yes and not typer.confirm(f"Delete {'it' if len(films) == 1 else 'them'}?", err=True):
        out.result({"removed": [], "freed_bytes": 0}, "nothing deleted")
        return
    for removal in removals:
        removal.carry_out()
    data = {"removed": [str(removal.film) for removal in removals], "freed_bytes": frees}
    out.result(data, f"{byte_size(frees)} freed")
