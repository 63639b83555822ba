"""What cross-attention attends to: projected once, keys and values kept per block where that pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from torch import Tensor

# Keys and values of a fixed prompt cost 4·T·d² per block and step: 1.5 % of a forward at 3,000 tokens, 0.05 % at
# 51,000 (14B-540P), where keeping them would take 0.8 GB.
KEEP_KEYS_UP_TO_TOKENS = 8192

KeyValue = tuple[Tensor, Tensor]
Source = Literal["text", "image"]
Context = Mapping[Source, Tensor]


class TextContext:
    """Text embeddings `(b, 512, text_dim)` of one prompt, good for every step of a window.

    An image-to-video model attends to `image` tokens `(b, 257, image_dim)` as well.
    """

    def __init__(self, embeddings: Tensor, image: Tensor | None = None) -> None:
        self.embeddings = embeddings
        self.image = image
        self._projected: dict[Source, Tensor] = {}
        self._keys: dict[tuple[int, Source], KeyValue] = {}

    def projected(self, source: Source, project: Callable[[Tensor], Tensor]) -> Tensor:
        """Text or image in the transformer's width `(b, tokens, d)`; `project` runs once."""
        if source not in self._projected:
            given = self.embeddings if source == "text" else self.image
            assert given is not None
            self._projected[source] = project(given)
        return self._projected[source]

    def keys_and_values(self, block: int, source: Source, tokens: int, compute: Callable[[], KeyValue]) -> KeyValue:
        """Cross-attention keys and values of one block; kept between steps for small windows."""
        if (block, source) in self._keys:
            return self._keys[block, source]
        computed = compute()
        if tokens <= KEEP_KEYS_UP_TO_TOKENS:
            self._keys[block, source] = computed
        return computed
