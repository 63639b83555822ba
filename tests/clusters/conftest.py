"""A Slurm of one node, for all tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skyreels_cli.queue.store import Store

from .night import Night
from .slurm import Slurm, missing


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    if missing():
        pytest.skip(f"not installed: {', '.join(missing())}")
    slurm = Slurm(tmp_path_factory.mktemp("slurm"))
    slurm.start()
    yield slurm
    slurm.stop()


@pytest.fixture
def night(tmp_path: Path, slurm: Slurm) -> Iterator[Night]:
    (tmp_path / "films").mkdir()
    night = Night(Store(tmp_path / "queue"), tmp_path / "films", tmp_path / "ledger", slurm)
    yield night
    night.close()
