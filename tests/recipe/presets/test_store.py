"""One's own presets: taken in, edited, renamed and removed without losing a comment or a neighbour."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.presets.read import read_preset
from skyreels_cli.recipe.presets.store import free_name, remove_preset, rename_preset, save_preset
from skyreels_cli.recipe.presets.write import edited

COMMENTED = """\
# what it is for
title: Rain   # in lists

seed: 7
prompt: "a street"  # quoted on purpose
"""


def preset(**values: object) -> Preset:
    return Preset.model_validate(values)


def test_comments_and_order_are_kept() -> None:
    assert edited(COMMENTED, {"seed": 8, "name": "rain"}) == COMMENTED.replace("7", "8") + "name: rain\n"
    assert edited(COMMENTED, {"title": None}).splitlines()[-2:] == [
        "seed: 7",
        'prompt: "a street"  # quoted on purpose',
    ]


def test_taking_in_keeps_the_comments(tmp_path: Path) -> None:
    text = read_preset(COMMENTED.encode(), "x")
    path = save_preset(text.preset, "rain", tmp_path, raw=text.raw)
    assert path.read_text(encoding="utf-8") == COMMENTED + "schema: 1\nname: rain\n"


def test_files_go_into_a_folder_of_that_name(tmp_path: Path) -> None:
    save_preset(
        preset(image="a.png", shots=[{"image": "b.png", "num_frames": 9}]),
        "rain",
        tmp_path,
        files={"a.png": b"A", "b.png": b"B"},
    )
    read = read_preset((tmp_path / "rain.yaml").read_bytes(), "x").preset
    assert read.image == "rain/a.png"
    assert read.shots
    assert read.shots[0].image == "rain/b.png"
    assert (tmp_path / "rain" / "b.png").read_bytes() == b"B"
    (tmp_path / "rain" / "mine.txt").write_text("no preset's")
    remove_preset("rain", tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["rain", "mine.txt"]


def test_a_clash_is_no_accident(tmp_path: Path) -> None:
    save_preset(preset(seed=1), "rain", tmp_path)
    with pytest.raises(UsageError, match="exists already") as error:
        save_preset(preset(seed=2), "rain", tmp_path)
    assert (error.value.code, error.value.exit_code) == ("preset-exists", 2)
    (tmp_path / "rain.yaml").rename(tmp_path / "rain.json")
    with pytest.raises(UsageError, match="exists already"):
        save_preset(preset(seed=2), "rain", tmp_path)
    save_preset(preset(seed=2), "rain", tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["rain.yaml"]


def test_renaming_takes_children_along(tmp_path: Path) -> None:
    (tmp_path / "rain.yaml").write_text("# mine\nname: rain\nseed: 1\n")
    (tmp_path / "snow.yaml").write_text("# colder\nextends: rain\nfps: 12\n")
    (tmp_path / "hail.yaml").write_text("extends: rain.yaml\n")
    (tmp_path / "sun.yaml").write_text("broken: [\n")
    rename_preset("rain", "drizzle", tmp_path)
    assert (tmp_path / "drizzle.yaml").read_text() == "# mine\nname: drizzle\nseed: 1\n"
    assert (tmp_path / "snow.yaml").read_text() == "# colder\nextends: drizzle\nfps: 12\n"
    assert (tmp_path / "hail.yaml").read_text() == "extends: drizzle.yaml\n"
    assert not (tmp_path / "rain.yaml").exists()


def test_what_cannot_be_done(tmp_path: Path) -> None:
    save_preset(preset(seed=1), "rain", tmp_path)
    (tmp_path / "snow.yaml").write_text("extends: rain\n")
    for action, code in [
        (lambda: rename_preset("draft", "mine", tmp_path), "preset-shipped"),
        (lambda: remove_preset("draft", tmp_path), "preset-shipped"),
        (lambda: remove_preset("rain", tmp_path), "preset-extended"),
        (lambda: rename_preset("rain", "snow", tmp_path), "preset-exists"),
        (lambda: rename_preset("rain", "../x", tmp_path), "bad-name"),
        (lambda: rename_preset("gone", "x", tmp_path), "preset-not-found"),
        (lambda: save_preset(preset(), "con", tmp_path), "bad-name"),
    ]:
        with pytest.raises(UsageError) as error:
            action()
        assert error.value.code == code


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("rain", "rain"),
        ("a film: 雪!", "a-film--雪"),
        ("../../x", "x"),
        ("", "imported"),
        ("CON", "CON"),
        (None, "imported"),
    ],
)
def test_names(wanted: str | None, name: str) -> None:
    assert free_name(wanted) == name
