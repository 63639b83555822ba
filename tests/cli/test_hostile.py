"""Presets, prompts and names from strangers: nothing in them makes a terminal do something, and JSON stays exact."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from skyreels_cli.output import Output, harmless

from .conftest import MODEL, Ran

Run = Callable[..., Ran]
ESCAPES = (
    "\x1b[2J\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x1b\\\x1bP1$r\x1b\\\x9b31m\x9d0;x\x9c\x90q\x9c\x85\x08\x7f"
    "\u202eevil\u202c\u2066x\u2069\u200f\u061c"
)
PROMPT = f"a red ball{ESCAPES} rolls"


def is_hostile(char: str) -> bool:
    """By Unicode's own tables: controls but tab and line feed, and what sets the direction of writing."""
    direction = unicodedata.bidirectional(char)
    sets_direction = direction in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    marks = char in "\u200e\u200f\u061c"
    return (unicodedata.category(char) == "Cc" and char not in "\t\n") or sets_direction or marks


def test_every_character_of_unicode() -> None:
    for code in range(0x110000):
        assert harmless(chr(code)) == ("" if is_hostile(chr(code)) else chr(code)), hex(code)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a preset full of escape sequences, in its name too."""
    presets = tmp_path / "home" / "presets"
    presets.mkdir(parents=True)
    (presets / "evil\x1b[31m.yaml").write_text(json.dumps({"description": PROMPT, "prompt": PROMPT}), encoding="utf-8")
    monkeypatch.setenv("SKYREELS_HOME", str(tmp_path / "home"))
    return presets.parent


FILM = ("--model", str(MODEL), "--resolution", "80x48", "--num-frames", "17")
SCREENS: dict[str, tuple[str, ...]] = {
    "preset list": ("preset", "list"),
    "preset show": ("preset", "show", "evil\x1b[31m"),
    "the plan": ("generate", PROMPT, *FILM, "--dry-run", "-o", "x\x1b[31m.mp4"),
    "why": ("generate", "--preset", "evil\x1b[31m", *FILM, "--explain"),
    "queue list": ("queue", "list"),
    "queue show": ("queue", "show", "1"),
    "an error": ("generate", "x", "--model", f"gone{ESCAPES}"),
    "an option": ("generate", f"--{ESCAPES}"),
}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("more", [(), ("--debug",)])
def test_none_comes_out(screen: str, more: tuple[str, ...], home: Path, run: Run) -> None:
    added = run("queue", "add", PROMPT, *FILM, "-o", "y\x1b[31m.mp4")
    assert added.status == 0, added.err
    ran = run(*SCREENS[screen], *more)
    said = added.out + added.err + ran.out + ran.err
    assert said
    assert [char for char in said if is_hostile(char)] == []


def test_json_is_exact_and_ascii(home: Path, run: Run) -> None:
    ran = run("generate", PROMPT, *FILM, "--dry-run", "--json")
    assert ran.envelope["data"]["recipe"]["prompt"] == PROMPT
    assert ran.out.isascii()
    assert [char for char in ran.out if is_hostile(char)] == []


def test_a_table_keeps_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    table = Table(box=None)
    table.add_column()
    table.add_column()
    for text in ("abc", "a\x1b[31mbc"):
        table.add_row(text, "x")
    Output().result({}, "", lambda: table)
    assert "\x1b" not in capsys.readouterr().out
