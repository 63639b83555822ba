"""diffusers' caches on a stack of stand-ins for the layers.

Ranks decide alike: two of the caches go by the row alone, of the third the ranks are asked.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from diffusers.hooks import FirstBlockCacheConfig, HookRegistry, MagCacheConfig, TaylorSeerCacheConfig
from diffusers.hooks._helpers import TransformerBlockMetadata, TransformerBlockRegistry
from torch import Tensor

from skyreels_cli.errors import PluginError
from skyreels_cli.plugins.protocols import CacheSetting, Pass
from skyreels_stepcache.plugin import FirstBlockOptions, MagCacheOptions, TaylorSeerOptions
from skyreels_stepcache.stack import Layer, Stack


class Hooked:
    """A `Cache` for one window: one of diffusers'. Its state is out of reach, so it is not saved."""

    def __init__(self, setting: CacheSetting, config: Any) -> None:
        TransformerBlockRegistry.register(Layer, TransformerBlockMetadata(return_hidden_states_index=0))
        self.stack = cast("Any", Stack(setting.layers))  # its mixin has no types
        if config is not None:
            self.stack.enable_cache(config)

    def run(self, x: Tensor, call: Pass) -> Tensor:
        """Run the stack, whose layers diffusers' hooks may skip."""
        with self.stack.cache_context(call.branch):
            after: Tensor = self.stack(x, call)
            return after

    def state_dict(self) -> dict[str, Any]:
        """Nothing: an interrupted window begins again."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to take up."""

    def close(self) -> dict[str, Any]:
        """Nothing to tell."""
        return {}


class FirstBlock(Hooked):
    """FirstBlockCache: the residual of the first layer tells whether the others are needed.

    diffusers asks only this rank's tokens; here what one rank must compute all do.
    """

    def __init__(self, setting: CacheSetting, options: FirstBlockOptions) -> None:
        super().__init__(setting, FirstBlockCacheConfig(options.threshold) if options.threshold else None)
        if options.threshold:
            registry = HookRegistry.check_if_exists_or_initialize(self.stack.blocks[0])
            hook = registry.get_hook("fbc_leader_block_hook")
            self._must_compute = hook._should_compute_remaining_blocks  # noqa: SLF001
            hook._should_compute_remaining_blocks = self._any_must_compute  # noqa: SLF001

    def run(self, x: Tensor, call: Pass) -> Tensor:
        """Run the stack with the ranks' agreement at hand."""
        self._agree = call.agree
        return super().run(x, call)

    def _any_must_compute(self, residual: Tensor) -> bool:
        return self._agree(float(self._must_compute(residual))) > 0


class MagCache(Hooked):
    """MagCache (Ma et al. 2025): ratios of successive residuals, measured once for a model, tell what to skip."""

    def __init__(self, setting: CacheSetting, options: MagCacheOptions) -> None:
        if not (options.calibrate or options.ratios):
            message = "magcache needs the ratios of this model and schedule, which a calibrating run measures"
            raise PluginError("magcache-uncalibrated", message, "-O magcache.calibrate=true")
        # At the end of a calibration diffusers prints; one row more than there are keeps it silent.
        config = MagCacheConfig(
            threshold=options.threshold,
            max_skip_steps=options.max_skips,
            retention_ratio=options.retention,
            num_inference_steps=setting.rows + options.calibrate,
            mag_ratios=list(options.ratios) or None,
            calibrate=options.calibrate,
        )
        self._calibrates = options.calibrate
        super().__init__(setting, config if options.threshold or options.calibrate else None)

    def close(self) -> dict[str, Any]:
        """Tell the ratios that a calibration measured, those of the prompt's branch."""
        if not self._calibrates:
            return {}
        registry = HookRegistry.check_if_exists_or_initialize(self.stack.blocks[0])
        states = registry.get_hook("mag_cache_leader_block_hook").state_manager._state_cache  # noqa: SLF001
        ratios = states["cond"].calibration_ratios if "cond" in states else []
        return {"ratios": [round(float(ratio), 5) for ratio in ratios]}


class TaylorSeer(Hooked):
    """TaylorSeer (Liu et al. 2025): what leaves the last layer is expanded in the row; in between no layer runs.

    diffusers' own patterns match no layer of this model, and its lite mode counts a step per slice of the output
    projection; so the last layer is named here.
    """

    def __init__(self, setting: CacheSetting, options: TaylorSeerOptions) -> None:
        last = setting.layers - 1
        config = TaylorSeerCacheConfig(
            cache_interval=options.interval,
            disable_cache_before_step=options.warmup,
            max_order=options.order,
            taylor_factors_dtype=torch.float32,
            skip_predict_identifiers=[rf"blocks\.{index}" for index in range(last)],
            cache_identifiers=[rf"blocks\.{last}"],
        )
        super().__init__(setting, config if options.interval > 1 else None)
