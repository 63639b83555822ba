"""The attention kernel of a device, chosen and tried on a few tokens before any weight is loaded.

All of them compute exact attention: films differ by rounding. Those of torch's `scaled_dot_product_attention` come with
it; FlashAttention 3 and 4 are packages that torch (2.11 and newer) puts in its own kernel's place; oneDNN's is ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from skyreels_cli.errors import UsageError, first_line
from skyreels_cli.model import onednn


@dataclass(frozen=True)
class AttentionKernel:
    """A way to compute softmax attention: one of torch's, or a function of our own.

    `backend` None leaves it to torch which; a `package` takes the place of its FlashAttention.
    """

    name: str
    backend: SDPBackend | None = None
    package: str | None = None
    compute: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None

    def __call__(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of `(b, s, h, d)` tensors."""
        if self.compute is not None:
            return self.compute(query, key, value)
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        if self.backend is None:
            return scaled_dot_product_attention(query, key, value).transpose(1, 2)
        with sdpa_kernel(self.backend):
            return scaled_dot_product_attention(query, key, value).transpose(1, 2)


SDPA = AttentionKernel("sdpa")
KERNELS: Mapping[str, AttentionKernel] = MappingProxyType(
    {
        kernel.name: kernel
        for kernel in (
            SDPA,
            AttentionKernel("flash", SDPBackend.FLASH_ATTENTION),
            AttentionKernel("cudnn", SDPBackend.CUDNN_ATTENTION),
            AttentionKernel("efficient", SDPBackend.EFFICIENT_ATTENTION),
            AttentionKernel("math", SDPBackend.MATH),
            AttentionKernel("onednn", compute=onednn.attention),
            AttentionKernel("flash3", SDPBackend.FLASH_ATTENTION, "FA3"),
            AttentionKernel("flash4", SDPBackend.FLASH_ATTENTION, "FA4"),
        )
    }
)
TRIED_ON_CUDA = ("flash4", "flash3", "cudnn")
"""What `auto` tries beside torch's own choice, which is FlashAttention 2: at half the rate on a Hopper."""

TRIAL = (1, 2048, 4)
"""Batch, tokens and heads of a trial: 10 ms on a card, 0.1 s on a CPU."""
TOLERANCE = 0.02
"""Of outputs of random values around 0.02; in bfloat16 exact kernels differ by 0.001."""
RUNS = 5


def choose_kernel(name: str, device: torch.device, dtype: torch.dtype, head_size: int) -> AttentionKernel:
    """The kernel of that name, or for `auto` the quickest that gives the same as torch's own choice.

    A CPU's is not tried but known, so that every process takes the same one: a film that goes on is equal bit for bit.
    Raises UsageError `kernel-unknown` or `kernel-unusable`.
    """
    if name == "auto":
        if device.type == "cuda":
            return _quickest(device, dtype, head_size)
        return KERNELS["onednn"] if onednn.pays(device) else SDPA
    kernel = KERNELS.get(name)
    if kernel is None:
        known = ", ".join(("auto", *KERNELS))
        raise UsageError("kernel-unknown", f"there is no attention kernel {name!r}", f"one of: {known}")
    if kernel != SDPA:
        _check(kernel, device, dtype, head_size)
    return kernel


@torch.inference_mode()
def _quickest(device: torch.device, dtype: torch.dtype, head_size: int) -> AttentionKernel:
    """Torch's own choice, unless another one is there, agrees with it and takes less time."""
    inputs = _random(device, dtype, head_size)
    expected = SDPA(*inputs)
    best, least = SDPA, _seconds(SDPA, inputs, device)
    for kernel in (KERNELS[name] for name in TRIED_ON_CUDA):
        try:
            with _installed(kernel):
                same = torch.allclose(kernel(*inputs).float(), expected.float(), atol=TOLERANCE)
                taken = _seconds(kernel, inputs, device)
        except (RuntimeError, ImportError, ValueError, AttributeError):
            continue  # it is not installed, or not for this card
        if same and taken < least:
            best, least = kernel, taken
    if best.package:
        _install(best.package)
    return best


@torch.inference_mode()
def _check(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype, head_size: int) -> None:
    """Run a kernel that somebody asked for, and keep what it installed."""
    inputs = _random(device, dtype, head_size)
    try:
        if kernel.package:
            _install(kernel.package)
        found = kernel(*inputs)
    except (RuntimeError, ImportError, ValueError, AttributeError) as error:
        message = f"the attention kernel {kernel.name!r} does not run on {device.type} here: {first_line(error)}"
        raise UsageError("kernel-unusable", message, "--attention auto") from error
    if not torch.allclose(found.float(), SDPA(*inputs).float(), atol=TOLERANCE):
        message = f"the attention kernel {kernel.name!r} gives wrong results on this {device.type} device"
        raise UsageError("kernel-unusable", message, "--attention auto")


@contextmanager
def _installed(kernel: AttentionKernel) -> Iterator[None]:
    """A kernel's package in the place of torch's FlashAttention, for a while."""
    if kernel.package is None:
        yield
        return
    _install(kernel.package)
    try:
        yield
    finally:
        nn.attention.restore_flash_attention_impl()


def _install(package: str) -> None:
    """Put a package in the place of torch's FlashAttention; ImportError or AttributeError where that is impossible."""
    nn.attention.activate_flash_attention_impl(package)


def _random(device: torch.device, dtype: torch.dtype, head_size: int) -> tuple[Tensor, Tensor, Tensor]:
    batch, tokens, heads = TRIAL
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(batch, tokens, heads, head_size, generator=generator) for _ in range(3))
    return query.to(device, dtype), key.to(device, dtype), value.to(device, dtype)


def _seconds(kernel: AttentionKernel, inputs: tuple[Tensor, Tensor, Tensor], device: torch.device) -> float:
    """The shortest of a few runs on a card."""
    times = []
    for _ in range(RUNS):
        torch.cuda.synchronize(device)
        started = time.perf_counter()
        kernel(*inputs)
        torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times)
