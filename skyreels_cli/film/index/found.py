"""A film as lists show it, finished or not, read from what lies on the disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from shlex import quote
from typing import Any, Literal, NamedTuple

from skyreels_cli.film.folder.manifest import film_of, read_manifest, read_record
from skyreels_cli.film.folder.process import HOLDER, is_held
from skyreels_cli.film.identity import identity_of, sidecar_of

FilmState = Literal["finished", "unfinished", "rendering"]


class FoundFilm(NamedTuple):
    """One film. `made` is when it was finished or last worked on, in seconds since 1970; times are in seconds.

    `frames` and `windows` are None for an endless film, `windows` also where nobody knows; `bytes` is what the film, or
    its work folder, takes on disk.
    """

    path: str
    state: FilmState
    made: float
    prompt: str
    model: str
    seed: int
    width: int
    height: int
    frames: int | None
    fps: float
    elapsed_s: float | None
    windows: int | None
    windows_done: int
    bytes: int
    tags: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float | None:
        """How long it plays, or will."""
        return None if self.frames is None else self.frames / self.fps

    @property
    def resume(self) -> str | None:
        """The command that goes on with it, if it is unfinished."""
        return f"skyreels resume {quote(self.path)}" if self.state == "unfinished" else None

    def to_dict(self) -> dict[str, Any]:
        """The film as JSON has it."""
        return {**self._asdict(), "duration_s": self.duration_s, "resume": self.resume}

    def to_line(self) -> str:
        """The film as the cache keeps it; `of_lines` reads it."""
        return json.dumps(self, ensure_ascii=False)


def of_lines(lines: Iterable[str]) -> Iterator[FoundFilm]:
    """The films that the cache has kept."""
    for *values, tags in json.loads(f"[{','.join(lines)}]"):
        yield FoundFilm._make((*values, tuple(tags)))


def finished(film: Path, size: int, modified: float) -> FoundFilm | None:
    """The film in a video, by the file beside it or else its tag; None if it is none of ours."""
    beside = read_record(sidecar_of(film))
    made = beside if beside and isinstance(beside.get("recipe"), dict) else identity_of(film)
    if made is None:
        return None
    try:
        result = made.get("result") or {}
        windows = result.get("windows")
        facts = {"windows": windows, "windows_done": windows or 0, "tags": tuple(map(str, made.get("tags") or ()))}
        when = float(result.get("finished_at") or modified)
        return _found(film, "finished", made["recipe"] | result, when, size, facts)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def unfinished(folder: Path) -> FoundFilm | None:
    """The film in a work folder; None if nothing says what it is."""
    manifest = read_manifest(folder)
    if manifest is None:
        return None
    try:
        files = [(file.name, file.stat()) for file in folder.iterdir() if file.is_file()]
        state: FilmState = "rendering" if is_held(folder / HOLDER) else "unfinished"
        done = sum(name.startswith("w") and name.endswith(".json") for name, _ in files)
        facts = {"windows": manifest.get("windows"), "windows_done": done}
        changed, size = max(stat.st_mtime for _, stat in files), sum(stat.st_size for _, stat in files)
        return _found(film_of(folder), state, manifest["recipe"], changed, size, facts)
    except (OSError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _found(
    film: Path, state: FilmState, said: Mapping[str, Any], when: float, size: int, facts: Mapping[str, Any]
) -> FoundFilm:
    elapsed, (width, height) = said.get("elapsed_s"), _size(said)
    return FoundFilm(
        path=str(film),
        state=state,
        made=when,
        prompt=_prompt(said),
        model=str(said["model"]),
        seed=int(said["seed"]),
        width=width,
        height=height,
        frames=_frames(said),
        fps=float(Fraction(str(said["fps"]))),
        elapsed_s=None if elapsed is None else float(elapsed),
        bytes=size,
        **facts,
    )


def _size(said: Mapping[str, Any]) -> tuple[int, int]:
    """What the result says, else what the recipe does: `960x544`."""
    width, height = (said["width"], said["height"]) if "width" in said else str(said["resolution"]).split("x")
    return int(width), int(height)


def _prompt(said: Mapping[str, Any]) -> str:
    """The film's prompt, or those of its shots."""
    shots = said.get("shots") or ()
    return str(said.get("prompt") or " / ".join(str(shot["prompt"]) for shot in shots))


def _frames(said: Mapping[str, Any]) -> int | None:
    frames = said["frames"] if "frames" in said else said["num_frames"]
    return None if frames is None else int(frames)
