"""Values from outside: what is taken, and how each refusal reads."""

from __future__ import annotations

from typing import Any

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.validate import find_problems, make_draft


def test_a_draft() -> None:
    draft = make_draft({"prompt": "a ball", "seed": 3, "aspect": "16:9"})
    assert draft.model_dump(exclude_none=True) == {
        "schema_version": 1,
        "prompt": "a ball",
        "seed": 3,
        "aspect": "16:9",
    }


def test_numbers_are_text_where_text_is_meant() -> None:
    draft = make_draft({"prompt": 1984, "duration": 1.5})
    assert (draft.prompt, draft.duration) == ("1984", "1.5")


def test_fields_are_spelled_as_people_write_them() -> None:
    (problem,) = find_problems({"schema_vershun": 1})
    assert problem.message == 'unknown key; did you mean "schema"?'


@pytest.mark.parametrize(
    ("values", "key", "message"),
    [
        ({"num_frames": 0}, "num_frames", "0 should be greater than or equal to 1"),
        ({"num_frames": "ten"}, "num_frames", "'ten' should be a valid integer"),
        (
            {"num_frames": 9.5},
            "num_frames",
            "9.5 should be a valid integer, got a number with a fractional part",
        ),
        ({"aspect": "2:1"}, "aspect", "'2:1' should be '16:9', '9:16', '1:1', '4:3' or '3:4'"),
        ({"guidance_scale": float("nan")}, "guidance_scale", "nan should be less than or equal to 100"),
        ({"seed": 2**63}, "seed", f"{2**63} should be less than or equal to {2**63 - 1}"),
        ({"causal_attention": "perhaps"}, "causal_attention", "'perhaps' should be a valid boolean"),
        ({"prompt": ["a"]}, "prompt", "['a'] should be a valid string"),
        ({"schema": 2}, "schema", "2 should be 1"),
        ({"num_frmes": 9}, "num_frmes", 'unknown key; did you mean "num_frames"?'),
        ({"zzz": 9}, "zzz", "unknown key"),
        ({"num_frames": 97, "duration": "4s"}, "duration", "num_frames says already how long the film is"),
        ({"options": {"teacache": 3}}, "options.teacache", "3 should be a valid dictionary"),
    ],
)
def test_a_refusal_names_value_and_what_is_allowed(values: dict[str, Any], key: str, message: str) -> None:
    assert [(problem.key, problem.message) for problem in find_problems(values)] == [(key, message)]


def test_every_problem_is_found() -> None:
    problems = find_problems({"fps": 0, "seed": -1, "prompt": "a"})
    assert [problem.key for problem in problems] == ["fps", "seed"]


def test_an_option_is_named_as_it_was_typed() -> None:
    with pytest.raises(UsageError) as error:
        make_draft({"num_frames": 0}, spell=lambda key: "--" + key.replace("_", "-"))
    assert (error.value.code, error.value.exit_code) == ("bad-value", 2)
    assert error.value.message == "--num-frames: 0 should be greater than or equal to 1"
    assert error.value.hint == "skyreels generate --help"
