"""Share codes: short, found within other text, and told apart from damaged ones."""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.presets.find import list_presets
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.sharing import code as codes
from skyreels_cli.recipe.sharing.code import from_code, is_code, to_code
from skyreels_cli.recipe.sharing.load import load

SHIPPED = [preset.name for preset in list_presets()]
PRESET = Preset.model_validate({"name": "rain", "prompt": "a street at night", "seed": 7, "fps": 24})

# A code of format 1, as it was first made: it must be read for ever.
FIRST = "sky1:1Ahg5FEva8yCDebkdHt8M1RrFnLWJYXDB4f59HdwYfKf1DKzs7FkT"


def wrapped(code: str) -> str:
    return "\n".join(textwrap.wrap(code, 40))


def quoted(code: str) -> str:
    return "\n".join(f"> {line}" for line in textwrap.wrap(code, 60))


def in_html(code: str) -> str:
    return f"<p>{code[:50]}<br>{code[50:90]}&nbsp;{code[90:]}</p>&quot;"


def full_width(code: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if char.isascii() and char.isprintable() else char for char in code)


CHATS: dict[str, Callable[[str], str]] = {
    "wrapped": wrapped,
    "quoted": quoted,
    "curly quotes": lambda code: f"“{code}”",
    "single quotes": lambda code: f"‘{code}’",
    "non-breaking spaces": lambda code: "\u00a0".join(textwrap.wrap(code, 30)),
    "zero-width spaces": lambda code: "\u200b".join(textwrap.wrap(code, 10)),
    "soft hyphens": lambda code: "\u00ad".join(textwrap.wrap(code, 20)),
    "smart dashes": lambda code: "—\n".join(textwrap.wrap(code, 50)),
    "non-breaking hyphens": lambda code: "\u2011\n".join(textwrap.wrap(code, 50)),
    "markdown": lambda code: f"**Look:** `{code}`",
    "code block": lambda code: f"```\n{code}\n```",
    "spoiler": lambda code: f"||{code}||",
    "html": in_html,
    "full-width": full_width,
    "capitalised": lambda code: "S" + code[1:],
    "a space behind the colon": lambda code: code.replace(":", ": "),
    "text around": lambda code: f"try this one: {code} it makes lovely rain, have fun",
    "carriage returns": lambda code: "\r\n".join(textwrap.wrap(code, 70)),
    "right-to-left marks": lambda code: f"\u200f{code[:30]}\u202b{code[30:]}",
    "byte order mark": lambda code: "\ufeff" + code,
    "trailing dot": lambda code: f"{code}.",
    "brackets": lambda code: f"({code})",
}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_presets_are_short_and_survive_every_chat(name: str) -> None:
    preset = load(name).flat
    code = to_code(preset)
    assert len(code) <= 2000
    assert re.fullmatch(r"sky1:[1-9A-HJ-NP-Za-km-z]+", code)
    for mangle in CHATS.values():
        assert from_code(mangle(code)).preset == preset


@example(random.Random(0), ["text around", "text around", "right-to-left marks"])  # a mark within the prefix
@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(sorted(CHATS)), min_size=2, max_size=4))
def test_several_chats_on_the_way(chance: random.Random, ways: list[str]) -> None:
    code = to_code(load(chance.choice(SHIPPED)).flat)
    text = code
    for way in sorted(ways, key=list(CHATS).index):
        text = CHATS[way](text)
    assert from_code(text).preset == from_code(code).preset


def test_a_code_of_the_first_format_is_read_for_ever() -> None:
    assert from_code(FIRST).preset == PRESET


@given(st.text(max_size=300))
def test_text_without_a_code(text: str) -> None:
    if not is_code(text):
        with pytest.raises(UsageError) as error:
            from_code(text)
        assert error.value.code == "bad-code"


@given(st.data())
def test_any_change_is_noticed(data: st.DataObject) -> None:
    code = to_code(PRESET)
    place = data.draw(st.integers(5, len(code) - 1))
    char = data.draw(st.sampled_from(codes.ALPHABET).filter(lambda char: char != code[place]))
    with pytest.raises(UsageError) as error:
        from_code(code[:place] + char + code[place + 1 :])
    assert (error.value.code, error.value.exit_code) == ("bad-code", 2)


def test_what_is_wrong_is_said() -> None:
    code = to_code(PRESET)
    for text, says in [
        (code[:-9], r"cut off: \d+ of \d+ characters"),
        (code[:9], "cut off at its beginning"),
        ("sky1:", "cut off at its beginning"),
        ("sky1:" + "2" * 40, "damaged at its beginning"),
        (code[:-1] + ("1" if code[-1] != "1" else "2"), "changed or lost"),
        (code[:-2] + code[-1] + code[-2], "changed or lost"),
        ("hello", "there is no sky1: in it"),
    ]:
        with pytest.raises(UsageError, match=says):
            from_code(text)


def test_a_later_format_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "FORMAT", 2)
    code = to_code(PRESET)
    monkeypatch.setattr(codes, "FORMAT", 1)
    with pytest.raises(UsageError, match="a later version of the program made it"):
        from_code(code)


def test_files_do_not_travel_in_codes(tmp_path: object) -> None:
    code = to_code(Preset.model_validate({"image": "/etc/passwd", "prompt": "a"}))
    with pytest.raises(UsageError, match="image: a code or a film cannot bring files") as error:
        load(code)
    assert error.value.code == "bad-preset"
