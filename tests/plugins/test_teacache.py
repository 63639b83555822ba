"""TeaCache by hand, and without the reference's defects (tests/golden/REFERENCE.md §4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from skyreels_teacache.cache import COEFFICIENTS, UNFITTED, TeaCache, coefficients, polynomial
from skyreels_teacache.plugin import TeaCacheOptions

from skyreels_cli import testing
from skyreels_cli.film.windows.scheduler import make_scheduler
from skyreels_cli.plugins.protocols import CacheSetting


def setting(rows: int = 8, branches: int = 2, **changes: Any) -> CacheSetting:
    values: dict[str, Any] = {
        "family": "t2v",
        "window": 0,
        "rows": rows,
        "steps": rows,
        "branches": ("cond", "uncond")[:branches],
        "blocks": ((0, 1),),
        "tokens_per_frame": 4,
        "layers": 1,
        "width": 4,
    }
    return CacheSetting(**{**values, **changes})


def computed_rows(fake_pass: Any, rows: int, branches: int = 2, growth: float = 1.1, **options: Any) -> list[str]:
    """`C` for each row that is computed and `-` for each that is skipped, per branch; embeddings grow by 10 % a row."""
    cache = TeaCache(setting(rows, branches), TeaCacheOptions(fit="none", **options))
    pattern = ["", ""][:branches]
    for row in range(rows):
        for index, branch in enumerate(("cond", "uncond")[:branches]):
            time = torch.full((1, 1, 4), growth**row)
            call = fake_pass(row=row, branch=branch, time=time, modulation=time.unsqueeze(2))
            cache.run(torch.zeros(1, 4, 4), call)
            pattern[index] += "C" if call.ran else "-"
    return pattern


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Each row adds 0.1: a third one reaches 0.25. The first and the last are always computed.
        (1, "C"),
        (2, "CC"),
        (5, "C--CC"),
        (6, "C--C-C"),
        (7, "C--C--C"),
        (8, "C--C--CC"),
        (9, "C--C--C-C"),
    ],
)
@pytest.mark.parametrize("branches", [1, 2])
def test_without_ret_steps(fake_pass: Any, rows: int, branches: int, expected: str) -> None:
    assert computed_rows(fake_pass, rows, branches, threshold=0.25) == [expected] * branches


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # The first five are always computed, the last is not.
        (4, "CCCC"),
        (5, "CCCCC"),
        (7, "CCCCC--"),
        (8, "CCCCC--C"),
        (9, "CCCCC--C-"),
        (11, "CCCCC--C--C"),
    ],
)
@pytest.mark.parametrize("branches", [1, 2])
def test_with_ret_steps(fake_pass: Any, rows: int, branches: int, expected: str) -> None:
    assert computed_rows(fake_pass, rows, branches, threshold=0.25, ret_steps=True) == [expected] * branches


def test_threshold_0_computes_every_row_even_where_nothing_changes(fake_pass: Any) -> None:
    assert computed_rows(fake_pass, 6, growth=1.0, threshold=0) == ["CCCCCC"] * 2
    assert computed_rows(fake_pass, 6, growth=1.0, threshold=1e-9) == ["C----C"] * 2


def test_a_skipped_row_adds_the_residual_of_its_own_branch(fake_pass: Any) -> None:
    cache = TeaCache(setting(), TeaCacheOptions(threshold=1, fit="none"))
    for branch, added in (("cond", 1.0), ("uncond", 5.0)):
        cache.run(torch.zeros(1, 4, 4), fake_pass(row=0, branch=branch, adds=lambda _, added=added: added))
    for branch, added in (("uncond", 5.0), ("cond", 1.0)):  # whatever the order
        out = cache.run(torch.full((1, 4, 4), 10.0), fake_pass(row=1, branch=branch))
        assert torch.equal(out, torch.full((1, 4, 4), 10 + added))


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"width": 1536, "family": "df"}, {}, COEFFICIENTS["1.3b", False]),
        ({"width": 5120, "family": "t2v"}, {"ret_steps": True}, COEFFICIENTS["14b", True]),
        ({"width": 1536, "family": "i2v", "tokens_per_frame": 34 * 60}, {}, COEFFICIENTS["i2v-540p", False]),
        ({"width": 5120, "family": "i2v", "tokens_per_frame": 45 * 80}, {}, COEFFICIENTS["i2v-720p", False]),
        ({"width": 192}, {}, UNFITTED),
        ({"width": 192}, {"fit": "14b"}, COEFFICIENTS["14b", False]),
        ({"width": 5120}, {"fit": "none"}, UNFITTED),
    ],
)
def test_the_fit_follows_the_model_not_its_path(
    changes: dict[str, Any], options: dict[str, Any], expected: tuple[float, ...]
) -> None:
    assert coefficients(setting(**changes), TeaCacheOptions(**options)) == expected


@pytest.mark.parametrize("fit", COEFFICIENTS)
def test_the_polynomial_is_numpys(fit: tuple[str, bool]) -> None:
    for x in (0.0, 0.01, 0.1, 0.3):
        assert polynomial(COEFFICIENTS[fit], x) == pytest.approx(np.polyval(COEFFICIENTS[fit], x), rel=1e-12)


@pytest.mark.parametrize("ret_steps", [False, True])
def test_conformance(ret_steps: bool) -> None:
    testing.check_cache(
        "teacache",
        on={"threshold": 0.3, "ret_steps": ret_steps},
        off={"threshold": 0, "ret_steps": ret_steps},
    )


@pytest.mark.parametrize("steps", [6, 7])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("ret_steps", [False, True])
def test_skips_on_a_real_model_are_those_worked_out_from_its_embeddings(
    steps: int, guidance: float, ret_steps: bool
) -> None:
    """The embeddings of a window are known beforehand; numpy says which rows they skip."""
    window = testing.TinyWindow(steps=steps, guidance_scale=guidance)
    threshold = 0.5 if ret_steps else 2.0  # their embeddings change by 0.3 to 0.5 and by 0.7 to 1.1 from row to row
    run = testing.Run(window, "teacache", {"threshold": threshold, "ret_steps": ret_steps, "fit": "none"})
    run.go()
    skipped = steps - sum(_computed(window, ret_steps, threshold))
    assert skipped > 0
    assert run.cache is not None
    assert run.cache.skipped == pytest.approx(skipped / steps, abs=1e-4)


def _computed(window: testing.TinyWindow, ret_steps: bool, threshold: float) -> list[bool]:
    times = make_scheduler("unipc", window.steps, 3.0, True).timesteps
    transformer = testing.tiny_transformer()
    with torch.inference_mode():
        rows = [transformer._time_embedding(torch.tensor([[time]]), 24, 1, torch.float32) for time in times]
    embeddings = [np.asarray(modulation if ret_steps else head, dtype=np.float64) for head, modulation in rows]
    computed, estimate = [], 0.0
    for row, embedding in enumerate(embeddings):
        before = embeddings[row - 1]
        estimate += np.abs(embedding - before).mean() / np.abs(before).mean()
        forced = row < 5 if ret_steps else row in (0, window.steps - 1)
        computed.append(forced or estimate >= threshold)
        estimate = 0.0 if computed[-1] else estimate
    return computed
