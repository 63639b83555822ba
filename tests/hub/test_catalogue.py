"""Names of models against the list of what was published (tests/golden/REFERENCE.md §3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.hub import catalogue
from skyreels_cli.hub.catalogue import RELEASES, bundled_models, find_release, unknown_words
from skyreels_cli.hub.open import open_model
from skyreels_cli.hub.shapes import release_facts
from skyreels_cli.plugins.specs import ModelSpec
from skyreels_cli.recipe.defaults import family_defaults

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
    ("model", "nearest"),
    [
        ("Skywork/SkyReels-V2-DF-5B-540P", "df-14b-540p"),
        ("t2v-5b-720p", "t2v-14b-720p"),
        ("SkyReels-V2-I2V-5B-540P", "i2v-14b-540p"),
        ("Skywork/SkyReels-V2-T2V-1.3B-540P", "df-1.3b-540p"),
        ("Skywork/SkyReels-V2-DF-1.3B-720P-Diffusers", "df-1.3b-540p"),
        ("Skywork/SkyReels-V2-CameraDirector-14B-720P", "df-14b-720p"),
        ("camera-director-5b-540p", "df-14b-540p"),
    ],
)
def test_announced_but_never_released(model: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=f"never released; the nearest is {nearest}") as error:
        find_release(model)
    assert (error.value.code, error.value.hint) == ("model-never-released", f"--model {nearest}")


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


def test_recommended_settings_are_the_defaults_of_the_family() -> None:
    for release in RELEASES:
        said = release.recommended.model_dump()
        defaults = family_defaults(release_facts(release), image=False).model_dump(exclude_none=True)
        assert said == {name: defaults[name] for name in said}, release.alias


def test_sizes_are_parameters_times_bytes() -> None:
    size = {"F32": 4, "BF16": 2}
    for release in RELEASES:
        for layout in release.layouts:
            for stored in layout.files:
                parameters = catalogue.catalogue().parts[release.parts[stored.part]].parameters
                if "xlm-roberta" not in stored.path:  # which has a text tower too
                    assert stored.bytes == parameters * size[stored.dtype]
                assert stored.estimated


def test_sizes_agree_with_those_that_somebody_measured() -> None:
    """The sum of the blobs in the repositories, as others have published it: 29.0 and 80.4 GB."""
    sizes = {release.alias: round(release.layout("diffusers").bytes / 1e9, 1) for release in RELEASES}
    assert (sizes["df-1.3b-540p"], sizes["df-14b-540p"]) == (29.0, 80.4)


def test_community_files_lack_nothing_that_a_release_has() -> None:
    aliases = {release.alias for release in RELEASES}
    entries = catalogue.catalogue().community
    assert len({entry.alias for entry in entries}) == len(entries) == 13
    assert {entry.base for entry in entries} <= aliases


def write_user_catalogue(home: Path, content: dict[str, Any]) -> None:
    (home / "catalogue").mkdir(parents=True)
    (home / "catalogue" / "mine.json").write_text(json.dumps(content))
    catalogue.catalogue.cache_clear()


def test_a_user_adds_a_model(home: Path) -> None:
    entry = RELEASES[0].model_dump(mode="json") | {"alias": "mine-1.3b"}
    entry["layouts"] = [{"name": "diffusers", "repositories": {"hf": "me/mine"}, "files": entry["layouts"][0]["files"]}]
    write_user_catalogue(home, {"releases": [entry]})
    try:
        found = find_release("mine-1.3b")
        assert found is not None
        assert find_release("me/mine") == found
        assert open_model("mine-1.3b", absent=True).name == "me/mine"
    finally:
        catalogue.catalogue.cache_clear()


def test_a_mistake_in_a_user_s_catalogue_is_named(home: Path) -> None:
    write_user_catalogue(home, {"releases": [{"alias": "mine", "famly": "df"}]})
    try:
        with pytest.raises(UsageError, match=r"mine\.json: releases\.0\.") as error:
            find_release("df-1.3b-540p")
        assert error.value.code == "bad-catalogue"
    finally:
        catalogue.catalogue.cache_clear()
