"""The conductor: window after window from noise to frames, frames to the encoder, events to whoever listens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from torch import Tensor

from skyreels_cli.film.conditions import start_latents
from skyreels_cli.film.denoiser import Denoiser
from skyreels_cli.film.events import Event, FilmDone, FramesReady, StepDone, WindowDone, WindowStarted
from skyreels_cli.film.history import History, LatentHistory, PixelHistory
from skyreels_cli.film.noise import InitialNoise
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.record import FilmRecord
from skyreels_cli.film.sampler import WindowSampler
from skyreels_cli.film.scheduler import make_scheduler
from skyreels_cli.film.studio import Studio
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.model.memory import peak_bytes
from skyreels_cli.model.vae import to_bytes
from skyreels_cli.plan.plan import Plan, Window
from skyreels_cli.recipe.schema import Recipe


def render(recipe: Recipe, plan: Plan, facts: ModelFacts, placement: Placement, output: Path) -> Iterator[Event]:
    """Make a film; closing the generator (or Ctrl-C) stops it within one step and leaves no half-written file."""
    return Film(recipe, plan, facts, output, Studio(facts, recipe.dtype, placement)).run()


class Film:
    """One film on its way from a recipe to a file."""

    def __init__(self, recipe: Recipe, plan: Plan, facts: ModelFacts, output: Path, studio: Studio) -> None:
        self._recipe = recipe
        self._plan = plan
        self._facts = facts
        self._output = output
        self._studio = studio
        self._noise = InitialNoise(recipe.seed)
        self._history = _history(recipe, plan)
        self._frames = 0

    def run(self) -> Iterator[Event]:
        """Render, encode, rename; the last event is `FilmDone`."""
        started = time.perf_counter()
        record = FilmRecord(self._recipe, self._plan, self._facts)
        yield from self._studio.prepare(self._prompts)
        partial = self._output.with_name(f".{self._output.stem}.partial{self._output.suffix}")
        with self._encoder(partial, record.comment()) as encoder:
            for window in self._plan.windows:
                yield from self._window(window, encoder)
        done = self._done(time.perf_counter() - started)
        record.write_sidecar(self._output, done)
        partial.replace(self._output)
        yield done

    @property
    def _prompts(self) -> list[str]:
        """The prompt, and the negative prompt where guidance needs it."""
        recipe = self._recipe
        return [recipe.prompt, recipe.negative_prompt] if recipe.guidance_scale > 1 else [recipe.prompt]

    def _window(self, window: Window, encoder: VideoEncoder) -> Iterator[Event]:
        started = time.perf_counter()
        yield WindowStarted(
            window=window.index,
            windows=len(self._plan.windows),
            rows=window.rows,
            first_frame=window.first_frame,
            new_frames=window.new_frames,
            prompt=self._recipe.prompt,
        )
        with self._studio.vae() as vae:
            latents = start_latents(self._draw_noise(window), window, self._recipe, self._history, vae)
        latents = latents.to(self._studio.device)
        yield from self._denoise(window, latents)
        yield from self._decode(window, latents[:, : window.latents], encoder)
        yield WindowDone(window.index, time.perf_counter() - started, peak_bytes(self._studio.device))

    def _draw_noise(self, window: Window) -> Tensor:
        channels = self._facts.transformer.config["in_channels"]
        stride = self._facts.spatial_stride
        shape = (channels, window.latents, self._plan.height // stride, self._plan.width // stride)
        return self._noise.draw(shape).to(self._studio.device)

    def _denoise(self, window: Window, latents: Tensor) -> Iterator[Event]:
        recipe, studio = self._recipe, self._studio
        forcing = self._facts.family == "df"
        with studio.transformer() as transformer:
            texts = [studio.text(prompt) for prompt in self._prompts]
            denoiser = Denoiser(transformer, recipe, window, texts, studio.dtype, forcing)
            sampler = WindowSampler(
                window,
                latents,
                denoiser,
                lambda: make_scheduler(recipe.scheduler, recipe.inference_steps, recipe.shift, forcing),
                recipe.seed,
                recipe.addnoise_condition,
            )
            started = time.perf_counter()
            for row, noise in sampler.run():
                now = time.perf_counter()
                yield StepDone(window.index, row, window.rows, now - started, peak_bytes(studio.device), noise)
                started = time.perf_counter()

    def _decode(self, window: Window, latents: Tensor, encoder: VideoEncoder) -> Iterator[Event]:
        """Frames go to the encoder as they leave the VAE; what the plan rounded up is trimmed from the end."""
        last = window.first_frame + window.new_frames
        with self._studio.vae() as vae, closing(self._history.decode(vae, latents, window)) as frames:
            for new in frames:
                kept = to_bytes(new)[: last - self._frames].cpu().numpy()
                encoder.write(kept)
                self._frames += len(kept)
                yield FramesReady(window.index, self._frames, self._plan.num_frames)

    def _encoder(self, path: Path, comment: str) -> VideoEncoder:
        recipe, plan = self._recipe, self._plan
        return VideoEncoder(
            path,
            width=plan.width,
            height=plan.height,
            fps=recipe.fps,
            codec=recipe.codec,
            quality=recipe.quality,
            comment=comment,
        )

    def _done(self, elapsed: float) -> FilmDone:
        recipe, plan = self._recipe, self._plan
        return FilmDone(
            output=str(self._output),
            frames=self._frames,
            fps=recipe.fps,
            width=plan.width,
            height=plan.height,
            duration_s=self._frames / recipe.fps,
            seed=recipe.seed,
            windows=len(plan.windows),
            steps=plan.total_rows,
            model=self._facts.name,
            elapsed_s=elapsed,
            peak_memory_bytes=peak_bytes(self._studio.device),
            recipe=recipe.model_dump(mode="json", by_alias=True),
        )


def _history(recipe: Recipe, plan: Plan) -> History:
    if recipe.join == "latents":
        return LatentHistory(max((window.prefix_latents for window in plan.windows[1:]), default=1))
    return PixelHistory(recipe.overlap_history)
