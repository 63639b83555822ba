"""Tags of a film: words of its owner, in the file beside it, so that they move along with it."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.film.folder.durable import write_json
from skyreels_cli.film.folder.manifest import read_record
from skyreels_cli.film.identity import identity_of, sidecar_of

TAG = re.compile(r"[^\W_][\w.+-]{0,39}")


def change_tags(film: Path, *, add: Collection[str] = (), drop: Collection[str] = ()) -> tuple[str, ...]:
    """Add and drop tags of a finished film; returns those it has then.

    Raises UsageError `bad-tag` and, for what is no finished film of ours, `no-recipe`.
    """
    if wrong := [tag for tag in (*add, *drop) if not TAG.fullmatch(tag)]:
        message = f"{wrong[0]!r} is no tag: a word of letters, digits, - . + and _, of at most 40"
        raise UsageError("bad-tag", message, "skyreels films tag last holiday-2026")
    made = read_record(sidecar_of(film)) or identity_of(film)
    if made is None or not film.is_file():
        raise UsageError("no-recipe", f"{film} is no finished film of skyreels", "skyreels films list --finished")
    before = tuple(map(str, made.get("tags") or ()))
    now = tuple(sorted({*before, *add} - set(drop)))
    if now != before:
        write_json(sidecar_of(film), {**made, "tags": now})
    return now
