"""One forward pass as a cache sees it: the layers to run, and what it may base its decision on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from skyreels_cli.model.kv_cache import KVCache
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.model.text_context import TextContext
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
    """A cache in one row of one branch; see `protocols.Pass` for `row`, `branch`, `timesteps` and `moving`."""

    cache: Cache
    row: int
    branch: Branch
    timesteps: tuple[int, ...]
    moving: tuple[bool, ...]
    work: Work
    agree: Callable[[float], float] = SINGLE_PROCESS.agree


class LayerPass:
    """See `protocols.Pass`."""

    def __init__(
        self,
        shortcut: Shortcut,
        blocks: nn.ModuleList,
        text: tuple[TextContext, Tensor],
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
        self._work = shortcut.work
        self._blocks = blocks
        self._text = text
        self._tokens = tokens
        self._work.full += len(blocks) * tokens.frames

    def run(
        self,
        x: Tensor,
        start: int = 0,
        stop: int | None = None,
        frames: Sequence[int] | None = None,
        memory: KVCache | None = None,
    ) -> Tensor:
        """See `protocols.Pass.run`."""
        layers = self._blocks[start:stop]
        tokens, modulation = self._tokens.only(frames, memory), self.modulation
        if frames is not None:
            modulation = modulation[:, list(frames)]
        for layer in layers:
            x = layer(x, *self._text, modulation, tokens)
        self._work.done += len(layers) * tokens.frames
        return x
