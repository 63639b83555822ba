"""How a film is cut into windows: which frames each one renders, and which it repeats or throws away.

A window begins with the last `overlap` latents of what it goes on from; what it decodes from them repeats known frames
and is dropped. A shot is rounded up to whole latents, and its last window trims the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from skyreels_cli.plan.blocks import cut_blocks
from skyreels_cli.plan.frames import latent_frames, pixel_frames
from skyreels_cli.plan.matrix import step_matrix
from skyreels_cli.plan.plan import Window

Start = Literal["nothing", "image", "history"]


@dataclass(frozen=True)
class Cut:
    """What decides the windows of every shot; `base`, `overlap` and `block_size` in latent frames.

    `base` None means one window of any length for each shot.
    """

    stride: int
    base: int | None
    overlap: int
    block_size: int
    inference_steps: int
    ar_step: int


@dataclass(frozen=True)
class Stretch:
    """A shot as the windows see it: new frames (None: endlessly many), what they start from, what they lead to."""

    num_frames: int | None
    start: Start = "nothing"
    end_frame: bool = False


@dataclass(frozen=True)
class Chain:
    """A stretch as one run of the VAE: behind a prefix of `prefix` latents that decode to `drop` known frames."""

    shot: int
    latents: int
    prefix: int
    drop: int
    frames: int
    first_frame: int
    end_frame: bool


def cut_film(cut: Cut, stretches: Iterable[Stretch], given: int = 0) -> tuple[Window, ...]:
    """The windows of a film in order; each stretch gets exactly the frames it asks for, an endless one two windows.

    `given` frames stand before the film, for the first stretch to go on from.
    """
    windows: list[Window] = []
    first_frame, known = 0, given
    for shot, stretch in enumerate(stretches):
        known = known if stretch.start == "history" else 0
        chain = _chain(cut, shot, stretch, first_frame, known)
        windows += _windows(cut, chain, len(windows))
        added = chain.frames - chain.drop
        first_frame, known = first_frame + added, known + added
    return tuple(windows)


def window_count(latents: int, base: int | None, overlap: int) -> int:
    """Windows of at most `base` latents, `overlap` of them repeated, for so many latents (REFERENCE.md §2)."""
    if base is None or latents <= base:
        return 1
    return 2 + (latents - base - 1) // (base - overlap)


def _chain(cut: Cut, shot: int, stretch: Stretch, first_frame: int, known: int) -> Chain:
    """A stretch with its prefix: as many whole latents of the `known` frames as the overlap holds.

    An image is a prefix that is not dropped, for it is the first frame.
    """
    prefix, drop = int(stretch.start == "image"), 0
    if stretch.start == "history":
        prefix = min(cut.overlap, (known - 1) // cut.stride + 1)
        drop = pixel_frames(prefix, cut.stride)
    if stretch.num_frames is None:
        assert cut.base is not None, "an endless film has windows"
        frames = pixel_frames(2 * cut.base - cut.overlap, cut.stride)
    else:
        frames = drop + stretch.num_frames
    latents = latent_frames(frames, cut.stride)
    return Chain(shot, latents, prefix, drop, frames, first_frame, stretch.end_frame)


def _windows(cut: Cut, chain: Chain, first_index: int) -> Iterator[Window]:
    count = window_count(chain.latents, cut.base, cut.overlap)
    for number in range(count):
        yield _window(cut, chain, number, first_index + number, last=number == count - 1)


def _window(cut: Cut, chain: Chain, number: int, index: int, *, last: bool) -> Window:
    """Window `number` of a chain, which is window `index` of the film."""
    base = cut.base or chain.latents
    start = number * (base - cut.overlap)
    latents = min(chain.latents - start, base)
    prefix, drop = (cut.overlap, pixel_frames(cut.overlap, cut.stride)) if number else (chain.prefix, chain.drop)
    stop = cut.stride * start + pixel_frames(latents, cut.stride)
    first, trim = cut.stride * start + drop, (stop - chain.frames if last else 0)
    blocks = cut_blocks(latents, prefix, cut.block_size)
    ready = sum(block.ready for block in blocks)
    return Window(
        index=index,
        latents=latents,
        prefix_latents=prefix,
        end_frame=chain.end_frame and last,
        blocks=blocks,
        steps=step_matrix(ready, len(blocks) - ready, cut.inference_steps, cut.ar_step),
        first_frame=chain.first_frame - chain.drop + first,
        new_frames=stop - trim - first,
        drop_frames=drop,
        trim_frames=trim,
        shot=chain.shot,
    )
