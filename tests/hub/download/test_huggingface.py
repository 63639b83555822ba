"""Downloads through huggingface_hub from a hub on this machine: what arrives, and what goes wrong on the way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from skyreels_cli.errors import RetryableError, SkyreelsError, UsageError
from skyreels_cli.hub.download.listing import RemoteFile
from skyreels_cli.hub.download.planned import plan_download
from skyreels_cli.hub.download.record import records
from skyreels_cli.hub.download.run import run_download
from skyreels_cli.hub.download.verify import check_files, discard
from skyreels_cli.hub.download.wanted import wanted
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.hub.identity import weight_hashes
from tests.hub.download.conftest import GOLDEN, REPO, Heard
from tests.loopback_hub import LoopbackHub, sha256

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
SIZE = (GOLDEN / "model" / TRANSFORMER).stat().st_size
CHUNK = 16384
NEEDED = sorted(
    file.relative_to(GOLDEN / "model").as_posix() for file in (GOLDEN / "model").rglob("*") if file.is_file()
)


def download(heard: Heard, model: str = "df-1.3b-540p", to: Path | None = None) -> Path:
    return run_download(plan_download(wanted(model, to=to)), heard).folder


@pytest.mark.parametrize("into", [None, "ball"])
def test_what_a_render_reads_arrives_and_nothing_else(
    hub: LoopbackHub, heard: Heard, tmp_path: Path, into: str | None
) -> None:
    folder = download(heard, to=tmp_path / into if into else None)
    arrived = [file for file in folder.rglob("*") if file.is_file() and ".cache" not in file.parts]
    assert sorted(file.relative_to(folder).as_posix() for file in arrived) == NEEDED
    for path in NEEDED:
        assert (folder / path).read_bytes() == (GOLDEN / "model" / path).read_bytes()
    assert open_folder(folder, "ball").family == "df"
    assert heard.arrived[TRANSFORMER] == SIZE
    assert sorted(heard.complete) == NEEDED


def test_the_record_pins_the_commit_and_the_hashes(hub: LoopbackHub, heard: Heard) -> None:
    download(heard)
    (record,) = records()
    assert (record.model, record.repo, record.revision) == ("df-1.3b-540p", REPO, hub.commit(REPO))
    assert record.files[TRANSFORMER].sha256 == sha256((GOLDEN / "model" / TRANSFORMER).read_bytes())
    assert (record.complete, record.licence) == (True, "loopback-license")


def test_other_programs_find_it_in_the_cache(hub: LoopbackHub, heard: Heard, home: Path) -> None:
    folder = download(heard)
    cache = home / "models" / "huggingface"
    assert Path(hf_hub_download(REPO, TRANSFORMER, cache_dir=cache, local_files_only=True)) == folder / TRANSFORMER


def test_nothing_is_asked_for_twice(hub: LoopbackHub, heard: Heard) -> None:
    download(heard)
    hub.repositories.clear()
    plan = plan_download(wanted("df-1.3b-540p"))
    assert (plan.complete, plan.missing) == (True, 0)


def test_a_line_that_breaks_is_taken_up_where_it_broke(hub: LoopbackHub, heard: Heard) -> None:
    hub.cuts[TRANSFORMER] = [SIZE // 3, SIZE // 3]
    download(heard)
    assert SIZE <= hub.served[TRANSFORMER] < SIZE + 2 * CHUNK  # a piece that is not whole is not kept
    assert (hub.asked[TRANSFORMER], heard.arrived[TRANSFORMER]) == (3, SIZE)


class Impatient(Heard):
    """Presses Ctrl-C when half of the transformer has arrived."""

    def advanced(self, file: RemoteFile, count: int) -> None:
        super().advanced(file, count)
        if self.arrived.get(TRANSFORMER, 0) >= SIZE // 2:
            raise KeyboardInterrupt


def test_an_interrupted_download_is_no_model_and_goes_on(hub: LoopbackHub, heard: Heard) -> None:
    with pytest.raises(KeyboardInterrupt):
        download(Impatient())
    record = next(records())
    assert not record.complete
    with pytest.raises(UsageError) as error:
        open_folder(record.folder, "ball")
    assert error.value.code == "model-incomplete"
    assert download(heard) == record.folder
    assert heard.present[TRANSFORMER] >= SIZE // 2 - CHUNK
    assert heard.arrived[TRANSFORMER] == SIZE - heard.present[TRANSFORMER]
    assert next(records()).complete


def test_the_commit_of_the_beginning_is_kept(hub: LoopbackHub, heard: Heard) -> None:
    hub.statuses["/cdn/"] = [403]
    with pytest.raises(SkyreelsError):
        download(heard)
    pinned = next(records()).revision
    plan = plan_download(wanted("df-1.3b-540p"))
    assert plan.listing.revision == pinned == hub.commit(REPO)


def test_a_byte_that_arrives_wrong_is_noticed_and_fetched_again(hub: LoopbackHub, heard: Heard) -> None:
    hub.damaged.add(TRANSFORMER)
    folder = download(heard)
    assert (folder / TRANSFORMER).read_bytes() == (GOLDEN / "model" / TRANSFORMER).read_bytes()
    assert "damaged" in heard.waited[0]


@pytest.mark.parametrize("into", [None, "ball"])
def test_a_byte_that_rots_is_found_and_mended(hub: LoopbackHub, heard: Heard, tmp_path: Path, into: str | None) -> None:
    to = tmp_path / into if into else None
    folder = download(heard, to=to)
    content = bytearray((folder / TRANSFORMER).read_bytes())
    content[-1] ^= 1
    (folder / TRANSFORMER).write_bytes(content)
    record = next(records())
    bad = [checked for checked in check_files(folder, record) if checked.damaged]
    assert [(checked.path, checked.finding) for checked in bad] == [(TRANSFORMER, "content")]
    discard(folder, TRANSFORMER)
    before = hub.asked.total()
    assert download(heard, to=to) == folder
    assert hub.asked.total() == before + 1
    assert not any(checked.damaged for checked in check_files(folder, record))


CHECKS = {
    "cut short": (lambda data: data[:-100], "size"),
    "another header": (lambda data: b"\xff" * 16 + data[16:], "header"),
    "one wrong byte": (lambda data: data[:-1] + b"\x00", "ok"),
}


@pytest.mark.parametrize(("damage", "finding"), CHECKS.values(), ids=CHECKS)
def test_sizes_and_headers_are_checked_in_a_moment(hub: LoopbackHub, heard: Heard, damage, finding: str) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    folder = download(heard)
    (folder / TRANSFORMER).write_bytes(damage((folder / TRANSFORMER).read_bytes()))
    found = {checked.path: checked.finding for checked in check_files(folder, next(records()), hashes=False)}
    assert found.pop(TRANSFORMER) == finding
    assert set(found.values()) == {"ok"}


def test_without_a_record_the_names_of_blobs_tell(hub: LoopbackHub, heard: Heard) -> None:
    folder = download(heard)
    assert {checked.finding for checked in check_files(folder, None)} == {"ok"}
    (folder / TRANSFORMER).write_bytes(b"something else")
    assert {c.path for c in check_files(folder, None) if c.damaged} == {TRANSFORMER}


def test_hashes_are_known_without_reading_the_files_again(
    hub: LoopbackHub, heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = download(heard, to=tmp_path / "ball")
    monkeypatch.setattr("skyreels_cli.hub.identity.sha256_of_content", lambda file: pytest.fail(f"{file} was read"))
    hashes = weight_hashes(open_folder(folder, "ball"))
    assert hashes[TRANSFORMER] == sha256((GOLDEN / "model" / TRANSFORMER).read_bytes())


FAILURES = {
    "unauthorised": ([401], "model-forbidden", UsageError),
    "forbidden": ([403], "model-forbidden", UsageError),
    "too many requests": ([429] * 9, "rate-limited", RetryableError),
    "server": ([500] * 9, "network", RetryableError),
}


@pytest.mark.parametrize(("statuses", "code", "kind"), FAILURES.values(), ids=FAILURES)
def test_what_the_hub_refuses(
    hub: LoopbackHub, heard: Heard, statuses: list[int], code: str, kind: type[SkyreelsError]
) -> None:
    hub.statuses["/api/models"] = statuses
    with pytest.raises(kind) as error:
        download(heard)
    assert error.value.code == code
    assert "skyreels download df-1.3b-540p" in (error.value.hint or "")


def test_a_server_that_stumbles_is_asked_again(hub: LoopbackHub, heard: Heard) -> None:
    hub.statuses["/cdn/"] = [500, 503]
    download(heard)
    assert len(heard.waited) == 2
    assert "status 50" in heard.waited[0]


def test_a_server_that_stays_down(hub: LoopbackHub, heard: Heard) -> None:
    hub.statuses["/cdn/"] = [500] * 99
    with pytest.raises(RetryableError) as error:
        download(heard)
    assert error.value.code == "network"
    assert not next(records()).complete


def test_a_gated_repository(hub: LoopbackHub, heard: Heard) -> None:
    hub.gated.add(REPO)
    with pytest.raises(UsageError) as error:
        download(heard)
    assert error.value.code == "model-gated"
    assert error.value.hint == "hf auth login, then: skyreels download df-1.3b-540p"


def test_no_such_repository(hub: LoopbackHub, heard: Heard) -> None:
    with pytest.raises(UsageError) as error:
        download(heard, "owner/nothing")
    assert error.value.code == "model-not-found"


def test_another_kind_of_model_is_refused_before_its_weights(hub: LoopbackHub, heard: Heard) -> None:
    index = b'{"_class_name": "WanPipeline"}'
    hub.repositories["Wan-AI/Wan2.1"] = {**hub.repositories[REPO], "model_index.json": index}
    with pytest.raises(UsageError, match="WanPipeline"):
        download(heard, "Wan-AI/Wan2.1")
    assert heard.complete == ["model_index.json"]


def test_a_repository_without_a_part(hub: LoopbackHub, heard: Heard) -> None:
    del hub.repositories[REPO]["vae/diffusion_pytorch_model.safetensors"]
    with pytest.raises(UsageError, match="has no vae") as error:
        download(heard)
    assert (error.value.code, hub.asked.total()) == ("model-incomplete", 0)


def test_paths_that_lead_out_of_the_folder_are_left_alone(hub: LoopbackHub, heard: Heard, tmp_path: Path) -> None:
    hub.repositories[REPO]["tokenizer/../../escaped.json"] = b"{}"
    download(heard, to=tmp_path / "deep" / "ball")
    assert not (tmp_path / "deep" / "escaped.json").exists()


def test_the_disk_is_measured_first(hub: LoopbackHub, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skyreels_cli.hub.download.planned.free_bytes", lambda folder: 1000)
    with pytest.raises(UsageError) as error:
        download(heard)
    assert (error.value.code, hub.asked.total()) == ("disk-too-small", 0)
    assert "--to" in (error.value.hint or "")


def test_two_downloads_at_once_fetch_every_byte_once(hub: LoopbackHub) -> None:
    hub.bytes_per_second = 2e6
    threads = [threading.Thread(target=download, args=(Heard(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hub.served[TRANSFORMER] == SIZE
    assert next(records()).complete


def test_the_token_does_not_go_elsewhere(hub: LoopbackHub, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    download(heard)
    assert hub.tokens == {"Bearer hf_secret"}
    assert hub.content_tokens == set()
