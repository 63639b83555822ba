"""Training the VAE: near-linear start, first as an image autoencoder on crops, then on clips.

Video from the start sticks at two grey levels: the RMS norm of every pixel removes amplitude (measured, see
CARD.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skyreels_tiny.world import make_clip

from .budget import Budget, rate_scale
from .muon import Optimisers
from .networks import device
from .records import Log, load_checkpoint, save_checkpoint
from .stock import AutoencoderKLWan, Stock, WanAttentionBlock, WanCausalConv3d, WanResample, WanResidualBlock
from .vae_modes import clip_mode, decode, encode, image_mode

Bytes = NDArray[np.uint8]

NOISE: Final = 0.1
"""Standard deviation added to latents while training, so that the decoder forgives the transformer's small
errors.
"""

_SIZE_PENALTY: Final = 2e-4
"""Weight of the latents' mean square: keeps them from outgrowing the noise (the KL of a fixed variance)."""


def new_vae(base: int = 16, channels: int = 16) -> Stock:
    """Build the VAE (2.6 million parameters at base 16) and initialise it near-linear."""
    vae = AutoencoderKLWan(base_dim=base, z_dim=channels, num_res_blocks=1)
    for module in vae.modules():
        if isinstance(module, (WanCausalConv3d, nn.Conv2d)):
            _init_gain_one(module)
    for module in vae.modules():
        _init_special(module)
    for half in (vae.encoder, vae.decoder):
        nn.init.normal_(half.conv_in.bias, 0.0, 0.7)
    with torch.no_grad():
        vae.quant_conv.weight[channels:] = 0.0
        vae.quant_conv.bias[channels:] = 2 * float(np.log(NOISE))
    return vae


def _init_gain_one(module: nn.Module) -> None:
    """Keep the variance through one frame: only the last temporal slice starts away from zero."""
    weight, bias = module.weight, module.bias
    assert isinstance(weight, Tensor)
    assert isinstance(bias, Tensor)
    last = weight[:, :, -1] if weight.ndim == 5 else weight
    with torch.no_grad():
        weight.zero_()
        last.normal_(0.0, float(last[0].numel()) ** -0.5)
        bias.zero_()


def _init_special(module: Stock) -> None:
    """Quieten residual branches; temporal down-sampling averages two frames, up-sampling copies."""
    with torch.no_grad():
        if isinstance(module, WanResidualBlock):
            module.conv2.weight.mul_(0.2)
        elif isinstance(module, WanAttentionBlock):
            module.proj.weight.mul_(0.2)
        elif isinstance(module, WanResample) and module.mode.endswith("3d"):
            weight, channels = module.time_conv.weight, module.dim
            eye = torch.eye(channels)[:, :, None, None]
            weight.zero_()
            if module.mode == "downsample3d":
                weight[:, :, 1:] = 0.5 * eye[..., None]
            else:
                weight[:, :, -1:] = torch.cat((eye, eye))[..., None]


@dataclass(frozen=True)
class Stage:
    """One stage: seconds to work, rates of Muon and AdamW, share at full rate, final share of the rate,
    batch.
    """

    name: str
    seconds: float
    muon: float
    adam: float
    flat: float
    end: float
    batch: int


class VaeTrainer:
    """Both stages of the VAE, resumable from `vae.pt` in `folder`."""

    def __init__(self, folder: Path, log: Log, seed: int = 0) -> None:
        self.path, self.log, self.seed = folder / "vae.pt", log, seed
        torch.manual_seed(seed)
        self.vae = new_vae().to(device())
        self._state = load_checkpoint(self.path)
        if self._state is not None:
            self.vae.load_state_dict(self._state["vae"])

    def begin_from(self, vae: Stock) -> None:
        """Take a trained VAE instead, unless this run has one already: both stages count as done."""
        if self._state is None:
            self.vae.load_state_dict(vae.state_dict())
            self._state = {"vae": self.vae.state_dict(), "phase": "", "done": "vae-clip"}
            save_checkpoint(self.path, self._state)

    def train_images(self, seconds: float, pictures: int) -> None:
        """Train on 32 by 32 crops of single frames."""
        stage = Stage("vae-image", seconds, 0.012, 2e-3, flat=0.4, end=0.05, batch=64)
        if not self._wanted(stage.name):
            return
        pool = _frames(pictures, self.seed)
        with image_mode(), clip_mode():
            self._run(stage, lambda rng: crops(pool, stage.batch, rng))

    def train_clips(self, seconds: float, clips: int, rate: float = 0.002, frames: int = 17) -> None:
        """Train on 32 by 32 crops of clips, gently: whole pictures at a rate of 0.005 fell from 28 to 18
        dB.
        """
        stage = Stage("vae-clip", seconds, rate, rate / 6, flat=0.1, end=0.01, batch=8)
        if not self._wanted(stage.name):
            return
        pool = _clips(clips, frames, self.seed)
        with clip_mode():
            self._run(stage, lambda rng: clip_crops(pool, stage.batch, rng))

    def _wanted(self, phase: str) -> bool:
        """Tell whether `phase` is not finished yet."""
        order = ["", "vae-image", "vae-clip"]
        done = self._state["done"] if self._state else ""
        return order.index(phase) > order.index(done)

    def _run(self, stage: Stage, draw: Callable[[np.random.Generator], Tensor]) -> None:
        """Run one stage until its budget is spent; save every minute."""
        optimisers = Optimisers({"vae": self.vae}, stage.muon, stage.adam, plain=("quant_conv", "gamma"))
        budget, step = Budget(stage.seconds), 0
        if self._state is not None and self._state["phase"] == stage.name:
            optimisers.load_state_dict(self._state["optimisers"])
            budget, step = Budget(stage.seconds, self._state["spent"]), self._state["step"]
        saved, losses = budget.spent, []
        budget.restart()
        while not budget.done:
            optimisers.set_scale(rate_scale(step, budget.progress, stage.flat, stage.end))
            losses.append(self._step(draw(np.random.default_rng((self.seed, len(stage.name), step))), optimisers))
            budget.tick()
            step += 1
            if step % 25 == 0:
                psnr = -10 * float(np.log10(np.mean(losses[-25:]) / 4))
                self.log.write(stage.name, step, budget.spent, step * stage.batch, {"psnr": psnr})
            if budget.spent - saved > 60:
                saved = budget.spent
                self._save(stage.name, "", step, budget, optimisers)
                budget.restart()
        self._save(stage.name, stage.name, step, budget, optimisers)

    def _step(self, video: Tensor, optimisers: Optimisers) -> float:
        """Do one step on (b, 3, f, h, w); return the mean squared error in [-1, 1] units."""
        video = video.to(device())
        with torch.autocast(device().type, torch.bfloat16):
            latents = encode(self.vae, video)
            restored = decode(self.vae, latents + NOISE * torch.randn_like(latents))
        error = (restored.float() - video).square().mean()
        loss = error + _SIZE_PENALTY * latents.float().square().mean()
        torch.autograd.backward(loss)
        optimisers.step()
        return float(error.detach())

    def _save(self, phase: str, done: str, step: int, budget: Budget, optimisers: Optimisers) -> None:
        previous = self._state["done"] if self._state else ""
        self._state = {
            "vae": self.vae.state_dict(),
            "optimisers": optimisers.state_dict(),
            "phase": phase,
            "done": done or previous,
            "step": step,
            "spent": budget.spent,
        }
        save_checkpoint(self.path, self._state)


def to_video(frames: Bytes) -> Tensor:
    """Turn uint8 (…, f, h, w, 3) into float (…, 3, f, h, w) in [-1, 1]."""
    return torch.from_numpy(frames).movedim(-1, -4).float() / 127.5 - 1.0


def crops(pool: Bytes, batch: int, rng: np.random.Generator, size: int = 32) -> Tensor:
    """Cut (b, 3, 1, size, size) out of pictures (n, h, w, 3)."""
    return clip_crops(pool[:, None], batch, rng, size)


def clip_crops(pool: Bytes, batch: int, rng: np.random.Generator, size: int = 32) -> Tensor:
    """Cut (b, 3, f, size, size) out of clips (n, f, h, w, 3).

    Of three random places the liveliest in the middle frame is taken, since edges are what is hard.
    """
    chosen = []
    for clip in pool[rng.integers(len(pool), size=batch)]:
        tops = rng.integers(0, clip.shape[1] - size + 1, 3)
        lefts = rng.integers(0, clip.shape[2] - size + 1, 3)
        places = [clip[:, top : top + size, left : left + size] for top, left in zip(tops, lefts, strict=True)]
        chosen.append(max(places, key=_liveliness))
    return to_video(np.stack(chosen))


def _liveliness(place: Bytes) -> float:
    """Standard deviation of a middle frame, every fourth pixel."""
    return float(place[len(place) // 2, ::4, ::4].std(axis=(0, 1)).sum())


def _frames(count: int, seed: int) -> Bytes:
    """Render single pictures (n, h, w, 3); scenes come more often than in the mixture: they hold more
    detail.
    """
    kinds = [None, None, None, "scene"]
    first = 10**9 + seed * 10**7
    return np.concatenate([make_clip(first + i, 1, kinds[i % 4]).frames for i in range(count)])


def _clips(count: int, frames: int, seed: int) -> Bytes:
    """Render clips (n, f, h, w, 3), a fifth of them scenes."""
    kinds = [None, None, None, None, "scene"]
    first = 2 * 10**9 + seed * 10**7
    return np.stack([make_clip(first + i, frames, kinds[i % 5]).frames for i in range(count)])
