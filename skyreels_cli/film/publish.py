"""A finished film gets its name: never in place of another file, unless that was allowed."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.folder.durable import flush
from skyreels_cli.film.folder.record import FilmRecord
from skyreels_cli.film.identity import identity_of

OTHER_TAKES = ("recipe.rerolls", "recipe.num_frames")
"""In what takes of one film may differ: windows were made again, or an endless film went on."""


def publish(finished: Path, output: Path, *, overwrite: bool) -> None:
    """Move a finished film to its name; SkyreelsError `output-exists` if a file has it, since whenever."""
    if overwrite:
        finished.replace(output)
        return
    try:
        _move_without_replacing(finished, output)
    except FileExistsError:
        raise SkyreelsError(
            "output-exists",
            f"a file {output} has appeared while the film was made; the film is finished and kept as {finished}",
            f"mv {quote(str(finished))} {quote(str(output.with_stem(output.stem + '-2')))}",
        ) from None


def is_take_of(output: Path, record: FilmRecord) -> bool:
    """Whether the file that has the film's name is this film, or an earlier take of it."""
    made = identity_of(output)
    if not made:
        return False
    changes = record.differences({key: made.get(key) for key in record.identity()})
    return all(change.startswith(OTHER_TAKES) for change in changes)


def _move_without_replacing(file: Path, target: Path) -> None:
    try:
        os.link(file, target)  # fails where a rename would replace
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the name is taken first, then filled
        os.close(os.open(target, os.O_CREAT | os.O_EXCL))
        file.replace(target)
    else:
        flush(target.parent)
        file.unlink()
