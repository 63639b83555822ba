"""What leaves the machine: whole, and without a word about it."""

from __future__ import annotations

import json
import socket
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.presets.load import LoadedPreset, PresetLayer
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.presets.read import PresetText
from skyreels_cli.recipe.presets.write import to_yaml
from skyreels_cli.recipe.presets.yaml_text import YamlText
from skyreels_cli.recipe.sharing.archive import read_archive, write_archive
from skyreels_cli.recipe.sharing.code import to_code
from skyreels_cli.recipe.sharing.incoming import look_at
from skyreels_cli.recipe.sharing.load import load, load_preset
from skyreels_cli.recipe.sharing.portable import make_portable

folders = st.lists(st.from_regex(r"[a-z]{3,8}", fullmatch=True), min_size=1, max_size=4)


def loaded(folder: Path, **values: object) -> LoadedPreset:
    text = PresetText(Preset.model_validate(values), str(folder / "mine.yaml"), YamlText(values))
    return LoadedPreset((PresetLayer(text, folder),))


def with_pictures(folder: Path) -> Path:
    (folder / "in").mkdir()
    (folder / "a.png").write_bytes(b"A" * 100)
    (folder / "in" / "a.png").write_bytes(b"B" * 100)
    path = folder / "mine.yaml"
    path.write_text("prompt: a\nimage: a.png\nend_image: in/a.png\nshots:\n- {image: a.png, num_frames: 9}\n")
    return path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=folders, windows=st.booleans())
def test_no_path_of_this_machine_goes_along(tmp_path: Path, parts: list[str], windows: bool) -> None:
    kind = PureWindowsPath("C:\\Users", *parts) if windows else PurePosixPath("/home", *parts)
    values = {
        "prompt": "a",
        "model": str(kind / "mymodel"),
        "lora": [f"{kind / 'style.safetensors'}:0.8"],
        "options": {"foo": {"file": str(kind / "table.bin"), "deep": [{"x": str(kind / "y.bin")}]}},
    }
    sent = make_portable(loaded(tmp_path, **values)).preset
    text = json.dumps(sent.plain())
    assert str(kind) not in text
    assert not any(f"{sep}{part}{sep}" in text for part in parts for sep in "/\\")
    assert (sent.model, sent.lora) == ("mymodel", ["style.safetensors:0.8"])
    assert sent.options == {"foo": {"file": "table.bin", "deep": [{"x": "y.bin"}]}}


def test_neither_user_nor_host_nor_folder_is_in_an_export(tmp_path: Path) -> None:
    with_pictures(tmp_path)
    portable = make_portable(load(str(tmp_path / "mine.yaml")))
    archive = write_archive(to_yaml(portable.preset), portable.contents())
    for secret in (str(tmp_path), tmp_path.name, socket.gethostname()):
        assert secret.encode() not in archive
        assert secret not in to_yaml(portable.preset)


def test_files_of_one_name_get_two(tmp_path: Path) -> None:
    portable = make_portable(load(str(with_pictures(tmp_path))), "mine")
    assert portable.preset.image == "a.png"
    assert portable.preset.end_image == "a-2.png"
    assert portable.preset.shots
    assert portable.preset.shots[0].image == "a.png"
    assert portable.contents() == {"a.png": b"A" * 100, "a-2.png": b"B" * 100}


def test_an_archive_is_used_and_imported(tmp_path: Path) -> None:
    home = tmp_path / "home"
    portable = make_portable(load(str(with_pictures(tmp_path))), "mine")
    packed = tmp_path / "mine.skypreset"
    packed.write_bytes(write_archive(to_yaml(portable.preset), portable.contents()))
    assert packed.read_bytes() == write_archive(to_yaml(portable.preset), portable.contents())
    draft = load_preset(str(packed), home)
    assert Path(str(draft.end_image)).read_bytes() == b"B" * 100
    assert home in Path(str(draft.end_image)).parents
    found = look_at(str(packed), home)
    assert (found.name, found.missing) == ("mine", ())
    found.save("theirs", home, overwrite=False)
    again = load_preset("theirs", home)
    assert again.image == str(home / "theirs" / "a.png")
    assert Path(str(again.image)).read_bytes() == b"A" * 100
    assert make_portable(load("theirs", home), "mine").preset == portable.preset


def test_what_cannot_go_along(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UsageError, match=r"a\.txt is neither a picture nor a video"):
        make_portable(loaded(tmp_path, image="a.txt"))
    with pytest.raises(UsageError, match="cannot be read"):
        make_portable(loaded(tmp_path, image="gone.png")).contents()
    (tmp_path / "big.png").write_bytes(bytes(300 << 10))
    with pytest.raises(UsageError, match=r"the thumbnail big.png is larger than 256 KB"):
        make_portable(loaded(tmp_path, thumbnail="big.png"))


def test_parents_are_folded_in(tmp_path: Path) -> None:
    sent = make_portable(load("60s-async")).preset
    assert sent.extends is None
    assert (sent.num_frames, sent.ar_step, sent.title) == (1457, 5, "A minute, async")
    assert len(to_code(sent)) < 2000
    assert read_archive(write_archive(to_yaml(sent), {}), "x").text.preset == sent


def test_only_missing_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "film.mp4.json").write_text(
        json.dumps({"recipe": {"prompt": "a", "negative_prompt": "", "image": "/home/anna/first.png", "ar_step": 0}})
    )
    found = look_at(str(tmp_path / "film.mp4.json"), tmp_path)
    assert found.missing == ("first.png",)
    assert (found.preset.negative_prompt, found.preset.image, found.preset.ar_step) == ("", None, 0)
