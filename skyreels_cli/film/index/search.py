"""Finds films in folders and under known names, and those among them that are wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from skyreels_cli.film.folder.manifest import film_of, work_folder
from skyreels_cli.film.identity import sidecar_of
from skyreels_cli.film.index.cache import FilmCache
from skyreels_cli.film.index.found import FoundFilm, finished, of_lines, unfinished

VIDEOS = (".mp4", ".mkv", ".mov", ".webm")
WORK = ".skyreels"


@dataclass(frozen=True)
class FilmPlaces:
    """Where films are looked for: every file of some `folders`, not of those in them, and some `files` elsewhere."""

    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class FilmFilter:
    """Which films are wanted: all that it says must hold. Times are in seconds since 1970."""

    text: str = ""
    model: str | None = None
    tags: tuple[str, ...] = ()
    since: float = float("-inf")
    until: float = float("inf")
    finished: bool | None = None

    def __contains__(self, film: FoundFilm) -> bool:
        """Whether a film is; words of the text may stand anywhere in prompt or name, in any order."""
        said = f"{film.prompt} {Path(film.path).name}".casefold()
        return (
            all(word in said for word in self.text.casefold().split())
            and (self.model is None or self.model.casefold() in film.model.casefold())
            and set(self.tags) <= set(film.tags)
            and self.since <= film.made <= self.until
            and self.finished in (None, film.state == "finished")
        )


@dataclass
class _Seen:
    """What lies in the places: the size and times of files, by path, and work folders."""

    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)
    work: set[str] = field(default_factory=set)


def find_films(
    places: FilmPlaces, cache: FilmCache, wanted: FilmFilter | None = None, tell: Callable[[int], object] = int
) -> list[FoundFilm]:
    """The films that lie there, the newest first; `tell` is called with how many must be read before that is done."""
    seen = _look(places)
    begun = [film for film in map(unfinished, map(Path, seen.work)) if film]
    known = cache.known()
    videos = {path: _stamp(path, seen) for path in seen.stamps if path.endswith(VIDEOS)}
    new = {path: stamp for path, stamp in videos.items() if known.get(path, ("",))[0] != stamp}
    if new:
        tell(len(new))
    read = {path: (stamp, finished(Path(path), *_facts(path, seen))) for path, stamp in new.items()}
    folders = {str(folder.absolute()) for folder in places.folders}
    cache.keep(read, (path for path in known if path not in videos and str(Path(path).parent) in folders))
    lines = (known[path][1] for path in videos if path not in new)
    films = list(of_lines(line for line in lines if line))
    films += [film for _, film in read.values() if film]
    films += [film for film in begun if film.path not in videos]
    if wanted and wanted != FilmFilter():
        films = [film for film in films if film in wanted]
    return sorted(films, key=_newest_first)


def _newest_first(film: FoundFilm) -> tuple[float, str]:
    return -film.made, film.path


def _look(places: FilmPlaces) -> _Seen:
    seen = _Seen()
    for folder in dict.fromkeys(folder.absolute() for folder in places.folders):
        for entry in _entries(folder):
            if entry.is_dir():
                seen.work.update({entry.path} if entry.name.endswith(WORK) else ())
            elif entry.name.endswith((*VIDEOS, ".json")):
                stat = entry.stat()
                seen.stamps[entry.path] = stat.st_size, stat.st_mtime_ns
    for film in dict.fromkeys(file.absolute() for file in places.files):
        _look_at(film, seen)
    return seen


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder; nothing if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if entry.is_dir() or entry.is_file())
    except OSError:
        return


def _look_at(film: Path, seen: _Seen) -> None:
    for file in (film, sidecar_of(film)):
        try:
            stat = file.stat()
        except OSError:
            continue
        seen.stamps[str(file)] = stat.st_size, stat.st_mtime_ns
    if (folder := work_folder(film)).is_dir():
        seen.work.add(str(folder))


def _stamp(path: str, seen: _Seen) -> str:
    """Changes with the video and with the file beside it."""
    size, modified = seen.stamps[path]
    return f"{size}:{modified}:{seen.stamps.get(f'{path}.json', (0, 0))[1]}"


def _facts(path: str, seen: _Seen) -> tuple[int, float]:
    size, modified = seen.stamps[path]
    return size, modified / 1e9


def find_one(named: str, films: Iterable[FoundFilm]) -> list[FoundFilm]:
    """The films that a name means: `last` is the newest, else those of this file name, with or without its suffix."""
    if named == "last":
        return list(films)[:1]
    name = film_of(Path(named)).name
    return [film for film in films if name in (Path(film.path).name, Path(film.path).stem)]
