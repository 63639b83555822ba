"""Which blocks run in a row, and what stands in for those that do not.

In asynchronous diffusion forcing the blocks of a window are at different noise levels, and in most rows many of them
do not move at all: they are finished or have not begun, and are only attended to. A decision for the whole window, as
in TeaCache or FirstBlockCache, cannot use that. Here every block decides for itself, in each of its phases (standing
by before it begins, moving, finished): it runs when what leaves the layers can no longer be predicted well enough. How
far a prediction may reach is measured: each time a block runs, what it was expected to be is compared with what it is.

Only the tokens of blocks that run are computed, against the keys and values of all. Those of the others are as old as
their last run (FlowCache, ICLR 2026, keeps stale keys and values in the same way).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from skyreels_blockcache.plugin import BlockCacheOptions
from skyreels_blockcache.trend import Trend
from skyreels_cli.model.key_memory import KeyMemory
from skyreels_cli.plugins.protocols import Branch, CacheSetting, Pass


class BlockCache:
    """See `protocols.Cache`. Its keys and values are gigabytes: it is not saved with a window in progress."""

    def __init__(self, setting: CacheSetting, options: BlockCacheOptions) -> None:
        self._setting = setting
        self._blocks = setting.blocks
        self._options = options
        self._memories: dict[Branch, KeyMemory] = {branch: KeyMemory() for branch in setting.branches}
        self._trends: dict[Branch, list[Trend]] = {
            branch: [Trend(0) for _ in setting.blocks] for branch in setting.branches
        }
        self._phases: list[tuple[bool, int]] = [(False, -1)] * len(setting.blocks)
        self._computed = [0] * len(setting.blocks)
        self._row = -1
        self._running: list[int] = []

    def run(self, x: Tensor, call: Pass) -> Tensor:
        """See `protocols.Cache.run`."""
        if call.row != self._row:  # one decision for both branches: guidance would amplify their disagreement
            self._row = call.row
            self._begin_phases(call)
            self._running = [block for block in range(len(self._blocks)) if self._must_run(block, call)]
            for block in self._running:
                self._computed[block] += 1
        if len(self._running) == len(self._blocks):
            out = call.run(x, memory=self._memories[call.branch])
        else:
            out = self._run_some(x, call)
        self._learn(out, call)
        return out

    def state_dict(self) -> dict[str, Any]:
        """See `protocols.Cache.state_dict`."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `protocols.Cache.load_state_dict`."""

    def close(self) -> dict[str, Any]:
        """In how many rows each block ran."""
        return {"rows_computed": self._computed}

    def _begin_phases(self, call: Pass) -> None:
        """A block that begins to move, or is finished, has no past: it is another than it was."""
        for block, (start, _) in enumerate(self._blocks):
            moves = call.moves[start] > 0
            phase = moves, -1 if moves else call.timesteps[start]
            if phase != self._phases[block]:
                self._phases[block] = phase
                for trends in self._trends.values():
                    trends[block] = Trend(self._options.order if moves else 0)

    def _must_run(self, block: int, call: Pass) -> bool:
        """Whether the error expected of a prediction, weighed by how far it leads, is beyond the threshold.

        A block that stands by misleads the others, as far as they move. Blocks that move together decide together.
        """
        if not self._options.threshold:
            return True
        move = call.moves[self._blocks[block][0]]
        peers = [other for other, (start, _) in enumerate(self._blocks) if call.moves[start] == move]
        peers = peers if move else [block]
        expected = [trends[peer].expected_error(call.row) for trends in self._trends.values() for peer in peers]
        weight = (move or max(call.moves)) * self._setting.steps
        return not call.agree(weight * sum(expected) / len(expected)) < self._options.threshold

    def _run_some(self, x: Tensor, call: Pass) -> Tensor:
        """Compute the blocks that run and predict the others."""
        frames = [frame for block in self._running for frame in range(*self._blocks[block])]
        out = _by_frame(x, call).clone()
        if frames:
            part = call.run(out[:, frames].flatten(1, 2), frames=frames, memory=self._memories[call.branch])
            out[:, frames] = part.unflatten(1, (len(frames), -1))
        for block, (start, stop) in enumerate(self._blocks):
            if block not in self._running:
                out[:, start:stop] = self._trends[call.branch][block].predict(call.row)
        return out.flatten(1, 2)

    def _learn(self, out: Tensor, call: Pass) -> None:
        """Let the blocks that ran compare what they expected with what came."""
        for block in self._running:
            start, stop = self._blocks[block]
            self._trends[call.branch][block].learn(_by_frame(out, call)[:, start:stop].clone(), call.row)


def _by_frame(x: Tensor, call: Pass) -> Tensor:
    """`(b, n, d)` as `(b, f, tokens per frame, d)`."""
    by_frame: Tensor = x.unflatten(1, (len(call.timesteps), -1))
    return by_frame
