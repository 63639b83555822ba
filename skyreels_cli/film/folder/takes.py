"""Re-rolling: the windows that are made again are set aside as a take, and the film goes on from those before them."""

from __future__ import annotations

from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.film.folder.durable import flush, write_json
from skyreels_cli.film.folder.manifest import MANIFEST
from skyreels_cli.film.folder.work import TAKES, WorkFolder
from skyreels_cli.recipe.rerolls import Reroll
from skyreels_cli.recipe.schema import Recipe


def reroll(work: WorkFolder, change: Reroll) -> Path | None:
    """Let a film be made again from `change.window` on; returns where the windows that it had lie, if there were any.

    The manifest is changed last: a process that is killed before leaves a film that lacks windows, and makes them again
    as they were. Raises UsageError `film-not-found`, `reroll-window`, `film-busy`.
    """
    with work:
        manifest = work.manifest
        if manifest is None:
            raise UsageError("film-not-found", f"there is no film in {work.path}", "skyreels resume FILM")
        done = work.recorded_windows()
        _check_kept(done, change.window)
        take = _set_aside(work, [index for index in done if index >= change.window])
        recipe = Recipe.model_validate(manifest["recipe"]).with_reroll(change)
        work.drop_checkpoint()
        work.write_manifest({**manifest, "recipe": recipe.model_dump(mode="json", by_alias=True)})
    return take


def _check_kept(done: list[int], first: int) -> None:
    missing = sorted(set(range(first)) - set(done))
    if missing:
        message = f"window {missing[0] + 1} is not finished, so none behind it can be made again"
        raise UsageError("reroll-window", message, f"--from-window {missing[0] + 1}")


def _set_aside(work: WorkFolder, windows: list[int]) -> Path | None:
    """Move windows to a take of their own, the last one first, so that those which stay are never behind a gap."""
    if not windows:
        return None
    takes = work.path / TAKES
    take = takes / str(1 + max((int(old.name) for old in takes.glob("[0-9]*")), default=0))
    take.mkdir(parents=True)
    write_json(take / MANIFEST, work.manifest)
    for index in reversed(windows):
        for file in work.window_files(index):
            file.replace(take / file.name)
    flush(take)
    flush(work.path)
    return take
