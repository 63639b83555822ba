"""Devices by name, and what they have used."""

from __future__ import annotations

import sys

import pytest
import torch

from skyreels_cli.errors import UsageError
from skyreels_cli.model.memory import forget_peak, peak_bytes, pick_device, release

CPU = torch.device("cpu")


def test_auto_takes_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for mps, expected in ((True, "mps"), (False, "cpu")):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        assert pick_device("auto").type == expected


@pytest.mark.parametrize(
    ("name", "code"), [("gpu0", "device-unknown"), ("cuda:99", "device-missing"), ("meta", "device-missing")]
)
def test_a_device_that_cannot_be_used_is_named(name: str, code: str) -> None:
    with pytest.raises(UsageError, match=name) as refused:
        pick_device(name)
    assert (refused.value.code, refused.value.exit_code) == (code, 2)
    assert refused.value.hint


def test_peak_on_a_cpu_is_that_of_the_process() -> None:
    before = peak_bytes(CPU)
    block = torch.ones(64 * 2**20)  # 256 MB, touched
    assert peak_bytes(CPU) >= max(before, block.nbytes)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak is that of the process")
def test_the_peak_of_a_film_is_not_that_of_the_one_before() -> None:
    block = torch.ones(80_000_000)
    before = peak_bytes(CPU)
    size = block.nbytes
    del block
    release(CPU)
    forget_peak(CPU)
    assert peak_bytes(CPU) <= before - size // 2
