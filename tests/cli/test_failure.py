from __future__ import annotations

import pytest

from skyreels_cli.cli.failure import as_failure
from skyreels_cli.errors import PluginError, RetryableError, UsageError


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (UsageError("bad-value", "no"), "bad-value", 2),
        (RetryableError("network", "no"), "network", 3),
        (PluginError("plugin-not-found", "no"), "plugin-not-found", 5),
        (MemoryError(), "out-of-memory", 4),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory."), "out-of-memory", 4),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate"),
            "out-of-memory",
            4,
        ),
        (KeyboardInterrupt(), "interrupted", 130),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "internal", 1),
        (OSError("bad sector"), "internal", 1),
    ],
)
def test_every_exception_has_a_code_and_an_exit_code(error: BaseException, code: str, exit_code: int) -> None:
    failure = as_failure(error)
    assert (failure.code, failure.exit_code) == (code, exit_code)


def test_only_the_first_line_of_a_librarys_message() -> None:
    failure = as_failure(RuntimeError("CUDA error: an illegal memory access\nCompile with TORCH_USE_CUDA_DSA"))
    assert failure.message == "internal error: RuntimeError: CUDA error: an illegal memory access"
    assert "--debug" in (failure.hint or "")
