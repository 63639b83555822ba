"""Trains transformer and text encoder, phase by phase, resumable at any step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch

from skyreels_tiny.tokenizer import write_tokenizer

from .budget import Budget, rate_scale
from .hints import hint_weight, new_probe
from .muon import Optimisers
from .networks import TEXT_ATTENTION, Sizes, device, new_text_encoder, new_transformer, transformer_block
from .objective import draw_batch, objective, reading_lesson
from .phases import PHASES, Phase
from .pool import Pool, encode_clips, load_pool, save_pool
from .records import Log, load_checkpoint, save_checkpoint
from .sampler import Model
from .stock import AutoTokenizer, Stock

FRESH_CLIPS: Final = 64
"""Clips rendered and encoded every `grow_every` steps."""

POOL_LIMIT: Final = 24_000
"""Most clips kept: 860 MB."""

SAVE_EVERY: Final = 120.0


@dataclass
class Course:
    """Where a phase stands."""

    phase: Phase
    optimisers: Optimisers
    budget: Budget
    step: int = 0
    samples: int = 0
    saved: float = 0.0
    scored: float = 0.0
    figures: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class Watch:
    """Who looks on: `score` is called every `score_every` seconds worked; `stopping` ends the phase after a step."""

    score: Callable[[FilmTrainer, Course], None] | None = None
    score_every: float = 300.0
    stopping: bool = False


class FilmTrainer:
    """All phases of the transformer, resumable from `films.pt` and the pools beside it."""

    def __init__(
        self,
        folder: Path,
        log: Log,
        vae: Stock,
        seed: int = 0,
        sizes: Sizes | None = None,
        *,
        compiled: bool = False,
    ) -> None:
        self.folder, self.log, self.seed = folder, log, seed
        self.vae = vae.to(device()).eval()
        torch.manual_seed(seed)
        self.sizes = sizes or Sizes()
        self.modules: Stock = torch.nn.ModuleDict(
            {
                "transformer": new_transformer(self.sizes),
                "text": new_text_encoder(self.sizes),
                "probe": new_probe(self.sizes.heads * self.sizes.head_dim),
            }
        )
        self._block_forward = torch.compile(transformer_block, dynamic=False) if compiled else transformer_block
        self.modules.to(device())
        write_tokenizer(folder / "tokenizer")
        self.tokenizer: Stock = AutoTokenizer.from_pretrained(folder / "tokenizer")
        self.mean = torch.zeros(self.sizes.channels)
        self.std = torch.ones(self.sizes.channels)
        self.state = load_checkpoint(folder / "films.pt") or {"phase": "", "done": []}
        self._measured = "modules" in self.state
        if "modules" in self.state:
            self.modules.load_state_dict(self.state["modules"])
            self.mean, self.std = self.state["mean"], self.state["std"]
        self.ema: Stock = copy.deepcopy(self.modules).requires_grad_(False)
        if "ema" in self.state:
            self.ema.load_state_dict(self.state["ema"])

    def begin_from(self, model: Model) -> None:
        """Take a bundle's networks and statistics as the start, unless this run has weights already."""
        if "modules" in self.state:
            return
        self.modules["transformer"].load_state_dict(model.transformer.state_dict())
        self.modules["text"].load_state_dict(model.text_encoder.state_dict())
        self.mean, self.std = model.mean.cpu(), model.std.cpu()
        self.ema.load_state_dict(self.modules.state_dict())
        self.state = {"phase": "", "done": ["image", "short"]}
        self._measured = True

    def model(self) -> Model:
        """Return the averaged weights as something that samples."""
        return Model(
            self.vae,
            self.ema["transformer"],
            self.ema["text"],
            self.tokenizer,
            self.mean.to(device()),
            self.std.to(device()),
        )

    def measure_latents(self, pool: Pool) -> None:
        """Fix the latents' mean and standard deviation, once per run."""
        if not self._measured:
            raw = pool.latents.float().movedim(1, 0).flatten(1)
            self.mean, self.std = raw.mean(1), raw.std(1)

    def pool(self, name: str, count: int, frames: int, first: int) -> Pool:
        """Load a pool from disk, and encode what it lacks of `count` clips."""
        path, batch = self.folder / f"{name}.pool.pt", 64 if frames == 1 else 4
        pool = load_pool(path) or encode_clips(self.vae, first, count, frames, batch)
        if len(pool) < count:
            pool.extend(encode_clips(self.vae, first + len(pool), count - len(pool), frames, batch), count)
        save_pool(path, pool)
        return pool

    def run(self, phase: Phase, seconds: float, pool: Pool, watch: Watch, pictures: Pool | None = None) -> None:
        """Train one phase until `seconds` are spent, or until asked to stop; either way it can be resumed."""
        if phase.name in self.state["done"] and (phase.name != self.state["phase"] or self.state["spent"] >= seconds):
            return
        course = self._begin(phase, seconds)
        while not course.budget.done and not watch.stopping:
            self._advance(course, pool, pictures)
            self._look_after(course, watch)
            course.budget.restart()
        if course.budget.done:
            self.modules.load_state_dict(self.ema.state_dict())
        self._save(course, course.budget.done)
        if phase.grow_every:
            save_pool(self.folder / "clips.pool.pt", pool)

    def _begin(self, phase: Phase, seconds: float) -> Course:
        """Take up `phase` where the checkpoint left it, or at its start."""
        parts = dict(self.modules.items())
        optimisers = Optimisers(
            parts, phase.rate, phase.rate / 8, plain=("shared", "relative", "scale_shift", *TEXT_ATTENTION)
        )
        course = Course(phase, optimisers, Budget(seconds))
        if self.state["phase"] == phase.name:
            optimisers.load_state_dict(self.state["optimisers"])
            course.budget, course.step = Budget(seconds, self.state["spent"]), self.state["step"]
            course.samples = self.state.get("samples", course.step * phase.batch)
        course.saved = course.scored = course.budget.spent
        return course

    def _advance(self, course: Course, pool: Pool, pictures: Pool | None) -> None:
        """Do one step, move the average, and now and then render fresh clips."""
        phase, progress = course.phase, course.budget.progress
        course.optimisers.set_scale(rate_scale(course.step, progress, phase.flat, phase.end))
        rng = np.random.default_rng((self.seed, sum(map(ord, phase.name)), course.step))
        kind, source, prefix = phase, pool, ""
        if pictures is not None and rng.random() < phase.pictures:
            kind, source, prefix = PHASES[0], pictures, "picture "
        for name, value in self._step(kind, source, progress, course.optimisers, rng).items():
            course.figures.setdefault(prefix + name, []).append(value)
        course.samples += kind.batch
        self._average(phase, course.step)
        course.step += 1
        if phase.grow_every and course.step % phase.grow_every == 0:
            first = 10_000_000 + 1_000_000 * self.seed + course.step // phase.grow_every * FRESH_CLIPS
            pool.extend(encode_clips(self.vae, first, FRESH_CLIPS, 4 * phase.frames - 3), POOL_LIMIT)
        course.budget.tick()

    def _look_after(self, course: Course, watch: Watch) -> None:
        """Log every 25 steps, save every two minutes worked, score when it is time."""
        spent = course.budget.spent
        if course.step % 25 == 0:
            means = {name: float(np.mean(values)) for name, values in course.figures.items()}
            self.log.write(course.phase.name, course.step, spent, course.samples, means)
            course.figures = {}
        if spent - course.saved > SAVE_EVERY:
            course.saved = spent
            self._save(course, False)
        if watch.score is not None and spent - course.scored > watch.score_every:
            course.scored = spent
            watch.score(self, course)

    def _step(
        self, phase: Phase, pool: Pool, progress: float, optimisers: Optimisers, rng: np.random.Generator
    ) -> dict[str, float]:
        """Do one step; return the loss, its parts by name, and the gradient's norm."""
        self.modules.train()
        batch = draw_batch(phase, pool, self.mean, self.std, rng)
        loss, figures = objective(self.modules, self.tokenizer, batch, phase, progress, self._block_forward)
        if hint_weight(progress) > 0:
            lesson = reading_lesson(self.modules, self.tokenizer, rng, self._block_forward)
            loss = loss + hint_weight(progress) * lesson
            figures["lesson"] = float(lesson.detach())
        torch.autograd.backward(loss)
        figures["norm"] = optimisers.step()
        return figures

    @torch.no_grad()
    def _average(self, phase: Phase, step: int) -> None:
        """Move the average towards the weights; at first it looks back over a quarter of the steps."""
        share = max(1 - phase.decay, 4 / (step + 10))
        torch._foreach_lerp_(list(self.ema.parameters()), list(self.modules.parameters()), share)

    def _save(self, course: Course, done: bool) -> None:
        finished = [*self.state["done"]]
        if done and course.phase.name not in finished:
            finished.append(course.phase.name)
        self.state = {
            "modules": self.modules.state_dict(),
            "ema": self.ema.state_dict(),
            "optimisers": course.optimisers.state_dict(),
            "mean": self.mean,
            "std": self.std,
            "sizes": asdict(self.sizes),
            "phase": course.phase.name,
            "done": finished,
            "step": course.step,
            "samples": course.samples,
            "spent": course.budget.spent,
        }
        save_checkpoint(self.folder / "films.pt", self.state)
