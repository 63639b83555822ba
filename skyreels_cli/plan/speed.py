"""How fast this machine makes films of a shape, remembered from films that it made and from calibrations."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from skyreels_cli import __version__
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.paths import folders
from skyreels_cli.plan.compute import Speed, TransformerShape, tokens_per_frame, vae_dim
from skyreels_cli.plan.plan import Plan
from skyreels_cli.recipe.schema import Recipe

# What torch and oneDNN may use of the CPU: masking it changes rates, and the quickest dtype.
CPU_VARIABLES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True)
class FilmShape:
    """The sizes of a film's largest window that decide how fast it is computed; `tokens` are one forward pass's."""

    dim: int
    heads: int
    ffn_dim: int
    tokens: int
    vae_dim: int
    width: int
    height: int

    @classmethod
    def of(cls, recipe: Recipe, facts: ModelFacts, plan: Plan) -> FilmShape:
        """The shape of a planned film."""
        transformer = TransformerShape.of(facts)
        latents = plan.windows.largest(lambda window: window.forward_latents)
        return cls(
            dim=transformer.dim,
            heads=int(facts.transformer.config["num_attention_heads"]),
            ffn_dim=transformer.ffn_dim,
            tokens=latents * tokens_per_frame(recipe, facts),
            vae_dim=vae_dim(facts),
            width=recipe.width,
            height=recipe.height,
        )


@dataclass(frozen=True)
class SpeedBook:
    """The file `speed.json` in the cache folder; the fields are the placement's.

    It is a cache: one that is missing, damaged or cannot be written counts as empty.
    """

    device: str
    gpus: int = 1
    offload: str = "none"
    attention: str = "auto"
    compile: bool = False

    def dtype(self) -> tuple[str, str] | None:
        """The dtype that suits this device and why; None if nobody has looked."""
        known = self._entries().get("dtype")
        return (known["name"], known["why"]) if known else None

    def keep_dtype(self, name: str, why: str) -> None:
        """Remember the dtype that suits this device."""
        self._keep("dtype", {"name": name, "why": why})

    def speed(self, shape: FilmShape, dtype: str) -> Speed | None:
        """What was measured for films of this shape; None if nothing was."""
        known = self._entries().get(self._name(shape, dtype))
        return Speed(known["transformer"], known["vae"], known["basis"]) if known else None

    def keep_speed(self, shape: FilmShape, dtype: str, speed: Speed) -> None:
        """Remember the latest measurement."""
        self._keep(self._name(shape, dtype), asdict(speed))

    def kernel(self, race: str) -> str | None:
        """The attention kernel that was the quickest in a comparison; None if there was none."""
        known = self._entries().get(f"kernel {race}")
        return str(known["name"]) if known else None

    def keep_kernel(self, race: str, name: str) -> None:
        """Remember which one it was."""
        self._keep(f"kernel {race}", {"name": name})

    @property
    def _file(self) -> Path:
        return folders().cache / "speed.json"

    @property
    def _machine(self) -> str:
        """All that may change between two runs and make the figures untrue."""
        variables = (f"{name}={os.environ[name]}" for name in CPU_VARIABLES if name in os.environ)
        programs = f"skyreels {__version__}", f"torch {version('torch')}"
        return " ".join([platform.node(), f"{os.cpu_count()} cores", *programs, self.device, *variables])

    def _name(self, shape: FilmShape, dtype: str) -> str:
        place = [f"{self.gpus} GPUs", f"offload {self.offload}", f"attention {self.attention}"]
        place += ["compiled"] if self.compile else []
        return " ".join([dtype, *place, *(f"{name}={value}" for name, value in asdict(shape).items())])

    def _all(self) -> dict[str, Any]:
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _entries(self) -> Mapping[str, Any]:
        entries = self._all().get(self._machine)
        return entries if isinstance(entries, dict) else {}

    def _keep(self, name: str, value: Mapping[str, Any]) -> None:
        content = self._all()
        content[self._machine] = {**self._entries(), name: value}
        partial = self._file.with_suffix(f".{uuid4().hex[:8]}.partial")
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
            partial.replace(self._file)
        except OSError:
            return
