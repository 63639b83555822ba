"""From the text of a preset to a preset, or to an error with file, line, key and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError, printable
from skyreels_cli.recipe.presets.migrate import NewerPresetError, migrate
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.presets.yaml_text import MAX_BYTES, BadYamlError, YamlText, parse_yaml
from skyreels_cli.recipe.validate import Problem, find_problems

MAX_PROBLEMS = 10


@dataclass(frozen=True)
class PresetText:
    """A preset as it is written somewhere; `where` names the place for messages (`rain.yaml`, `the code`)."""

    preset: Preset
    where: str
    text: YamlText
    raw: str | None = None

    def line(self, key: str) -> int:
        """The line, from 1, in which a key stands."""
        return self.text.line((key,))


def read_file(path: Path) -> bytes:
    """The content of a preset's file, if it is not too long for one; UsageError `bad-preset`."""
    try:
        if not path.is_file():  # reading a device or a pipe need not end
            raise UsageError("bad-preset", f"{path} is no file", "skyreels preset list")
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as unreadable:
        raise UsageError("bad-preset", f"{path} cannot be read", f"ls -l {path}") from unreadable


def read_preset(
    content: bytes,
    where: str,
    *,
    list_key: str | None = None,
    parse: Callable[[str], YamlText] = parse_yaml,
    hint: str | None = None,
) -> PresetText:
    """The preset in a text; a bare list is the value of `list_key`, if that is given.

    Raises UsageError `bad-preset` with a line `file:line: key: message` for each thing that is wrong.
    """
    try:
        return _read(content, where, list_key, parse)
    except UsageError as error:
        error.hint = hint or error.hint
        raise


def _read(content: bytes, where: str, list_key: str | None, parse: Callable[[str], YamlText]) -> PresetText:
    text = _parse(content, where, parse)
    depth = 0
    if list_key and isinstance(text.values, list):
        text.values, depth = {list_key: text.values}, 1
    if not isinstance(text.values, dict):
        raise bad_preset(where, [(1, "", "expected `key: value` lines")])
    try:
        values = migrate(text.values)
    except NewerPresetError:
        message = f"{where}:{text.line(('schema',))}: schema: a later version of the program wrote this preset"
        raise UsageError("preset-newer", message, "pipx upgrade skyreels-cli") from None
    return PresetText(_checked(values, where, text, depth), where, text, content.decode("utf-8-sig"))


def bad_preset(where: str, found: Iterable[tuple[int, str, str]]) -> UsageError:
    """The error for what is wrong in which line, in the order of lines."""
    lines = [f"{where}:{line}: {key + ': ' if key else ''}{message}" for line, key, message in sorted(found)]
    more = [f"… and {len(lines) - MAX_PROBLEMS} more"] if len(lines) > MAX_PROBLEMS else []
    return UsageError("bad-preset", "\n".join(lines[:MAX_PROBLEMS] + more), f"edit {where}")


def _parse(content: bytes, where: str, parse: Callable[[str], YamlText]) -> YamlText:
    if len(content) > MAX_BYTES:
        raise bad_preset(where, [(1, "", f"longer than {MAX_BYTES:,} bytes, which no preset is")])
    try:
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as broken:
        line = content[: broken.start].count(b"\n") + 1
        raise bad_preset(where, [(line, "", "cannot be read: this is not UTF-8 text")]) from None
    except BadYamlError as broken:
        raise bad_preset(where, [(broken.line, "", printable(broken.message, 200))]) from None


def _checked(values: Mapping[str, Any], where: str, text: YamlText, depth: int) -> Preset:
    problems: Sequence[Problem] = find_problems(values, Preset)
    if problems:
        found = [(text.line(problem.path[depth:]), problem.key, problem.message) for problem in problems]
        raise bad_preset(where, found)
    return Preset.model_validate(dict(values))
