"""Self-attention keys and values that outlive a forward pass, so that some frames can run without the others."""

from __future__ import annotations

from torch import Tensor


class KVCache:
    """Per layer, the keys and values `(b, n, h, d)` of all tokens, each from the last pass in which its frame ran.

    One belongs to one guidance branch of one window. It holds 2 · layers · n · width numbers: 9.4 GB in bfloat16 for
    1.3B at 540P × 97 frames, 42 GB for 14B.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no layer has kept anything."""
        return not self._kept

    def exchange(self, layer: int, key: Tensor, value: Tensor, places: Tensor | None) -> tuple[Tensor, Tensor]:
        """Keep the keys and values of the tokens that run and return those of all tokens.

        `places` (m) are the indices of the m tokens that run among all n; None means that all of them run, which must
        be so in a layer's first pass. `key` and `value` are `(b, m, h, d)`, the result `(b, n, h, d)`.
        """
        if places is None:
            self._kept[layer] = key, value
            return key, value
        keys, values = self._kept[layer]
        keys[:, places], values[:, places] = key, value
        return keys, values
