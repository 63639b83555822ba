"""How the program is built: rooms on floors, no circles, short files that say what they are; read from the source."""

from __future__ import annotations

import re
import tomllib
from functools import cache

from tests.source import PROGRAM, ROOT, documentation, imports, program

FLOORS = (
    {"cli", "testing"},
    {"tui"},
    {"queue"},
    {"order"},
    {"film"},
    {"model"},
    {"plan"},
    {"recipe"},
    {"hub", "media"},
    {"plugins"},
    {"settings", "output"},
    {"paths"},
    {"errors"},
)
"""Rooms from the top down; a room imports only from floors below it, or from its own."""

MOST_LINES = 350
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "common", "misc"}


@cache
def reachable(module: str) -> frozenset[str]:
    """Modules that a module imports directly or through others."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        new = imports(waiting.pop()) - found
        found |= new
        waiting += new
    return frozenset(found)


def circles() -> set[frozenset[str]]:
    """Sets of files each of which imports all others of the set, directly or not."""
    return {
        frozenset(other for other in reachable(module) if module in reachable(other))
        for module in program()
        if module in reachable(module)
    }


def floor(module: str) -> int | None:
    """How far below the top a module of the program stands; None outside of the rooms."""
    parts = module.split(".")
    rooms = [number for number, rooms in enumerate(FLOORS) if len(parts) > 1 and parts[1] in rooms]
    return rooms[0] if parts[0] == PROGRAM.name and rooms else None


def test_no_import_circles_between_files() -> None:
    assert circles() == set()


def test_no_import_goes_up() -> None:
    upward = [
        f"{module} -> {imported}"
        for module in program()
        for imported in imports(module)
        if (here := floor(module)) is not None and (there := floor(imported)) is not None and there < here
    ]
    assert upward == []


def test_every_room_has_a_floor() -> None:
    rooms = {path.stem for path in PROGRAM.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert rooms - {"__init__", "__main__"} == set().union(*FLOORS)


def test_import_linter_knows_the_same_floors() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers")
    assert [set(re.findall(r"\w+", layer)) for layer in layers] == list(FLOORS)
    assert settings["exclude_type_checking_imports"] is False


def test_no_docstring_only_points_elsewhere() -> None:
    pointing = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in program().values()
        for node in documentation(path)
        if str(node.value).lower().startswith("see ")
    ]
    assert pointing == []


def test_files_are_short_and_have_names() -> None:
    long = [str(path) for path in program().values() if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES]
    assert long == []
    assert {path.stem for path in program().values()} & NAMES_THAT_SAY_NOTHING == set()
