"""One window after the other: from noise to clean latents to a piece of film on disk."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict
from functools import partial

from torch import Tensor

from skyreels_cli.film.events import Event, FramesReady, StageStarted, WindowDone, WindowStarted
from skyreels_cli.film.folder.video_tail import VideoTail
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.windows.history import make_history
from skyreels_cli.film.windows.meeting import Meeting
from skyreels_cli.film.windows.passes import WindowPasses
from skyreels_cli.film.windows.script import Script
from skyreels_cli.film.windows.window_files import OpenPiece, WindowFiles
from skyreels_cli.model.memory import peak_bytes
from skyreels_cli.model.vae import from_bytes
from skyreels_cli.plan.plan import Window


class WindowRenderer:
    """Renders the windows of a film in order; `frames` counts those that they have added to it so far.

    The first window goes on from the frames of `tail`, if there are any. With a `meeting` other ranks denoise every
    window along with this one.
    """

    def __init__(
        self,
        rendering: Rendering,
        model: LoadedModel,
        files: WindowFiles,
        tail: VideoTail | None = None,
        meeting: Meeting | None = None,
    ) -> None:
        self.frames = 0
        self._rendering = rendering
        self._plan = rendering.plan
        self._model = model
        self._files = files
        self._tail = tail
        self._script = Script(rendering.recipe, rendering.plan)
        self._history = make_history(rendering.recipe, rendering.plan, model.facts)
        self._passes = WindowPasses(rendering, model, files, self._history, meeting)
        self._history_on_disk = False

    def skip(self, window: Window) -> None:
        """A finished window: its noise is drawn all the same, so that the stream is where it would be."""
        self._passes.skip(window, self._script.direction(window))
        self.frames += window.new_frames
        self._history_on_disk = True

    def render(self, window: Window) -> Generator[Event]:
        """Render a window from its first step to its last frame; it is recorded while the next one begins."""
        started = time.perf_counter()
        direction = self._script.direction(window)
        yield WindowStarted(
            window=window.number,
            windows=self._plan.count,
            steps=window.rows,
            first_frame=window.first_frame,
            new_frames=window.new_frames,
            prompt=direction.shot.prompt,
        )
        yield StageStarted("preparing the window")
        self._take_up(window)
        with self._files.begin(window.index) as piece:
            yield from self._passes.denoise(window, direction, partial(self._develop, piece, window))
        seconds = time.perf_counter() - started
        self._files.commit(piece, window, seconds, {**self._history.state(), **self._passes.state()})
        peak, look = peak_bytes(self._model.device), asdict(piece.look())
        yield WindowDone(window.number, seconds, peak, look, self._files.drift(piece))

    def _take_up(self, window: Window) -> None:
        """Have what came before the window where it is needed: from disk, or from the end of a given video."""
        if self._history_on_disk:
            state = self._files.history(window.index - 1)
            self._passes.load_state(state)
            with self._model.vae() as vae:
                self._history.load_state(state, vae)
            self._history_on_disk = False
        elif self._tail and window.index == 0 and not window.fresh:
            with self._model.vae() as vae:
                self._history.begin(from_bytes(self._tail.read()).to(vae.device), vae, window)

    def _develop(self, piece: OpenPiece, window: Window, part: Window, latents: Tensor) -> Generator[Event]:
        """Latents of a window, or a part of it, to frames, which go to the encoder as they leave the VAE."""
        if part is window:
            yield StageStarted("decoding")
        with self._model.vae() as vae:
            with closing(self._history.decode(vae, latents, part)) as frames:
                for new in frames:
                    piece.write(new)
                    self.frames += new.shape[1]
                    yield FramesReady(window.number, self.frames, self._plan.num_frames)
            if piece.frames == window.new_frames:
                self._history.close_window(vae, self._plan.window(window.index + 1))
