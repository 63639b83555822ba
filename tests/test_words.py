"""One name, one thing: no two classes or type aliases of the program and its plugins are called the same."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("skyreels_cli", "plugins")

# Names that two things still share; the list is to become empty.
SHARED = {
    "Bytes",  # the demo model's modules, each for its own annotations, as are the next two
    "Flags",
    "Floats",
    "Span",  # model.attention, plugins.protocols
}


def named(module: ast.Module) -> Iterator[str]:
    """Classes, also those within others, and type aliases: what else has a class's kind of name and is no call."""
    yield from (node.name for node in ast.walk(module) if isinstance(node, ast.ClassDef))
    for node in module.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or isinstance(node.value, ast.Call):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper():
                yield target.id


def places(folders: tuple[str, ...] = FOLDERS) -> dict[str, list[str]]:
    """Where each name is given, by file."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for name in named(ast.parse(file.read_text(encoding="utf-8"))):
            found[name].append(file.relative_to(ROOT).as_posix())
    return found


def test_no_two_classes_share_a_name() -> None:
    shared = {name: files for name, files in places().items() if len(files) > 1}
    assert {name: files for name, files in shared.items() if name not in SHARED} == {}
    assert set(shared) == SHARED, "a name is no longer shared: take it off the list"


def test_what_counts_as_a_name() -> None:
    module = ast.parse(
        "from typing import TypeAlias\n"
        "class Film:\n    class Inner: ...\n"
        "def make():\n    class Local: ...\n"
        "Frame = bytes\nTell: TypeAlias = 'Film'\nLIMIT = 3\nx = 4\nOption = partial(Film)\n"
    )
    assert sorted(named(module)) == ["Film", "Frame", "Inner", "Local", "Tell"]
