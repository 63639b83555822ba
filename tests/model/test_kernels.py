"""Attention kernels: chosen before weights are loaded, equal to each other, and refused in one line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from skyreels_cli.errors import UsageError
from skyreels_cli.model import kernels as module
from skyreels_cli.model.kernels import KERNELS, SDPA, AttentionKernel, choose_kernel

CPU = torch.device("cpu")


def by_hand(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    weights = torch.einsum("bshd,bthd->bhst", query, key).div(query.shape[-1] ** 0.5).softmax(-1)
    return torch.einsum("bhst,bthd->bshd", weights, value)


@pytest.mark.parametrize("name", ["auto", "sdpa", "flash", "math", "onednn"])
def test_kernels_of_the_cpu_agree_with_the_formula(name: str) -> None:
    kernel = choose_kernel(name, CPU, torch.float32, 16)
    query, key, value = (torch.randn(2, n, 3, 16) for n in (5, 7, 7))
    assert torch.allclose(kernel(query, key, value), by_hand(query, key, value), atol=1e-5)


@pytest.mark.parametrize("name", ["cudnn", "efficient", "flash3", "flash4"])
def test_a_kernel_that_does_not_run_here_is_said_before_anything_is_loaded(name: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}' does not run on cpu here") as error:
        choose_kernel(name, CPU, torch.float32, 16)
    assert (error.value.code, error.value.hint) == ("kernel-unusable", "--attention auto")


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="'sage'") as error:
        choose_kernel("sage", CPU, torch.float32, 16)
    assert str(error.value.hint).endswith("auto, sdpa, flash, cudnn, efficient, math, onednn, flash3, flash4")


def test_a_kernel_with_wrong_results_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AttentionKernel, "__call__", shifted(AttentionKernel.__call__))
    with pytest.raises(UsageError, match="wrong results"):
        choose_kernel("math", CPU, torch.float32, 16)


def shifted(compute: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """All kernels but torch's own choice are off by one."""
    return lambda kernel, *inputs: compute(SDPA, *inputs) + (0.0 if kernel == SDPA else 1.0)


def test_auto_on_a_card_takes_the_quickest_that_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"sdpa": 2.0, "flash4": 0.5, "flash3": 0.8, "cudnn": 1.0}
    wrong = {"flash4"}
    installed: list[str] = []

    def compute(kernel: AttentionKernel, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return by_hand(query, key, value) + (kernel.name in wrong)

    monkeypatch.setattr(AttentionKernel, "__call__", compute)
    monkeypatch.setattr(module, "_seconds", lambda kernel, *_: seconds[kernel.name])
    monkeypatch.setattr(module, "_install", installed.append)
    monkeypatch.setattr(torch.nn.attention, "restore_flash_attention_impl", lambda: None, raising=False)
    monkeypatch.setattr(module, "RACE", module.TRIAL)
    assert module._quickest(CPU, torch.float32, 16) == KERNELS["flash3"]
    assert installed == ["FA4", "FA3", "FA3"]
    seconds["sdpa"] = 0.1
    assert module._quickest(CPU, torch.float32, 16) == KERNELS["flash3"]
    assert installed == ["FA4", "FA3", "FA3", "FA3"], "the winner is remembered, and only seen to agree"
    assert module._quickest(CPU, torch.float32, 32) == SDPA, "other heads are another race"
    wrong.add("flash3")
    seconds["sdpa"] = 2.0
    assert module._quickest(CPU, torch.float32, 16) == KERNELS["cudnn"], "the winner does not agree any more"
    assert module._quickest(CPU, torch.float32, 16) == KERNELS["cudnn"]
