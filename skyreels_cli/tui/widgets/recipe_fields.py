"""A recipe as fields; those for the options of plugins come and go with the plugins that it chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, TextArea

from skyreels_cli.tui.proposal import MACHINE_FIELDS, NOT_OF_THE_RECIPE, RECIPE_FIELDS, OptionField, as_text, choices

# The options of plugins stand behind this field.
OPTIONS_BEHIND = MACHINE_FIELDS[-1]
TEXTS = ("prompt", "negative_prompt")


class TextField(TextArea):
    """Several lines of text, with an input's `value`; Tab goes to the next field."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, id=name, compact=True, tab_behavior="focus", highlight_cursor_line=False)

    @property
    def value(self) -> str:
        """The text."""
        return self.text

    @value.setter
    def value(self, text: str) -> None:
        self.text = text


class Field(Horizontal):
    """A name and an input that is called so; a prompt has several lines."""

    def __init__(self, name: str, value: str = "", words: Sequence[str] = (), help: str = "") -> None:  # noqa: A002
        super().__init__(classes="field")
        self._label = name.replace("_", " ").replace(".", " ")
        self._suggester = SuggestFromList(words) if words else None
        self.input = (
            TextField(name)
            if name in TEXTS
            else Input(
                value,
                name=name,
                id=None if "." in name else name,
                suggester=self._suggester,
                compact=True,
                tooltip=help or (f"one of: {', '.join(words)}" if words else None),
            )
        )

    def compose(self) -> ComposeResult:
        """Lay them out side by side."""
        yield Label(self._label)
        yield self.input


class RecipeFields(VerticalScroll):
    """All fields, empty ones included; whatever is given as children stands above them."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._options: dict[str, Field] = {}
        # Options of plugins that are not chosen just now: they may be again.
        self._hidden: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """Lay out one field below the other."""
        yield from super().compose()
        yield from (Field(name, words=choices(name)) for name in (*RECIPE_FIELDS, *MACHINE_FIELDS))
        yield from (Field(name) for name in NOT_OF_THE_RECIPE)

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields, as text by name."""
        return {**self._hidden, **{name: field.value for name, field in self._inputs.items()}}

    @property
    def _inputs(self) -> dict[str, Input | TextField]:
        return {str(field.input.name): field.input for field in self.query(Field)}

    def point_at(self, name: str | None) -> None:
        """Mark the field with which something is wrong, or none."""
        for field in self.query(Field):
            field.set_class(field.input.name == name, "-wrong")

    def go_to(self, name: str) -> None:
        """Put the cursor into a field."""
        self._inputs[name].focus()

    def fill(self, values: Mapping[str, str]) -> None:
        """Begin with these values; a prompt, a file and a priority that were typed stay."""
        self._hidden = {name: value for name, value in values.items() if "." in name}
        for name, field in self._inputs.items():
            if name in values or name not in ("prompt", *NOT_OF_THE_RECIPE):
                field.value = values.get(name, "")

    def follow(self, recipe: Mapping[str, Any], options: Sequence[OptionField], output: str) -> None:
        """Say in empty fields, dimly, what they come to, and offer these options."""
        inputs = self._inputs
        for name in RECIPE_FIELDS:
            value = recipe.get(name)
            inputs[name].placeholder = "" if value is None else as_text(value)
        inputs["output"].placeholder = output
        if [option.name for option in options] != list(self._options):
            self._offer(options)
        for option in options:
            self._options[option.name].input.placeholder = option.value

    def _offer(self, options: Sequence[OptionField]) -> None:
        for name, field in self._options.items():
            self._hidden[name] = field.input.value
            field.remove()
        self._options = {
            option.name: Field(option.name, self._hidden.pop(option.name, ""), help=option.help) for option in options
        }
        chooser = next(field for field in self.query(Field) if field.input.name == OPTIONS_BEHIND)
        self.mount_all(self._options.values(), after=chooser)
