"""What the program says of itself is true: hooks are used, commands that it names exist, and so does what it cites."""

from __future__ import annotations

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer.main

from skyreels_cli.cli.app import app
from skyreels_cli.cli.plugin_commands import add_plugin_commands
from skyreels_cli.output import Output
from skyreels_cli.plugins.entries import find_entries
from skyreels_cli.plugins.hookspecs import SPEC_OF_HOOK
from skyreels_cli.plugins.manager import Plugins
from tests.source import PROGRAM, ROOT, docstrings, program, strings, tree

# --- hooks -------------------------------------------------------------------------------------------------------


def asked_for() -> set[str]:
    """Spec classes by which code outside of plugins/ asks for plugins: `specs(CacheSpec)`, `find(CacheSpec, …)`."""
    calls = (
        node
        for module, path in program().items()
        if path.is_relative_to(PROGRAM) and not module.startswith("skyreels_cli.plugins")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"specs", "find"}
    )
    return {argument.id for call in calls for argument in call.args if isinstance(argument, ast.Name)}


def test_every_hook_has_a_consumer() -> None:
    consumed = asked_for()
    assert {hook for hook, spec in SPEC_OF_HOOK.items() if spec.__name__ not in consumed} == set()


def test_every_hook_has_a_shipped_plugin() -> None:
    shipped = Plugins(entry for entry in find_entries() if entry.own)
    assert shipped.broken == []
    used = {hook for plugin in shipped.all for hook, specs in plugin.hooks.items() if specs}
    assert set(SPEC_OF_HOOK) == used


# --- commands ----------------------------------------------------------------------------------------------------

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob(".github/*.md"), *ROOT.glob("plugins/**/*.md")]
TEMPLATES = sorted(PROGRAM.rglob("*.template"))
PRESETS = sorted((ROOT / "presets").glob("*.yaml"))

COMMAND = re.compile(r"(?<![\w./~:-])skyreels (?=[a-z-])([^`\n]*)")
END_OF_COMMAND = re.compile(r"[,;:] | \(|\)|\.$|…| #| is | goes | keeps ")
"""In a sentence, what follows a command."""

FOREIGN_OPTIONS = {
    "--force-reinstall": "pip",
    "--now": "systemctl",
    "--only-binary": "pip",
    "--python": "uv",
    "--remove-destination": "cp",
    "--user": "systemctl",
}


def texts_of(path: Path) -> Iterator[str]:
    """Strings of a file, and of its docstrings what is in backticks."""
    yield from strings(path)
    for text in docstrings(path):
        yield from re.findall(r"`([^`]+)`", text)


def code_in(document: Path) -> Iterator[str]:
    """Code of a Markdown document: blocks and what is in backticks."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?\n(.*?)^```|((?:^    .*\n)+)", text, re.DOTALL | re.MULTILINE)
    yield from (re.sub(r"\\\n\s*", "", fenced or indented) for fenced, indented in blocks)
    yield from (" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", text))


@cache
def everything_said() -> tuple[tuple[str, str], ...]:
    """Where something is said, and the text."""
    said = [(module, text) for module, path in program().items() for text in texts_of(path)]
    said += [(str(path.relative_to(ROOT)), text) for path in DOCUMENTS for text in code_in(path)]
    plain = [*TEMPLATES, *PRESETS]
    said += [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in plain]
    return tuple(said)


def commands() -> list[tuple[str, str]]:
    """Where a command is named, and what follows `skyreels` there."""
    return [
        (place, END_OF_COMMAND.split(re.sub(r'"[^"]*"', "TEXT", found[1]))[0].strip())
        for place, text in everything_said()
        for found in COMMAND.finditer(text)
    ]


@cache
@cache
def command_tree() -> Any:
    tree_of_commands = typer.main.get_command(app)
    add_plugin_commands(tree_of_commands, ["tiny"], Output())
    return tree_of_commands


def problem_of(line: str) -> str | None:
    """What does not exist in a command line behind `skyreels`, if anything."""
    command = command_tree()
    options = set(option_names(command))
    words = line.split()
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        word = words.pop(0).strip("'\".")
        if word not in command.commands:
            return f"there is no command {word}" if word != "X" else None
        command = command.commands[word]
        options |= set(option_names(command))
    for word in words:
        name = re.match(r"--?[a-zA-Z][\w-]*", word)
        if name and name[0].replace("_", "-") not in options:
            return f"there is no option {name[0]}"
    return None


def option_names(command: Any) -> Iterator[str]:
    yield from ("-h", "--help")
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)


def test_every_command_that_is_named_exists() -> None:
    named = commands()
    assert {place.partition(".")[0].partition("/")[0] for place, _ in named} >= {"README", "plugins", "skyreels_cli"}
    wrong = {(place, f"skyreels {line}", problem) for place, line in named if (problem := problem_of(line))}
    assert wrong == set()


@pytest.mark.parametrize(
    "line",
    ["downlod", "generate --no-such-option", "queue fetch 3", "preset show --sheet", "plugins new foo --sort x"],
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    assert problem_of(line)


def all_options(command: Any) -> Iterator[str]:
    yield from option_names(command)
    for below in getattr(command, "commands", {}).values():
        yield from all_options(below)


def test_every_option_that_is_named_exists() -> None:
    known = set(all_options(command_tree())) | FOREIGN_OPTIONS.keys()
    named = {
        (place, option)
        for place, text in everything_said()
        if place.startswith("skyreels_cli") and not place.startswith("skyreels_cli.film.ranks")
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]\b", text)
    }
    assert {option for _, option in named} >= {"--model", "--offload", *FOREIGN_OPTIONS}
    assert {(place, option) for place, option in named if option not in known} == set()


# --- citations ---------------------------------------------------------------------------------------------------

FILE = re.compile(
    r"(?<![\w/.<*-])(?![A-Z]+/)((?:[\w.-]+/)+[\w.-]+\.(?:md|py|json|csv|yaml|toml|svg|png|txt|tcss)|[\w-]+\.md)\b"
)
SECTION = re.compile(r"(\S+\.md)\s+§(\d+)(?:\.(\d+))?")
DIFFUSERS = Path(str(find_spec("diffusers").origin)).parent  # type: ignore[union-attr] # it is a dependency
FILE_TYPES = {"db", "json", "mkv", "mp4", "png", "svg", "tcss", "yaml"}
MODULE = re.compile(
    r"`((?:skyreels_cli\.)?(?:cli|tui|testing|queue|order|film|model|plan|recipe|hub|media|plugins)\.[\w.]+)`"
)


@cache
def repository() -> frozenset[str]:
    """Every file of the repository, as git lists them or as they lie here."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return frozenset(listed.stdout.split()) or frozenset(
        path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()
    )


def remarks(path: Path) -> Iterator[str]:
    """Comments and docstrings of a Python file, each with its line breaks folded."""
    with tokenize.open(path) as file:
        comments = [
            token.string.lstrip("# ")
            for token in tokenize.generate_tokens(file.readline)
            if token.type == tokenize.COMMENT
        ]
    yield " ".join(comments)
    yield from (" ".join(text.split()) for text in docstrings(path))


@cache
def cited() -> tuple[tuple[Path, str], ...]:
    """Every remark in code and tests, every document, with the file that it is in."""
    python = [path for path in (*program().values(), *sorted((ROOT / "tests").rglob("*.py"))) if path != Path(__file__)]
    remarked = [(path, remark) for path in python for remark in remarks(path)]
    return tuple(remarked + [(path, path.read_text(encoding="utf-8")) for path in DOCUMENTS])


def is_there(name: str, where: Path) -> bool:
    """Whether a cited file is in the repository, from its top, the program or the citing file on, or in diffusers."""
    if "/" not in name:
        return any(file.rsplit("/", 1)[-1] == name for file in repository())
    return any((base / name).is_file() for base in (ROOT, PROGRAM, where.parent, DIFFUSERS))


def test_every_file_that_is_cited_is_in_the_repository() -> None:
    found = [(path, name) for path, text in cited() for name in FILE.findall(text)]
    assert len(found) > 30
    assert {f"{path.relative_to(ROOT)}: {name}" for path, name in found if not is_there(name, path)} == set()


def test_every_section_that_is_cited_exists() -> None:
    found = [(path, *groups) for path, text in cited() for groups in SECTION.findall(text)]
    assert len(found) > 10
    for path, document, section, item in found:
        text = (ROOT / document.strip("(`")).read_text(encoding="utf-8")
        part = re.search(rf"^## §{section} .*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
        assert part, f"{path.relative_to(ROOT)}: {document} has no §{section}"
        assert not item or f"\n{item}. " in part[0], f"{path.relative_to(ROOT)}: §{section} has no item {item}"


def test_no_section_is_cited_without_its_document() -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {text[max(0, found.start() - 40) : found.end() + 5]}"
        for path, text in cited()
        if path.suffix == ".py"
        for found in re.finditer("§", text)
        if not re.search(r"\.md\s+$", text[: found.start()])
    ]
    assert bare == []


def names_in(module: str) -> set[str]:
    """Names that a module defines or imports."""
    names: set[str] = set()
    for node in ast.walk(tree(program()[module])):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def test_every_module_that_is_cited_exists() -> None:
    wrong = set()
    for path, text in cited():
        for name in MODULE.findall(text):
            if name.rpartition(".")[2] in FILE_TYPES:
                continue
            full = name if name.startswith("skyreels_cli.") else f"skyreels_cli.{name}"
            module = full
            while module not in program():
                module = module.rpartition(".")[0]
            attribute = full.removeprefix(module).lstrip(".").partition(".")[0]
            if attribute and attribute not in names_in(module):
                wrong.add(f"{path.relative_to(ROOT)}: {name}")
    assert wrong == set()
