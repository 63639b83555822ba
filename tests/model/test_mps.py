"""What Apple's GPUs lack (float64, some of complex numbers) is not used: every operation is watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from skyreels_cli.film.windows.colour import ColourMatch
from skyreels_cli.model import attention
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.transformer import Transformer

LACKING = (torch.float64, torch.complex64, torch.complex128)


class Watched(TorchDispatchMode):
    """Raises where an operation makes a tensor of a kind that MPS lacks."""

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(found):
            if isinstance(leaf, Tensor) and leaf.dtype in LACKING:
                raise AssertionError(f"{func} makes {leaf.dtype}")
        return found


def test_the_transformer_uses_neither_float64_nor_complex_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    def rotate_as_on_mps(heads: Tensor, phases: Tensor, out: Tensor) -> None:
        out.copy_(attention.rotated_in_parts(heads.float(), phases))

    monkeypatch.setattr("skyreels_cli.model.transformer.rotate", rotate_as_on_mps)
    adjusted = "diffusers.models.embeddings.maybe_adjust_dtype_for_device"  # what diffusers asks for its device
    monkeypatch.setattr(adjusted, lambda dtype, device: torch.float32 if dtype == torch.float64 else dtype)
    model = Transformer(num_attention_heads=2, attention_head_dim=24, ffn_dim=64, num_layers=2, text_dim=16).eval()
    latents, times = torch.randn(1, 16, 3, 4, 4), torch.tensor([[999, 500, 20]])
    with torch.inference_mode(), Watched():
        found = model(latents, times, TextContext(torch.randn(1, 8, 16)))
    assert found.shape == latents.shape


def test_colours_are_summed_up_on_the_host_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames leave the device first: a double of a tensor that was never brought to the host is refused."""
    hosted: list[int] = []
    bring, double = Tensor.cpu, Tensor.double

    def cpu(tensor: Tensor) -> Tensor:
        found = bring(tensor).clone()
        hosted.append(id(found))
        return found

    def widened(tensor: Tensor) -> Tensor:
        assert id(tensor) in hosted
        return double(tensor)

    monkeypatch.setattr(Tensor, "cpu", cpu)
    monkeypatch.setattr(Tensor, "double", widened)
    match = ColourMatch(overlap=1)
    first, second = torch.rand(3, 2, 4, 4), torch.rand(3, 2, 4, 4) / 2
    list(match.grade([first], fresh=True))
    (graded,) = match.grade([second], fresh=False)
    assert torch.allclose(graded.mean((1, 2, 3)), first.mean((1, 2, 3)), atol=0.02)
    assert match.anchor is not None
    assert match.anchor.dtype == torch.float32
