"""What leaves the machine names files, and never where they lie."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from skyreels_cli.recipe.inputs import described_inputs, is_local, portable, relocated

parts = st.text(st.characters(blacklist_characters="/\\:\0", blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8)
names = parts.filter(lambda part: part not in (".", "..", "~") and part.strip(". ") == part)
HOMES = ["/home/{}/", "/Users/{}/", "/root/{}/", "C:\\Users\\{}\\", "\\\\server\\{}\\", "D:/{}/"]


@given(home=st.sampled_from(HOMES), user=names, folders=st.lists(names, max_size=3), name=names, shot=st.booleans())
def test_no_folder_of_any_system_is_left(home: str, user: str, folders: list[str], name: str, *, shot: bool) -> None:
    between = "\\" if "\\" in home else "/"
    path = home.format(f"user-{user}") + between.join([*folders, f"file-{name}"])
    recipe = {
        "prompt": "a ball in /home",
        "image": None if shot else path,
        "model": path,
        "shots": [{"prompt": "x", "end_image": path}] if shot else [],
        "options": {"teacache": {"table": path, "threshold": 0.1}},
        "lora": [path + ":0.8"],
    }
    clean = portable(recipe)
    assert f"user-{user}" not in json.dumps(clean, ensure_ascii=False)
    assert clean["model"] == f"file-{name}"
    assert clean["lora"] == [f"file-{name}:0.8"]
    assert clean["options"]["teacache"] == {"table": f"file-{name}", "threshold": 0.1}
    assert clean["prompt"] == "a ball in /home"
    assert portable(clean) == clean


def test_what_means_the_same_everywhere_stays() -> None:
    for text in ("df-1.3b-540p", "Skywork/SkyReels-V2-DF-1.3B-540P", "960x544", "first.png", "16:9", "asset:00/a.png"):
        assert not is_local(text)
        assert portable({"model": text}) == {"model": text}


def test_inputs_by_name_size_and_hash(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"abc")
    recipe = {"image": str(tmp_path / "a.png"), "video": None, "shots": [{"end_image": str(tmp_path / "a.png")}]}
    a = {"name": "a.png", "bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
    assert described_inputs(recipe) == {"image": a, "shot 1 end_image": a}


def test_files_that_moved_along_are_found_again(tmp_path: Path) -> None:
    was, now = tmp_path / "was", tmp_path / "now"
    for place in ("now/in", "now", "beside"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
    for file in ("now/in/a.png", "now/b.png", "beside/c.png"):
        (tmp_path / file).touch()
    given_paths = [str(was / "in" / "a.png"), "/elsewhere/b.png", str(tmp_path / "beside" / "c.png"), "/gone/d.png"]
    assert relocated(given_paths, was, now) == [
        str(now / "in" / "a.png"),
        str(now / "b.png"),
        str(tmp_path / "beside" / "c.png"),
        "/gone/d.png",
    ]
