"""Our memory figures beside those that the authors of SkyReels-V2 state for their own code."""

from __future__ import annotations

from typing import Any

from skyreels_cli.hub.entry import Release
from skyreels_cli.hub.shapes import release_facts
from skyreels_cli.plan.advice import plan_of

FLOAT32 = 4


def reference_peak(release: Release) -> dict[str, Any] | None:
    """Stated peak at 540P with offloading, ours in bytes, and why they differ; None where nothing is stated.

    The reference expands modulation, six vectors for each latent frame, to every token in float32, and adds the layer's
    own to a second copy: 2·6·n·d·4 bytes that are not there here. Its VAE stays on the device.
    """
    if release.reference_peak_bytes is None:
        return None
    facts = release_facts(release)
    plan, _ = plan_of(facts, release.native)
    ours = {name: plan.estimates[f"memory{name}"].value for name in ("", "_offload_model", "_offload_stream")}
    tokens = max(window.forward_latents for window in plan.windows) * plan.tokens_per_frame
    config = facts.transformer.config
    width = config["num_attention_heads"] * config["attention_head_dim"]
    modulation = 2 * 6 * tokens * width * FLOAT32
    comparison = (
        f"{ours['_offload_model'] / 1e9:.1f} GB with --offload model, {ours['_offload_stream'] / 1e9:.1f} GB with "
        f"--offload stream; the reference states {release.reference_peak_bytes / 1e9:.1f} GB, of which "
        f"{modulation / 1e9:.1f} GB are modulation for each token, which is for each latent frame here"
    )
    return {
        "stated_bytes": release.reference_peak_bytes,
        "ours_bytes": {name.strip("_") or "offload_none": value for name, value in ours.items()},
        "modulation_bytes": modulation,
        "comparison": comparison,
    }
