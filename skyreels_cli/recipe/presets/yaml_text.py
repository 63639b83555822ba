"""YAML from strangers: bounded before it is built, and with the line of every key.

YAML 1.2's core schema: `16:9`, `no` and `2024-01-01` are strings, no tag makes objects, a key may stand once only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, Event
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.parser import Parser

from skyreels_cli.errors import printable

MAX_BYTES = 1_000_000
MAX_LINES = 50_000
MAX_DEPTH = 50
MAX_NODES = 12_000
"""What a film of a thousand shots, of four keys each, needs; parsing so many takes 0.2 s."""
MAX_ALIASES = 100
MAX_TAG = 100_000
"""Characters of a tag or anchor: the parser's time for one grows with the square (100 KB: 0.06 s, 1 MB: 5 s)."""

CORE = "tag:yaml.org,2002:"


class BadYamlError(Exception):
    """What is wrong with a text, and in which line (from 1)."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass
class YamlText:
    """Plain values, and the line (from 1) of every key and list item by the path that leads to it."""

    values: Any = None
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def line(self, path: tuple[str | int, ...]) -> int:
        """The line of the innermost key or item on the way to a value."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse_yaml(text: str) -> YamlText:
    """Values and lines of a text; raises BadYamlError. JSON is YAML too."""
    if len(text) > MAX_BYTES or text.count("\n") > MAX_LINES:
        raise BadYamlError(1, f"longer than {MAX_BYTES:,} characters or {MAX_LINES:,} lines")
    for number, line in enumerate(text.split("\n"), 1):
        if any(len(word) > MAX_TAG and word[0] in "!&*%" for word in line.split()):
            raise BadYamlError(number, f"a tag, anchor or alias of more than {MAX_TAG:,} characters")
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Parser = _BoundedParser
        yaml.composer.warn_double_anchors = False
        node = yaml.compose(text)
    except MarkedYAMLError as broken:
        line_number = broken.problem_mark.line + 1 if broken.problem_mark else 1
        raise BadYamlError(line_number, broken.problem or "no YAML") from None
    except (YAMLError, RecursionError, ValueError) as broken:
        raise BadYamlError(1, str(broken).strip().split("\n")[0] or "no YAML") from None
    read = YamlText()
    if node is not None:
        read.values = _Builder(yaml, read.lines).build(node, ())
    return read


def parse_json(text: str) -> YamlText:
    """The same for JSON that a program wrote, which may hold any character, and whose lines nobody asks for."""
    try:
        read = YamlText(json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        raise BadYamlError(1, "no JSON, nested too deeply, or with a key that stands twice") from None
    _count(read.values)
    return read


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _count(value: Any, left: int = MAX_NODES, depth: int = 0) -> int:
    """How many values may still come, after those within this one."""
    if left <= 0 or depth > MAX_DEPTH:
        raise BadYamlError(1, f"more than {MAX_NODES:,} values, or {MAX_DEPTH} levels of nesting")
    left -= 1
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadYamlError(1, "half of a character") from None
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        left = _count(each, left, depth + 1)
    return left


class _BoundedParser(Parser):
    """Stops at texts that would take too long, or that no preset needs, before anything is built from them."""

    depth = nodes = aliases = 0

    def get_event(self) -> Event:
        event: Event = super().get_event()
        if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
            raise MarkedYAMLError(problem="written in another version of YAML than 1.2", problem_mark=event.start_mark)
        self.nodes += 1
        self.depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        self.aliases += isinstance(event, AliasEvent)
        for count, limit, what in (
            (self.depth, MAX_DEPTH, "levels of nesting"),
            (self.nodes, MAX_NODES, "values"),
            (self.aliases, MAX_ALIASES, "aliases"),
        ):
            if count > limit:
                raise MarkedYAMLError(problem=f"more than {limit:,} {what}", problem_mark=event.start_mark)
        return event


class _Builder:
    """Plain values from nodes; what aliases repeat is counted as often as it is repeated."""

    def __init__(self, yaml: YAML, lines: dict[tuple[str | int, ...], int]) -> None:
        self._scalars = yaml.constructor
        self._lines = lines
        self._left = MAX_NODES
        self._above: list[Node] = []

    def build(self, node: Node, path: tuple[str | int, ...]) -> Any:
        """The value of a node."""
        self._left -= 1
        if self._left < 0:
            raise self._bad(node, "aliases repeat too much")
        if node in self._above:
            raise self._bad(node, "an alias that contains itself")
        self._above.append(node)
        try:
            if isinstance(node, ScalarNode):
                return self._scalar(node)
            self._refuse_tag(node, "map" if isinstance(node, MappingNode) else "seq")
            if isinstance(node, MappingNode):
                return {key: self.build(value, (*path, key)) for key, value in self._pairs(node, path)}
            return [self.build(item, self._at(item, (*path, index))) for index, item in enumerate(node.value)]
        finally:
            self._above.pop()

    def _pairs(self, node: MappingNode, path: tuple[str | int, ...]) -> Iterator[tuple[str, Node]]:
        seen = set()
        for key_node, value in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self._bad(key_node, "a key that is no word")
            key = self._text(key_node)
            if key in seen:
                raise self._bad(key_node, f'found duplicate key "{printable(key, 60)}"')
            seen.add(key)
            self._at(key_node, (*path, key))
            yield key, value

    def _scalar(self, node: ScalarNode) -> Any:
        kind = str(node.tag).removeprefix(CORE)
        if kind in ("int", "float", "bool", "null"):
            try:
                return self._scalars.yaml_constructors[node.tag](self._scalars, node)
            except (ValueError, OverflowError, LookupError):
                raise self._bad(node, f"{node.value[:60]!r} cannot be read as {kind}") from None
        if kind not in ("timestamp", "value", "merge"):
            self._refuse_tag(node, "str")
        return self._text(node)

    def _text(self, node: ScalarNode) -> str:
        """The text of a scalar; JSON writes characters beyond U+FFFF as two halves."""
        try:
            return str(node.value).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            raise self._bad(node, "half of a character") from None

    def _refuse_tag(self, node: Node, kind: str) -> None:
        if node.tag != CORE + kind:
            raise self._bad(node, f"could not determine a constructor for the tag {str(node.tag)[:60]!r}")

    def _at(self, node: Node, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        self._lines.setdefault(path, node.start_mark.line + 1)
        return path

    def _bad(self, node: Node, message: str) -> BadYamlError:
        return BadYamlError(node.start_mark.line + 1, message)
