"""Block-causal attention without a mask, against attention with the mask built entry by entry."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from skyreels_cli.model.attention import attend_blocks, causal_spans, only_spans, rotate, rotated_in_parts


def masked_attention(query: Tensor, key: Tensor, value: Tensor, sizes: list[int], end: int, per_frame: int) -> Tensor:
    """Every pair of frames is asked whether the one may see the other; frames of block -1 are the end frame's."""
    block_of = [block for block, size in enumerate(sizes) for _ in range(size)] + [-1] * end
    allowed = torch.zeros(len(block_of), len(block_of), dtype=torch.bool)
    for asking, own in enumerate(block_of):
        for seen, other in enumerate(block_of):
            allowed[asking, seen] = own == -1 or other == -1 or other <= own
    mask = allowed.repeat_interleave(per_frame, 0).repeat_interleave(per_frame, 1)
    heads_first = (tensor.transpose(1, 2) for tensor in (query, key, value))
    return scaled_dot_product_attention(*heads_first, attn_mask=mask).transpose(1, 2)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    end=st.integers(0, 1),
    per_frame=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_block_causal_attention(sizes: list[int], end: int, per_frame: int, seed: int) -> None:
    frames = sum(sizes) + end
    generator = torch.Generator().manual_seed(seed)
    query, key, value = (torch.randn(1, frames * per_frame, 2, 8, generator=generator) for _ in range(3))
    stops = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    blocks = [(stop - size, stop) for stop, size in zip(stops, sizes, strict=True)]
    spans = causal_spans(blocks, frames, per_frame)
    expected = masked_attention(query, key, value, sizes, end, per_frame)
    assert torch.allclose(attend_blocks(query, key, value, spans), expected, atol=1e-6)
    for (a, b), span in zip(blocks, spans, strict=False):
        part = slice(a * per_frame, b * per_frame)
        alone = attend_blocks(query[:, part], key, value, only_spans([span], range(a, b), per_frame))
        assert torch.allclose(alone, expected[:, part], atol=1e-6)


def test_rotation_by_hand() -> None:
    quarter_turn = torch.tensor([[0.0, 1.0]])
    for dtype in (torch.float32, torch.bfloat16):
        out = torch.empty(1, 1, 1, 2, dtype=dtype)
        rotate(torch.tensor([3.0, 4.0], dtype=dtype).view(1, 1, 1, 2), quarter_turn, out)
        assert out.flatten().tolist() == [-4.0, 3.0]


def test_rotation_without_complex_numbers_is_the_same() -> None:
    generator = torch.Generator().manual_seed(3)
    heads, angles = torch.randn(2, 12, 3, 8, generator=generator), torch.randn(12, 4, generator=generator)
    phases = torch.stack((angles.cos(), angles.sin()), dim=-1).flatten(-2)
    expected = torch.empty_like(heads)
    rotate(heads, phases, out=expected)
    assert torch.allclose(rotated_in_parts(heads, phases), expected, atol=1e-6)
