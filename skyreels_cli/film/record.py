"""What a finished film says about itself: its `comment` tag and the sidecar `<file>.json`."""

from __future__ import annotations

import json
import platform
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from skyreels_cli import __version__
from skyreels_cli.film.events import FilmDone
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.identity import weight_hashes
from skyreels_cli.plan.dry_run import plan_data
from skyreels_cli.plan.plan import Plan
from skyreels_cli.recipe.schema import Recipe

_LIBRARIES = ("torch", "diffusers", "transformers")


class FilmRecord:
    """Recipe, model identity and versions; the weights are hashed in the background while the film begins."""

    def __init__(self, recipe: Recipe, plan: Plan, facts: ModelFacts) -> None:
        self._recipe = recipe
        self._plan = plan
        self._facts = facts
        pool = ThreadPoolExecutor(max_workers=1)
        self._hashes = pool.submit(weight_hashes, facts)
        pool.shutdown(wait=False)

    def identity(self) -> dict[str, Any]:
        """What a film can be made again from."""
        return {
            "skyreels": 1,
            "version": __version__,
            "recipe": self._recipe.model_dump(mode="json", by_alias=True),
            "model": {"name": self._facts.name, "family": self._facts.family, "sha256": self._hashes.result()},
            "libraries": {name: version(name) for name in _LIBRARIES},
        }

    def comment(self) -> str:
        """One line of JSON for the container's `comment` tag."""
        return json.dumps(self.identity(), ensure_ascii=False, separators=(",", ":"))

    def write_sidecar(self, output: Path, done: FilmDone) -> None:
        """Write `<output>.json`: identity, plan, and what the run was like."""
        result = {k: v for k, v in asdict(done).items() if k != "recipe"}
        record = {
            **self.identity(),
            "plan": plan_data(self._plan),
            "result": result,
            "machine": {"platform": platform.platform(), "python": platform.python_version()},
        }
        sidecar = output.with_name(output.name + ".json")
        partial = sidecar.with_name(f".{sidecar.name}.partial")
        partial.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        partial.replace(sidecar)
