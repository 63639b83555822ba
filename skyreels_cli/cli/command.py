"""From a plain function to a Typer command: option groups unfold, global options and `out` come along."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, get_type_hints

import typer

from skyreels_cli.cli.options import GlobalOptions
from skyreels_cli.output import Output

Command = Callable[..., None]


def unfold(function: Command) -> Command:
    """Return `function(out, …)` as Typer wants it.

    A parameter whose type is a dataclass becomes one option per field (dataclasses in it likewise) and arrives filled
    in; one named `context` gets Typer's. `GlobalOptions` are added to every command here, and only here.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    wants_context = any(parameter.name == "context" for parameter in own)
    groups = {parameter.name: parameter.annotation for parameter in own if is_dataclass(parameter.annotation)}

    def command(context: typer.Context, **values: Any) -> None:
        out: Output = context.obj
        out.command = context.command_path.partition(" ")[2]
        out.turn_on(**asdict(_take(GlobalOptions, values)))
        filled = {name: _take(group, values) for name, group in groups.items()}
        if wants_context:
            filled["context"] = context
        function(out, **filled, **values)

    parameters = _unfolded_parameters(own)
    command.__doc__ = function.__doc__
    command.__name__ = function.__name__
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def command_group(purpose: str) -> typer.Typer:
    """Return an empty group of commands that takes the global options before the subcommand too."""
    group = typer.Typer(help=purpose)

    def take_global_options(out: Output) -> None: ...

    group.callback(help=purpose)(unfold(take_global_options))
    return group


def _unfolded_parameters(own: Iterable[inspect.Parameter]) -> list[inspect.Parameter]:
    """Return what Typer shall see: the context, the command's own options, the global ones."""
    unfolded = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for parameter in own:
        if is_dataclass(parameter.annotation):
            unfolded += _options_of(parameter.annotation)
        elif parameter.name != "context":
            unfolded.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    return unfolded + _options_of(GlobalOptions)


def _options_of(group: Any) -> list[inspect.Parameter]:
    hints: Mapping[str, Any] = get_type_hints(group, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for option in fields(group):
        hint = hints[option.name]
        if is_dataclass(hint):
            parameters += _options_of(hint)
        else:
            keyword = inspect.Parameter.KEYWORD_ONLY
            parameters.append(inspect.Parameter(option.name, keyword, default=option.default, annotation=hint))
    return parameters


def _take(group: Any, values: dict[str, Any]) -> Any:
    """An instance of a group from the values of its options, which are taken away."""
    hints = get_type_hints(group)
    filled = {}
    for name in (option.name for option in fields(group)):
        filled[name] = _take(hints[name], values) if is_dataclass(hints[name]) else values.pop(name)
    return group(**filled)
