"""What sets two presets apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """A key that two presets set differently; None: not at all."""

    key: str
    first: Any
    second: Any


def differences(first: Mapping[str, Any], second: Mapping[str, Any], prefix: str = "") -> list[Difference]:
    """Every difference between two mappings, those within mappings by `outer.inner`."""
    found: list[Difference] = []
    for key in dict.fromkeys([*first, *second]):
        a, b = first.get(key), second.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(Difference(f"{prefix}{key}", a, b))
    return found
