"""Block layouts: which latent frames of a window share a noise level.

The reference cuts F latents into F // c blocks, so an image before blocks of five is lost and a remainder is
never denoised (REFERENCE.md §5, defects 1 and 2). Unequal blocks serve both: (1, 5, 5 …), (5, 5, 4, 4).
"""

from __future__ import annotations

from itertools import accumulate, pairwise

from skyreels_cli.plan.plan import Block


def cut_blocks(latents: int, prefix: int, size: int) -> tuple[Block, ...]:
    """Ready blocks over the prefix, then new ones; the reference's own where `size` divides both lengths."""
    ready = prefix_sizes(prefix, size)
    stops = accumulate((*ready, *new_sizes(latents - prefix, size)), initial=0)
    return tuple(Block(start, stop, ready=stop <= prefix) for start, stop in pairwise(stops))


def prefix_sizes(latents: int, size: int) -> tuple[int, ...]:
    """Blocks of `size` up to the end of the prefix; a remainder comes first, far from the new latents."""
    whole, rest = divmod(latents, size)
    return (*([rest] if rest else []), *[size] * whole)


def new_sizes(latents: int, size: int) -> tuple[int, ...]:
    """The fewest blocks of at most `size` latents, equal to within one latent, larger ones first."""
    count = -(-latents // size)
    small, larger = divmod(latents, count)
    return (*[small + 1] * larger, *[small] * (count - larger))
