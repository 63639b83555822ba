"""The conductor: window after window from noise to a piece of film on disk; at the end the pieces become one file."""

from __future__ import annotations

import errno
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.caching import WindowCache
from skyreels_cli.film.conditions import start_latents
from skyreels_cli.film.denoiser import Denoiser
from skyreels_cli.film.events import (
    CacheUsed,
    Event,
    FilmDone,
    FilmResumed,
    FramesReady,
    StepDone,
    WindowDone,
    WindowStarted,
)
from skyreels_cli.film.history import History, LatentHistory, PixelHistory
from skyreels_cli.film.manifest import work_folder
from skyreels_cli.film.noise import InitialNoise
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.preview import Preview
from skyreels_cli.film.record import FilmRecord, film_changed
from skyreels_cli.film.sampler import WindowSampler
from skyreels_cli.film.scheduler import make_scheduler
from skyreels_cli.film.studio import Studio
from skyreels_cli.film.tensor_tree import on_device
from skyreels_cli.film.work import WorkFolder
from skyreels_cli.film.durable import replacing, write_json
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.join import join_pieces, piece_suffix
from skyreels_cli.model.memory import peak_bytes
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.model.vae import to_bytes
from skyreels_cli.plan.plan import Plan, Window
from skyreels_cli.recipe.schema import Recipe


@dataclass(frozen=True)
class Working:
    """How a film is worked on: how often the window in progress is saved, whether the folder stays at the end, and
    whether another unfinished film of that name may be thrown away."""

    checkpoint_seconds: float = 60.0
    keep_work: bool = False
    overwrite: bool = False


def render(
    recipe: Recipe,
    plan: Plan,
    facts: ModelFacts,
    placement: Placement,
    output: Path,
    *,
    working: Working | None = None,
    studio: Studio | None = None,
) -> Generator[Event]:
    """Make a film, or go on with it if its work folder is there; the last event is `FilmDone`.

    Closing the generator stops the film within one step and leaves it resumable. A `studio` that already holds the
    model saves loading it.
    """
    studio = studio or Studio(facts, recipe.dtype, placement)
    return Film(recipe, plan, facts, output, studio, working or Working()).run()


class Film:
    """One film on its way from a recipe to a file."""

    def __init__(
        self, recipe: Recipe, plan: Plan, facts: ModelFacts, output: Path, studio: Studio, working: Working
    ) -> None:
        self._recipe = recipe
        self._plan = plan
        self._facts = facts
        self._output = output
        self._studio = studio
        self._working = working
        self._work = WorkFolder(work_folder(output))
        self._noise = InitialNoise(recipe.seed)
        self._history = _history(recipe, plan, facts)
        self._piece_suffix = piece_suffix(recipe.codec)
        self._frames = 0
        self._remembered: int | None = None

    def run(self) -> Generator[Event]:
        """Render what is missing, join, rename."""
        try:
            with self._work:
                yield from self._run()
        except OSError as error:
            raise _storage_error(error, self._work.path) from error

    def _run(self) -> Generator[Event]:
        started = time.perf_counter()
        record = FilmRecord(self._recipe, self._plan, self._facts)
        if changes := record.differences(self._work.manifest):
            if not self._working.overwrite:
                raise film_changed(changes)
            self._work.clear()
        kept = {w.index for w in self._plan.windows if self._work.window_record(w.index)}
        if self._work.manifest:
            frames = sum(window.new_frames for window in self._plan.windows if window.index in kept)
            yield FilmResumed(len(kept), frames)
        if len(kept) < len(self._plan.windows):
            yield from self._studio.prepare(self._prompts)
        self._work.write_manifest(record.identity())
        with Preview(self._work, self._recipe.codec) as preview:
            for window in self._plan.windows:
                if window.index in kept:
                    self._skip(window)
                else:
                    yield from self._window(window)
                preview.show(self._pieces(window.index + 1))
        yield self._finish(record, time.perf_counter() - started)

    @property
    def _prompts(self) -> list[str]:
        """The prompt, and the negative prompt where guidance needs it."""
        recipe = self._recipe
        return [recipe.prompt, recipe.negative_prompt] if recipe.guidance_scale > 1 else [recipe.prompt]

    def _pieces(self, count: int) -> list[Path]:
        return [self._work.piece(window.index, self._piece_suffix) for window in self._plan.windows[:count]]

    def _skip(self, window: Window) -> None:
        """A finished window: its noise is drawn all the same, so that the stream is where it would be."""
        self._draw_noise(window)
        self._frames += window.new_frames

    def _window(self, window: Window) -> Generator[Event]:
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
            self._remember(window.index - 1, vae)
            latents = start_latents(self._draw_noise(window), window, self._recipe, self._history, vae)
        yield from self._denoise(window, latents.to(self._studio.device))
        yield from self._develop(window, latents[:, : window.latents])
        seconds = time.perf_counter() - started
        piece = self._work.piece(window.index, self._piece_suffix)
        self._work.commit_window(
            window.index, piece, self._history.state(), {"window": window.index, "seconds": seconds}
        )
        self._remembered = window.index
        yield WindowDone(window.index, seconds, peak_bytes(self._studio.device))

    def _remember(self, window: int, vae: Any) -> None:
        """Take up what a window left, if it was rendered by an earlier process."""
        if window >= 0 and self._remembered != window:
            self._history.load_state(self._work.memory(window), vae)

    def _draw_noise(self, window: Window) -> Tensor:
        channels = self._facts.transformer.config["in_channels"]
        stride = self._facts.spatial_stride
        shape = (channels, window.latents, self._plan.height // stride, self._plan.width // stride)
        return self._noise.draw(shape).to(self._studio.device)

    def _denoise(self, window: Window, latents: Tensor) -> Generator[Event]:
        recipe, studio = self._recipe, self._studio
        forcing = self._facts.family == "df"
        with studio.transformer() as transformer:
            texts = [studio.text(prompt) for prompt in self._prompts]
            cache = self._cache(window, transformer) if recipe.cache else None
            sampler = WindowSampler(
                window,
                latents,
                Denoiser(transformer, recipe, window, texts, studio.dtype, forcing, cache),
                lambda: make_scheduler(
                    recipe.scheduler, recipe.inference_steps, recipe.shift, forcing, recipe.options
                ),
                recipe.seed,
                recipe.addnoise_condition,
            )
            if checkpoint := self._work.checkpoint(window.index):
                sampler.load_state(checkpoint)
                if cache:
                    cache.load_state_dict(on_device(checkpoint["cache"], studio.device))
            try:
                yield from self._steps(window, sampler, cache)
            finally:
                facts = cache.close() if cache else {}
            if recipe.cache:
                yield CacheUsed(window.index, recipe.cache, facts)

    def _cache(self, window: Window, transformer: Transformer) -> WindowCache:
        return WindowCache(self._recipe, window, self._facts.family, transformer, self._plan.tokens_per_frame)

    def _steps(self, window: Window, sampler: WindowSampler, cache: WindowCache | None) -> Generator[Event]:
        """Row by row, saved every so often and when the film is interrupted between two rows."""
        saved = before = time.perf_counter()
        for row, noise in sampler.run():
            now = time.perf_counter()
            if now - saved > self._working.checkpoint_seconds and row + 1 < window.rows:
                self._save(window, row, sampler, cache)
                saved = now
            try:
                peak = peak_bytes(self._studio.device)
                yield StepDone(window.index, row, window.rows, now - before, peak, noise)
            except GeneratorExit:
                self._save(window, row, sampler, cache)
                raise
            before = time.perf_counter()

    def _save(self, window: Window, row: int, sampler: WindowSampler, cache: WindowCache | None) -> None:
        """Keep the window in progress, unless its cache cannot be saved: then it begins again."""
        if cache is None:
            self._work.write_checkpoint(window.index, row, sampler.state())
        elif cache.resumable:
            self._work.write_checkpoint(window.index, row, {**sampler.state(), "cache": cache.state_dict()})

    def _develop(self, window: Window, latents: Tensor) -> Generator[Event]:
        """Latents to a piece of film; frames go to the encoder as they leave the VAE, a rounded-up rest is cut off."""
        last = window.first_frame + window.new_frames
        following = self._plan.windows[window.index + 1 : window.index + 2]
        piece = self._work.piece(window.index, self._piece_suffix)
        with (
            self._studio.vae() as vae,
            replacing(piece) as partial,
            self._encoder(partial) as encoder,
            closing(self._history.decode(vae, latents, window)) as frames,
        ):
            for new in frames:
                kept = to_bytes(new)[: last - self._frames].cpu().numpy()
                encoder.write(kept)
                self._frames += len(kept)
                yield FramesReady(window.index, self._frames, self._plan.num_frames)
            self._history.close_window(vae, following[0] if following else None)

    def _encoder(self, path: Path) -> VideoEncoder:
        recipe, plan = self._recipe, self._plan
        return VideoEncoder(
            path, width=plan.width, height=plan.height, fps=recipe.fps, codec=recipe.codec, quality=recipe.quality
        )

    def _finish(self, record: FilmRecord, elapsed: float) -> FilmDone:
        """Join the pieces, check the result, give it its name; then the folder has done its work."""
        done = self._done(elapsed)
        with replacing(self._work.path / f"film{self._output.suffix}") as joined:
            join_pieces(self._pieces(len(self._plan.windows)), joined, self._plan.num_frames, record.comment())
        write_json(self._output.with_name(self._output.name + ".json"), record.sidecar(done))
        (self._work.path / f"film{self._output.suffix}").replace(self._output)
        if not self._working.keep_work:
            self._work.discard()
        return done

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


def _history(recipe: Recipe, plan: Plan, facts: ModelFacts) -> History:
    if recipe.join == "pixels":
        return PixelHistory(recipe.overlap_history)
    overlap = max((window.prefix_latents for window in plan.windows[1:]), default=1)
    return LatentHistory.of(overlap, facts.vae.config)


def _storage_error(error: OSError, folder: Path) -> SkyreelsError:
    """A disk that is full or read-only, in one line; what was finished stays and can be resumed."""
    if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        return SkyreelsError(
            "disk-full", f"the disk became full while writing {folder}", "free some space, then run the same command again"
        )
    return SkyreelsError("work-folder", f"{folder} cannot be written: {error.strerror or error}", "skyreels doctor")
