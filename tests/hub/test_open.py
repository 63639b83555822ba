"""`--model`: bundled name, alias, folder or repository, on this machine or not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.hub import open as hub_open
from skyreels_cli.hub.download.planned import plan_download
from skyreels_cli.hub.download.record import record_of
from skyreels_cli.hub.download.run import run_download
from skyreels_cli.hub.download.wanted import wanted
from skyreels_cli.hub.located import ModelNotHere, to_fetch
from skyreels_cli.hub.open import open_model
from tests.hub.download.conftest import GOLDEN, ORIGINAL, REPO, Heard, hub
from tests.loopback_hub import LoopbackHub

__all__ = ["hub"]  # a fixture

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture(autouse=True)
def no_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever is installed, set or lying around where the tests run plays no part."""
    monkeypatch.setattr(hub_open, "bundled_models", dict)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope"))
    monkeypatch.chdir(tmp_path)


def fetched(model: str = "df-1.3b-540p", **said: object) -> Path:
    return run_download(plan_download(wanted(model, **said)), Heard()).folder  # type: ignore[arg-type]


def test_a_folder(model: Path) -> None:
    facts = open_model(os.path.relpath(model))
    assert (facts.name, facts.family) == (str(model), "df")


def test_a_bundled_model_comes_first(model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.setattr(hub_open, "bundled_models", lambda: {"tiny": model})
    facts = open_model("tiny")
    assert (facts.name, facts.folder) == ("tiny", model)


@pytest.mark.parametrize("name", ["df-1.3b-540p", ORIGINAL, REPO, ORIGINAL.removeprefix("Skywork/").lower()])
def test_an_alias_and_the_reference_s_id_open_what_was_downloaded(hub: LoopbackHub, name: str) -> None:
    folder = fetched()
    facts = open_model(name)
    assert (facts.name, facts.folder, facts.absent) == (REPO, folder, None)


@pytest.mark.parametrize(("source", "layout"), [("hf", "original"), ("modelscope", "original"), ("hf", "diffusers")])
@pytest.mark.parametrize("into", [None, "elsewhere"])
def test_from_both_hubs_in_both_layouts_and_places(
    hub: LoopbackHub, tmp_path: Path, source: str, layout: str, into: str | None
) -> None:
    if source == "modelscope":
        pytest.importorskip("modelscope_hub")
    folder = fetched(source=source, layout=layout, to=tmp_path / into if into else None)
    facts = open_model("df-1.3b-540p")
    assert (facts.name, facts.family, facts.folder) == (REPO, "df", folder)
    assert facts.transformer.parameter_count == open_model(str(GOLDEN / "model")).transformer.parameter_count


def test_what_another_program_downloaded(hub: LoopbackHub, tmp_path: Path) -> None:
    from huggingface_hub import snapshot_download

    folder = snapshot_download(REPO, cache_dir=tmp_path / "shared cache")
    assert open_model("df-1.3b-540p").folder == Path(folder)


@pytest.mark.parametrize("missing", [TRANSFORMER, "vae/config.json", "tokenizer/tokenizer.json"])
def test_half_a_download_is_no_model(hub: LoopbackHub, missing: str) -> None:
    (fetched() / missing).unlink()
    with pytest.raises(ModelNotHere):
        open_model("df-1.3b-540p")


def test_a_folder_into_which_a_download_is_not_finished(hub: LoopbackHub, tmp_path: Path) -> None:
    folder = fetched(to=tmp_path / "ball")
    record = record_of(folder)
    assert record is not None
    record.model_copy(update={"finished": None}).save()
    for name in (str(folder), "df-1.3b-540p"):
        with pytest.raises(UsageError) as error:
            open_model(name)
        assert (error.value.hint or "").startswith("skyreels download df-1.3b-540p")


def test_a_model_that_is_not_here_names_what_fetches_it() -> None:
    with pytest.raises(ModelNotHere) as error:
        open_model("df-14b-540p")
    assert error.value.message == "df-14b-540p is not on this machine: about 80.4 GB to fetch"
    assert (error.value.code, error.value.hint) == ("model-not-here", "skyreels download df-14b-540p")
    assert (error.value.model, error.value.only) == ("df-14b-540p", ())


def test_a_repository_that_is_not_here() -> None:
    for absent in (False, True):
        with pytest.raises(ModelNotHere) as error:
            open_model("owner/ball", absent=absent)
        assert error.value.hint == "skyreels download owner/ball"


def test_a_plan_needs_no_files() -> None:
    facts = open_model("i2v-14b-720p", absent=True)
    assert (facts.name, facts.absent) == ("Skywork/SkyReels-V2-I2V-14B-720P-Diffusers", "i2v-14b-720p")
    assert to_fetch(facts) == {
        "model": "i2v-14b-720p",
        "bytes": 58_549_276_236,
        "command": "skyreels download i2v-14b-720p",
    }


def test_a_community_file_that_is_not_here_needs_its_base_too() -> None:
    facts = open_model("gguf-df-14b-540p-q4", absent=True)
    fetch = to_fetch(facts)
    assert fetch is not None
    assert fetch["command"] == (
        "skyreels download gguf-df-14b-540p-q4 && skyreels download df-14b-540p --only vae --only text_encoder"
    )
    assert fetch["bytes"] == 9_466_732_639 + 507_570_124 + 22_723_641_344


def test_a_folder_of_that_name_wins_over_the_repository(model: Path) -> None:
    os.chdir(model.parent.parent)
    assert open_model("models/ball").folder == Path("models/ball")


def test_a_base_is_for_files_that_lack_something(model: Path) -> None:
    with pytest.raises(UsageError) as error:
        open_model(str(model), "df-1.3b-540p")
    assert error.value.code == "model-base"


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
def test_names_of_nothing(name: str, edit_json: Callable[..., None]) -> None:
    with pytest.raises(UsageError) as error:
        open_model(name)
    assert error.value.code == "model-not-found"
