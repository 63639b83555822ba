"""A film that the same words began before: an unfinished one with a name of the program's own is found again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.film.folder.manifest import film_of, read_manifest
from skyreels_cli.film.folder.process import HOLDER, is_held
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.media.output import is_default_name
from skyreels_cli.order.enhance.stage import is_asked, take_texts
from skyreels_cli.recipe.complete import AUTO, complete, decided_values
from skyreels_cli.recipe.inputs import portable
from skyreels_cli.recipe.schema import Draft


def as_made(draft: Draft, made: Mapping[str, Any] | None) -> Draft:
    """The same request again means the film that lies there: its seed, re-rolls, and what this machine decided."""
    if made is None:
        return draft
    decided = ("dtype", "vae", *(["weights_dtype"] if draft.weights_dtype == AUTO else []))
    drawn = {name: made.get(name) for name in ("seed", "rerolls", *decided)}
    said = draft.model_dump(exclude_none=True, by_alias=True)
    return Draft.model_validate(drawn | decided_values(said))


def find_begun(draft: Draft, facts: ModelFacts, outdir: Path) -> Path | None:
    """The newest unfinished film of these words that nobody is rendering; a seed that was not said is the film's."""
    for film, made in _unfinished(outdir):
        again = take_texts(as_made(draft, made), made)
        if draft.weights_dtype in (None, AUTO):  # left to the machine, which decides alike again
            again = again.model_copy(update={"weights_dtype": made.get("weights_dtype")})
        try:
            same = not is_asked(again) and portable(_said(again, facts)) == portable(made)
        except UsageError:  # whatever is wrong with the draft is said when it is decided
            return None
        if same:
            return film
    return None


def _said(draft: Draft, facts: ModelFacts) -> dict[str, Any]:
    return complete(draft, facts).model_dump(mode="json", by_alias=True)


def _unfinished(outdir: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for folder in sorted(outdir.glob("*.skyreels"), reverse=True):  # names begin with the time
        film, manifest = film_of(folder), read_manifest(folder)
        if manifest and is_default_name(film.name) and not film.exists() and not is_held(folder / HOLDER):
            yield film, manifest["recipe"]
