"""Which blocks run in a row, and what stands in for those that do not.

In asynchronous diffusion forcing the blocks of a window are at different noise levels, and in most rows many of them
do not move at all: they are finished or have not begun, and are only attended to. A decision for the whole window, as
in TeaCache or FirstBlockCache, cannot use that. Here every block decides for itself:

* a block that does not move runs when it has changed since it last ran; until then the others attend to its keys and
  values of that time;
* a block that moves runs when what its layers add can no longer be predicted. How far a prediction may reach is
  measured: each time a block runs, what it was predicted to be is compared with what it is.

Only the tokens of blocks that run are computed, against the keys and values of all (FlowCache, ICLR 2026, keeps stale
keys and values in the same way).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skyreels_blockcache.plugin import BlockCacheOptions
from skyreels_blockcache.trend import Trend
from skyreels_cli.plugins.protocols import Branch, CacheSetting, Pass


class BlockCache:
    """A `Cache` that decides for each block; its keys and values are gigabytes, so it is not saved with a window."""

    def __init__(self, setting: CacheSetting, options: BlockCacheOptions) -> None:
        self._blocks = setting.blocks
        self._options = options
        self._trends: dict[Branch, list[Trend]] = {
            branch: [Trend(options.order) for _ in setting.blocks] for branch in setting.branches
        }
        self._computed = [0] * len(setting.blocks)
        self._row = -1
        self._running: tuple[int, ...] = ()

    def run(self, x: Tensor, call: Pass) -> Tensor:
        """Run the blocks that must, and predict what the layers add to the others."""
        if call.row != self._row:  # one decision for both branches: guidance would amplify their disagreement
            self._row, self._running = call.row, self._decide(call)
            for block in self._running:
                self._computed[block] += 1
        if len(self._running) == len(self._blocks):
            before = x.clone()
            after = call.run(x, keep_keys=True)
            self._learn(call, before, after)
            return after
        return self._run_some(x, call)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: an interrupted window begins again."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to take up."""

    def close(self) -> dict[str, Any]:
        """In how many rows each block ran."""
        return {"rows_computed": self._computed}

    def _run_some(self, x: Tensor, call: Pass) -> Tensor:
        """Predict everything, then put in what is computed."""
        out = x + self._predict(x, call)
        frames = [frame for block in self._running for frame in range(*self._blocks[block])]
        if frames:
            after = call.run(_frames(x, call)[:, frames].flatten(1, 2), frames=frames)
            _frames(out, call)[:, frames] = after.unflatten(1, (len(frames), -1))
        self._learn(call, x, out)
        return out

    def _predict(self, x: Tensor, call: Pass) -> Tensor:
        parts = [
            trend.predict(call.timesteps[start])
            for trend, (start, _) in zip(self._trends[call.branch], self._blocks, strict=True)
        ]
        predicted: Tensor = torch.cat(parts, dim=1).view_as(x)
        return predicted

    def _learn(self, call: Pass, before: Tensor, after: Tensor) -> None:
        """Let the blocks that ran compare what they expected with what their layers added."""
        before, after = _frames(before, call), _frames(after, call)
        for block in self._running:
            start, stop = self._blocks[block]
            moving, time = call.moving[start], call.timesteps[start]
            added = after[:, start:stop] - before[:, start:stop]  # of its own, so that a block keeps no other's
            self._trends[call.branch][block].learn(added, call.row, time, moving=moving)

    def _decide(self, call: Pass) -> tuple[int, ...]:
        """The blocks that run in this row."""
        return tuple(block for block in range(len(self._blocks)) if self._must_run(block, call))

    def _must_run(self, block: int, call: Pass) -> bool:
        if not self._options.threshold:
            return True
        start = self._blocks[block][0]
        time, moving = call.timesteps[start], call.moving[start]
        trends = [self._trends[branch][block] for branch in self._trends]
        if not moving:
            return any(trend.is_stale(time, call.row, self._options.refresh) for trend in trends)
        peers = [
            self._trends[branch][other]
            for branch in self._trends
            for other, (first, _) in enumerate(self._blocks)
            if call.moving[first] and call.timesteps[first] == time
        ]
        expected = sum(trend.expected_error(time) for trend in peers) / len(peers)
        return not call.agree(expected) < self._options.threshold


def _frames(x: Tensor, call: Pass) -> Tensor:
    """`(b, n, d)` as `(b, f, tokens per frame, d)`."""
    by_frame: Tensor = x.unflatten(1, (len(call.timesteps), -1))
    return by_frame
