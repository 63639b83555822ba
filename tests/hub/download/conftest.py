"""Both hubs' real clients, talking to a hub on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from huggingface_hub import constants

from skyreels_cli.hub.download import modelscope, run
from skyreels_cli.hub.download.listing import RemoteFile
from tests.loopback_hub import LoopbackHub, serve

GOLDEN = Path(__file__).parents[2] / "golden"
REPO = "Skywork/SkyReels-V2-DF-1.3B-540P-Diffusers"
ORIGINAL = "Skywork/SkyReels-V2-DF-1.3B-540P"


@dataclass
class Heard:
    """What a download told."""

    present: dict[str, int] = field(default_factory=dict)
    arrived: dict[str, int] = field(default_factory=dict)
    waited: list[str] = field(default_factory=list)
    complete: list[str] = field(default_factory=list)

    def begun(self, file: RemoteFile, present: int) -> None:
        self.present[file.path] = present

    def advanced(self, file: RemoteFile, count: int) -> None:
        self.arrived[file.path] = self.arrived.get(file.path, 0) + count

    def waiting(self, file: RemoteFile, seconds: float, reason: str) -> None:
        self.waited.append(f"{file.path}: {reason}")

    def done(self, file: RemoteFile) -> None:
        self.complete.append(file.path)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoopbackHub]:
    """A hub that has a small DF model in both layouts; retries wait for no longer than a moment."""
    with serve(LoopbackHub()) as loopback:
        loopback.add(REPO, GOLDEN / "model")
        loopback.repositories[REPO]["README.md"] = b"# not read by a render"
        loopback.repositories[REPO]["transformer/diffusion_pytorch_model.fp16.safetensors"] = b"another precision"
        loopback.add(ORIGINAL, GOLDEN / "layouts" / "original_df")
        point_clients_at(loopback.address, monkeypatch, tmp_path)
        yield loopback


def point_clients_at(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "shared cache"))
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 16384)
    for name in ("HF_HOME", "HF_HUB_CACHE", "HF_XET_HIGH_PERFORMANCE", "MODELSCOPE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", address)
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "modelscope home"))
    monkeypatch.setattr(run, "PAUSES", (0.01, 0.02, 0.03))
    modelscope.client.cache_clear()


@pytest.fixture
def heard() -> Heard:
    return Heard()
