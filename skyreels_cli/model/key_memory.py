"""The former place of `KVCache`, which plugins of API 1 may import as `KeyMemory`; importing it from here warns."""

from __future__ import annotations

import warnings
from typing import Any

from skyreels_cli.model.kv_cache import KVCache


def __getattr__(name: str) -> Any:
    """`KeyMemory`, which a cache made and gave to `Pass.run(memory=…)`; `keep_keys=True` does without it."""
    if name != "KeyMemory":
        raise AttributeError(name)
    message = "skyreels_cli.model.key_memory.KeyMemory goes: Pass.run(keep_keys=True) keeps keys and values itself"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return KVCache
