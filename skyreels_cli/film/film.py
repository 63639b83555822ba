"""A whole film: window after window is rendered to a piece on disk, and at the end the pieces become one file."""

from __future__ import annotations

import errno
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from threading import Event as Flag

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.background import Background
from skyreels_cli.film.continued import ContinuedFilm
from skyreels_cli.film.delivery import Delivery, NewFilm
from skyreels_cli.film.events import Event, FilmDone, FilmResumed, StageStarted
from skyreels_cli.film.folder.durable import replacing, write_json
from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.film.folder.record import FilmRecord, film_changed
from skyreels_cli.film.folder.video_tail import VideoTail
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.publish import is_take_of, publish
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.retakes import RetakeStore
from skyreels_cli.film.timing import Timing
from skyreels_cli.film.windows.conditions import pictures
from skyreels_cli.film.windows.meeting import Meeting
from skyreels_cli.film.windows.window import WindowRenderer
from skyreels_cli.film.windows.window_files import WindowFiles
from skyreels_cli.model.memory import forget_peak, peak_bytes
from skyreels_cli.plan.plan import Window
from skyreels_cli.recipe.rate import rate_number


class FilmRenderer:
    """Renders one film, from its recipe to the finished file; with a `meeting` other ranks help with every window."""

    def __init__(self, rendering: Rendering, model: LoadedModel, ending: Flag, meeting: Meeting | None = None) -> None:
        self._rendering = rendering
        self._recipe = rendering.recipe
        self._plan = rendering.plan
        self._output = rendering.output
        self._model = model
        self._ending = ending
        self._closed_by: int | None = None
        self._work = WorkFolder(work_folder(self._output))
        recipe = self._recipe
        tail = VideoTail(self._work.path) if recipe.video else None
        self._delivery: Delivery = ContinuedFilm(recipe, self._work, self._output, tail) if tail else NewFilm(recipe)
        self._background = Background()
        self._timing = Timing(rendering)
        self._files = WindowFiles(rendering, self._work, self._delivery, self._background)
        self._windows = WindowRenderer(rendering, model, self._files, tail, meeting)

    def run(self) -> Generator[Event]:
        """Render what is missing, join, rename."""
        try:
            with self._work:
                yield from self._run()
        except OSError as error:
            raise _storage_error(error, self._work.path) from error

    def _run(self) -> Generator[Event]:
        started = time.perf_counter()
        forget_peak(self._model.device)
        record = FilmRecord(self._recipe, self._plan, self._model.weights)
        if changes := record.differences(self._work.manifest):
            if not self._rendering.overwrite:
                raise film_changed(changes)
            self._work.clear()
        if self._rendering.overwrite:
            self._work.allow_replacing()
        kept = self._kept()
        if self._work.manifest:
            yield FilmResumed(len(kept), sum(kept.values()))
        yield from self._delivery.begin()
        if len(kept) != self._plan.count:
            yield from self._model.prepare(self._recipe.texts, pictures(self._recipe))
        self._work.write_manifest(record.manifest(self._output.parent))
        windows = yield from self._render(kept)
        if self._plan.endless:
            self._plan = self._plan.ended_after(windows)
            self._recipe = self._recipe.ended_at(self._windows.frames)
            record.ended(self._recipe, self._plan)
        yield StageStarted("joining")
        yield self._finish(record, time.perf_counter() - started)

    def _kept(self) -> dict[int, int]:
        """Windows that are finished and undamaged, and the frames each has."""
        known = {index: self._work.window_record(index) for index in self._work.recorded_windows()}
        self._closed_by = next((index for index, record in known.items() if record and record.get("closing")), None)
        windows = [self._window(index) for index, record in known.items() if record]
        return {window.index: window.new_frames for window in windows if window}

    def _window(self, index: int) -> Window | None:
        """The window of that number, which is the closing one where the film has been ended."""
        return self._plan.closed_by(index) if index == self._closed_by else self._plan.window(index)

    def _render(self, kept: dict[int, int]) -> Generator[Event, None, int]:
        """Every window that is not kept; returns how many the film has in the end."""
        done = 0
        with self._background:
            for window in self._windows_to(kept):
                if window.index in kept:
                    self._windows.skip(window)
                else:
                    for event in self._windows.render(window):
                        self._timing.take(event)
                        yield event
                done += 1
        return done

    def _windows_to(self, kept: Mapping[int, int]) -> Iterator[Window]:
        """The windows of the film; an endless one, once told to end, has those that are kept, and one that closes it.

        One that rolls ends no earlier than behind the windows that lead to where all are alike.
        """
        least = len(self._plan.windows) if self._plan.closing else 1
        for window in self._plan.all_windows():
            if window.index == self._closed_by:
                break
            if self._plan.endless and self._ending.is_set() and window.index >= least and window.index not in kept:
                self._closed_by = window.index
                break
            yield window
        if self._closed_by is not None and (closing := self._plan.closed_by(self._closed_by)):
            yield closing

    def _finish(self, record: FilmRecord, elapsed: float) -> FilmDone:
        """Join the pieces, check the result, give it its name; then the folder has done its work."""
        done = self._done(elapsed)
        self._timing.remember()
        finished = self._work.path / f"film{self._output.suffix}"
        with replacing(finished) as joined:
            counts = [window.new_frames for window in self._plan.windows]
            pieces = [(self._files.path(index), count) for index, count in enumerate(counts)]
            self._delivery.join(pieces, joined, record.comment())
        write_json(self._work.sidecar, record.sidecar(done, self._work.looks()))
        publish(finished, self._output, overwrite=self._work.may_replace or is_take_of(self._output, record))
        self._work.sidecar.replace(self._output.with_name(self._output.name + ".json"))
        if not (self._rendering.keep_work or self._work.has_takes):
            RetakeStore.here().keep(self._work.path, record.manifest(self._output.parent))
            self._work.discard()
        return done

    def _done(self, elapsed: float) -> FilmDone:
        recipe, plan, shape = self._recipe, self._plan, self._delivery.shape
        frames = shape.before + self._windows.frames
        return FilmDone(
            output=str(self._output),
            frames=frames,
            fps=rate_number(shape.fps),
            width=shape.width,
            height=shape.height,
            duration_s=float(frames / shape.fps),
            seed=recipe.seed,
            windows=len(plan.windows),
            steps=plan.total_rows or 0,
            model=self._model.facts.name,
            elapsed_s=elapsed,
            peak_memory_bytes=peak_bytes(self._model.device),
            recipe=recipe.model_dump(mode="json", by_alias=True),
        )


def _storage_error(error: OSError, folder: Path) -> SkyreelsError:
    """A disk that is full or read-only, in one line; what was finished stays and can be resumed."""
    if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        return SkyreelsError(
            "disk-full",
            f"the disk became full while writing {folder}",
            "free some space, then run the same command again",
        )
    return SkyreelsError("work-folder", f"{folder} cannot be written: {error.strerror or error}", "skyreels doctor")
