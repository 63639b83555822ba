"""One window after the other: from noise to clean latents to a piece of film on disk."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict

from torch import Tensor

from skyreels_cli.film.events import (
    CacheUsed,
    Event,
    FramesReady,
    StageStarted,
    StepDone,
    WindowDone,
    WindowResumed,
    WindowStarted,
)
from skyreels_cli.film.folder.video_tail import VideoTail
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.windows.conditions import condition
from skyreels_cli.film.windows.denoising import Denoising, WindowTask
from skyreels_cli.film.windows.history import make_history
from skyreels_cli.film.windows.meeting import Meeting
from skyreels_cli.film.windows.noise import InitialNoise
from skyreels_cli.film.windows.script import Direction, Script
from skyreels_cli.film.windows.window_files import OpenPiece, WindowFiles
from skyreels_cli.model.family import Conditioned
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
        self._meeting = meeting
        self._script = Script(rendering.recipe, rendering.plan)
        self._noise = InitialNoise()
        self._history = make_history(rendering.recipe, rendering.plan, model.facts)
        self._history_on_disk = False

    def skip(self, window: Window) -> None:
        """A finished window: its noise is drawn all the same, so that the stream is where it would be."""
        self._draw_noise(window, self._script.direction(window))
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
        latents = yield from self._denoise(window, direction, self._start(window, direction))
        yield StageStarted("decoding")
        piece = yield from self._develop(window, latents[:, : window.latents])
        seconds = time.perf_counter() - started
        self._files.commit(piece, seconds, self._history.state())
        peak, look = peak_bytes(self._model.device), asdict(piece.look())
        yield WindowDone(window.number, seconds, peak, look, self._files.drift(piece))

    def _start(self, window: Window, direction: Direction) -> Conditioned:
        """The window before its first step."""
        with self._model.vae() as vae:
            if self._history_on_disk:
                self._history.load_state(self._files.history(window.index - 1), vae)
                self._history_on_disk = False
            elif self._tail and window.index == 0 and not window.fresh:
                self._history.begin(from_bytes(self._tail.read()).to(vae.device), vae, window)
            noise = self._draw_noise(window, direction)
            recipe, shot = self._rendering.recipe, direction.shot
            return condition(noise, window, shot, recipe, self._history, self._model, vae)

    def _draw_noise(self, window: Window, direction: Direction) -> Tensor:
        facts = self._model.facts
        stride = facts.spatial_stride
        shape = (facts.latent_channels, window.latents, self._plan.height // stride, self._plan.width // stride)
        return self._noise.draw(direction.stream, shape).to(self._model.device)

    def _denoise(self, window: Window, direction: Direction, start: Conditioned) -> Generator[Event, None, Tensor]:
        """The window's clean latents."""
        recipe, model = self._rendering.recipe, self._model
        task = WindowTask(
            window=window,
            guidance_scale=direction.shot.guidance_scale,
            stream=direction.stream,
            texts=tuple(model.text(text) for text in direction.shot.texts),
            latents=start.latents.to(model.device),
            inputs=start.inputs,
            tokens_per_frame=self._plan.tokens_per_frame,
            checkpoint=self._files.checkpoint(window.index),
        )
        if self._meeting:
            self._meeting.share(task)
        with model.transformer() as transformer:
            before_step = self._meeting.wait if self._meeting else None
            denoising = Denoising(task, recipe, model.facts.family, transformer, before_step)
            try:
                if denoising.steps_done:
                    yield WindowResumed(window.number, denoising.steps_done, window.rows)
                yield from self._steps(denoising)
            finally:
                facts = denoising.close()
            if denoising.cache:
                yield CacheUsed(window.number, denoising.cache.name, denoising.cache.skipped, facts)
        return denoising.latents

    def _steps(self, denoising: Denoising) -> Generator[Event]:
        """Step by step, saved every so often and when the film is interrupted between two steps."""
        window = denoising.window
        saved = before = time.perf_counter()
        for row, noise in denoising.run():
            now = time.perf_counter()
            if now - saved > self._rendering.checkpoint_seconds and row + 1 < window.rows:
                self._save(denoising, row)
                saved = now
            try:
                yield StepDone(window.number, row, window.rows, now - before, peak_bytes(self._model.device), noise)
            except GeneratorExit:
                self._save(denoising, row)
                raise
            before = time.perf_counter()

    def _save(self, denoising: Denoising, row: int) -> None:
        """Keep the window in progress, unless its cache cannot be saved: then it begins again."""
        if denoising.resumable:
            self._files.write_checkpoint(denoising.window.index, row, denoising.state())

    def _develop(self, window: Window, latents: Tensor) -> Generator[Event, None, OpenPiece]:
        """Latents to a piece of film: frames go to the encoder as they leave the VAE."""
        with self._files.begin(window.index) as piece, self._model.vae() as vae:
            with closing(self._history.decode(vae, latents, window)) as frames:
                for new in frames:
                    piece.write(new)
                    self.frames += new.shape[1]
                    yield FramesReady(window.number, self.frames, self._plan.num_frames)
            self._history.close_window(vae, self._plan.window(window.index + 1))
        return piece
