"""`--model`: bundled name, alias, folder or repository, and what can go wrong on the way there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import constants
from huggingface_hub import errors as hub

from skyreels_cli.errors import RetryableError, SkyreelsError, UsageError
from skyreels_cli.hub import open as hub_open
from skyreels_cli.hub.open import NEEDED_FILES, open_model


@dataclass
class FakeFile:
    file_size: int
    will_download: bool


@dataclass
class FakeHub:
    """Stands in for `snapshot_download`: a repository that is cached, or not yet, or fails."""

    folder: Path
    cached: bool = False
    failure: Exception | None = None
    missing_bytes: int = 0
    calls: list[str] = field(default_factory=list)

    def __call__(
        self,
        repo_id: str,
        *,
        allow_patterns: list[str],
        local_files_only: bool = False,
        dry_run: bool = False,
    ) -> Any:
        if local_files_only:
            self.calls.append(f"cache {repo_id}")
            if not self.cached:
                raise hub.LocalEntryNotFoundError("not cached")
            return str(self.folder)
        if self.failure:
            raise self.failure
        if dry_run:
            self.calls.append("size")
            return [FakeFile(self.missing_bytes, True), FakeFile(10**18, False)]
        self.calls.append("index" if allow_patterns == ["model_index.json"] else "all")
        return str(self.folder)


@pytest.fixture(autouse=True)
def no_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever is installed, set or lying around where the tests run plays no part."""
    monkeypatch.setattr(hub_open, "bundled_models", dict)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.chdir(tmp_path)


def test_a_folder(model: Path) -> None:
    facts = open_model(os.path.relpath(model))
    assert (facts.name, facts.family) == (str(model), "df")


def test_a_bundled_model_comes_first(model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.setattr(hub_open, "bundled_models", lambda: {"tiny": model})
    facts = open_model("tiny")
    assert (facts.name, facts.folder) == ("tiny", model)


@pytest.mark.parametrize(
    "name",
    ["df-14b-540p", "Skywork/SkyReels-V2-DF-14B-540P", "Skywork/SkyReels-V2-DF-14B-540P-Diffusers"],
)
def test_an_alias_and_the_reference_s_id_open_the_twin(model: Path, name: str) -> None:
    fake = FakeHub(model)
    facts = open_model(name, snapshot=fake)
    repo = "Skywork/SkyReels-V2-DF-14B-540P-Diffusers"
    assert facts.name == repo
    assert fake.calls == [f"cache {repo}", "index", "size", "all"]


def test_a_cached_repository_needs_no_network(model: Path) -> None:
    fake = FakeHub(model, cached=True, failure=httpx2.ConnectError("down"))
    assert open_model("owner/ball", snapshot=fake).name == "owner/ball"
    assert fake.calls == ["cache owner/ball"]


def test_a_folder_of_that_name_wins_over_the_repository(model: Path) -> None:
    os.chdir(model.parent.parent)
    assert open_model("models/ball").folder == Path("models/ball")


def test_only_what_a_render_reads_is_fetched(model: Path) -> None:
    whole = [file.relative_to(model).as_posix() for file in model.rglob("*") if file.is_file()]
    assert [file for file in whole if not any(fnmatch(file, pattern) for pattern in NEEDED_FILES)] == []
    for useless in (
        "README.md",
        "demo.mp4",
        "transformer/diffusion_pytorch_model.bin",
        "transformer/diffusion_pytorch_model.fp16.safetensors",
        "text_encoder/pytorch_model-00001-of-00002.bin",
    ):
        assert not any(fnmatch(useless, pattern) for pattern in NEEDED_FILES), useless


def test_another_family_is_refused_before_its_weights(model: Path, edit_json: Callable[..., None]) -> None:
    edit_json(model / "model_index.json", _class_name="WanPipeline")
    fake = FakeHub(model)
    with pytest.raises(UsageError, match="WanPipeline") as error:
        open_model("Wan-AI/Wan2.1", snapshot=fake)
    assert error.value.code == "model-family"
    assert fake.calls == ["cache Wan-AI/Wan2.1", "index"]


def test_the_disk_is_measured_first(model: Path) -> None:
    fake = FakeHub(model, missing_bytes=10**18)
    with pytest.raises(UsageError, match=r"1000000000\.0 GB more") as error:
        open_model("owner/ball", snapshot=fake)
    assert error.value.code == "disk-too-small"
    assert fake.calls[-1] == "size"


def response(status: int) -> httpx2.Response:
    return httpx2.Response(status, request=httpx2.Request("GET", "https://huggingface.co/owner/ball"))


FAILURES: dict[str, tuple[Exception, str, int]] = {
    "no such": (hub.RepositoryNotFoundError("404", response=response(404)), "model-not-found", 2),
    "gated": (hub.GatedRepoError("403", response=response(403)), "model-gated", 2),
    "unreachable": (hub.LocalEntryNotFoundError("no connection"), "network", 3),
    "timeout": (httpx2.ReadTimeout("slow"), "network", 3),
    "server": (hub.HfHubHTTPError("502", response=response(502)), "network", 3),
    "xet": (hub.XetDownloadError("broken"), "network", 3),
    "full": (OSError(errno.ENOSPC, "No space left on device"), "disk-full", 1),
    "rights": (PermissionError(errno.EACCES, "Permission denied"), "download-failed", 1),
}


@pytest.mark.parametrize(("failure", "code", "exit_code"), FAILURES.values(), ids=FAILURES)
def test_failures_of_the_hub(model: Path, failure: Exception, code: str, exit_code: int) -> None:
    with pytest.raises(SkyreelsError) as error:
        open_model("owner/ball", snapshot=FakeHub(model, failure=failure))
    assert (error.value.code, error.value.exit_code) == (code, exit_code)
    assert "owner/ball" in error.value.message
    assert error.value.hint


def test_offline_is_nothing_to_retry(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError) as error:
        open_model("owner/ball", snapshot=FakeHub(model, failure=hub.LocalEntryNotFoundError("offline")))
    assert (error.value.code, error.value.hint) == (
        "model-not-found",
        "HF_HUB_OFFLINE=0 hf download owner/ball",
    )


def test_network_is_worth_retrying(model: Path) -> None:
    with pytest.raises(RetryableError):
        open_model("owner/ball", snapshot=FakeHub(model, failure=httpx2.ConnectError("down")))


@pytest.mark.parametrize(
    ("name", "meant"),
    [("models/bal", "models/ball"), ("./models/bal", "models/ball"), ("df-1.3b-540", "df-1.3b-540p")],
)
def test_a_slip_is_recognised(model: Path, name: str, meant: str) -> None:
    with pytest.raises(UsageError) as error:
        open_model(name)
    assert error.value.code == "model-not-found"
    assert error.value.message.endswith(f'did you mean "{meant}"?')


@pytest.mark.parametrize("name", ["nope", "/no/such/folder", "a/b/c", "~/no such", "owner/"])
def test_unknown_names_never_ask_the_network(name: str, model: Path) -> None:
    fake = FakeHub(model)
    with pytest.raises(UsageError) as error:
        open_model(name, snapshot=fake)
    assert (error.value.code, fake.calls) == ("model-not-found", [])
