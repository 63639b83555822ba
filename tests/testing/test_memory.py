"""What the shipped caches say that they keep is what they hold: counted in tensors, on tiny windows."""

from __future__ import annotations

from typing import Any

import pytest

from skyreels_cli import testing
from skyreels_cli.testing.memory import held_by_cache, stated_by_cache

SYNC = testing.TinyWindow(steps=6)
ASYNC = testing.TinyWindow(latents=8, steps=6, ar_step=2, block_size=2)
ALONE = testing.TinyWindow(latents=8, steps=6, ar_step=2, block_size=2, guidance_scale=1.0)

EXACT: dict[str, tuple[str, dict[str, Any]]] = {
    "teacache": ("teacache", {"threshold": 0.3, "fit": "none"}),
    "teacache, ret_steps": ("teacache", {"threshold": 0.3, "fit": "none", "ret_steps": True}),
    "firstblock": ("firstblock", {"threshold": 0.1}),
    "firstblock, off": ("firstblock", {"threshold": 0}),
    "magcache": ("magcache", {"calibrate": True}),
    "magcache, off": ("magcache", {"threshold": 0, "ratios": [1.0]}),
    "taylorseer": ("taylorseer", {"interval": 2, "warmup": 2}),
    "taylorseer, second order": ("taylorseer", {"interval": 2, "warmup": 3, "order": 2}),
    "taylorseer, off": ("taylorseer", {"interval": 1}),
    "dbcache": ("dbcache", {"threshold": 1e-9}),
    "dbcache, off": ("dbcache", {"threshold": 0}),
}


@pytest.mark.parametrize("window", [SYNC, ASYNC, ALONE], ids=["sync", "async", "alone"])
@pytest.mark.parametrize(("cache", "options"), EXACT.values(), ids=EXACT)
def test_to_the_byte(cache: str, options: dict[str, Any], window: testing.TinyWindow) -> None:
    if cache == "dbcache":
        pytest.importorskip("cache_dit")
    assert held_by_cache(window, cache, options) == stated_by_cache(window, cache, options) != 0


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("window", [SYNC, ASYNC, ALONE], ids=["sync", "async", "alone"])
def test_blockcache_where_some_blocks_run(window: testing.TinyWindow, order: int) -> None:
    """What it says holds where nearly all blocks run; per frame the tiny model has much besides tokens."""
    options = {"threshold": 0.3, "order": order}
    stated = stated_by_cache(window, "blockcache", options)
    assert stated is not None
    assert 0.88 * stated <= held_by_cache(window, "blockcache", options) <= 1.15 * stated


def test_a_cache_that_understates_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from skyreels_blockcache import plugin

    monkeypatch.setattr(plugin, "kept_memory", lambda setting, options: plugin.CacheMemory(1000, "little"))
    with pytest.raises(
        AssertionError, match=r"blockcache holds [\d,]+ bytes in a tiny window and says that it is 1,000"
    ):
        testing.check_cache("blockcache", on={"threshold": 0.1})
