from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field

from skyreels_cli.errors import UsageError
from skyreels_cli.plugins.options import Options, find_problems, make_options, parse_options
from skyreels_cli.plugins.specs import CacheSpec


class FooOptions(Options):
    threshold: float = Field(0.2, ge=0, le=1)
    fast: bool = False
    ratios: tuple[float, ...] = ()


class Careless(BaseModel):
    """Pydantic's own default: unknown names are ignored."""

    threshold: float = 0.1


FOO = CacheSpec("foo", "", "a:b", FooOptions)


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        (["foo.threshold=0.3"], {"foo": {"threshold": 0.3}}),
        (["foo.threshold=1", "foo.fast=true"], {"foo": {"threshold": 1, "fast": True}}),
        (["foo.use-ret=no", "bar.path=a=b"], {"foo": {"use_ret": "no"}, "bar": {"path": "a=b"}}),
        (["foo.ratios=[1.0, 0.5]"], {"foo": {"ratios": [1.0, 0.5]}}),
        (['foo.name="0.3"'], {"foo": {"name": "0.3"}}),
        (["foo.a=1", "foo.a=2"], {"foo": {"a": 2}}),
        ([], {}),
    ],
)
def test_what_is_typed(typed: list[str], parsed: dict[str, Any]) -> None:
    assert parse_options(typed) == parsed


@pytest.mark.parametrize("typed", ["foo", "foo=1", "foo.threshold", ".x=1", "foo.=1", ""])
def test_what_is_not_understood(typed: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_options([typed])
    assert (error.value.code, error.value.exit_code) == ("bad-option", 2)
    assert error.value.message == f"-O {typed}: expected plugin.option=value"


def test_defaults_stand_where_nothing_is_said() -> None:
    assert make_options(FOO, {"fast": True}) == FooOptions(threshold=0.2, fast=True, ratios=())


@pytest.mark.parametrize(
    ("values", "problems"),
    [
        ({"treshold": 1}, [("foo.treshold", 'foo has no such option; did you mean "threshold"?')]),
        ({"threshold": 2}, [("foo.threshold", "2 should be less than or equal to 1")]),
        ({"threshold": "high"}, [("foo.threshold", "'high' should be a valid number")]),
        ({"ratios": [1, "x"]}, [("foo.ratios.1", "'x' should be a valid number")]),
        (
            {"x": 1, "threshold": -1},
            [("foo.x", "foo has no such option"), ("foo.threshold", "-1 should be greater than or equal to 0")],
        ),
    ],
)
def test_every_problem_is_named(values: dict[str, Any], problems: list[tuple[str, str]]) -> None:
    assert [(".".join(problem.path), problem.message) for problem in find_problems(FOO, values)] == problems
    with pytest.raises(UsageError, match=problems[0][0]):
        make_options(FOO, values)


def test_a_careless_model_lets_no_typo_through() -> None:
    spec = CacheSpec("bar", "", "a:b", Careless)
    assert [problem.path for problem in find_problems(spec, {"treshold": 1})] == [("bar", "treshold")]


def test_a_plugin_without_options_has_none() -> None:
    assert [problem.message for problem in find_problems(CacheSpec("bar", "", "a:b"), {"x": 1})] == [
        "bar has no such option"
    ]
