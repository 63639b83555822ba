"""`skyreels films`: the films of this machine, finished and unfinished."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from skyreels_cli.cli import films_change, films_compare, show
from skyreels_cli.cli.command import unfold
from skyreels_cli.cli.film_names import known_films
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.film.index.search import FilmFilter

LIST_ROWS = 40

app = typer.Typer(help="The films of this machine, finished and unfinished.")


@app.callback(invoke_without_command=True)
@unfold
def films(out: Output, context: typer.Context) -> None:
    """The films of this machine, finished and unfinished; alone: the list of them."""
    if context.invoked_subcommand is None:
        out.command = "films list"
        list_(out)


def list_(
    out: Output,
    *,
    folders: Annotated[
        list[Path] | None, Argument(metavar="[FOLDER]", help="Look only here; else in all that the settings name.")
    ] = None,
    text: Annotated[str | None, Option(metavar="WORDS", help="Only where prompt or name has them all.")] = None,
    model: Annotated[str | None, Option(metavar="NAME", help="Only by this model.")] = None,
    tag: Annotated[list[str] | None, Option(metavar="TAG", help="Only with this tag; repeatable.")] = None,
    since: Annotated[str | None, Option(metavar="DATE|7d", help="Only made since then.")] = None,
    until: Annotated[str | None, Option(metavar="DATE|7d", help="Only made before then.")] = None,
    finished: Annotated[bool | None, Option("--finished/--unfinished", help="Only those that are, or are not.")] = None,
    limit: Annotated[int | None, Option(min=1, metavar="N", help="At most so many.")] = None,
) -> None:
    """List films, the newest first: finished ones, and how far the others are."""
    from skyreels_cli.cli.films_view import films_view

    wanted = _wanted(text, model, tag, since, until, finished)
    found = known_films(wanted, out, folders)
    people = not (out.json or out.quiet)
    shown = found[: limit or (LIST_ROWS if people else None)]
    data: dict[str, Any] = {"count": len(found), "films": [film.to_dict() for film in shown]}
    paths = "\n".join(film.path for film in shown)
    out.result(data, paths, lambda: films_view(shown, len(found)))


def _wanted(
    text: str | None,
    model: str | None,
    tags: list[str] | None,
    since: str | None,
    until: str | None,
    finished: bool | None,
) -> FilmFilter:
    from skyreels_cli.cli.moment import past_moment
    from skyreels_cli.film.index.search import FilmFilter

    now = datetime.now().astimezone()
    return FilmFilter(
        text=text or "",
        model=model,
        tags=tuple(tags or ()),
        since=past_moment(since, now).timestamp() if since else float("-inf"),
        until=past_moment(until, now).timestamp() if until else float("inf"),
        finished=finished,
    )


app.command("list")(unfold(list_))
app.command("show")(unfold(show.show))
app.command("compare")(unfold(films_compare.compare))
app.command("open")(unfold(films_change.open_))
app.command("tag")(unfold(films_change.tag))
app.command("remove")(unfold(films_change.remove))
