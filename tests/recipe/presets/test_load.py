"""Presets: where they are found, which wins, what they extend, and how a wrong line is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import skyreels_cli
from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.presets.find import list_presets, shipped_folder
from skyreels_cli.recipe.presets.preset import Requires
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.sharing.load import load, load_preset


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as error:
        load_preset(str(path))
    assert (error.value.code, error.value.exit_code, error.value.hint) == ("bad-preset", 2, f"edit {path}")
    return error.value.message


SHIPPED = sorted(path.stem for path in shipped_folder().glob("*.yaml"))


def test_shipped() -> None:
    assert [preset.name for preset in list_presets()] == SHIPPED
    assert all(preset.description and not preset.problem for preset in list_presets())
    assert all(preset.origin == "shipped" for preset in list_presets())


def test_the_reference_s_examples() -> None:
    short, long = load_preset("10s-sync"), load_preset("30s-async")
    assert (short.num_frames, short.ar_step, short.overlap_history, short.addnoise_condition) == (
        257,
        0,
        17,
        20,
    )
    assert (long.num_frames, long.ar_step, long.causal_block_size) == (737, 5, 5)
    assert (long.overlap_history, long.addnoise_condition) == (17, 20)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_presets_make_recipes(name: str, facts: Callable[..., ModelFacts]) -> None:
    recipe = complete(merge(load_preset(name), Draft.model_validate({"prompt": "a ball"})), facts())
    assert recipe.width % 16 == recipe.height % 16 == 0
    assert recipe.overlap_history <= recipe.base_num_frames - 4


def test_shipped_presets_lie_beside_the_package_in_a_checkout() -> None:
    assert shipped_folder() == Path(skyreels_cli.__file__).parents[1] / "presets"


def test_installed_presets_lie_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "presets").mkdir()
    monkeypatch.setattr(skyreels_cli, "__file__", str(tmp_path / "__init__.py"))
    assert shipped_folder() == tmp_path / "presets"


def test_yaml_1_2(write: Callable[..., Path]) -> None:
    path = write('aspect: 16:9\nprompt: no\nnegative_prompt: ""\nguidance_scale: 1e1\nduration: 10\nseed: 0123\n')
    draft = load_preset(str(path))
    assert (draft.aspect, draft.prompt, draft.negative_prompt) == ("16:9", "no", "")
    assert (draft.guidance_scale, draft.duration, draft.seed) == (10.0, "10", 123)


def test_json(write: Callable[..., Path]) -> None:
    path = write('{\n\t"schema": 1,\n\t"prompt": "雪",\n\t"seed": 5\n}\n', "mine.json")
    assert (load_preset(str(path)).prompt, load_preset(str(path)).seed) == ("雪", 5)


def test_images_are_relative_to_the_preset(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write("image: pictures/a.png\nshots:\n- {prompt: b, num_frames: 9, end_image: b.png}\n")
    draft = load_preset(str(path))
    assert draft.shots
    assert (draft.image, draft.shots[0].end_image) == (str(tmp_path / "pictures/a.png"), str(tmp_path / "b.png"))


@pytest.mark.parametrize("image", ["/abs/b.png", "../b.png", "a/../../b.png", "~/b.png", "C:b.png", "a\\b.png"])
def test_files_stay_in_the_presets_folder(write: Callable[..., Path], image: str) -> None:
    path = write(f"prompt: a\nshots:\n- prompt: b\n  num_frames: 9\n  end_image: '{image}'\n")
    message = refused(path)
    assert message.startswith(f"{path}:5: shots.0.end_image: ")
    assert "leads out of the preset's folder" in message


def test_every_wrong_line_is_named(write: Callable[..., Path]) -> None:
    path = write("prompt: a\n\nnum_frmes: 9  # typed too fast\naspect: 2:1\noptions:\n  teacache:\n  - 1\n")
    assert refused(path).splitlines() == [
        f'{path}:3: num_frmes: unknown key; did you mean "num_frames"?',
        f"{path}:4: aspect: '2:1' should be '16:9', '9:16', '1:1', '4:3' or '3:4'",
        f"{path}:6: options.teacache: [1] should be a valid dictionary",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("schema: 0\n", ":1: schema: 0 should be 1"),
        ("seed: 1\nprompt: a\nseed: 2\n", ':3: found duplicate key "seed"'),
        ("prompt: [a\nseed: 2\n", ":2: expected"),
        ("- a\n- b\n", ":1: expected `key: value` lines"),
        ("1: x\n", ":1: 1: "),
        ("prompt: &a [*a]\n", ":1: an alias that contains itself"),
        ("", ":1: expected `key: value` lines"),
        ("prompt: !!python/object/apply:os.system [ls]\n", ":1: could not determine a constructor"),
    ],
)
def test_wrong_files(write: Callable[..., Path], text: str, says: str) -> None:
    path = write(text)
    assert refused(path).startswith(f"{path}{says}")


def test_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused(path)


def test_missing_file_names_the_neighbour(write: Callable[..., Path]) -> None:
    path = write("seed: 1\n")
    with pytest.raises(UsageError, match=r'did you mean "mine.yaml"') as error:
        load_preset(str(path.with_name("mien.yaml")))
    assert (error.value.code, error.value.exit_code) == ("preset-not-found", 2)


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match='did you mean "10s-sync"') as error:
        load_preset("10s-snyc")
    assert (error.value.code, error.value.exit_code) == ("preset-not-found", 2)
    assert error.value.hint == f"one of: {', '.join(SHIPPED)}"


def test_the_user_s_presets_come_first(write: Callable[..., Path], tmp_path: Path) -> None:
    write("description: mine\nseed: 5\n", "draft.yaml")
    write("bad: 1\n", "broken.yml")
    (tmp_path / "notes.txt").write_text("no preset")
    assert load_preset("draft", tmp_path).seed == 5
    assert load_preset("10s-sync", tmp_path).num_frames == 257
    listed = {preset.name: preset for preset in list_presets(tmp_path)}
    assert sorted(listed) == sorted([*SHIPPED, "broken"])
    assert (listed["draft"].origin, listed["draft"].description) == ("user", "mine")
    assert "bad: unknown key" in (listed["broken"].problem or "")


def test_a_user_without_presets(tmp_path: Path) -> None:
    assert [preset.name for preset in list_presets(tmp_path / "none")] == SHIPPED


def test_the_projects_presets_win(write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("seed: 5\n", "draft.yaml")
    project = tmp_path / "project"
    (project / "presets").mkdir(parents=True)
    (project / "presets" / "draft.yaml").write_text("seed: 6\n")
    monkeypatch.chdir(project)
    assert load_preset("draft", tmp_path).seed == 6
    assert {preset.name: preset.origin for preset in list_presets(tmp_path)}["draft"] == "project"
    assert load_preset(str(tmp_path / "draft.yaml"), tmp_path).seed == 5


def test_a_preset_lies_over_its_parent(write: Callable[..., Path], tmp_path: Path) -> None:
    write("extends: 10s-sync\nfps: 12\nseed: 1\noptions: {teacache: {threshold: 0.3}}\n", "base.yaml")
    child = write("# mine\nextends: base.yaml\n\nseed: 2\noptions: {teacache: {ret_steps: true}}\n", "child.yaml")
    loaded = load(str(child), tmp_path)
    draft = loaded.draft
    assert (draft.num_frames, draft.fps, draft.seed) == (257, 12, 2)
    assert draft.options == {"teacache": {"threshold": 0.3, "ret_steps": True}}
    origins = loaded.origins()
    assert origins["seed"] == (2, f"{child}:4")
    assert origins["fps"] == (12, f"{tmp_path / 'base.yaml'}:2")
    assert origins["num_frames"] == (257, f"{shipped_folder() / '10s-sync.yaml'}:9")
    assert load_preset(str(child), tmp_path) == loaded.flat.draft


def test_an_unknown_parent(write: Callable[..., Path]) -> None:
    path = write("extends: gone\n")
    with pytest.raises(UsageError, match="there is no preset 'gone'"):
        load_preset(str(path))


def test_requirements_of_a_parent_hold(write: Callable[..., Path]) -> None:
    write("requires: {skyreels: '>=99'}\n", "base.yaml")
    path = write("extends: base.yaml\nrequires: {model: df-14b-540p}\n")
    with pytest.raises(UsageError, match="needs skyreels >=99"):
        load_preset(str(path))
    assert load(str(path)).requires == Requires(skyreels=">=99", model="df-14b-540p")
