"""How much memory a cache holds while a layer runs, counted on a tiny window, and what its spec says about it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor

from skyreels_cli.plan.caching import stated_memory
from skyreels_cli.testing.windows import OptionValues, Run, TinyWindow


def held_by_cache(window: TinyWindow, cache: str, options: OptionValues | None = None) -> int:
    """The most bytes that a cache adds to what lives anyway when a layer of the window begins."""
    return _peak(Run(window, cache, options)) - _peak(Run(window))


def stated_by_cache(window: TinyWindow, cache: str, options: OptionValues | None = None) -> int | None:
    """The bytes that its spec says it holds; None if it says nothing."""
    running = Run(window, cache, options).cache
    assert running is not None
    memory = stated_memory(cache, running.setting, options or {})
    return memory.size if memory else None


def _peak(run: Run) -> int:
    """The most bytes in tensors that are made during a run, seen whenever a layer begins."""
    peaks = [0]
    with _new_tensors() as live_bytes:
        for layer in run.transformer.blocks:
            layer.register_forward_pre_hook(lambda *_: peaks.append(live_bytes()))
        run.go()
    return max(peaks)


@contextmanager
def _new_tensors() -> Iterator[Callable[[], int]]:
    """Inside, the bytes of all tensors alive that were made since it began; a storage counts once."""
    gc.collect()
    gc.freeze()  # what is frozen is not listed, which also makes listing quick

    def live_bytes() -> int:
        storages = (found.untyped_storage() for found in gc.get_objects() if issubclass(type(found), Tensor))
        return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())

    try:
        yield live_bytes
    finally:
        gc.unfreeze()
