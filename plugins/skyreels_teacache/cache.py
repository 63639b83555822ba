"""When to skip a step, judged by the time embedding alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from skyreels_cli.plugins.protocols import Branch, CacheSetting, Pass
from skyreels_teacache.plugin import TeaCacheOptions

# What is always computed at the start: rows with and without `ret_steps`.
FIRST_ROWS = {True: 5, False: 1}

# Fitted by TeaCache's authors: the change of the output from the relative change of the modulated time embedding,
# highest power first; with and without `ret_steps` (the embedding is another one).
COEFFICIENTS: dict[tuple[str, bool], tuple[float, ...]] = {
    ("1.3b", True): (-5.21862437e4, 9.23041404e3, -5.28275948e2, 1.36987616e1, -4.99875664e-2),
    ("1.3b", False): (2.39676752e3, -1.31110545e3, 2.01331979e2, -8.29855975, 1.37887774e-1),
    ("14b", True): (-3.03318725e5, 4.90537029e4, -2.65530556e3, 5.87365115e1, -3.15583525e-1),
    ("14b", False): (-5784.54975374, 5449.50911966, -1811.16591783, 256.27178429, -13.02252404),
    ("i2v-540p", True): (2.57151496e5, -3.54229917e4, 1.40286849e3, -1.35890334e1, 1.32517977e-1),
    ("i2v-540p", False): (-3.02331670e2, 2.23948934e2, -5.25463970e1, 5.87348440, -2.01973289e-1),
    ("i2v-720p", True): (8.10705460e3, 2.13393892e3, -3.72934672e2, 1.66203073e1, -4.17769401e-2),
    ("i2v-720p", False): (-114.36346466, 65.26524496, -18.82220707, 4.91518089, -0.23412683),
}
UNFITTED = (1.0, 0.0)

WIDTHS = {1536: "1.3b", 5120: "14b"}
# 540P has 34 × 60 tokens per frame, 720P 45 × 80; halfway between the two.
TOKENS_720P = 2820
# I2V models have fits of their own, by the film's size: whether it is nearer to 720P.
BY_FAMILY = {("i2v", False): "i2v-540p", ("i2v", True): "i2v-720p"}


class TeaCache:
    """A `Cache` in which each branch keeps its own account, whatever the order in which branches are called."""

    def __init__(self, setting: CacheSetting, options: TeaCacheOptions) -> None:
        self._threshold = options.threshold
        self._ret_steps = options.ret_steps
        self._coefficients = coefficients(setting, options)
        self._last_row = setting.rows - 1
        self._accounts = {branch: Account() for branch in setting.branches}

    def run(self, x: Tensor, call: Pass) -> Tensor:
        """Add the last residual to `x` while the estimated change is small; else run the layers."""
        account = self._accounts[call.branch]
        embedding = call.modulation if self._ret_steps else call.time
        change = call.agree(polynomial(self._coefficients, account.relative_change(embedding)))
        if not self._is_forced(call.row) and account.can_skip(change, self._threshold):
            assert account.residual is not None
            return x + account.residual
        account.estimate = 0.0
        before = x.clone()
        after = call.run(x)
        account.residual = after - before
        return after

    def _is_forced(self, row: int) -> bool:
        return row < FIRST_ROWS[self._ret_steps] or (not self._ret_steps and row == self._last_row)

    def state_dict(self) -> dict[str, Any]:
        """The account of each branch."""
        return {branch: account.state_dict() for branch, account in self._accounts.items()}

    def load_state_dict(self, state: dict[Branch, Any]) -> None:
        """Go on from the accounts of the same window."""
        for branch, account in self._accounts.items():
            account.__dict__.update(state[branch])

    def close(self) -> dict[str, Any]:
        """Nothing to tell."""
        return {}


class Account:
    """What one branch remembers: the last row's embedding, the estimated change since it last ran, its residual."""

    def __init__(self) -> None:
        self.embedding: Tensor | None = None
        self.residual: Tensor | None = None
        self.estimate = 0.0

    def relative_change(self, embedding: Tensor) -> float:
        """L1 distance to the embedding of the row before, relative to that one; 0 in the first row."""
        before, self.embedding = self.embedding, embedding
        return 0.0 if before is None else float((embedding - before).abs().mean() / before.abs().mean())

    def can_skip(self, change: float, threshold: float) -> bool:
        """Add a change to the estimate; whether the estimate is still below the threshold."""
        self.estimate += change
        return self.residual is not None and threshold > 0 and self.estimate < threshold

    def state_dict(self) -> dict[str, Any]:
        """All that is known, without what is None."""
        return {name: value for name, value in vars(self).items() if value is not None}


def coefficients(setting: CacheSetting, options: TeaCacheOptions) -> Sequence[float]:
    """The fit for a model, told by its family, its width and the film's size (the reference looks at its path)."""
    fit = options.fit
    large = setting.tokens_per_frame > TOKENS_720P
    of_model = BY_FAMILY.get((setting.family, large), WIDTHS.get(setting.width, "none"))
    known = of_model if fit == "auto" else fit
    return COEFFICIENTS.get((known, options.ret_steps), UNFITTED)


def polynomial(coefficients: Sequence[float], x: float) -> float:
    """The value at x, coefficients from the highest power down."""
    value = 0.0
    for coefficient in coefficients:
        value = value * x + coefficient
    return value
