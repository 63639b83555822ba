"""`python -m skyreels_tiny.train`: train, resume, score and export the bundled model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from skyreels_tiny import weights_path

from .budget import Budget
from .evaluate import gate
from .export import export
from .figures import draw_run
from .networks import Sizes
from .records import Log, load_checkpoint
from .sampler import Settings
from .trainer import PHASES, FilmTrainer, Phase
from .vae import VaeTrainer, new_vae


def main() -> None:
    """Run what the options ask for."""
    options = _options()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    log = Log(options.folder)
    if options.export is not None:
        _export(options.folder, log, options.export)
        return
    vae = VaeTrainer(options.folder, log, options.seed)
    vae.train_images(options.vae_image)
    vae.train_clips(options.vae_clip)
    films = FilmTrainer(options.folder, log, vae.vae, options.seed, _sizes(options.quick))
    _phases(films, options)
    draw_run(options.folder / "run.csv", options.folder / "run.png")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m skyreels_tiny.train", description=__doc__)
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("tiny-run"),
        help="checkpoints, pools and run.csv; an existing run is resumed",
    )
    parser.add_argument(
        "--export",
        type=Path,
        nargs="?",
        const=weights_path(),
        help="only write the bundle from the averaged weights",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a few minutes on a small model: does it learn at all?"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    for name, seconds in (
        ("vae-image", 300),
        ("vae-clip", 400),
        ("image", 1000),
        ("short", 300),
        ("full", 4500),
    ):
        parser.add_argument(
            f"--{name}",
            type=float,
            default=seconds,
            metavar="S",
            help=f"budget in seconds worked ({seconds})",
        )
    parser.add_argument(
        "--images", type=int, default=12_000, help="single pictures to encode for the image phase"
    )
    parser.add_argument(
        "--clips",
        type=int,
        default=2_000,
        help="clips to encode before the first step; more follow in the full phase",
    )
    parser.add_argument(
        "--until", choices=[phase.name for phase in PHASES], default="full", help="last phase to run"
    )
    parser.add_argument("--score-every", type=float, default=300.0, metavar="S")
    return parser.parse_args()


def _sizes(quick: bool) -> Sizes:
    return Sizes(layers=3, heads=2, head_dim=48, hidden=192, text=64) if quick else Sizes()


def _phases(films: FilmTrainer, options: argparse.Namespace) -> None:
    """Encode the pools and run the phases up to `--until`."""
    clips = films.pool("clips", options.clips, 33, 100_000)
    films.measure_latents(clips)
    for phase in PHASES:
        pool = films.pool("images", options.images, 1, 50_000_000) if phase.name == "image" else clips
        films.run(phase, getattr(options, phase.name), pool, score=_score, score_every=options.score_every)
        if phase.name == options.until:
            return


def _score(films: FilmTrainer, phase: Phase, step: int, budget: Budget) -> None:
    """Sample 16 unseen prompts with the averaged weights, log the shares, draw them."""
    settings = Settings(steps=20, guidance=1.0, frames=phase.frames)
    sheet = films.folder / f"{phase.name}-{step:06d}.png"
    shares = gate(films.model(), 64 if phase.frames == 1 else 16, settings, sheet=sheet, seed=step)
    figures = {f"score/{name}": value for name, value in shares.items()}
    films.log.write(phase.name, step, budget.spent, step * phase.batch, figures)


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
