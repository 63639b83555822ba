"""Small films of the golden model, rendered in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from skyreels_cli.film.events import Event
from skyreels_cli.film.placement import Placement
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.media.reader import read_frames
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL: dict[str, Any] = {
    "prompt": "a red ball",
    "resolution": "64x48",
    "num_frames": 21,
    "base_num_frames": 13,
    "overlap_history": 5,
    "seed": 7,
    "inference_steps": 3,
    "guidance_scale": 1.0,
    "dtype": "float32",
    "codec": "ffv1",
}

Film = Callable[..., Iterator[Event]]


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Events of a film `film.mkv` in the test's folder; `working` goes to the rendering, the rest to the recipe."""

    def start(output: Path | None = None, working: Any = None, ending: Any = None, **changes: Any) -> Iterator[Event]:
        from skyreels_cli.film.render import render
        from skyreels_cli.film.rendering import Rendering

        facts = open_folder(GOLDEN / "model", "golden")
        recipe = complete(Draft.model_validate({**SMALL, **changes}), facts)
        rendering = Rendering(
            recipe=recipe,
            facts=facts,
            plan=make_plan(recipe, facts),
            output=output or tmp_path / "film.mkv",
            **{"placement": Placement(device="cpu"), **(working or {})},
        )
        return render(rendering, ending=ending)

    return start


@pytest.fixture
def frames_of() -> Callable[[Path], npt.NDArray[np.uint8]]:
    """All frames of a file, (n, h, w, 3)."""
    return lambda path: np.stack(list(read_frames(path)))


@pytest.fixture
def samplers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The samplers of the windows that a test renders; `noise` is what each began with, `latents` what it made."""
    from skyreels_cli.film.windows import denoising as module

    made: list[Any] = []

    class Watched(module.WindowSampler):
        def __init__(self, window: Any, latents: Any, *args: Any) -> None:
            super().__init__(window, latents, *args)
            self.noise = latents.clone()
            made.append(self)

    monkeypatch.setattr(module, "WindowSampler", Watched)
    return made
