"""What a preset needs: told with the command that brings it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from skyreels_cli.errors import PluginError, UsageError
from skyreels_cli.recipe.presets.preset import Preset, Requires
from skyreels_cli.recipe.presets.requirements import check_loras, check_model, check_requirements, unmet
from skyreels_cli.recipe.validate import find_problems


def requires(**values: object) -> Requires:
    return Requires.model_validate(values)


def test_what_is_there() -> None:
    assert unmet(None) == []
    assert (
        unmet(requires(skyreels=">=0.0.1", plugins={"teacache": "skyreels-cli>=0.0.1", "unipc": "skyreels-cli"})) == []
    )


def test_a_plugin_that_is_missing() -> None:
    with pytest.raises(PluginError, match="needs the plugin foo of skyreels-foo>=1") as error:
        check_requirements(requires(plugins={"foo": "skyreels-foo>=1.2"}), "x.yaml")
    assert (error.value.code, error.value.exit_code) == ("plugin-not-found", 5)
    assert error.value.hint
    assert error.value.hint.endswith("install 'skyreels-foo>=1.2'")


def test_a_plugin_that_is_too_old() -> None:
    (missing,) = unmet(requires(plugins={"teacache": "skyreels-cli>=99"}))
    assert "is installed" in missing.message


def test_a_later_program() -> None:
    with pytest.raises(UsageError, match="needs skyreels >=99, and this is") as error:
        check_requirements(requires(skyreels=">=99"), "x.yaml")
    assert (error.value.code, error.value.hint) == ("preset-requires", "pipx upgrade skyreels-cli")


def test_the_model() -> None:
    for name in ("df-14b-720p", "Skywork/SkyReels-V2-DF-14B-720P", "Skywork/SkyReels-V2-DF-14B-720P-Diffusers"):
        check_model(requires(model="df-14b-720p"), name, "x.yaml")
    with pytest.raises(UsageError, match="needs the model df-14b-720p, and tiny is to be used") as error:
        check_model(requires(model="df-14b-720p"), "tiny", "x.yaml")
    assert error.value.hint == "--model df-14b-720p"


def test_loras_are_known_by_their_content(tmp_path: Path) -> None:
    wanted, other = tmp_path / "renamed.safetensors", tmp_path / "style.safetensors"
    wanted.write_bytes(b"style")
    other.write_bytes(b"something else")
    needs = requires(lora={"style.safetensors": hashlib.sha256(b"style").hexdigest()})
    check_loras(needs, [str(other), f"{wanted}:0.8"], "x.yaml")
    for loras, says in (([str(other)], "and the file of this name is another one"), ([], r"…\)$")):
        with pytest.raises(UsageError, match=f"x.yaml needs the LoRA style.safetensors .*{says}") as error:
            check_loras(needs, loras, "x.yaml")
        assert (error.value.code, error.value.hint) == ("preset-requires", "--lora /PATH/TO/style.safetensors")


@pytest.mark.parametrize(
    ("values", "key", "says"),
    [
        ({"skyreels": "new"}, "requires.skyreels", "should be a range of versions"),
        ({"plugins": {"a": "a @ https://x.example/a.whl"}}, "requires.plugins.a", "and nothing else"),
        ({"plugins": {"../a": "a"}}, "requires.plugins.../a.[key]", "should be up to 64 letters"),
        ({"lora": {"a": "12"}}, "requires.lora.a", "should match pattern"),
        ({"plugin": {}}, "requires.plugin", 'did you mean "plugins"?'),
    ],
)
def test_what_is_wrong(values: object, key: str, says: str) -> None:
    (problem,) = find_problems({"requires": values}, Preset)
    assert problem.key == key
    assert says in problem.message
