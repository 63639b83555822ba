"""Packages whose code waits: what is asked of them is there, and only then have they run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.model.lazy_package import LazyPackage

PLAIN = "from .light import VALUE\nfrom .heavy import OTHER\n"
REPLACED = "import sys, types\nsys.modules[__name__] = types.SimpleNamespace(OTHER=3)\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`lazily`, with a module that is asked for and one that is not."""
    folder = tmp_path / "lazily"
    folder.mkdir()
    (folder / "__init__.py").write_text(PLAIN)
    (folder / "light.py").write_text("VALUE = 1\n")
    (folder / "heavy.py").write_text("OTHER = 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "lazily"]:
        del sys.modules[name]


def test_a_module_is_imported_without_the_others(package: Path) -> None:
    LazyPackage.install("lazily")
    assert import_module("lazily.light").VALUE == 1
    assert "lazily.heavy" not in sys.modules


def test_a_name_is_what_it_would_have_been(package: Path) -> None:
    LazyPackage.install("lazily")
    import_module("lazily.light")
    lazily: Any = import_module("lazily")
    assert (lazily.OTHER, lazily.VALUE, lazily.heavy.OTHER) == (2, 1, 2)
    assert "lazily.heavy" in sys.modules
    with pytest.raises(AttributeError, match="has no attribute 'MISSING'"):
        lazily.MISSING  # noqa: B018


def test_looking_through_all_modules_runs_nothing(package: Path) -> None:
    LazyPackage.install("lazily")
    assert not hasattr(sys.modules["lazily"], "__warningregistry__")
    assert sys.modules["lazily"].__file__ == str(package / "__init__.py")
    assert "lazily.heavy" not in sys.modules


def test_a_package_may_put_another_module_in_its_place(package: Path) -> None:
    (package / "__init__.py").write_text(REPLACED)
    LazyPackage.install("lazily")
    lazily: Any = import_module("lazily")
    assert (lazily.OTHER, lazily.OTHER) == (3, 3)


def test_what_fails_is_said_and_may_be_tried_again(package: Path) -> None:
    (package / "__init__.py").write_text("from .absent import VALUE\n")
    LazyPackage.install("lazily")
    lazily: Any = import_module("lazily")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match=r"lazily\.absent"):
            lazily.VALUE  # noqa: B018


def test_a_package_that_has_run_or_is_not_there_stays_as_it_is(package: Path) -> None:
    loaded = import_module("lazily")
    LazyPackage.install("lazily")
    assert sys.modules["lazily"] is loaded
    LazyPackage.install("not_there_at_all")
    assert "not_there_at_all" not in sys.modules
