"""How a film is cut into windows: which frames each one renders, and which it repeats or throws away.

A window after the first begins with the last `overlap` latents of the film so far; what it decodes from them
repeats known frames and is dropped. The film is rounded up to whole latents; its last window trims the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from skyreels_cli.plan.blocks import cut_blocks
from skyreels_cli.plan.frames import latent_frames, pixel_frames
from skyreels_cli.plan.matrix import step_matrix
from skyreels_cli.plan.plan import Window


@dataclass(frozen=True)
class Cut:
    """What decides the windows: lengths, the conditions, and the order of denoising.

    `num_frames` counts pixel frames; `base`, `overlap` and `block_size` latent frames. `base` None means one
    window of any length. `image` and `end_frame`: the film starts from, or leads to, a given picture.
    """

    num_frames: int
    stride: int
    base: int | None
    overlap: int
    image: bool
    end_frame: bool
    block_size: int
    inference_steps: int
    ar_step: int

    @property
    def latents(self) -> int:
        """Latent frames of the whole film."""
        return latent_frames(self.num_frames, self.stride)


def cut_film(cut: Cut) -> tuple[Window, ...]:
    """The windows of a film in order; their `new_frames` add up to exactly the frames asked for."""
    count = window_count(cut.latents, cut.base, cut.overlap)
    return tuple(_window(cut, index, last=index == count - 1) for index in range(count))


def window_count(latents: int, base: int | None, overlap: int) -> int:
    """Windows of at most `base` latents, `overlap` of them repeated, for the whole film (REFERENCE.md §2)."""
    if base is None or latents <= base:
        return 1
    return 2 + (latents - base - 1) // (base - overlap)


def _window(cut: Cut, index: int, *, last: bool) -> Window:
    """One window; the image is a prefix that is not dropped, for it is the film's first frame."""
    base = cut.base or cut.latents
    start = index * (base - cut.overlap)
    latents = min(cut.latents - start, base)
    prefix, drop = (cut.overlap, pixel_frames(cut.overlap, cut.stride)) if index else (int(cut.image), 0)
    stop = cut.stride * start + pixel_frames(latents, cut.stride)
    first_frame, trim = cut.stride * start + drop, (stop - cut.num_frames if last else 0)
    blocks = cut_blocks(latents, prefix, cut.block_size)
    ready = sum(block.ready for block in blocks)
    return Window(
        index=index,
        latents=latents,
        prefix_latents=prefix,
        end_frame=cut.end_frame and last,
        blocks=blocks,
        steps=step_matrix(ready, len(blocks) - ready, cut.inference_steps, cut.ar_step),
        first_frame=first_frame,
        new_frames=stop - trim - first_frame,
        drop_frames=drop,
        trim_frames=trim,
    )
