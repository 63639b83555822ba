"""Colour match brings a window that drifted back to the anchor's statistics, smoothly."""

from __future__ import annotations

import torch
from torch import Tensor

from skyreels_cli.film.windows.colour import ColourMatch


def window(seed: int, gain: float = 1.0, offset: float = 0.0) -> list[Tensor]:
    noise = torch.randn(3, 9, 12, 16, generator=torch.Generator().manual_seed(seed)) * 0.15
    return list((noise * gain + offset).clamp(-1, 1).split([1, 4, 4], dim=1))


def test_the_anchor_is_untouched() -> None:
    frames = window(0)
    graded = list(ColourMatch(overlap=5).grade(frames, fresh=True))
    assert all(torch.equal(a, b) for a, b in zip(frames, graded, strict=True))


def test_a_drifted_window_gets_the_anchors_statistics() -> None:
    match = ColourMatch(overlap=1)
    anchor = torch.cat(list(match.grade(window(0), fresh=True)), dim=1)
    drifted = torch.cat(list(match.grade(window(1, gain=1.6, offset=0.3), fresh=False)), dim=1)
    for statistic in (Tensor.mean, Tensor.std):
        found = statistic(drifted.flatten(1), dim=1)
        assert torch.allclose(found, statistic(anchor.flatten(1), dim=1), atol=2e-3)


def test_the_correction_grows_over_the_overlap() -> None:
    match = ColourMatch(overlap=4)
    list(match.grade(window(0), fresh=True))
    before = torch.cat(window(1, offset=0.4), dim=1)
    after = torch.cat(list(match.grade(window(1, offset=0.4), fresh=False)), dim=1)
    shift = (before - after).mean(dim=(0, 2, 3))
    assert torch.allclose(shift[:4] / shift[4], torch.tensor([0.25, 0.5, 0.75, 1.0]), atol=0.05)
    assert torch.allclose(shift[4:], shift[4].expand(5), atol=0.02)


def test_a_plain_picture_stays_finite() -> None:
    match = ColourMatch(overlap=2)
    list(match.grade([torch.zeros(3, 5, 4, 4)], fresh=True))
    graded = torch.cat(list(match.grade([torch.full((3, 5, 4, 4), 0.5)], fresh=False)), dim=1)
    assert torch.allclose(graded[:, -1], torch.zeros(3, 4, 4), atol=1e-6)
