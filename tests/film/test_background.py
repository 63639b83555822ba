"""Tasks behind the renderer's back: in order, one at a time, and their errors come to light."""

from __future__ import annotations

import threading

import pytest

from skyreels_cli.film.background import Background


def fail() -> None:
    raise LookupError("a full disk")


def test_tasks_run_beside_us_and_one_after_the_other() -> None:
    done: list[str] = []
    first_may_end = threading.Event()

    def first() -> None:
        first_may_end.wait(30)
        done.append("first")

    with Background() as background:
        background.run(first)
        assert done == []
        first_may_end.set()
        background.run(lambda: done.append("second"))
        background.wait()
    assert done == ["first", "second"]


def test_an_error_is_raised_by_whoever_asks_next_and_once() -> None:
    with Background() as background:
        background.run(fail)
        with pytest.raises(LookupError):
            background.run(lambda: None)
        background.wait()


def test_the_last_error_is_raised_at_the_end() -> None:
    with pytest.raises(LookupError), Background() as background:
        background.run(fail)


def fail_on_both_sides() -> None:
    with Background() as background:
        background.run(fail)
        raise KeyError("in front")


def test_an_error_in_front_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        fail_on_both_sides()
