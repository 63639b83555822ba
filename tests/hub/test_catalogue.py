"""Names of models against the list of what was published (tests/golden/REFERENCE.md §3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.hub import catalogue
from skyreels_cli.hub.catalogue import RELEASES, bundled_models, find_release, unknown_words
from skyreels_cli.plugins.specs import ModelSpec

PUBLISHED = {
    "df-1.3b-540p": "Skywork/SkyReels-V2-DF-1.3B-540P-Diffusers",
    "df-14b-540p": "Skywork/SkyReels-V2-DF-14B-540P-Diffusers",
    "df-14b-720p": "Skywork/SkyReels-V2-DF-14B-720P-Diffusers",
    "t2v-14b-540p": "Skywork/SkyReels-V2-T2V-14B-540P-Diffusers",
    "t2v-14b-720p": "Skywork/SkyReels-V2-T2V-14B-720P-Diffusers",
    "i2v-1.3b-540p": "Skywork/SkyReels-V2-I2V-1.3B-540P-Diffusers",
    "i2v-14b-540p": "Skywork/SkyReels-V2-I2V-14B-540P-Diffusers",
    "i2v-14b-720p": "Skywork/SkyReels-V2-I2V-14B-720P-Diffusers",
}


def test_releases() -> None:
    assert {release.alias: release.repo for release in RELEASES} == PUBLISHED


@pytest.mark.parametrize("alias", PUBLISHED)
def test_every_spelling_finds_the_same_release(alias: str) -> None:
    repo = PUBLISHED[alias]
    original = repo.removesuffix("-Diffusers")
    for spelling in (alias, alias.upper(), repo, original, original.removeprefix("Skywork/")):
        release = find_release(spelling)
        assert release is not None
        assert release.repo == repo


@pytest.mark.parametrize("model", ["", "nope", "Wan-AI/Wan2.1-T2V-14B", "models/df-14b-540p", "df-14b-540"])
def test_other_names_are_not_ours(model: str) -> None:
    assert find_release(model) is None


@pytest.mark.parametrize(
    "model",
    [
        "Skywork/SkyReels-V2-DF-5B-540P",
        "t2v-5b-720p",
        "SkyReels-V2-I2V-5B-540P",
        "Skywork/SkyReels-V2-T2V-1.3B-540P",
        "Skywork/SkyReels-V2-CameraDirector-14B-720P",
        "camera-director-5b-540p",
    ],
)
def test_announced_but_never_released(model: str) -> None:
    with pytest.raises(UsageError, match="never released") as error:
        find_release(model)
    assert (error.value.code, error.value.hint) == ("model-never-released", "--model df-1.3b-540p")


class FakePlugins:
    """Two packages bring a model along; a third is broken, a fourth was installed without its weights."""

    def __init__(self, folder: Path) -> None:
        self.folders = {"tiny": folder, "broken": None, "gone": folder / "gone"}

    def specs(self, kind: type[ModelSpec]) -> dict[str, ModelSpec]:
        assert kind is ModelSpec
        return {name: ModelSpec(name, "", "module:folder") for name in self.folders}

    def make(self, spec: ModelSpec) -> Path:
        folder = self.folders[spec.name]
        if folder is None:
            raise ImportError("broken package")
        return folder


def test_bundled_models_survive_a_broken_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalogue, "plugins", lambda: FakePlugins(tmp_path))
    assert bundled_models() == {"tiny": tmp_path}


def test_the_demo_model_tells_which_words_it_drops() -> None:
    prompts = ("a red ball chases a cat over a blue wall", "the cat, and a unicorn")
    assert unknown_words("tiny", prompts) == ["chases", "cat", "unicorn"]
    assert unknown_words("df-1.3b-540p", prompts) == []
