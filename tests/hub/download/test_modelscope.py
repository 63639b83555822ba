"""Downloads through ModelScope's client, where it is installed, from a hub on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyreels_cli.errors import RetryableError, UsageError
from skyreels_cli.hub.download.planned import plan_download
from skyreels_cli.hub.download.record import records
from skyreels_cli.hub.download.run import run_download
from skyreels_cli.hub.download.verify import check_files
from skyreels_cli.hub.download.wanted import wanted
from tests.hub.download.conftest import GOLDEN, ORIGINAL, Heard
from tests.loopback_hub import LoopbackHub

pytest.importorskip("modelscope_hub")

SOURCE = GOLDEN / "layouts" / "original_df"
WEIGHTS = "model.safetensors"
SIZE = (SOURCE / WEIGHTS).stat().st_size


def download(heard: Heard, model: str = "df-1.3b-540p", to: Path | None = None) -> Path:
    return run_download(plan_download(wanted(model, "modelscope", to=to)), heard).folder


@pytest.mark.parametrize("into", [None, "ball"])
def test_the_original_layout_arrives(hub: LoopbackHub, heard: Heard, tmp_path: Path, into: str | None) -> None:
    folder = download(heard, to=tmp_path / into if into else None)
    for file in SOURCE.rglob("*"):
        if file.is_file():
            assert (folder / file.relative_to(SOURCE)).read_bytes() == file.read_bytes()
    record = next(records())
    assert (record.source, record.repo, record.layout, record.complete) == ("modelscope", ORIGINAL, "original", True)
    assert heard.arrived[WEIGHTS] == SIZE
    assert {checked.finding for checked in check_files(folder, record)} == {"ok"}


def test_a_broken_line_and_a_stumbling_server(hub: LoopbackHub, heard: Heard) -> None:
    hub.cuts[WEIGHTS] = [SIZE // 2]
    folder = download(heard)
    assert (folder / WEIGHTS).read_bytes() == (SOURCE / WEIGHTS).read_bytes()
    assert (hub.asked[WEIGHTS], hub.served[WEIGHTS], heard.arrived[WEIGHTS]) == (2, SIZE, SIZE)


def test_what_is_there_is_not_fetched_again(hub: LoopbackHub, heard: Heard) -> None:
    folder = download(heard)
    record = next(records())
    (folder / "Wan2.1_VAE.pth").unlink()
    before = hub.asked.total()
    assert not record.complete
    download(heard)
    assert hub.asked.total() == before + 1


def test_a_wrong_byte_is_noticed(hub: LoopbackHub, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelscope_hub._download.DOWNLOAD_INTEGRITY_RETRY_BACKOFF", 0.01)
    hub.damaged.add(WEIGHTS)
    assert (download(heard) / WEIGHTS).read_bytes() == (SOURCE / WEIGHTS).read_bytes()


def test_no_such_model(hub: LoopbackHub, heard: Heard) -> None:
    with pytest.raises(UsageError) as error:
        download(heard, "owner/nothing")
    assert error.value.code == "model-not-found"


def test_a_layout_that_it_does_not_have() -> None:
    with pytest.raises(UsageError) as error:
        wanted("df-14b-540p", "modelscope", "diffusers")
    assert (error.value.code, error.value.hint) == ("model-layout", "--layout original")


def test_too_many_requests(hub: LoopbackHub, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client waits 7 s between its attempts
    hub.statuses["/repo/files"] = [429] * 99
    with pytest.raises(RetryableError) as error:
        download(heard)
    assert error.value.code == "rate-limited"
