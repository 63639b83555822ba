"""A run begins from a bundle, or where it stopped, and its pool grows without forgetting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from skyreels_tiny import weights_path

torch = pytest.importorskip("torch")

from skyreels_tiny.train.phases import PHASES  # noqa: E402
from skyreels_tiny.train.records import Log, load_checkpoint  # noqa: E402
from skyreels_tiny.train.report import load_bundle  # noqa: E402
from skyreels_tiny.train.trainer import FilmTrainer, Watch  # noqa: E402
from skyreels_tiny.train.vae import VaeTrainer, new_vae  # noqa: E402

pytestmark = pytest.mark.skipif(not weights_path().exists(), reason="no bundle has been exported yet")


def new_trainer(folder: Path) -> FilmTrainer:
    return FilmTrainer(folder, Log(folder), new_vae())


def test_a_bundle_is_taken_once_and_a_resumed_run_keeps_its_own_weights(tmp_path: Path) -> None:
    bundle = load_bundle(weights_path())
    trainer = new_trainer(tmp_path)
    trainer.begin_from(bundle)
    for ours, theirs in zip(trainer.model().transformer.parameters(), bundle.transformer.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    pool = trainer.pool("images", 8, 1, 50)
    trainer.measure_latents(pool)
    assert torch.equal(trainer.mean, bundle.mean)
    two_pictures = replace(PHASES[-1], frames=1, batch=2, grow_every=0, pictures=0.0)
    trainer.run(two_pictures, 0.2, pool, Watch())
    resumed = new_trainer(tmp_path)
    resumed.begin_from(bundle)
    moved = resumed.model().transformer.proj_out.weight
    assert torch.equal(moved, trainer.model().transformer.proj_out.weight)
    assert not torch.equal(moved, bundle.transformer.proj_out.weight)


def test_a_vae_that_is_given_counts_as_trained(tmp_path: Path) -> None:
    given = new_vae()
    trainer = VaeTrainer(tmp_path, Log(tmp_path))
    trainer.begin_from(given)
    trainer.train_images(60.0, 8)
    trainer.train_clips(60.0, 2)
    state = load_checkpoint(tmp_path / "vae.pt")
    assert state is not None
    assert all(torch.equal(state["vae"][name], value) for name, value in given.state_dict().items())


def test_a_pool_grows_to_what_is_asked_and_keeps_what_it_had(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path)
    few = trainer.pool("images", 4, 1, 50)
    more = trainer.pool("images", 6, 1, 50)
    assert (len(few), len(more)) == (4, 6)
    assert torch.equal(more.latents[:4], few.latents)
    assert more.meanings[:4] == few.meanings
    assert len(new_trainer(tmp_path).pool("images", 2, 1, 50)) == 6
