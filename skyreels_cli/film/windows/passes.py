"""A window from its noise to clean latents: in one pass of the sampler or, where the film rolls, turn by turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.film.events import CacheUsed, Event, StepDone, WindowResumed
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.windows.conditions import condition
from skyreels_cli.film.windows.denoising import Denoising, WindowTask
from skyreels_cli.film.windows.frame_sink import FrameSink
from skyreels_cli.film.windows.history import History
from skyreels_cli.film.windows.latent_anchor import LatentAnchor
from skyreels_cli.film.windows.meeting import Meeting
from skyreels_cli.film.windows.noise import InitialNoise
from skyreels_cli.film.windows.script import Direction
from skyreels_cli.film.windows.window_files import WindowFiles
from skyreels_cli.model.family import Conditioned
from skyreels_cli.model.memory import peak_bytes
from skyreels_cli.plan.plan import Window

Develop = Callable[[Window, Tensor], Generator[Event]]
"""Makes frames of a window or a part of it, and of its clean latents `(c, f, h, w)`, those of its prefix included."""


@dataclass(frozen=True)
class Handover:
    """What a turn leaves to the next: its latents `(c, f, h, w)`, the last of them part-way, and their schedulers."""

    latents: Tensor
    schedulers: list[dict[str, Any]]

    @classmethod
    def of(cls, state: dict[str, Any] | None) -> Handover | None:
        """The handover whose `state` was saved."""
        return cls(**state) if state else None

    def state(self) -> dict[str, Any]:
        """What is saved of it."""
        return {"latents": self.latents, "schedulers": self.schedulers}


@dataclass
class Made:
    """A window in progress: clean latents of turns that are done, in order, and what the last one has left."""

    turn: int = 0
    clean: list[Tensor] = field(default_factory=list)
    handover: Handover | None = None

    def add(self, turn: Window, latents: Tensor, schedulers: list[dict[str, Any]]) -> None:
        """Take in a turn that is done: its latents, and the states of schedulers of blocks that are part-way."""
        latents = latents[:, : turn.latents]
        known = turn.prefix_latents if self.clean else 0
        self.clean.append(latents[:, known : turn.clean_latents].clone())
        self.handover = Handover(latents.clone(), schedulers) if turn.ahead else None
        self.turn += 1

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        handover = self.handover.state() if self.handover else None
        return {"turn": self.turn, "clean": self.clean, "handover": handover}

    @classmethod
    def of(cls, checkpoint: dict[str, Any] | None, handover: Handover | None, device: torch.device) -> Made:
        """The progress that a checkpoint tells of; without one a window begins with the `handover` of the last."""
        if checkpoint is None or not checkpoint.get("turn"):
            return cls(handover=handover)
        clean = [latents.to(device) for latents in checkpoint["clean"]]
        return cls(checkpoint["turn"], clean, Handover.of(checkpoint["handover"]))


class WindowPasses:
    """Denoises the windows of a film, with the other ranks of a `meeting`.

    What a window leaves to the next one besides the history is in its `state`.
    """

    def __init__(
        self, rendering: Rendering, model: LoadedModel, files: WindowFiles, history: History, meeting: Meeting | None
    ) -> None:
        self._handover: Handover | None = None
        self._anchor = LatentAnchor(rendering.recipe.latent_anchor)
        self._sink = FrameSink(on=rendering.recipe.frame_sink)
        self._rendering = rendering
        self._model = model
        self._files = files
        self._history = history
        self._meeting = meeting
        self._noise = InitialNoise()

    def skip(self, window: Window, direction: Direction) -> None:
        """Draw the noise of a finished window, so that the stream is where it would be."""
        for turn in window.passes:
            self._draw_noise(turn, direction)

    def denoise(self, window: Window, direction: Direction, develop: Develop) -> Generator[Event]:
        """Denoise a window; what is clean is developed turn by turn, or at the end if the history needs it whole."""
        checkpoint = self._files.checkpoint(window.index)
        made, streams = Made.of(checkpoint, self._handover, self._model.device), self._history.streams
        if made.turn:
            self._sink.hold(window.shot, made.clean[0])
        if made.turn and streams:
            yield from develop(window.until(made.turn), torch.cat(made.clean, dim=1))
        if window.fresh:
            self._anchor.statistics = None
        for number, turn in enumerate(window.passes):
            noise = self._draw_noise(turn, direction)
            if number >= made.turn:
                start = self._start(turn, direction, noise, made.handover)
                latents = yield from self._turn(window, turn, direction, start, made, checkpoint)
                checkpoint = None
                self._sink.hold(window.shot, latents)
                if streams:
                    yield from develop(turn, latents)
        self._handover, clean = made.handover, torch.cat(made.clean, dim=1)
        if self._anchor.statistics is None:
            self._anchor.hold(clean)
        if not streams:
            yield from develop(window, clean)

    def state(self) -> dict[str, Any]:
        """What the next window needs besides the history."""
        left = {"handover": self._handover.state()} if self._handover else {}
        held = self._anchor.statistics
        return {**left, **({} if held is None else {"latent_statistics": held}), **self._sink.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up the `state` of the window before."""
        self._handover = Handover.of(state.get("handover"))
        self._anchor.statistics = state.get("latent_statistics")
        self._sink.load_state(state)

    def _draw_noise(self, turn: Window, direction: Direction) -> Tensor:
        facts, plan = self._model.facts, self._rendering.plan
        stride = facts.spatial_stride
        shape = (facts.latent_channels, turn.drawn_latents, plan.height // stride, plan.width // stride)
        return self._noise.draw(direction.stream, shape).to(self._model.device)

    def _start(self, turn: Window, direction: Direction, noise: Tensor, handover: Handover | None) -> Conditioned:
        """The latents of a turn before its first row: its prefix and what is part-way are the end of those before."""
        prefix = None
        if turn.carried:
            assert handover is not None, f"nothing is part-way before window {turn.index}"
            known = handover.latents[:, -(turn.prefix_latents + turn.carried) :].to(noise.device)
            noise, prefix = torch.cat([known, noise], dim=1), known[:, : turn.prefix_latents]
        elif turn.history_latents:
            prefix = self._history.prefix(turn)
        if prefix is not None and prefix.shape[1]:
            prefix = self._sink.lead(turn.shot, prefix)
        encodes = turn.fresh or turn.end_frame
        with self._model.vae() if encodes else nullcontext() as vae:
            return condition(noise, turn, direction.shot, self._rendering.recipe, prefix, self._model, vae)

    def _turn(
        self,
        window: Window,
        turn: Window,
        direction: Direction,
        start: Conditioned,
        made: Made,
        checkpoint: dict[str, Any] | None,
    ) -> Generator[Event, None, Tensor]:
        """The latents of a turn that are clean, those of its prefix included."""
        recipe, model = self._rendering.recipe, self._model
        task = WindowTask(
            window=turn,
            guidance_scale=direction.shot.guidance_scale,
            stream=direction.stream,
            texts=tuple(model.text(text) for text in direction.shot.texts),
            latents=start.latents.to(model.device),
            inputs=start.inputs,
            tokens_per_frame=self._rendering.plan.tokens_per_frame,
            checkpoint=checkpoint,
            schedulers=made.handover.schedulers if made.handover and turn.carried else [],
        )
        if self._meeting:
            self._meeting.share(task)
        with model.transformer() as transformer:
            before_step = self._meeting.wait if self._meeting else None
            denoising = Denoising(task, recipe, model.facts.family, transformer, before_step)
            try:
                if denoising.steps_done:
                    yield WindowResumed(window.number, turn.first_row + denoising.steps_done, window.rows)
                yield from self._steps(window, denoising, made)
            finally:
                facts = denoising.close()
            if denoising.cache:
                yield CacheUsed(turn.number, denoising.cache.name, denoising.cache.skipped, facts)
        latents = self._anchored(turn, denoising.latents)
        made.add(turn, latents, denoising.sampler.unfinished())
        return latents[:, : turn.clean_latents]

    def _anchored(self, turn: Window, latents: Tensor) -> Tensor:
        """The latents of a turn, of which those that have become clean are matched to the anchor."""
        known, clean = turn.prefix_latents, turn.clean_latents
        matched = self._anchor.match(latents[:, known:clean])
        return torch.cat([latents[:, :known], matched, latents[:, clean:]], dim=1)

    def _steps(self, window: Window, denoising: Denoising, made: Made) -> Generator[Event]:
        """Step by step, saved every so often and when the film is interrupted between two steps."""
        saved = before = time.perf_counter()
        for row_of_turn, noise in denoising.run():
            row = denoising.window.first_row + row_of_turn
            now = time.perf_counter()
            if now - saved > self._rendering.checkpoint_seconds and row + 1 < window.rows:
                self._save(denoising, made, row)
                saved = now
            try:
                yield StepDone(window.number, row, window.rows, now - before, peak_bytes(self._model.device), noise)
            except GeneratorExit:
                self._save(denoising, made, row)
                raise
            before = time.perf_counter()

    def _save(self, denoising: Denoising, made: Made, row: int) -> None:
        """Keep the window in progress, unless its cache cannot be saved: then it begins again."""
        if denoising.resumable:
            self._files.write_checkpoint(denoising.window.index, row, {**denoising.state(), **made.state()})
