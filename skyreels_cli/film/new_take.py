"""Another take of a finished film: its first windows are cut out of it, the rest is rendered, and both films stay."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from shlex import quote

from skyreels_cli.errors import UsageError
from skyreels_cli.film.finished import CIRCUMSTANCES
from skyreels_cli.film.folder.durable import replacing
from skyreels_cli.film.folder.manifest import read_manifest, work_folder
from skyreels_cli.film.folder.record import FilmRecord
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.film.identity import identity_of
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.retakes import RetakeStore
from skyreels_cli.media.cut import cut
from skyreels_cli.media.join import piece_suffix
from skyreels_cli.media.video import open_video
from skyreels_cli.recipe.inputs import relocated
from skyreels_cli.recipe.schema import Recipe


def take_name(film: Path) -> Path:
    """The next name that is free: `film.take2.mp4` beside `film.mp4`, `film.take3.mp4` beside that."""
    stem = re.sub(r"\.take\d+$", "", film.stem)
    names = (film.with_name(f"{stem}.take{number}{film.suffix}") for number in count(2))
    return next(name for name in names if not name.exists() and read_manifest(work_folder(name)) is None)


def recipe_of(film: Path) -> Recipe:
    """The recipe of a finished film, with its files where they lie now as far as anybody knows."""
    made = identity_of(film) or {}
    kept = RetakeStore.here().find(film)
    manifest = (kept and read_manifest(kept)) or {**made, "folder": str(film.parent)}
    return Recipe.model_validate(relocated(manifest["recipe"], Path(manifest["folder"]), film.parent))


def begin_take(film: Path, rendering: Rendering, first: int) -> None:
    """Make the work folder of a take in which the windows before `first` (from 0) are finished, as they are in `film`.

    Raises UsageError `retake-gone` if the state behind them is no longer kept, `film-changed` if model or files are
    others now, and SkyreelsError `cut-failed` if the film was changed.
    """
    kept = RetakeStore.here().find(film)
    manifest = kept and read_manifest(kept)
    record = FilmRecord(rendering.recipe, rendering.plan, rendering.weights)
    said = {**(manifest or identity_of(film) or {}), "recipe": rendering.recipe.model_dump(mode="json", by_alias=True)}
    changes = [change for change in record.differences(said) if not change.startswith(CIRCUMSTANCES)]
    if changes:
        message = f"{film} was made from something else than what is there now: {'; '.join(changes[:3])}"
        raise UsageError("film-changed", message, f"skyreels show {quote(str(film))}")
    if first and kept is None:
        message = f"what window {first + 1} of {film} begins with is no longer kept (settings retake_days, retake_mb)"
        raise UsageError("retake-gone", message, f"skyreels resume {quote(str(film))} --from-window 1")
    with WorkFolder(work_folder(rendering.output)) as work:
        work.clear()
        if kept:
            _adopt(work, film, kept, rendering, first)
        work.write_manifest(record.manifest(rendering.output.parent))


def _adopt(work: WorkFolder, film: Path, kept: Path, rendering: Rendering, first: int) -> None:
    video = open_video(film)
    before = video.frames - (rendering.plan.num_frames or 0)  # those of a video that the film goes on with
    for index in range(first):
        window = rendering.plan.windows[index]
        piece = work.piece(index, piece_suffix(video.codec))
        with replacing(piece) as partial:
            cut(video, before + window.first_frame, window.new_frames, partial)
        work.adopt_window(index, piece, kept)
