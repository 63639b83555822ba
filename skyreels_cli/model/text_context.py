"""The encoded prompt as the transformer uses it: projected once, keys and values kept per block where that pays."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

# Keys and values of a fixed prompt cost 4·T·d² per block and step: 1.5 % of a forward at 3,000 tokens, 0.05 % at
# 51,000 (14B-540P), where keeping them would take 0.8 GB.
KEEP_KEYS_UP_TO_TOKENS = 8192

KeyValue = tuple[Tensor, Tensor]


class TextContext:
    """Text embeddings `(b, 512, text_dim)` of one prompt, good for every step of a window."""

    def __init__(self, embeddings: Tensor) -> None:
        self.embeddings = embeddings
        self._projected: Tensor | None = None
        self._keys: dict[int, KeyValue] = {}

    def projected(self, project: Callable[[Tensor], Tensor]) -> Tensor:
        """The embeddings in the transformer's width `(b, 512, d)`; `project` runs once."""
        if self._projected is None:
            self._projected = project(self.embeddings)
        return self._projected

    def keys_and_values(self, block: int, tokens: int, compute: Callable[[], KeyValue]) -> KeyValue:
        """Cross-attention keys and values of one block; kept between steps for small windows."""
        if block in self._keys:
            return self._keys[block]
        computed = compute()
        if tokens <= KEEP_KEYS_UP_TO_TOKENS:
            self._keys[block] = computed
        return computed
