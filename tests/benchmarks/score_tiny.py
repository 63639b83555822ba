"""What the bundled model can do, measured on films that the program made, with its defaults.

    python tests/benchmarks/score_tiny.py                     # everything; over two hours of one quiet core
    python tests/benchmarks/score_tiny.py single long --scale 0.2

Writes results/score_tiny.json and contact sheets. The measuring itself is `skyreels_tiny.scoring`, which the trainer's
gates use too; prompts are the fixed lists of `skyreels_tiny.train.evaluate`, of combinations that were never trained.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skyreels_tiny.captions import parse
from skyreels_tiny.meaning import Meaning
from skyreels_tiny.scoring import all_right, background_names, look, score
from skyreels_tiny.steadiness import centre_jump, drift, join_jump, joins, wobble
from skyreels_tiny.world import make_clip

RESULTS = Path(__file__).parent / "results"
Bytes = NDArray[np.uint8]


def score_prompt(film: Bytes, prompt: str) -> dict[str, bool]:
    """Judge a film (f, h, w, 3) uint8 against the known words of `prompt`."""
    return score(film, parse(prompt))


def table(films: list[Bytes], prompts: list[str]) -> dict[str, float]:
    """Return the share of films right in each attribute their prompts ask for, and in all of them."""
    marks = [score_prompt(film, prompt) for film, prompt in zip(films, prompts, strict=True)]
    names = sorted({name for mark in marks for name in mark})
    shares = {name: float(np.mean([mark[name] for mark in marks if name in mark])) for name in names}
    return shares | {"all": float(np.mean([all_right(mark) for mark in marks]))}


class Program:
    """The bundled model, loaded once, and films of it made as `skyreels generate` makes them.

    `plan` is that of the last film.
    """

    def __init__(self, model: str, folder: Path) -> None:
        from skyreels_cli.film.loaded_model import LoadedModel
        from skyreels_cli.film.placement import Placement
        from skyreels_cli.hub.open import open_model
        from skyreels_cli.hub.weights import weights_spec

        self.folder = folder
        self._facts = open_model(model)
        self._placement = Placement(device="cpu")
        self._model = LoadedModel(weights_spec(self._facts, "bfloat16"), self._placement)

    def use_vae_in(self, dtype: torch.dtype) -> None:
        """Have the VAE compute in another type than float32."""
        list(self._model.prepare([]))
        with self._model.vae() as vae:
            vae.to(dtype)

    def film(self, prompt: str, seed: int, **said: Any) -> Bytes:
        """A film (f, h, w, 3) uint8; 33 frames unless `num_frames` says otherwise."""
        from skyreels_cli.film.render import render
        from skyreels_cli.film.rendering import Rendering
        from skyreels_cli.media.reader import read_frames
        from skyreels_cli.plan.planner import make_plan
        from skyreels_cli.recipe.complete import complete
        from skyreels_cli.recipe.schema import Draft

        draft = Draft.model_validate({"num_frames": 33, "codec": "ffv1", **said, "prompt": prompt, "seed": seed})
        recipe = complete(draft, self._facts)
        output = self.folder / "film.mkv"
        self.plan = make_plan(recipe, self._facts)
        rendering = Rendering(
            recipe=recipe,
            facts=self._facts,
            plan=self.plan,
            placement=self._placement,
            output=output,
        )
        for _ in render(rendering, model=self._model):
            pass
        frames = np.stack(list(read_frames(output)))
        output.unlink()
        return frames

    def picture(self, frame: Bytes) -> str:
        """A frame as a file to start or end with."""
        path = self.folder / "frame.png"
        Image.fromarray(frame).save(path)
        return str(path)


Asked = list[tuple[str, Meaning]]


def shares(films: Sequence[Bytes], asked: Asked) -> dict[str, float]:
    """The share of films right in each attribute asked for, in all, and of those whose two colours are swapped."""
    from skyreels_tiny.train.evaluate import rates

    swapped = [_swapped(film, meaning) for film, (_, meaning) in zip(films, asked, strict=True)]
    return {**rates(list(films), [meaning for _, meaning in asked]), "roles swapped": float(np.mean(swapped))}


def _swapped(film: Bytes, asked: Meaning) -> bool:
    seen = look(film)
    if seen is None or asked.kind != "single":
        return False
    return (seen.colour,) == asked.background and background_names(film) == (asked.objects[0][1],)


def single(program: Program, scale: float, **said: Any) -> dict[str, Any]:
    """Prompts about one object, seeds 0 to 99."""
    from skyreels_tiny.train.evaluate import unseen_prompts

    asked, before = unseen_prompts(round(100 * scale)), time.process_time()
    films = [program.film(prompt, seed, **said) for seed, (prompt, _) in enumerate(asked)]
    cost = {"CPU seconds per film": (time.process_time() - before) / len(films)}
    misfits = {"misfit of the shape": float(np.median([seen.misfit for film in films if (seen := look(film))]))}
    wobbles = [value for film in films if (value := wobble(film)) is not None]
    drawn = [wobble(make_clip(4_000_000 + i, meaning=meaning).frames) or 0.0 for i, (_, meaning) in enumerate(asked)]
    steadiness = {"wobble px": float(np.median(wobbles)), "wobble of drawn clips px": float(np.median(drawn))}
    return {"n": len(asked), **shares(films, asked), **misfits, **steadiness, **cost}


def staggered(program: Program, scale: float) -> dict[str, Any]:
    """The same in asynchronous mode: three blocks, each five rows behind the one before it."""
    return single(program, scale, ar_step=5, causal_block_size=3)


def wide(program: Program, scale: float) -> dict[str, Any]:
    """Two objects, growing and shrinking, gradients, camera moves."""
    from skyreels_tiny.train.evaluate import wide_prompts

    asked = wide_prompts(round(60 * scale))
    films = [program.film(prompt, seed) for seed, (prompt, _) in enumerate(asked)]
    right: dict[str, list[bool]] = {}
    for film, (_, meaning) in zip(films, asked, strict=True):
        right.setdefault(f"all, {meaning.kind}", []).append(all_right(score(film, meaning)))
    kinds = {kind: float(np.mean(values)) for kind, values in right.items()}
    return {"n": len(asked), **shares(films, asked), **kinds}


def swing(program: Program, scale: float) -> dict[str, Any]:
    """Back and forth: the wider world's hardest kind, counted by itself."""
    from skyreels_tiny.train.evaluate import wide_prompts

    asked = wide_prompts(round(20 * scale), ("swing",))
    return {"n": len(asked), **shares([program.film(prompt, seed) for seed, (prompt, _) in enumerate(asked)], asked)}


VARIANTS: dict[str, dict[str, Any]] = {
    "20 steps": {"inference_steps": 20},
    "10 steps": {"inference_steps": 10},
    "guidance 1": {"guidance_scale": 1.0},
    "guidance 4": {"guidance_scale": 4.0},
    "euler": {"scheduler": "euler"},
    "dpmpp": {"scheduler": "dpmpp"},
    "teacache 0.2": {"cache": "teacache", "options": {"teacache": {"threshold": 0.2, "fit": "none"}}},
    "firstblock 0.2": {"cache": "firstblock", "options": {"firstblock": {"threshold": 0.2}}},
    "taylorseer 3": {"cache": "taylorseer", "options": {"taylorseer": {"interval": 3}}},
    "blockcache 0.1": {"cache": "blockcache", "options": {"blockcache": {"threshold": 0.1}}},
}
"""What is compared with the defaults (30 steps, guidance 2, UniPC, no cache) on the same prompts and seeds."""


def seeds(program: Program, scale: float) -> dict[str, Any]:
    """One prompt with eight seeds: where its object begins, in pixels of standard deviation."""
    films = [program.film("a red circle stays still over a white background", seed) for seed in range(round(8 * scale))]
    centres = np.array([seen.centres[0] for film in films if (seen := look(film)) is not None])
    return {"n": len(films), "seen": len(centres), "spread px": float(np.linalg.norm(centres.std(0)))}


def image(program: Program, scale: float) -> dict[str, Any]:
    """A given first frame: its object goes on and moves as asked."""
    from skyreels_tiny.train.evaluate import unseen_prompts

    asked, films = unseen_prompts(round(30 * scale)), []
    for seed, (prompt, meaning) in enumerate(asked):
        first = make_clip(5_000_000 + seed, 1, meaning=meaning, begin=0.0).frames[0]
        films.append(program.film(prompt, seed, image=program.picture(first)))
    return {"n": len(asked), **shares(films, asked)}


def end(program: Program, scale: float) -> dict[str, Any]:
    """A given last frame: how near the film's last frame comes to it."""
    from skyreels_tiny.train.evaluate import psnr, unseen_prompts

    values = []
    for seed, (prompt, meaning) in enumerate(unseen_prompts(round(30 * scale))):
        clip = make_clip(6_000_000 + seed, meaning=meaning, begin=0.0).frames
        film = program.film(prompt, seed, end_image=program.picture(clip[-1]))
        values.append(psnr(film[-1], clip[-1]))
    return {"n": len(values), "psnr": float(np.mean(values)), "over 25 dB": float(np.mean(np.array(values) >= 25))}


def long(program: Program, scale: float) -> dict[str, Any]:
    """Ten windows, joined by pixels and by latents: what is still right in the last one, and drift by window."""
    return {join: _long(program, round(20 * scale), join) for join in ("pixels", "latents")}


def _long(program: Program, count: int, join: str) -> dict[str, Any]:
    from skyreels_tiny.train.evaluate import contact_sheet, unseen_prompts

    base, overlap, windows = 33, 17, 10
    frames = base + (windows - 1) * (base - overlap)
    asked = unseen_prompts(count, first=200)
    films = [program.film(prompt, seed, num_frames=frames, join=join) for seed, (prompt, _) in enumerate(asked)]
    contact_sheet(np.stack(films), program.folder / f"long_{join}.png", moments=10)
    ends = [
        score(film[overlap - base :], replace(meaning, motion="still"))
        for film, (_, meaning) in zip(films, asked, strict=True)
    ]
    kept = [marks["object"] and marks["colour"] and marks["background"] for marks in ends]
    states = [drift(film, base, overlap) for film in films]
    shifts = [[part[i].background_shift for part in states if (part[i])] for i in range(windows)]
    places = [(film, at) for film in films for at in joins(frames, base, overlap)]
    jumps = [join_jump(film, at) for film, at in places]
    leaps = [leap for film, at in places if (leap := centre_jump(film, at)) is not None]
    return {
        "n": count,
        "object, colour and background in the last window": float(np.mean(kept)),
        "shape in the last window": float(np.mean([marks["shape"] for marks in ends])),
        "one object and no more in the last window": float(np.mean([marks["count"] for marks in ends])),
        "background shift by window": [round(float(np.mean(part)), 4) if part else None for part in shifts],
        "jump at joins (1 is none)": float(np.median(jumps)),
        "object's leap at joins px": float(np.median(leaps)),
    }


def vae(program: Program, scale: float) -> dict[str, Any]:
    """Held-out clips of 33 frames through the VAE."""
    from skyreels_tiny import weights_path
    from skyreels_tiny.train.evaluate import round_trip
    from skyreels_tiny.train.report import load_bundle

    values = round_trip(load_bundle(weights_path()), round(40 * scale))
    clips = values.mean(1)
    ends = {"first frames": values[:, :5].mean(), "last frames": values[:, -5:].mean()}
    figures = {"mean dB": clips.mean(), "worst clip dB": clips.min(), **ends}
    return {"n": len(values)} | {name: round(float(value), 2) for name, value in figures.items()}


def showcase(program: Program, _scale: float) -> dict[str, Any]:
    """Twelve prompts for the contact sheet."""
    from skyreels_tiny.train.evaluate import contact_sheet
    from skyreels_tiny.train.report import SHOWCASE

    contact_sheet(np.stack([program.film(prompt, 1) for prompt in SHOWCASE]), program.folder / "showcase.png")
    return {"prompts": list(SHOWCASE)}


MEASURES: dict[str, Callable[[Program, float], dict[str, Any]]] = {
    "single": single,
    "async": staggered,
    "wide": wide,
    "swing": swing,
    "seeds": seeds,
    "image": image,
    "end": end,
    "long": long,
    "vae": vae,
    "showcase": showcase,
    **{name: partial(single, **said) for name, said in VARIANTS.items()},
}


def main() -> None:
    """Measure what is asked for, print and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", help=f"of {', '.join(MEASURES)}; all of them if none is named")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual number of films")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if unknown := [name for name in options.measures if name not in MEASURES]:
        parser.error(f"no measure is called {unknown[0]!r}; there are {', '.join(MEASURES)}")
    path = options.out / "score_tiny.json"
    scores = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        program = Program(options.model, Path(folder))
        for name in options.measures or MEASURES:
            scores[name] = _rounded(MEASURES[name](program, options.scale))
            print(name, json.dumps(scores[name]), flush=True)
            for sheet in Path(folder).glob("[ls]*.png"):
                sheet.replace(options.out / f"score_tiny_{sheet.name}")
            machine = {
                "machine": f"{os.cpu_count()} cores, {platform.platform()}",
                "date": str(datetime.now(UTC).date()),
            }
            path.write_text(json.dumps(scores | machine, indent=1) + "\n")


def _rounded(figures: Any) -> Any:
    """Cut every number in `figures` to three digits."""
    if isinstance(figures, dict):
        return {name: _rounded(value) for name, value in figures.items()}
    return round(figures, 3) if isinstance(figures, float) else figures


if __name__ == "__main__":
    main()
