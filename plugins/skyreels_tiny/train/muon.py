"""Muon (momentum orthogonalised by Newton–Schulz, Jordan et al. 2024) on matrices, AdamW on everything
else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

_QUINTIC: Final = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration; four rounds bring all but the smallest singular values near 1."""


def orthogonalised(matrices: Tensor) -> Tensor:
    """Bring the singular values of each matrix of (n, rows, columns) near 1, in bfloat16."""
    a, b, c = _QUINTIC
    x = matrices.bfloat16()
    wide = x.shape[-2] > x.shape[-1]
    x = x.mT if wide else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(4):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    tall: Tensor = x.mT if wide else x
    return tall.float()


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised per weight; convolutions are flattened to (out, rest)."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.01) -> None:
        super().__init__(list(params), {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; equal shapes go through the iteration together."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape.setdefault(parameter.shape, []).append(parameter)
            for parameters in by_shape.values():
                self._update(parameters, group)

    def _update(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        momentum, moved = group["momentum"], []
        for parameter in parameters:
            gradient = parameter.grad
            assert gradient is not None
            state = self.state[parameter]
            buffer = state.setdefault("momentum", torch.zeros_like(gradient))
            buffer.lerp_(gradient, 1 - momentum)
            moved.append(gradient.lerp(buffer, momentum).flatten(1))
        updates = orthogonalised(torch.stack(moved))
        rows, columns = updates.shape[-2:]
        scale = max(1.0, rows / columns) ** 0.5
        for parameter, update in zip(parameters, updates, strict=True):
            parameter.mul_(1 - group["lr"] * group["decay"])
            parameter.add_(update.view_as(parameter), alpha=-group["lr"] * scale)


class Optimisers:
    """The pair that trains one network: Muon on weights of two or more dimensions, AdamW on the rest.

    Embeddings and position biases (names in `plain`) go to AdamW too: their rows are looked up, not
    multiplied.
    """

    def __init__(
        self, modules: dict[str, nn.Module], muon_rate: float, adam_rate: float, plain: tuple[str, ...]
    ) -> None:
        named = [(f"{key}.{name}", p) for key, module in modules.items() for name, p in module.named_parameters()]
        named = [(name, p) for name, p in named if p.requires_grad]
        matrices = [
            p for name, p in named if p.ndim >= 2 and min(p.flatten(1).shape) > 8 and not _is_plain(name, plain)
        ]
        chosen = {id(p) for p in matrices}
        rest = [p for _, p in named if id(p) not in chosen]
        self.muon = Muon(matrices, muon_rate)
        self.adam = torch.optim.AdamW(rest, adam_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self._rates = (muon_rate, adam_rate)
        self.parameters = [p for _, p in named]

    def set_scale(self, scale: float) -> None:
        """Scale both learning rates."""
        for optimiser, rate in zip((self.muon, self.adam), self._rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * scale

    def step(self) -> float:
        """Clip the gradient to norm 1 for AdamW's part, update, clear; return the gradient's norm."""
        norm = float(nn.utils.clip_grad_norm_(self.parameters, 1.0))
        self.muon.step()
        self.adam.step()
        self.muon.zero_grad(set_to_none=True)
        self.adam.zero_grad(set_to_none=True)
        return norm

    def state_dict(self) -> dict[str, Any]:
        """Return both states."""
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore both states."""
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])


def _is_plain(name: str, plain: tuple[str, ...]) -> bool:
    return any(part in name for part in plain)
