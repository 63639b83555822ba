"""What LoRAs change of a tensor, as numbers: merged while it is loaded, or kept beside a packed one."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from skyreels_cli.hub.lora import Change, Lora
from skyreels_cli.model.weights.reading import WeightsReader


class LowRank(NamedTuple):
    """A change `up @ down`, `(out, rank)` and `(rank, in)` in float32; strength and alpha are in `up`."""

    down: Tensor
    up: Tensor


class LoraChanges:
    """The LoRAs of a model while its tensors are being loaded."""

    def __init__(self, loras: Sequence[Lora], reader: WeightsReader) -> None:
        self._reader = reader
        self._by_target: dict[str, list[tuple[Lora, Change]]] = {}
        for lora in loras:
            for change in lora.changes:
                self._by_target.setdefault(change.target, []).append((lora, change))

    def low_rank_only(self, target: str) -> bool:
        """Whether a tensor is changed by factors alone, which can be kept apart from it."""
        return all("diff" not in change.keys for _, change in self._by_target.get(target, ()))

    def factors(self, target: str) -> list[LowRank]:
        """The factors by which a matrix is changed, one pair for each LoRA."""
        changes = self._by_target.get(target, ())
        return [self._factors(lora, change) for lora, change in changes if "down" in change.keys]

    def merged(self, target: str, weight: Tensor) -> Tensor:
        """The changed tensor in float32; `weight` itself if no LoRA changes it."""
        if target not in self._by_target:
            return weight
        changed = weight.float()
        for lora, change in self._by_target[target]:
            if "diff" in change.keys:
                difference = lora.strength * self._reader.raw(lora.path, change.keys["diff"]).float()
            else:
                down, up = self._factors(lora, change)
                difference = up @ down
            changed = changed + difference.reshape(changed.shape)
        return changed

    def _factors(self, lora: Lora, change: Change) -> LowRank:
        down, up = (self._reader.raw(lora.path, change.keys[role]).float().flatten(1) for role in ("down", "up"))
        return LowRank(down, up * (lora.strength * self._scale(lora, change)))

    def _scale(self, lora: Lora, change: Change) -> float:
        """alpha / rank, or alpha / √rank; alphas are stored as any kind of number, int64 too."""
        alpha = change.alpha
        if "alpha" in change.keys:
            alpha = float(self._reader.raw(lora.path, change.keys["alpha"]).to(torch.float64).flatten()[0])
        if alpha is None:
            return 1.0
        return alpha / (sqrt(change.rank) if change.stabilised else change.rank)
