"""Which Qwen2.5-Instruct suits the free memory; decided before anything is downloaded or loaded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from skyreels_cli.errors import OutOfMemoryError

WeightStorage = Literal["full", "8bit", "4bit"]

# Gigabytes per billion parameters: bfloat16; bitsandbytes' LLM.int8 and NF4 with their unquantised embeddings.
GIGABYTES_PER_BILLION: Final[dict[WeightStorage, float]] = {"full": 2.0, "8bit": 1.15, "4bit": 0.7}
WORKSPACE_GB: Final = 1.5
"""Activations and the keys and values of some thousand tokens."""
CPU_BILLIONS: Final = 3.1
"""On a CPU larger ones take minutes for a paragraph."""


@dataclass(frozen=True)
class Size:
    """One of the published sizes."""

    repo: str
    billions: float

    def gigabytes(self, storage: WeightStorage) -> float:
        """Memory that it takes with weights stored so."""
        return self.billions * GIGABYTES_PER_BILLION[storage] + WORKSPACE_GB


SIZES: Final = tuple(
    Size(f"Qwen/Qwen2.5-{name}-Instruct", billions)
    for name, billions in (("32B", 32.8), ("14B", 14.8), ("7B", 7.6), ("3B", 3.1), ("1.5B", 1.5))
)
"""From the reference's own to the smallest that keeps to the instruction; parameters as their cards give them."""


def choose_size(
    free_gigabytes: float, storages: Collection[WeightStorage], *, on_cpu: bool, cached: Collection[str] = ()
) -> tuple[Size, WeightStorage]:
    """The largest size that fits, in the best storage in which it does; one that is here before one that is not.

    Raises OutOfMemoryError with what the smallest would need.
    """
    sizes = [size for size in SIZES if not on_cpu or size.billions <= CPU_BILLIONS]
    fitting = [
        (size, storage)
        for size in sizes
        for storage in GIGABYTES_PER_BILLION
        if storage in storages and size.gigabytes(storage) <= free_gigabytes
    ]
    here = [(size, storage) for size, storage in fitting if size.repo in cached]
    for found in here or fitting:
        return found
    least = SIZES[-1].gigabytes("full")
    message = f"{free_gigabytes:.1f} GB are free, and the smallest Qwen2.5-Instruct takes {least:.1f} GB"
    raise OutOfMemoryError("enhancer-memory", message, "--provider rules")


def cached_sizes() -> list[str]:
    """Repositories of ours whose configuration lies in Hugging Face's cache."""
    from huggingface_hub import try_to_load_from_cache

    return [size.repo for size in SIZES if isinstance(try_to_load_from_cache(size.repo, "config.json"), str)]
