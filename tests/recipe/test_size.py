"""Sizes of films: the table of `recipe.size`, and what turning keeps."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe import size
from skyreels_cli.recipe.size import NAMED, is_named, parse_size, turn

ASPECTS = ("16:9", "4:3", "1:1", "3:4", "9:16")


def test_the_table_in_the_documentation_is_true() -> None:
    rows = re.findall(r"\| (\d+:\d+) +\| (\d+x\d+) +\| (\d+x\d+) +\|", size.__doc__ or "")
    assert len(rows) == len(ASPECTS)
    for aspect, *sizes in rows:
        for name, documented in zip(("540P", "720P"), sizes, strict=True):
            width, height = turn(*NAMED[name], aspect, 16)
            assert f"{width}x{height}" == documented


@pytest.mark.parametrize("name", ["540P", "720P"])
@pytest.mark.parametrize("aspect", ASPECTS)
def test_area_and_shape_are_kept(name: str, aspect: str) -> None:
    width, height = turn(*NAMED[name], aspect, 16)  # type: ignore[arg-type]
    across, down = (int(part) for part in aspect.split(":"))
    native_width, native_height = NAMED[name]
    assert width % 16 == height % 16 == 0
    assert width * height == pytest.approx(native_width * native_height, rel=0.01)
    assert width / height == pytest.approx(across / down, rel=0.01)


@given(st.integers(4, 120), st.integers(4, 120), st.sampled_from(ASPECTS))
def test_any_size_turns_into_whole_tokens(columns: int, rows: int, aspect: str) -> None:
    width, height = turn(16 * columns, 16 * rows, aspect, 16)  # type: ignore[arg-type]
    assert width % 16 == height % 16 == 0
    assert width >= 16
    assert height >= 16
    swapped = ":".join(reversed(aspect.split(":")))
    assert turn(16 * columns, 16 * rows, swapped, 16) == (height, width)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("resolution", "parsed"),
    [("540P", (960, 544)), ("720p", (1280, 720)), ("848x480", (848, 480)), ("848X480", (848, 480))],
)
def test_parse(resolution: str, parsed: tuple[int, int]) -> None:
    assert parse_size(resolution) == parsed


def test_named() -> None:
    assert [is_named(text) for text in ("540P", "720p", "960x544", "480P")] == [True, True, False, False]


@pytest.mark.parametrize("resolution", ["", "480P", "960", "960x", "0x544", "-960x544", "960x544x3", "9.5x8"])
def test_anything_else_is_refused(resolution: str) -> None:
    with pytest.raises(UsageError, match="540P, 720P and WIDTHxHEIGHT") as error:
        parse_size(resolution)
    assert (error.value.code, error.value.exit_code, error.value.hint) == (
        "bad-resolution",
        2,
        "--resolution 960x544",
    )
