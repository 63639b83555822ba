"""A stand-in for the transformer that other libraries can hook into: one thin module per layer, made for one window.

Nothing is hooked into the transformer itself, so flaws that these libraries have there do not matter: state that
survives the window (the next one crashes if it is shorter) and layers that change their input in place (a residual
would be 0).
"""

from __future__ import annotations

from diffusers.models.cache_utils import CacheMixin
from torch import Tensor, nn

from skyreels_cli.plugins.protocols import Pass


class Layer(nn.Module):
    """Stands for one layer of the transformer; what it returns is never its input."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self._index = index

    def forward(self, hidden_states: Tensor, call: Pass) -> Tensor:
        """Run the layer in a pass."""
        return call.run(hidden_states.clone(), self._index, self._index + 1)


class Stack(nn.Module, CacheMixin):  # type: ignore[misc] # diffusers ships no types
    """Stands for the transformer: `blocks` is where diffusers looks for layers."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Layer(index) for index in range(layers))

    def forward(self, hidden_states: Tensor, call: Pass) -> Tensor:
        """Run all layers in a pass."""
        for block in self.blocks:
            hidden_states = block(hidden_states, call)
        return hidden_states
