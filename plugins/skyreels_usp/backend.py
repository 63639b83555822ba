"""Attention by xfuser's USP (Fang & Zhao 2024), in the grid of branches × shares of `skyreels_parallel`.

Of xfuser (0.7) its process groups and its attention are used; it has no SkyReels model, and needs none: to it the
layers are those of a pipeline of which it is told the number of heads.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from skyreels_parallel.backend import BranchesAndTokens
from skyreels_parallel.grid import Grid

from skyreels_cli.errors import PluginError, UsageError
from skyreels_cli.plugins.protocols import Kernel, Load
from skyreels_usp.plugin import UspOptions

if TYPE_CHECKING:
    from torch import Tensor


class Usp(BranchesAndTokens):
    """A `Parallel` by xfuser's USP; the shares are equal, for its all-to-all and its ring know no others."""

    name = "usp"

    def __init__(self, options: UspOptions) -> None:
        super().__init__(options)
        self._ring = options.ring

    def grid(self, load: Load, ranks: int) -> Grid:
        """As usual for the two branches that xfuser knows; of more each rank computes all."""
        return super().grid(load if load.branches == 2 else replace(load, branches=1), ranks)

    def split(self, load: Load, ranks: int) -> str:
        """The grid in words, with Ulysses' and the ring's part; UsageError `usp-plain` for causal attention."""
        if load.causal:
            message = "usp attends between all tokens, and causal attention is asked for"
            raise UsageError("usp-plain", message, "--parallel context, or leave out --causal-attention")
        shares = self.grid(load, ranks).shares
        return f"{super().split(load, ranks)}, {shares // self._ring} by Ulysses × {self._ring} in a ring"

    def divides(self, grid: Grid, load: Load) -> bool:
        """Whether the tokens can be cut into equal shares, and the heads by Ulysses' factor of them."""
        ulysses, rest = divmod(grid.shares, self._ring)
        return not rest and load.tokens_per_frame % grid.shares == 0 and replace(grid, shares=ulysses).suits(load)

    def start(self, load: Load) -> None:
        """Have xfuser make its groups; PluginError if it cannot attend across ranks."""
        import torch
        import torch.distributed as dist
        from skyreels_parallel.shares import Shares

        distributed, self._usp = _xfuser()
        self._grid = self.grid(load, dist.get_world_size())
        self._branch, _ = self._grid.place(dist.get_rank())
        ulysses, cuda = self._grid.shares // self._ring, torch.cuda.is_available()
        backend = "nccl" if cuda else "gloo"
        device = torch.cuda.current_device() if cuda else dist.get_rank()
        distributed.init_distributed_environment(
            rank=dist.get_rank(), world_size=dist.get_world_size(), local_rank=device, backend=backend
        )
        distributed.initialize_model_parallel(
            classifier_free_guidance_degree=self._grid.branches,
            sequence_parallel_degree=self._grid.shares,
            ulysses_degree=ulysses,
            ring_degree=self._ring,
            backend=backend,
        )
        self._tell_of_model(distributed, load)
        if distributed.get_ulysses_parallel_world_size() != ulysses:
            message = "xfuser would attend to each rank's own tokens only: its long-context attention is not installed"
            raise PluginError("usp-alone", message, "pip install yunchang flash-attn")
        self._branch_group = distributed.get_cfg_group().device_group
        self._shares = Shares(distributed.get_sp_group().device_group, load.tokens_per_frame)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, frames: int, kernel: Kernel, plain: bool) -> Tensor:
        """USP of tensors that are `(b, n, h, d)` here and `(b, h, n, d)` there; UsageError if not all tokens run."""
        if not plain:
            message = "usp attends between all tokens of a pass, and this cache runs some of them"
            raise UsageError("usp-plain", message, "--parallel context, or another --cache")
        attended: Tensor = self._usp(*(x.transpose(1, 2) for x in (query, key, value)))
        return attended.transpose(1, 2)

    def _tell_of_model(self, distributed: Any, load: Load) -> None:
        """USP asks xfuser's runtime state which kernel to take, and that asks for a pipeline."""
        from xfuser.config import xFuserArgs

        arguments = xFuserArgs(
            ulysses_degree=self._grid.shares // self._ring,
            ring_degree=self._ring,
            use_cfg_parallel=self._grid.branches > 1,
        )
        config = SimpleNamespace(num_attention_heads=load.heads)
        pipeline = SimpleNamespace(transformer=SimpleNamespace(config=config))
        distributed.initialize_runtime_state(pipeline, arguments.create_config()[0])


def _xfuser() -> tuple[Any, Any]:
    """Its distributed module and its attention; `extra-missing` if it is not there, or not for this machine."""
    try:
        from xfuser.core import distributed
        from xfuser.model_executor.layers.usp import USP
    except (ImportError, NotImplementedError) as missing:  # the latter is what it says of a machine without GPU
        message = f"usp needs xfuser and a GPU that it knows: {missing or type(missing).__name__}"
        raise PluginError("extra-missing", message, "pip install 'skyreels-cli[usp]'") from missing
    return distributed, USP
