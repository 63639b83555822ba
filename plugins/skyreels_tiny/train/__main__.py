"""`python -m skyreels_tiny.train`: train, resume, score and export the bundled model."""

from __future__ import annotations

import argparse
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch

from skyreels_tiny import weights_path

from .evaluate import gate
from .export import export
from .figures import draw_run
from .networks import Sizes
from .phases import PHASES
from .records import Log, load_checkpoint
from .report import MEASURES, load_bundle, report
from .sampler import SamplerSettings
from .trainer import Course, FilmTrainer, Watch
from .vae import VaeTrainer, new_vae

BUDGETS: Final = {
    "vae-image": (300, 50),
    "vae-clip": (250, 20),
    "image": (1000, 40),
    "short": (250, 15),
    "full": (4500, 30),
}
"""Seconds worked in each stage: usual, quick."""

COUNTS: Final = {"pictures": (8000, 800), "films": (240, 30), "images": (16_000, 500), "clips": (1600, 48)}
"""Single pictures and clips for the VAE; images and (at first) clips to encode for the transformer."""


def main() -> None:
    """Run what the options ask for."""
    options = _options()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    log = Log(options.folder)
    if options.report is not None:
        settings = SamplerSettings(options.steps, options.guidance, options.shift, options.addnoise)
        report(options.bundle, options.folder, options.report or list(MEASURES), settings, options.scale)
        return
    if options.export is not None:
        _export(options.folder, log, options.export)
        return
    vae = VaeTrainer(options.folder, log, options.seed)
    films = FilmTrainer(options.folder, log, vae.vae, options.seed, _sizes(options.quick), compiled=options.compile)
    if options.begin_from is not None:
        bundle = load_bundle(options.begin_from)
        vae.begin_from(bundle.vae)
        films.begin_from(bundle)
    vae.train_images(options.vae_image, options.pictures)
    vae.train_clips(options.vae_clip, options.films)
    _phases(films, options)
    draw_run(options.folder / "run.csv", options.folder / "run.png")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m skyreels_tiny.train", description=__doc__)
    flag = parser.add_argument
    flag("--folder", type=Path, default=Path("tiny-run"), help="checkpoints, pools, run.csv; resumed if there")
    flag(
        "--export", type=Path, nargs="?", const=weights_path(), help="only write the bundle, from the averaged weights"
    )
    flag("--begin-from", type=Path, nargs="?", const=weights_path(), help="a bundle to go on from, with the full phase")
    flag("--compile", action="store_true", help="compile the blocks: a third less time a step, a minute more at first")
    flag("--report", nargs="*", choices=list(MEASURES), help="only measure a bundle: all figures, or those named")
    flag("--bundle", type=Path, default=weights_path(), help="the bundle that --report measures")
    flag("--scale", type=float, default=1.0, help="share of the usual number of films that --report makes")
    for name, value in asdict(SamplerSettings(guidance=2.0, addnoise=20.0)).items():
        if name in ("steps", "guidance", "shift", "addnoise"):
            flag(f"--{name}", type=type(value), default=value, help=f"for --report ({value})")
    flag("--quick", action="store_true", help="a few minutes on a small model: does it learn at all?")
    flag("--seed", type=int, default=0)
    flag("--threads", type=int, default=2)
    for name, (usual, quick) in BUDGETS.items():
        flag(f"--{name}", type=float, metavar="S", help=f"budget in seconds worked ({usual}; quick: {quick})")
    for name, (usual, quick) in COUNTS.items():
        flag(f"--{name}", type=int, metavar="N", help=f"how many of them to render ({usual}; quick: {quick})")
    flag("--until", choices=[phase.name for phase in PHASES], default="full", help="last phase to run")
    flag("--score-every", type=float, default=300.0, metavar="S")
    options = parser.parse_args()
    for name, values in {**BUDGETS, **COUNTS}.items():
        key = name.replace("-", "_")
        if getattr(options, key) is None:
            setattr(options, key, values[options.quick])
    return options


def _sizes(quick: bool) -> Sizes:
    return Sizes(layers=3, heads=2, head_dim=48, hidden=192, text=64) if quick else Sizes()


def _phases(films: FilmTrainer, options: argparse.Namespace) -> None:
    """Encode the pools and run the phases up to `--until`; SIGTERM and ctrl-c save and stop."""
    watch = Watch(_score, options.score_every)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: setattr(watch, "stopping", True))
    clips = films.pool("clips", options.clips, 33, 100_000)
    films.measure_latents(clips)
    for phase in PHASES:
        pictures = films.pool("images", options.images, 1, 50_000_000)
        pool = pictures if phase.frames == 1 else clips
        films.run(phase, getattr(options, phase.name), pool, watch, pictures if phase.pictures else None)
        if watch.stopping or phase.name == options.until:
            return


def _score(films: FilmTrainer, course: Course) -> None:
    """Sample unseen prompts with the averaged weights, log the shares, draw them."""
    phase = course.phase
    if phase.frames == 1:
        shares = gate(films.model(), 64, SamplerSettings(guidance=1.0, frames=1), sheet=_sheet(films, course, "single"))
    else:
        settings = SamplerSettings(steps=20, guidance=2.0, frames=phase.frames)
        shares = gate(films.model(), 24, settings, sheet=_sheet(films, course, "single"), seed=course.step)
        sheet = _sheet(films, course, "wide")
        wide = gate(films.model(), 18, settings, sheet=sheet, seed=course.step, wide=True)
        shares |= {f"wide {name}": value for name, value in wide.items()}
    figures = {f"score/{name}": value for name, value in shares.items()}
    films.log.write(phase.name, course.step, course.budget.spent, course.samples, figures)


def _sheet(films: FilmTrainer, course: Course, kind: str) -> Path:
    return films.folder / f"{course.phase.name}-{course.step:06d}-{kind}.png"


def _export(folder: Path, log: Log, target: Path) -> None:
    """Write the bundle from the newest checkpoints."""
    vae = new_vae()
    vae_state = load_checkpoint(folder / "vae.pt")
    films_state: dict[str, Any] | None = load_checkpoint(folder / "films.pt")
    if vae_state is None or films_state is None:
        raise SystemExit(f"error: no checkpoints in {folder}")
    vae.load_state_dict(vae_state["vae"])
    films = FilmTrainer(folder, log, vae, sizes=Sizes(**films_state["sizes"]))
    size = export(films.model(), target)
    print(f"wrote {target}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
