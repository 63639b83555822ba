"""One window after the other: from noise to clean latents to a piece of film on disk."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from skyreels_cli.film.background import Background
from skyreels_cli.film.delivery import Delivery
from skyreels_cli.film.events import CacheUsed, Event, FramesReady, StepDone, WindowDone, WindowStarted
from skyreels_cli.film.folder.durable import replacing
from skyreels_cli.film.folder.preview import Preview
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.windows.caching import WindowCache
from skyreels_cli.film.windows.conditions import condition
from skyreels_cli.film.windows.denoising import WindowTask, begin, share
from skyreels_cli.film.windows.history import make_history
from skyreels_cli.film.windows.look import Look, LookMeter
from skyreels_cli.film.windows.noise import InitialNoise
from skyreels_cli.film.windows.sampler import WindowSampler
from skyreels_cli.film.windows.script import Direction, Script
from skyreels_cli.model.family import Conditioned
from skyreels_cli.model.memory import peak_bytes
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.model.vae import from_bytes, to_bytes
from skyreels_cli.plan.plan import Plan, Window
from skyreels_cli.recipe.schema import Recipe


class WindowRenderer:
    """Takes the windows of a film in order; `frames` counts what they have added to it so far.

    The last frames of a window are still being encoded and recorded in the `background` while the next one begins.
    """

    def __init__(
        self,
        recipe: Recipe,
        plan: Plan,
        model: LoadedModel,
        work: WorkFolder,
        delivery: Delivery,
        background: Background,
        checkpoint_seconds: float,
    ) -> None:
        self.frames = 0
        self.script = Script(recipe, plan)
        self._recipe = recipe
        self._plan = plan
        self._model = model
        self._work = work
        self._delivery = delivery
        self._background = background
        self._preview = Preview(work, recipe.codec)
        self._checkpoint_seconds = checkpoint_seconds
        self._noise = InitialNoise()
        self._history = make_history(recipe, plan, model.facts)
        self._remembered: int | None = None
        self._first_look: Look | None = None

    def piece(self, index: int) -> Path:
        """Where the encoded frames of a window lie."""
        return self._work.piece(index, self._delivery.piece_suffix)

    def skip(self, window: Window) -> None:
        """A finished window: its noise is drawn all the same, so that the stream is where it would be."""
        self._draw_noise(window, self.script.direction(window))
        self.frames += window.new_frames

    def render(self, window: Window) -> Generator[Event]:
        """A window from its first step to its last frame; its record in the work folder follows behind."""
        started = time.perf_counter()
        direction = self.script.direction(window)
        meter = LookMeter()
        yield WindowStarted(
            window=window.index,
            windows=self._plan.count,
            steps=window.rows,
            first_frame=window.first_frame,
            new_frames=window.new_frames,
            prompt=direction.shot.prompt,
        )
        with self._model.vae() as vae:
            self._remember(window, vae)
            noise = self._draw_noise(window, direction)
            start = condition(noise, window, direction.shot, self._recipe, self._history, self._model, vae)
        yield from self._denoise(window, direction, start)
        piece = yield from self._develop(window, start.latents[:, : window.latents], meter)
        seconds, look = time.perf_counter() - started, meter.look()
        self._commit(window, piece, {"window": window.index, "seconds": seconds, "look": asdict(look)})
        self._remembered = window.index
        drift = look.against(self._look_at_first(window, look))
        yield WindowDone(window.index, seconds, peak_bytes(self._model.device), asdict(look), drift)

    def _commit(self, window: Window, piece: ExitStack, record: dict[str, Any]) -> None:
        """Have the piece closed, its window recorded and the preview brought up to date, in this order."""
        memory = self._history.state()
        pieces = [self.piece(index) for index in range(window.index + 1)]

        def commit() -> None:
            piece.close()
            self._work.commit_window(window.index, pieces[-1], memory, record)
            self._preview.show(pieces)

        self._background.run(commit)

    def _look_at_first(self, window: Window, look: Look) -> Look:
        """How the film looked in its first window."""
        if self._first_look is None:
            self._first_look = look if window.index == 0 else Look(**self._work.looks()[0])
        return self._first_look

    def _remember(self, window: Window, vae: Any) -> None:
        """Take up the end of a given video, or what the window before left if an earlier process rendered it."""
        if window.index == 0:
            tail = None if window.fresh else self._delivery.tail()
            if tail is not None:
                self._history.begin(from_bytes(tail).to(vae.device), vae, window)
        elif self._remembered != window.index - 1:
            self._history.load_state(self._work.memory(window.index - 1), vae)

    def _draw_noise(self, window: Window, direction: Direction) -> Tensor:
        facts = self._model.facts
        stride = facts.spatial_stride
        shape = (facts.latent_channels, window.latents, self._plan.height // stride, self._plan.width // stride)
        return self._noise.draw(direction.stream, shape).to(self._model.device)

    def _denoise(self, window: Window, direction: Direction, start: Conditioned) -> Generator[Event]:
        model, shot = self._model, direction.shot
        task = WindowTask(
            window=window,
            guidance_scale=shot.guidance_scale,
            stream=direction.stream,
            texts=tuple(model.text(text) for text in shot.texts),
            latents=start.latents,
            inputs=start.inputs,
            tokens_per_frame=self._plan.tokens_per_frame,
            checkpoint=self._work.checkpoint(window.index),
        )
        if model.parallel is not SINGLE_PROCESS:
            share(task)
        with model.transformer() as transformer:
            sampler, cache = begin(task, self._recipe, model, transformer)
            try:
                yield from self._steps(window, sampler, cache)
            finally:
                facts = cache.close() if cache else {}
            if cache:
                yield CacheUsed(window.index, cache.name, cache.skipped, facts)

    def _steps(self, window: Window, sampler: WindowSampler, cache: WindowCache | None) -> Generator[Event]:
        """Row by row, saved every so often and when the film is interrupted between two rows."""
        saved = before = time.perf_counter()
        for row, noise in sampler.run():
            now = time.perf_counter()
            if now - saved > self._checkpoint_seconds and row + 1 < window.rows:
                self._save(window, row, sampler, cache)
                saved = now
            try:
                peak = peak_bytes(self._model.device)
                yield StepDone(window.index, row, window.rows, now - before, peak, noise)
            except GeneratorExit:
                self._save(window, row, sampler, cache)
                raise
            before = time.perf_counter()

    def _save(self, window: Window, row: int, sampler: WindowSampler, cache: WindowCache | None) -> None:
        """Keep the window in progress, unless its cache cannot be saved: then it begins again."""
        self._background.wait()  # recording the window before removes the checkpoint that there is
        if cache is None:
            self._work.write_checkpoint(window.index, row, sampler.state())
        elif cache.resumable:
            self._work.write_checkpoint(window.index, row, {**sampler.state(), "cache": cache.state_dict()})

    def _develop(self, window: Window, latents: Tensor, meter: LookMeter) -> Generator[Event, None, ExitStack]:
        """Latents to a piece of film: frames go to the encoder as they leave the VAE; it is whole once closed."""
        with ExitStack() as piece, self._model.vae() as vae:
            partial = piece.enter_context(replacing(self.piece(window.index)))
            encoder = piece.enter_context(self._delivery.encoder(partial))
            with closing(self._history.decode(vae, latents, window)) as frames:
                for new in frames:
                    pixels = to_bytes(new).cpu().numpy()
                    encoder.write(pixels)
                    meter.add(pixels[-1])  # of four frames one tells enough
                    self.frames += new.shape[1]
                    yield FramesReady(window.index, self.frames, self._plan.num_frames)
            self._history.close_window(vae, self._plan.window(window.index + 1))
            return piece.pop_all()
