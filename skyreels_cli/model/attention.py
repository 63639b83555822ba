"""Attention over video tokens: rotary positions, block-causal windows and the text, with no N×N mask anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from skyreels_cli.model.kernels import SDPA, AttentionKernel

# A range of key/value tokens, `start … stop-1`.
Span = tuple[int, int]
# For each span of queries, the spans of keys that it sees.
Spans = tuple[tuple[Span, tuple[Span, ...]], ...]


def attend_blocks(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    spans: Sequence[tuple[Span, Sequence[Span]]],
    kernel: AttentionKernel = SDPA,
) -> Tensor:
    """Block-causal attention: the queries of each span see only the keys of the spans listed with it.

    One dense call per block costs (n+1)/2n of full attention for n blocks and needs no mask.
    """
    out = torch.empty_like(query)
    for (start, stop), seen in spans:
        keys = torch.cat([key[:, a:b] for a, b in seen], dim=1) if len(seen) > 1 else key[:, slice(*seen[0])]
        values = torch.cat([value[:, a:b] for a, b in seen], dim=1) if len(seen) > 1 else value[:, slice(*seen[0])]
        out[:, start:stop] = kernel(query[:, start:stop], keys, values)
    return out


def causal_spans(blocks: Sequence[Span], frames: int, tokens_per_frame: int) -> Spans:
    """Key spans per query span for block-causal attention over latent frames.

    A block sees itself and the blocks before it. Frames behind the last block (the end frame's latent) are a
    condition like the prefix: they see everything and everything sees them.
    """
    size = tokens_per_frame
    last = blocks[-1][1]
    end = ((last * size, frames * size),) if frames > last else ()
    spans = [((a * size, b * size), ((0, b * size), *end)) for a, b in blocks]
    if end:
        spans.append((end[0], ((0, frames * size),)))
    return tuple(spans)


def only_spans(causal: Spans, frames: Sequence[int], tokens_per_frame: int) -> Spans:
    """The spans of some frames (whole blocks): queries counted among their tokens, keys among all as before."""
    spans, start = [], 0
    for (a, b), seen in causal:
        if a // tokens_per_frame in frames:
            spans.append(((start, start + b - a), seen))
            start += b - a
    return tuple(spans)


def rotary_frequencies(rope: torch.nn.Module, latents: Tensor) -> Tensor:
    """Cosines and sines in turn of the 3-D rotary embedding for `(b, c, f, h, w)` latents: `(tokens, head size)`."""
    cos, sin = rope(latents)
    return torch.stack((cos[0, :, 0, 0::2], sin[0, :, 0, 1::2]), dim=-1).flatten(-2)


def rotate(heads: Tensor, phases: Tensor, out: Tensor) -> None:
    """Write `(b, s, h, d)` queries or keys, rotated by their positions (RoPE, Su et al. 2021), to `out`; in float32."""
    if heads.device.type == "mps" or torch.compiler.is_compiling():  # inductor leaves complex numbers as they are
        out.copy_(rotated_in_parts(heads.float(), phases))
        return
    pairs = torch.view_as_complex(heads.float().unflatten(-1, (-1, 2)))
    turns = torch.view_as_complex(phases.unflatten(-1, (-1, 2))).unsqueeze(1)
    if out.dtype == torch.float32:
        torch.mul(pairs, turns, out=torch.view_as_complex(out.unflatten(-1, (-1, 2))))
    else:
        out.copy_(torch.view_as_real(pairs * turns).flatten(-2))


def rotated_in_parts(heads: Tensor, phases: Tensor) -> Tensor:
    """The same rotation without complex numbers, which not every compiler and device has: their parts apart."""
    real, imaginary = heads.unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = phases.unsqueeze(1).unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((real * cos - imaginary * sin, real * sin + imaginary * cos), dim=-1).flatten(-2)
