"""Command lines run in this process, with a film engine that only says that it rendered."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from types import ModuleType
from typing import Any

import pytest

from skyreels_cli.cli.main import main
from skyreels_cli.film.events import (
    Event,
    FilmDone,
    FramesReady,
    StageStarted,
    StepDone,
    WindowDone,
    WindowStarted,
)
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.plan import Plan
from skyreels_cli.recipe.rate import rate_number
from skyreels_cli.recipe.schema import Recipe

MODEL = Path(__file__).parents[1] / "golden" / "model"
PEAK = 8_100_000_000


@dataclass(frozen=True)
class Ran:
    """What a command line left behind."""

    status: int
    out: str
    err: str

    @property
    def envelope(self) -> Any:
        """The last line of stdout, which must be the only one but for events."""
        return json.loads(self.out.splitlines()[-1])


@dataclass
class FakeFilm:
    """Stands in for the engine: one step per window and no pixel; `fails_with` is raised after a step.

    `presses` says how often Ctrl-C is pressed in the step of which window.
    """

    fails_with: BaseException | None = None
    presses: dict[int, int] = field(default_factory=dict)
    closed: bool = False
    recipes: list[Recipe] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    renderings: list[Rendering] = field(default_factory=list)

    def render(self, rendering: Rendering, *, ending: Flag) -> Generator[Event, None, None]:
        recipe, plan, output = rendering.recipe, rendering.plan, rendering.output
        self.recipes.append(recipe)
        self.renderings.append(rendering)
        self.placements.append(rendering.placement)
        try:
            yield StageStarted("loading transformer")
            for window in plan.all_windows():
                yield WindowStarted(
                    window.number,
                    plan.count,
                    window.rows,
                    window.first_frame,
                    window.new_frames,
                    recipe.prompt,
                )
                for _ in range(self.presses.get(window.index, 0)):
                    signal.raise_signal(signal.SIGINT)
                yield StepDone(window.number, 0, window.rows, 1.5, PEAK, (0.5,))
                if self.fails_with is not None:
                    raise self.fails_with
                yield FramesReady(window.number, window.first_frame + window.new_frames, plan.num_frames)
                yield WindowDone(window.number, 2.0, PEAK)
                if plan.endless and ending.is_set():
                    plan = plan.ended_after(window.index + 1)
                    break
            output.write_bytes(b"film")
            yield self.done(recipe, plan, rendering.facts, output)
        finally:
            self.closed = True

    def done(self, recipe: Recipe, plan: Plan, facts: ModelFacts, output: Path) -> FilmDone:
        return FilmDone(
            output=str(output),
            frames=plan.num_frames or 0,
            fps=rate_number(plan.fps),
            width=plan.width,
            height=plan.height,
            duration_s=float((plan.num_frames or 0) / plan.fps),
            seed=recipe.seed,
            windows=len(plan.windows),
            steps=plan.total_rows or 0,
            model=facts.name,
            elapsed_s=83.0,
            peak_memory_bytes=PEAK,
            recipe=recipe.model_dump(mode="json", by_alias=True),
        )


@pytest.fixture
def film(monkeypatch: pytest.MonkeyPatch) -> FakeFilm:
    """The engine that commands of this test get."""
    fake = FakeFilm()
    module = ModuleType("skyreels_cli.film.render")
    module.render = fake.render  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return fake


@pytest.fixture
def run(
    film: FakeFilm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Run `skyreels …` in an empty folder, where every film lands."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run_line(*args: str) -> Ran:
        status = main(args)
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return run_line


@pytest.fixture
def generate(run: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run `skyreels generate …` with a model and a size that it can plan for."""

    def run_line(*args: str, size: Sequence[str] = ("--resolution", "80x48")) -> Ran:
        return run("generate", "--model", str(MODEL), *size, *args)

    return run_line
