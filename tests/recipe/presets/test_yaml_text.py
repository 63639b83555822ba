"""YAML from strangers: 1.2's core schema, one line for what is wrong, and bounds that hold."""

from __future__ import annotations

from typing import Any

import pytest

from skyreels_cli.recipe.presets.yaml_text import MAX_BYTES, BadYamlError, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16:9", "16:9"),
        ("no", "no"),
        ("2024-01-01", "2024-01-01"),
        ("12:30:45", "12:30:45"),
        ("0123", 123),
        ("0o17", 15),
        ("1e1", 10.0),
        ("True", True),
        ("~", None),
        ('"\\ud83d\\ude00"', "😀"),
        ("!!str 1", "1"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert parse_yaml(f"a: {text}").values == {"a": value}


def test_lines() -> None:
    read = parse_yaml("a: 1\nb:\n  c:\n  - x\n  - y\n")
    assert read.values == {"a": 1, "b": {"c": ["x", "y"]}}
    assert [read.line(path) for path in (("a",), ("b", "c"), ("b", "c", 1), ("b", "gone"))] == [1, 3, 5, 2]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\na: 2", 2, 'found duplicate key "a"'),
        ("a: &x [*x]", 1, "an alias that contains itself"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]", 2, "could not determine a constructor for the tag"),
        ("a: !!set {b}", 1, "could not determine a constructor for the tag"),
        ("%YAML 1.1\n---\na: no", 2, "written in another version of YAML than 1.2"),
        ("a: 1\n--- b", 2, "found another document"),
        ("a\0b", 1, "unacceptable character #x0000"),
        ("a: \x1b[31m", 1, "unacceptable character #x001b"),
        ('a: "\\ud800"', 1, "half of a character"),
        ("a: !!int x", 1, "'x' cannot be read as int"),
        ("a: " + "9" * 5000, 1, "cannot be read as int"),
        ("[a]: 1", 1, "a key that is no word"),
        ("- " * 1000, 1, "more than 50 levels of nesting"),
        ("[" * 900_000, 1, "more than 50 levels of nesting"),
        ("{a: " * 200_000, 1, "more than 50 levels of nesting"),
        ("- 1\n" * 40_000, 11_998, "more than 12,000 values"),
        ("a: &a 1\nb: [" + "*a," * 101 + "]", 2, "more than 100 aliases"),
        ("!" * 900_000, 1, "a tag, anchor or alias of more than 100,000 characters"),
        ("x" * (MAX_BYTES + 1), 1, "longer than 1,000,000 characters"),
        ("\n" * 60_000, 1, "longer than 1,000,000 characters or 50,000 lines"),
    ],
    ids=range(20),
)
def test_what_is_refused(text: str, line: int, message: str) -> None:
    with pytest.raises(BadYamlError, match=message) as error:
        parse_yaml(text)
    assert error.value.line == line
    assert "\n" not in error.value.message


def test_aliases_that_explode() -> None:
    bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
    )
    with pytest.raises(BadYamlError, match="aliases repeat too much"):
        parse_yaml(bomb)
