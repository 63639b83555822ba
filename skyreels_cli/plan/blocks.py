"""How the latent frames of a window are grouped into blocks that share a noise level.

The reference makes F // c blocks of c latent frames. A prefix shorter than c then belongs to no block, so that a start
image is lost, and latents behind the last whole block are never denoised (tests/golden/REFERENCE.md §5, defects 1 and
2). Blocks of unequal size avoid both: (1, 5, 5 …), (5, 5, 4, 4).
"""

from __future__ import annotations

from itertools import accumulate, pairwise

from skyreels_cli.plan.plan import Block


def cut_blocks(latents: int, prefix: int, size: int) -> tuple[Block, ...]:
    """Ready blocks over the prefix, then new blocks; they equal the reference's where `size` divides both lengths."""
    ready = prefix_sizes(prefix, size)
    stops = accumulate((*ready, *new_sizes(latents - prefix, size)), initial=0)
    return tuple(Block(start, stop, ready=stop <= prefix) for start, stop in pairwise(stops))


def prefix_sizes(latents: int, size: int) -> tuple[int, ...]:
    """Sizes of the blocks over a prefix; a remainder comes first, where it is farthest from the new latents."""
    whole, rest = divmod(latents, size)
    return (*([rest] if rest else []), *[size] * whole)


def new_sizes(latents: int, size: int) -> tuple[int, ...]:
    """Sizes of the fewest blocks of at most `size` latents; they differ by at most one, and larger ones come first."""
    count = -(-latents // size)
    small, larger = divmod(latents, count)
    return (*[small + 1] * larger, *[small] * (count - larger))
