"""Files that were changed at random are taken in or refused with an error, and never end in a traceback."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.recipe.presets.find import shipped_folder
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.presets.write import to_yaml
from skyreels_cli.recipe.sharing.archive import write_archive
from skyreels_cli.recipe.sharing.code import to_code
from skyreels_cli.recipe.sharing.incoming import look_at

from .conftest import recipe_of

RECIPE = recipe_of(
    {
        "prompt": "a ball",
        "seed": 1,
        "shots": [{"prompt": "雪", "num_frames": 9, "camera": {"angle": "low"}}, {"duration": "inf", "cut": True}],
        "rerolls": [{"window": 1, "seed": 5}],
        "cache": "teacache",
    }
)
WHOLE = Preset.model_validate(
    {
        "name": "whole",
        "title": "All",
        "tags": ["a"],
        "requires": {"skyreels": ">=0.1", "plugins": {"foo": "skyreels-foo>=1.2"}},
        "camera": {"shot": "close-up", "movement": ["dolly-in", "tilt-up"]},
        "aspect": "16:9",
        "shots": [{"prompt": "one", "duration": "4s"}],
        "options": {"teacache": {"threshold": 0.3}},
    }
)
SEEDS: dict[str, Callable[[], bytes]] = {
    "whole.yaml": lambda: to_yaml(WHOLE).encode(),
    "shipped.yaml": (shipped_folder() / "30s-async.yaml").read_bytes,
    "code.txt": lambda: to_code(WHOLE).encode(),
    "film.mp4.json": lambda: json.dumps({"recipe": RECIPE.model_dump(mode="json", by_alias=True)}).encode(),
    "pictures.skypreset": lambda: write_archive("image: a.png\nprompt: a\n", {"a.png": b"\x89PNG" + bytes(50)}),
}
TOKENS = (
    *(
        b"\0",
        b"\xff",
        b"&a ",
        b"*a ",
        b"!!",
        b"- ",
        b": ",
        b"{",
        b"}",
        b"[",
        b"]",
        b"|",
        b">",
        b"'",
        b'"',
        b"\n",
        b"\t",
    ),
    *(b"9" * 400, b"../", b"/", b"~", b"null", b"true", b".nan", b"-1", b"1e999", b"schema: 2\n", b"extends: draft\n"),
)


def changed(content: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, cut out, doubled, swapped or put in."""
    text = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(text) + 1), chance.randint(0, 20)
        part = bytes(text[at : at + length])
        put = chance.choice([bytes([chance.randrange(256)]), b"", part * 2, part[::-1], chance.choice(TOKENS)])
        text[at : at + chance.choice([0, 1, length])] = put
    return bytes(text)


def fuzz(tries: int, folder: Path) -> int:
    """How many of so many changed files were taken in; whatever is no error of ours passes through."""
    chance, taken = random.Random(5), 0
    contents = {name: make() for name, make in SEEDS.items()}
    for number in range(tries):
        name = list(SEEDS)[number % len(SEEDS)]
        file = folder / name
        file.write_bytes(changed(contents[name], chance))
        with contextlib.suppress(SkyreelsError):
            look_at(str(file), folder)
            taken += 1
    return taken


def test_changed_files(tmp_path: Path) -> None:
    assert 0 < fuzz(600, tmp_path) < 600


@pytest.mark.slow
def test_changed_files_at_length(tmp_path: Path) -> None:
    assert 0 < fuzz(20_000, tmp_path) < 20_000
