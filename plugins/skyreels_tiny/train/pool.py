"""Encoded clips to learn from: grows while training runs, is kept on disk, and every clip follows from its
number.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from skyreels_tiny.captions import describe, describe_vaguely
from skyreels_tiny.meaning import Meaning
from skyreels_tiny.world import Clip, make_clip

from .networks import device
from .records import load_checkpoint, save_checkpoint
from .stock import Stock
from .vae import to_video
from .vae_modes import clip_mode, encode, image_mode

VAGUE_SHARE: Final = 0.05
"""Share of single-object captions that leave something out, as people do."""


@dataclass
class Pool:
    """Raw latents of clips (n, c, f, h, w), of their last frames alone (n, c, h, w), where objects are (n,
    f, h, w).
    """

    latents: Tensor
    ends: Tensor
    present: Tensor
    settled: Tensor
    meanings: list[Meaning]

    def __len__(self) -> int:
        return len(self.meanings)

    def extend(self, other: Pool, limit: int) -> None:
        """Append `other`, forgetting the oldest clips past `limit`."""
        for field in fields(self):
            ours, theirs = getattr(self, field.name), getattr(other, field.name)
            joined = ours + theirs if isinstance(ours, list) else torch.cat((ours, theirs))
            setattr(self, field.name, joined[-limit:])


def encode_clips(vae: Stock, first: int, count: int, frames: int, batch: int = 4) -> Pool:
    """Render and encode the clips numbered from `first`, in bfloat16."""
    parts: list[Pool] = []
    for start in range(first, first + count, batch):
        clips = [make_clip(seed, frames) for seed in range(start, min(start + batch, first + count))]
        parts.append(_encode_batch(vae, clips))
    whole = parts[0]
    for part in parts[1:]:
        whole.meanings += part.meanings
    for name in ("latents", "ends", "present", "settled"):
        setattr(whole, name, torch.cat([getattr(part, name) for part in parts]))
    return whole


@torch.no_grad()
def _encode_batch(vae: Stock, clips: list[Clip]) -> Pool:
    video = to_video(np.stack([clip.frames for clip in clips])).to(device())
    with torch.autocast(device().type, torch.bfloat16), clip_mode():
        if video.shape[2] == 1:
            with image_mode():
                latents = encode(vae, video)
            ends = latents[:, :, 0]
        else:
            latents = encode(vae, video)
            with image_mode():
                ends = encode(vae, video[:, :, -1:])[:, :, 0]
    present = torch.stack([_cells(torch.from_numpy(clip.present)) for clip in clips])
    settled = torch.tensor([clip.settled for clip in clips])
    return Pool(latents.bfloat16().cpu(), ends.bfloat16().cpu(), present, settled, [clip.meaning for clip in clips])


def _cells(present: Tensor) -> Tensor:
    """Pool a mask (frames, h, w) to latent cells (f, h/8, w/8): a cell counts if the object is in it at any
    time.
    """
    frames, height, width = present.shape
    spatial = present.view(frames, height // 8, 8, width // 8, 8).amax((2, 4))
    later = spatial[1:].view(-1, 4, height // 8, width // 8).amax(1)
    return torch.cat((spatial[:1], later)) > 0


def caption(meaning: Meaning, rng: np.random.Generator) -> str:
    """Word a clip's meaning anew each time it is used."""
    if meaning.kind == "single" and rng.random() < VAGUE_SHARE:
        return describe_vaguely(meaning, rng)
    return describe(meaning, rng)


def save_pool(path: Path, pool: Pool) -> None:
    """Keep the pool on disk, so that resuming needs no encoding."""
    save_checkpoint(path, {field.name: getattr(pool, field.name) for field in fields(pool)})


def load_pool(path: Path) -> Pool | None:
    """Return the pool kept at `path`, if any."""
    state: dict[str, Any] | None = load_checkpoint(path)
    return Pool(**state) if state else None
