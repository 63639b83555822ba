"""The attention kernel of a device, chosen and tried on a few tokens before any weight is loaded.

All of them compute exact attention: films differ by rounding. Those of torch's `scaled_dot_product_attention` come with
it; FlashAttention 3 and 4 are packages that torch (2.11 and newer) puts in its own kernel's place; oneDNN's is ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from skyreels_cli.errors import UsageError, first_line
from skyreels_cli.model import onednn
from skyreels_cli.plan.speed import SpeedBook


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
KERNEL_PACKAGES = ("flash_attn", "flash_attn_interface")
TRIED_ON_CUDA = ("flash4", "flash3", "cudnn")
"""What `auto` tries beside torch's own choice, which is FlashAttention 2: at half the rate on a Hopper."""

TRIAL = (1, 2048, 4)
"""Batch, tokens and heads of a trial of equality: 0.1 s on a CPU."""
RACE = (1, 16384, 8)
"""Of a comparison of speeds: 3 ms a run on an H100, where a trial would measure how long a kernel takes to begin."""
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


def _quickest(device: torch.device, dtype: torch.dtype, head_size: int) -> AttentionKernel:
    """The kernel that won on this machine before, if it still runs and agrees, else the one that wins now."""
    book, race = SpeedBook(_name(device)), f"{dtype} heads of {head_size} {_packages()}"
    if known := KERNELS.get(book.kernel(race) or ""):
        with suppress(UsageError):
            _check(known, device, dtype, head_size)
            return known
    best = _winner(device, dtype, head_size)
    if best.package:
        _install(best.package)
    book.keep_kernel(race, best.name)
    return best


@torch.inference_mode()
def _winner(device: torch.device, dtype: torch.dtype, head_size: int) -> AttentionKernel:
    """Torch's own choice, unless another one is there, agrees with it and takes less time."""
    inputs, larger = _random(device, dtype, head_size), _random(device, dtype, head_size, RACE)
    expected = SDPA(*inputs)
    best, least = SDPA, _seconds(SDPA, larger, device)
    for kernel in (KERNELS[name] for name in TRIED_ON_CUDA):
        try:
            with _installed(kernel):
                same = torch.allclose(kernel(*inputs).float(), expected.float(), atol=TOLERANCE)
                taken = _seconds(kernel, larger, device)
        except (RuntimeError, ImportError, ValueError, AttributeError):
            continue  # it is not installed, or not for this card
        if same and taken < least:
            best, least = kernel, taken
    return best


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _packages() -> str:
    """Which packages with kernels are here: another one makes it another race."""
    return " ".join(name for name in KERNEL_PACKAGES if find_spec(name))


@torch.inference_mode()
def _check(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype, head_size: int) -> None:
    """Run a kernel that somebody asked for or that won before, and keep what it installed."""
    inputs = _random(device, dtype, head_size)
    expected = SDPA(*inputs)  # before a package may be what torch chooses
    try:
        if kernel.package:
            _install(kernel.package)
        found = kernel(*inputs)
    except (RuntimeError, ImportError, ValueError, AttributeError) as error:
        message = f"the attention kernel {kernel.name!r} does not run on {device.type} here: {first_line(error)}"
        raise UsageError("kernel-unusable", message, "--attention auto") from error
    if not torch.allclose(found.float(), expected.float(), atol=TOLERANCE):
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


def _random(
    device: torch.device, dtype: torch.dtype, head_size: int, size: tuple[int, int, int] = TRIAL
) -> tuple[Tensor, Tensor, Tensor]:
    batch, tokens, heads = size
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
