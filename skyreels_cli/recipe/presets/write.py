"""Presets as YAML files: written whole or not at all, and edited without losing a comment."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any
from uuid import uuid4

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.recipe.presets.preset import Preset

LONG_TEXT = 60
"""Characters from which on a text of several lines is written as a block."""


def to_yaml(preset: Preset) -> str:
    """The preset as YAML that reads back as exactly the same."""
    return _dump(YAML(), {key: _styled(value) for key, value in preset.plain().items()})


def edited(text: str, changes: Mapping[str, Any]) -> str:
    """A preset's text with top-level values changed (None: taken away), its comments and order of keys kept."""
    yaml = YAML()
    yaml.preserve_quotes = True
    values = yaml.load(text)
    for key, value in changes.items():
        if value is None:
            values.pop(key, None)
        else:
            values[key] = _styled(value)
    return _dump(yaml, values)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole, or leave what was there; raises `preset-not-written`."""
    partial = path.with_name(f".{uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise SkyreelsError("preset-not-written", message, f"ls -ld {quote(str(path.parent))}") from error
    finally:
        partial.unlink(missing_ok=True)


def refuse_clash(path: Path, *, overwrite: bool) -> None:
    """Raise `preset-exists` if something of that name is there and must not be replaced."""
    if os.path.lexists(path) and not overwrite:
        raise UsageError("preset-exists", f"{path} exists already", "--overwrite, or another --name")


def _dump(yaml: YAML, values: Any) -> str:
    yaml.width = 4096
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(values, stream)
    return stream.getvalue()


def _styled(value: Any) -> Any:
    """Texts in a style that keeps them exactly: blocks where they read well, else quoted where YAML needs it."""
    if isinstance(value, dict):
        return {_styled(key): _styled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_styled(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if "\n" in value and _suits_a_block(value):
        return LiteralScalarString(value)
    return value if value.isprintable() and value == value.strip() else DoubleQuotedScalarString(value)


def _suits_a_block(text: str) -> bool:
    lines = text.split("\n")
    return all(line.isprintable() and line == line.rstrip() for line in lines) and not text.startswith((" ", "\n"))
