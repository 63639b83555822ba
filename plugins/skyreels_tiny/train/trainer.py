"""Training transformer and text encoder in three phases: single latents, three latents, whole windows of
nine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from skyreels_tiny.tokenizer import write_tokenizer

from .budget import Budget, rate_scale
from .muon import Optimisers
from .networks import TEXT_ATTENTION, Sizes, device, encode_text, new_text_encoder, new_transformer, velocity
from .noise import END_FRAME_SHARE, Levels, draw_levels
from .pool import Pool, caption, encode_clips, load_pool, save_pool
from .records import Log, load_checkpoint, save_checkpoint
from .sampler import Model, tokens
from .stock import AutoTokenizer, Stock

EMPTY_SHARE: Final = 0.1
"""Share of captions left empty, so that guidance has something to guide away from."""


@dataclass(frozen=True)
class Phase:
    """One phase: latent frames, batch, Muon's rate and its final share, noise shift, loss weight of objects, EMA decay.

    Every `grow_every` steps fresh clips are rendered; `flat` is the share of the budget at full rate; `pictures` the
    share of steps, falling to 0, on single latents: half the price of a step, and shapes need many examples.
    """

    name: str
    frames: int
    batch: int
    rate: float
    end: float
    shift: float
    weight: float
    weight_end: float
    decay: float
    grow_every: int = 0
    flat: float = 0.45
    pictures: float = 0.0


PHASES: Final = (
    Phase("image", 1, 64, 0.012, 0.25, 3.0, 4.0, 1.0, 0.995),
    Phase("short", 3, 32, 0.010, 0.6, 4.0, 3.0, 2.0, 0.995),
    Phase("full", 9, 16, 0.009, 0.02, 5.0, 3.0, 1.0, 0.997, grow_every=100, pictures=0.4),
)


FRESH_CLIPS: Final = 48
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

    def __init__(self, folder: Path, log: Log, vae: Stock, seed: int = 0, sizes: Sizes | None = None) -> None:
        self.folder, self.log, self.seed = folder, log, seed
        self.vae = vae.to(device()).eval()
        torch.manual_seed(seed)
        self.sizes = sizes or Sizes()
        self.modules: Stock = torch.nn.ModuleDict(
            {"transformer": new_transformer(self.sizes), "text": new_text_encoder(self.sizes)}
        )
        self.modules.to(device())
        write_tokenizer(folder / "tokenizer")
        self.tokenizer: Stock = AutoTokenizer.from_pretrained(folder / "tokenizer")
        self.mean = torch.zeros(self.sizes.channels)
        self.std = torch.ones(self.sizes.channels)
        self.state = load_checkpoint(folder / "films.pt") or {"phase": "", "done": []}
        if "modules" in self.state:
            self.modules.load_state_dict(self.state["modules"])
            self.mean, self.std = self.state["mean"], self.state["std"]
        self.ema: Stock = copy.deepcopy(self.modules).requires_grad_(False)
        if "ema" in self.state:
            self.ema.load_state_dict(self.state["ema"])

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
        if "modules" not in self.state:
            raw = pool.latents.float().movedim(1, 0).flatten(1)
            self.mean, self.std = raw.mean(1), raw.std(1)

    def pool(self, name: str, count: int, frames: int, first: int) -> Pool:
        """Load a pool from disk or encode its first clips."""
        path = self.folder / f"{name}.pool.pt"
        pool = load_pool(path)
        if pool is None:
            pool = encode_clips(self.vae, first, count, frames, batch=64 if frames == 1 else 4)
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
        if pictures is not None and rng.random() < phase.pictures * (1 - progress):
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
        """Do one step; return the loss of each noise mode and the gradient's norm."""
        self.modules.train()
        chosen = _choose(phase, pool, rng)
        clean, present, levels = self._batch(phase, pool, chosen, rng)
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(int(rng.integers(2**62)))).to(device())
        sigma = levels.sigma.to(device())[:, None, :, None, None]
        ids, mask = tokens(self.tokenizer, self._captions(pool, chosen, rng))
        with torch.autocast(device().type, torch.bfloat16):
            text = encode_text(self.modules["text"], ids, mask)
            mixed = (1 - sigma) * clean + sigma * noise
            predicted = velocity(self.modules["transformer"], mixed, 1000 * levels.sigma.to(device()), text)
        error = (predicted.float() - (noise - clean)).square().mean(1)
        weight = object_weight(phase, progress, present) * levels.counts.to(device())[:, :, None, None]
        loss = (error * weight).sum() / weight.sum()
        torch.autograd.backward(loss)
        norm = optimisers.step()
        per_sample = (error.detach() * levels.counts.to(device())[:, :, None, None]).sum((1, 2, 3)) / (
            levels.counts.to(device()).sum(1).clamp(min=1) * error[0, 0].numel()
        )
        return {"loss": float(loss.detach()), "norm": norm} | _by_mode(per_sample.cpu(), levels)

    def _batch(
        self, phase: Phase, pool: Pool, chosen: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, Levels]:
        """Gather normalised latents (b, c, f, h, w), object cells (b, f, h, w) and levels; sometimes append
        an end frame.
        """
        latents = pool.latents[chosen][:, :, : phase.frames].float()
        present = pool.present[chosen][:, : phase.frames]
        settled = [bool(value) and phase.frames > 3 for value in pool.settled[chosen]]
        levels = draw_levels(phase.frames, settled, phase.shift, rng)
        if phase.frames == 9 and rng.random() < END_FRAME_SHARE:
            latents = torch.cat((latents, pool.ends[chosen][:, :, None].float()), dim=2)
            present = torch.cat((present, present[:, -1:]), dim=1)
            zero = torch.zeros(len(chosen), 1)
            levels = Levels(torch.cat((levels.sigma, zero), 1), torch.cat((levels.counts, zero > 0), 1), levels.modes)
        normalised = (latents - self.mean[:, None, None, None]) / self.std[:, None, None, None]
        return normalised.to(device()), present.to(device()), levels

    def _captions(self, pool: Pool, chosen: Tensor, rng: np.random.Generator) -> list[str]:
        words = [caption(pool.meanings[int(place)], rng) for place in chosen]
        return [text if rng.random() >= EMPTY_SHARE else "" for text in words]

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


def object_weight(phase: Phase, progress: float, present: Tensor) -> Tensor:
    """Weigh cells with an object more at first; back to the end weight at three quarters, for a lasting
    weight biases.
    """
    share = min(1.0, progress / 0.75)
    extra = phase.weight + (phase.weight_end - phase.weight) * share - 1.0
    return 1.0 + extra * present.float()


def _choose(phase: Phase, pool: Pool, rng: np.random.Generator) -> Tensor:
    """Draw a batch; three latents are too short for a prefix, so clips fit only for continuation stay out
    there.
    """
    places = torch.arange(len(pool)) if phase.frames != 3 else torch.nonzero(~pool.settled)[:, 0]
    return places[torch.from_numpy(rng.integers(len(places), size=phase.batch))]


def _by_mode(per_sample: Tensor, levels: Levels) -> dict[str, float]:
    """Average the loss over the samples of each mode."""
    groups: dict[str, list[float]] = {}
    for value, mode in zip(per_sample.tolist(), levels.modes, strict=True):
        groups.setdefault(f"loss/{mode}", []).append(value)
    return {name: float(np.mean(values)) for name, values in groups.items()}
