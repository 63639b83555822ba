"""A Slurm of one node, for all tests that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .slurm import Slurm, missing


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    if missing():
        pytest.skip(f"not installed: {', '.join(missing())}")
    slurm = Slurm(tmp_path_factory.mktemp("slurm"))
    slurm.start()
    yield slurm
    slurm.stop()
