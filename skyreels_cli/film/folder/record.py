"""What a finished film says about itself: its `comment` tag and the sidecar `<file>.json`."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from skyreels_cli import __version__
from skyreels_cli.errors import UsageError
from skyreels_cli.film.events import FilmDone
from skyreels_cli.hub.weights import WeightsSpec
from skyreels_cli.plan.dry_run import plan_data
from skyreels_cli.plan.plan import Plan
from skyreels_cli.recipe.inputs import described_inputs, portable
from skyreels_cli.recipe.rerolls import shown
from skyreels_cli.recipe.schema import Recipe, with_later_fields

_LIBRARIES = ("torch", "diffusers", "transformers")


class FilmRecord:
    """Recipe, model identity and versions; the weights are hashed in the background while the film begins."""

    def __init__(self, recipe: Recipe, plan: Plan, weights: WeightsSpec) -> None:
        self._recipe = recipe
        self._plan = plan
        pool = ThreadPoolExecutor(max_workers=1)
        self._model = pool.submit(weights.identity)
        self._inputs = pool.submit(described_inputs, self._said())
        self._begun_with: Mapping[str, Any] = {}
        pool.shutdown(wait=False)

    def identity(self) -> dict[str, Any]:
        """What a film can be made again from, with nothing in it that tells of this machine."""
        return {
            "skyreels": 1,
            "version": __version__,
            "recipe": portable(self._said()),
            "model": portable(self._model.result()),
            "inputs": {**self._begun_with, **self._inputs.result()},
            "libraries": {name: version(name) for name in _LIBRARIES},
        }

    def manifest(self, folder: Path) -> dict[str, Any]:
        """The same for the work folder, with where everything lies and how many windows there are (None: endless)."""
        where = {"folder": str(folder.absolute()), "windows": self._plan.count}
        return {**self.identity(), "recipe": self._said(), **where}

    def ended(self, recipe: Recipe, plan: Plan) -> None:
        """From now on speak of the finite film that an endless one has become."""
        self._recipe, self._plan = recipe, plan

    def comment(self) -> str:
        """One line of JSON for the container's `comment` tag."""
        return json.dumps(self.identity(), ensure_ascii=False, separators=(",", ":"))

    def sidecar(self, done: FilmDone, looks: Sequence[Mapping[str, float]]) -> dict[str, Any]:
        """Content of `<output>.json`: identity, plan, what the run was like and how each window looks."""
        result = portable({key: value for key, value in asdict(done).items() if key != "recipe"})
        result["finished_at"] = round(time.time())
        machine = {"platform": platform.platform(), "python": platform.python_version()}
        return {**self.identity(), "plan": plan_data(self._plan), "result": result, "looks": looks, "machine": machine}

    def differences(self, manifest: Mapping[str, Any] | None) -> list[str]:
        """What sets the film of a work folder apart from this one: `recipe.seed 1 → 2`.

        An input that is no longer there is taken to be the one that the film was begun with: not every film that goes
        on needs it again.
        """
        if not manifest:
            return []
        now = self.identity()
        before = {name: portable(manifest.get(name)) for name in now}
        before["recipe"] = with_later_fields(before["recipe"] or {})
        begun_with = before["inputs"] or {}
        if before["inputs"] is None:  # begun by a version that did not note them
            del before["inputs"], now["inputs"]
        else:
            now["inputs"] = {**begun_with, **now["inputs"]}
        changes = list(_differences(before, now))
        if not changes:
            self._begun_with = begun_with
        return changes

    def _said(self) -> dict[str, Any]:
        return self._recipe.model_dump(mode="json", by_alias=True)


def film_changed(changes: Sequence[str]) -> UsageError:
    """The error for a work folder that holds another film; of what is different the prompt tells most."""
    telling = sorted(changes, key=lambda change: not change.startswith("recipe.prompt "))
    return UsageError(
        "film-changed",
        f"an unfinished film lies there, and it is another one: {'; '.join(telling[:3])}",
        "go on with it by `skyreels resume`, start again with --overwrite, or choose another -o",
    )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """`recipe.seed 1 → 2` for every value that is not the same."""
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{path}{key}.")
        elif old != new:
            yield f"{path}{key} {shown(key, old)} → {shown(key, new)}"
