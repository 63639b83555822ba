"""What `skyreels show` is asked about: a film, what lies beside it, an unfinished film, a preset or a code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, TypeGuard

from skyreels_cli.cli.film_names import film_named
from skyreels_cli.errors import UsageError
from skyreels_cli.film.folder.manifest import film_of, read_manifest, read_record, work_folder
from skyreels_cli.film.identity import identity_of, sidecar_of
from skyreels_cli.film.index.search import VIDEOS, WORK
from skyreels_cli.paths import expanded


@dataclass(frozen=True)
class Subject:
    """What was found under a `name`: its `data` for scripts, and the `film` whose frames may be looked at."""

    name: str
    data: dict[str, Any]
    film: Path | None = None


def subject_named(named: str) -> Subject:
    """What a name means; raises UsageError `film-not-found`, `no-recipe`, `sidecar-unreadable`, those of presets."""
    path = expanded(named)
    if path.suffix == ".json":
        return Subject(named, _told(_sidecar(path)), _film_beside(path))
    if path.suffix == WORK or path.is_dir() or (read_manifest(work_folder(path)) and not path.is_file()):
        return _unfinished(work_folder(film_of(path)) if path.suffix == WORK or not path.is_dir() else path)
    if path.is_file() and path.suffix.lower() in VIDEOS:
        return Subject(named, _told(film_facts(path)), path)
    return _preset(named) or _by_name(named, path)


def _by_name(named: str, path: Path) -> Subject:
    film = path if path.is_file() else film_named(named)
    if not film.is_file():
        return _unfinished(work_folder(film))
    return Subject(named, _told(film_facts(film)), film)


def _preset(named: str) -> Subject | None:
    """A preset, by name, file, code or address; None if there is none of the name."""
    from skyreels_cli.cli.preset_look import load_any

    try:
        values = load_any(named).flat.plain()
    except UsageError as error:
        if error.code != "preset-not-found":
            raise
        return None
    return Subject(named, {"preset": named, "values": values})


def _unfinished(folder: Path) -> Subject:
    from skyreels_cli.film.index.found import unfinished

    found, manifest = unfinished(folder), read_manifest(folder)
    if found is None or manifest is None:
        message = f"{folder} is no work folder of an unfinished film"
        raise UsageError("film-not-found", message, "skyreels films list --unfinished")
    del manifest["folder"]
    looks = [read_record(file) or {} for file in sorted(folder.glob("w[0-9]*.json"))]
    data = {**manifest, "film": found.to_dict(), "looks": [look.get("look", {}) for look in looks]}
    return Subject(found.path, _told(data), Path(found.path))


def _sidecar(file: Path) -> dict[str, Any]:
    try:
        made = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as unreadable:
        raise UsageError(
            "sidecar-unreadable", f"{file} cannot be read", f"ls {quote(str(file.parent))}"
        ) from unreadable
    if not _tells_a_recipe(made):
        raise UsageError("no-recipe", f"{file} holds no recipe of a film", "skyreels show FILM.mp4")
    return made


def _film_beside(sidecar: Path) -> Path | None:
    film = sidecar.with_name(sidecar.name.removesuffix(".json"))
    return film if film.is_file() else None


def film_facts(file: Path) -> dict[str, Any]:
    """What the film carries, with what the file beside it knows of the run (sites that show videos strip the tags)."""
    from skyreels_cli.media.video import open_video

    seen = open_video(file)
    video = {
        "width": seen.shown_size[0],
        "height": seen.shown_size[1],
        "fps": float(seen.fps),
        "frames": seen.frames,
        "duration_s": seen.duration_s,
        "codec": seen.codec,
        "has_audio": seen.has_audio,
        "pix_fmt": seen.pix_fmt,
        "bytes": file.stat().st_size,
    }
    made, beside = identity_of(file), read_record(sidecar_of(file)) or {}
    if made is None:
        message = f"{file} carries no recipe, and there is no {sidecar_of(file).name} beside it"
        raise UsageError("no-recipe", message, "skyreels show FILM.mp4.json")
    run = {name: value for name, value in beside.items() if beside.get("recipe") == made["recipe"]}
    return {**run, **made, "video": video}


def _tells_a_recipe(made: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(made, dict) and isinstance(made.get("recipe"), dict)


def _told(made: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with the words that meant nothing to the model, where it is a bundled one that can tell."""
    from skyreels_cli.hub.catalogue import unknown_words

    recipe = made["recipe"]
    told = [recipe, *(shot for shot in recipe.get("shots") or () if isinstance(shot, dict))]
    words = unknown_words(str(recipe.get("model")), [str(part["prompt"]) for part in told if part.get("prompt")])
    return {**made, "unknown_words": words} if words else dict(made)
