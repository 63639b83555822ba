"""What a config.json must be before anything is built or planned by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyreels_cli.errors import UsageError

SIZES = {
    "num_layers": 1_000, "num_hidden_layers": 1_000, "num_attention_heads": 1_000, "attention_head_dim": 10_000,
    "in_channels": 10_000, "out_channels": 10_000, "ffn_dim": 1_000_000, "text_dim": 100_000, "freq_dim": 100_000,
    "rope_max_seq_len": 65_536, "base_dim": 10_000, "z_dim": 10_000, "num_res_blocks": 100, "d_model": 100_000,
    "d_kv": 10_000, "d_ff": 1_000_000, "num_heads": 1_000, "vocab_size": 10_000_000, "hidden_size": 100_000,
    "intermediate_size": 1_000_000, "image_size": 10_000, "projection_dim": 100_000,
    "scale_factor_spatial": 1_000, "scale_factor_temporal": 1_000,
}  # fmt: skip
"""Whole numbers, and far above what any model has: a table or a list as long as one of them is made at once."""


def require_possible(path: str, config: Mapping[str, Any]) -> None:
    """Raise UsageError `model-broken` for a size that is no whole number, or that no model has."""
    for name, most in SIZES.items():
        value = config.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise _impossible(path, name, value)
    patch = config.get("patch_size")
    if isinstance(patch, list) and not (len(patch) == 3 and all(isinstance(n, int) and 1 <= n <= 100 for n in patch)):
        raise _impossible(path, "patch_size", patch)


def _impossible(path: str, name: str, value: object) -> UsageError:
    message = f"{path}: {name} {value!r:.60} is not possible"
    return UsageError("model-broken", message, "take the config.json of the same repository")
