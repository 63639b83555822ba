"""The program's own source as syntax trees, for the tests that read it instead of running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "skyreels_cli"
PLUGINS = ROOT / "plugins"


@cache
def program() -> dict[str, Path]:
    """Files of the program and of the plugin packages that come with it, by module name."""
    files = {path: path.relative_to(ROOT) for path in PROGRAM.rglob("*.py")}
    files |= {path: path.relative_to(PLUGINS) for path in PLUGINS.rglob("*.py")}
    return {
        ".".join(name.with_suffix("").parts).removesuffix(".__init__"): path for path, name in sorted(files.items())
    }


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported_names(module: str) -> Iterator[str]:
    """`module.attribute` or module of every import in a file, wherever it stands: TYPE_CHECKING and functions count."""
    path = program()[module]
    package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


@cache
def imports(module: str) -> frozenset[str]:
    """The program's modules that a module imports."""
    found = (name if name in program() else name.rpartition(".")[0] for name in imported_names(module))
    return frozenset(name for name in found if name in program() and name != module)


@cache
def documentation(path: Path) -> frozenset[ast.Constant]:
    """Strings that stand alone, which is how modules, classes, functions and values are documented."""
    alone = (node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Expr))
    return frozenset(node for node in alone if isinstance(node, ast.Constant) and isinstance(node.value, str))


def docstrings(path: Path) -> Iterator[str]:
    yield from (str(node.value) for node in documentation(path))


def strings(path: Path) -> Iterator[str]:
    """All other strings of a file; in an f-string `X` stands for what is filled in."""
    parts: set[ast.AST] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.JoinedStr):
            parts.update(node.values)
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts | documentation(path):
            yield node.value
