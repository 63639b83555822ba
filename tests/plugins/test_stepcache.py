from __future__ import annotations

import builtins
from typing import Any

import pytest
import torch
from skyreels_stepcache.dual_block import DualBlock
from skyreels_stepcache.hooked import FirstBlock, MagCache, TaylorSeer
from skyreels_stepcache.plugin import DualBlockOptions, FirstBlockOptions, MagCacheOptions, TaylorSeerOptions

from skyreels_cli import testing
from skyreels_cli.errors import PluginError
from skyreels_cli.plugins.protocols import Cache, CacheSetting

LAYERS = 3


def setting(rows: int, branches: int = 2) -> CacheSetting:
    return CacheSetting("t2v", 0, rows, rows, ("cond", "uncond")[:branches], ((0, 1),), 4, LAYERS, 4)


def layers_run(fake_pass: Any, cache: Cache, rows: int, branches: int) -> list[list[int]]:
    """Layers that really ran in each row, per branch; every layer adds 1."""
    counts: list[list[int]] = [[] for _ in range(branches)]
    for row in range(rows):
        for index, branch in enumerate(("cond", "uncond")[:branches]):
            call = fake_pass(row=row, branch=branch, layers=LAYERS)
            out = cache.run(torch.zeros(1, 4, 4), call)
            assert torch.equal(out, torch.full((1, 4, 4), float(LAYERS)))
            counts[index].append(len(call.ran))
    return counts


@pytest.mark.parametrize("branches", [1, 2])
@pytest.mark.parametrize("rows", [4, 5])
def test_first_block(fake_pass: Any, rows: int, branches: int) -> None:
    """What the first layer adds never changes: from the second row on nothing else runs."""
    cache = FirstBlock(setting(rows, branches), FirstBlockOptions(threshold=0.1))
    assert layers_run(fake_pass, cache, rows, branches) == [[3] + [1] * (rows - 1)] * branches


@pytest.mark.parametrize("branches", [1, 2])
@pytest.mark.parametrize(("rows", "computed"), [(9, (0, 1, 2, 4, 7)), (10, (0, 1, 2, 4, 7))])
def test_taylor_seer(fake_pass: Any, rows: int, computed: tuple[int, ...], branches: int) -> None:
    """Three rows to begin with, then diffusers' every third: those whose number less four divides by three."""
    cache = TaylorSeer(setting(rows, branches), TaylorSeerOptions(interval=3, warmup=3))
    expected = [3 if row in computed else 0 for row in range(rows)]
    assert layers_run(fake_pass, cache, rows, branches) == [expected] * branches


@pytest.mark.parametrize("branches", [1, 2])
@pytest.mark.parametrize(("rows", "computed"), [(9, (0, 1, 5)), (10, (0, 1, 5, 9))])
def test_mag_cache(fake_pass: Any, rows: int, computed: tuple[int, ...], branches: int) -> None:
    """A fifth of the rows to begin with, then at most three skipped in succession; ratios of 1 forbid none."""
    options = MagCacheOptions(ratios=(1.0,) * rows, max_skips=3, retention=0.2)
    expected = [3 if row in computed else 0 for row in range(rows)]
    assert layers_run(fake_pass, MagCache(setting(rows, branches), options), rows, branches) == [expected] * branches


def test_mag_cache_is_calibrated_silently(fake_pass: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cache = MagCache(setting(5), MagCacheOptions(calibrate=True))
    assert layers_run(fake_pass, cache, 5, 2) == [[3] * 5] * 2
    assert cache.close() == {"ratios": [1.0] * 5}
    assert capsys.readouterr().out == ""


def test_mag_cache_says_what_it_lacks() -> None:
    with pytest.raises(PluginError) as error:
        MagCache(setting(5), MagCacheOptions())
    assert (error.value.code, error.value.hint) == ("magcache-uncalibrated", "-O magcache.calibrate=true")


def test_dual_block_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_cache_dit(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "cache_dit":
            raise ModuleNotFoundError("No module named 'cache_dit'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_cache_dit)
    with pytest.raises(PluginError) as error:
        DualBlock(setting(5), DualBlockOptions())
    assert (error.value.code, error.value.exit_code) == ("extra-missing", 5)
    assert error.value.hint == "pip install 'skyreels-cli[cache-dit]'"


@pytest.mark.parametrize("branches", [1, 2])
@pytest.mark.parametrize("rows", [6, 7])
def test_dual_block(fake_pass: Any, rows: int, branches: int) -> None:
    """Two rows to warm up, then the first layer alone (F1 B0); it needs the extra."""
    pytest.importorskip("cache_dit")
    cache = DualBlock(setting(rows, branches), DualBlockOptions(threshold=0.1, warmup=2))
    assert layers_run(fake_pass, cache, rows, branches) == [[3, 3] + [1] * (rows - 2)] * branches


@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        ("firstblock", {"threshold": 0.1}, {"threshold": 0}),
        ("taylorseer", {"interval": 2}, {"interval": 1}),
        ("magcache", {"ratios": [1.0, 0.99]}, {"threshold": 0, "ratios": [1.0]}),
    ],
)
def test_conformance(name: str, on: dict[str, Any], off: dict[str, Any]) -> None:
    testing.check_cache(name, on, off)


def test_dual_block_conforms() -> None:
    pytest.importorskip("cache_dit")
    testing.check_cache("dbcache", on={"threshold": 0.2}, off={"threshold": 0})
