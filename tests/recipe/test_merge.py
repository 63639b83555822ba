"""Drafts laid over each other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.schema import Draft


def draft(**values: Any) -> Draft:
    return Draft.model_validate(values)


def said(merged: Draft) -> dict[str, Any]:
    return merged.model_dump(exclude_none=True, exclude={"schema_version"})


DRAFTS = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.sampled_from(["", "a", "b"]),
        "seed": st.integers(0, 9),
        "causal_attention": st.booleans(),
        "guidance_scale": st.floats(0, 9),
        "lora": st.sampled_from([[], ["a.safetensors"]]),
    },
)


@given(st.lists(DRAFTS, max_size=4))
def test_later_ones_win_field_by_field(values: list[dict[str, Any]]) -> None:
    expected: dict[str, Any] = {}
    for one in values:
        expected.update(one)
    assert said(merge(*(draft(**one) for one in values))) == expected


def test_falsy_values_are_said_too() -> None:
    earlier = draft(ar_step=5, negative_prompt="x", causal_attention=True)
    later = draft(ar_step=0, negative_prompt="", causal_attention=False)
    assert merge(earlier, later) == later


@pytest.mark.parametrize(
    ("drafts", "result"),
    [
        ([{"num_frames": 97}, {"duration": "10s"}], {"duration": "10s"}),
        ([{"duration": "10s"}, {"num_frames": 97}], {"num_frames": 97}),
        ([{"duration": "10s"}, {"num_frames": 97}, {"duration": "2s"}], {"duration": "2s"}),
        ([{"num_frames": 97}, {"seed": 1}], {"num_frames": 97, "seed": 1}),
    ],
)
def test_a_length_replaces_a_length(drafts: list[dict[str, Any]], result: dict[str, Any]) -> None:
    assert said(merge(*(draft(**one) for one in drafts))) == result


@pytest.mark.parametrize(
    ("drafts", "result"),
    [
        ([{"aspect": "1:1"}, {"resolution": "960x544"}], {"resolution": "960x544"}),
        ([{"aspect": "1:1"}, {"resolution": "720P"}], {"resolution": "720P", "aspect": "1:1"}),
        ([{"resolution": "480x272"}, {"aspect": "9:16"}], {"resolution": "480x272", "aspect": "9:16"}),
    ],
)
def test_a_size_in_pixels_settles_the_aspect(drafts: list[dict[str, Any]], result: dict[str, Any]) -> None:
    assert said(merge(*(draft(**one) for one in drafts))) == result


def test_options_merge_by_plugin() -> None:
    earlier = draft(options={"teacache": {"thresh": 0.2, "ret": True}, "other": {"a": 1}})
    later = draft(options={"teacache": {"thresh": 0.3}, "new": {"b": 2}})
    assert merge(earlier, later).options == {
        "teacache": {"thresh": 0.3, "ret": True},
        "other": {"a": 1},
        "new": {"b": 2},
    }
    assert earlier.options == {"teacache": {"thresh": 0.2, "ret": True}, "other": {"a": 1}}


def test_nothing_said() -> None:
    assert merge() == Draft.model_validate({})
