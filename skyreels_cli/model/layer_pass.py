"""One forward pass as a cache sees it: the layers to run, and what it may base its decision on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from skyreels_cli.model.kv_cache import KVCache
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.model.text_context import Context, TextContext
from skyreels_cli.model.tokens import Tokens
from skyreels_cli.plugins.protocols import Branch, Cache


@dataclass
class Work:
    """What a window would have cost and what it did cost, in layers × latent frames."""

    full: int = 0
    done: int = 0

    @property
    def skipped(self) -> float:
        """Share of the work that was not done, in [0, 1]."""
        return 1 - self.done / self.full if self.full else 0.0


@dataclass(frozen=True)
class Shortcut:
    """A cache in one row of one branch: what the transformer needs in order to leave its layers to the cache.

    `timesteps` (0 … 999) and `moving` (whether the scheduler uses its velocity in this row) are given for each latent
    frame. `kv_cache` is the branch's; it stays empty unless the cache asks the layers to keep their keys. `agree`
    averages a number over the ranks.
    """

    cache: Cache
    row: int
    branch: Branch
    timesteps: tuple[int, ...]
    moving: tuple[bool, ...]
    work: Work
    kv_cache: KVCache
    agree: Callable[[float], float] = SINGLE_PROCESS.agree


class LayerPass:
    """The `Pass` that a cache gets: one forward pass, from behind the patch embedding to before the output head."""

    def __init__(
        self,
        shortcut: Shortcut,
        layers: nn.ModuleList,
        text: tuple[TextContext, Context],
        tokens: Tokens,
        time: Tensor,
        modulation: Tensor,
    ) -> None:
        self.row = shortcut.row
        self.branch = shortcut.branch
        self.timesteps = shortcut.timesteps
        self.moving = shortcut.moving
        self.time = time
        self.modulation = modulation
        self.agree = shortcut.agree
        self._kv_cache = shortcut.kv_cache
        self._work = shortcut.work
        self._layers = layers
        self._text = text
        self._tokens = tokens
        self._work.full += len(layers) * tokens.frames

    def run(
        self,
        x: Tensor,
        start: int = 0,
        stop: int | None = None,
        frames: Sequence[int] | None = None,
        memory: KVCache | None = None,
        *,
        keep_keys: bool = False,
    ) -> Tensor:
        """The hidden states `(b, n, d)` behind layers `start … stop-1`, of all frames or only of `frames`.

        `keep_keys`, which `frames` implies, keeps the keys and values of what runs until the window ends; `memory` is
        the deprecated way to say so.
        """
        layers, tokens, modulation = self._layers[start:stop], self._tokens, self.modulation
        if memory is not None:
            warnings.warn("Pass.run(memory=…) goes; say keep_keys=True", DeprecationWarning, stacklevel=2)
        if keep_keys or frames is not None or memory is not None:
            tokens = tokens.keeping(self._kv_cache if memory is None else memory)
        if frames is not None:
            tokens, modulation = tokens.only(frames), modulation[:, list(frames)]
        for layer in layers:
            x = layer(x, *self._text, modulation, tokens)
        self._work.done += len(layers) * tokens.frames
        return x
