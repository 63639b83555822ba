"""What `--help` says beyond the options' own words: two examples a command, and the defaults of models and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

LONGEST_DEFAULT = 24

EXAMPLES: Mapping[str, tuple[str, str]] = {
    "generate": (
        '"a red ball rolls over water" --duration 10s',
        '"a swan" --preset 10s-sync --model df-1.3b-540p --dry-run',
    ),
    "extend": ("clip.mp4 --duration 5s", 'clip.mp4 "the swan takes off" --model df-1.3b-540p'),
    "enhance-prompt": ('"two red foxes run through the snow" --diff', '"a fox" --shots 6 --duration 30s -o story.yaml'),
    "resume": ("film.mp4", "film.mp4 --from-window 2 --seed 9"),
    "show": ("film.mp4", "film.mp4 --sheet -o sheet.png"),
    "download": ("df-1.3b-540p", "df-14b-540p --dry-run"),
    "doctor": ("", "--json"),
    "films list": ("--unfinished", "--text swan --since 7d"),
    "films show": ("last", "film.mp4 --json"),
    "films open": ("last", "film.mp4 --folder"),
    "films tag": ("last night", "film.mp4 night --drop"),
    "films remove": ("film.mp4", "film.mp4 film.take2.mp4 --yes"),
    "films compare": ("film.mp4 film.take2.mp4", "film.mp4 last --json"),
    "preset list": ("", "--json"),
    "preset show": ("10s-sync", "30s-async --origin"),
    "preset path": ("", "10s-sync"),
    "preset validate": ("rain.yaml", "10s-sync 30s-async"),
    "preset schema": ("", "-q"),
    "preset diff": ("10s-sync 30s-async", "10s-sync rain.yaml --json"),
    "preset edit": ("10s-sync", "rain"),
    "preset rename": ("rain storm", "rain storm --quiet"),
    "preset remove": ("rain", "rain --yes"),
    "preset import": ("rain.skypreset", "film.mp4"),
    "preset export": ("rain.yaml --code", "rain.yaml -o rain.skypreset"),
    "models list": ("", "--json"),
    "models show": ("df-1.3b-540p", "tiny --json"),
    "models path": ("df-1.3b-540p", "tiny"),
    "models verify": ("df-1.3b-540p", "tiny"),
    "models remove": ("df-1.3b-540p", "df-1.3b-540p --yes"),
    "models recommend": ("", "--gpu-memory 24"),
    "config show": ("", "--json"),
    "config get": ("device", "outdir --json"),
    "config set": ("device cuda:1", "outdir ~/films"),
    "config edit": ("", "--no-input"),
    "config path": ("", "--json"),
    "config schema": ("", "-q"),
    "queue list": ("--state queued", "--text swan"),
    "queue add": ('"a swan at dawn" --duration 30s', '"a swan at dawn" --takes 4'),
    "queue show": ("1", "1 --json"),
    "queue edit": ("1 --seed 7", "1"),
    "queue cancel": ("1", "1 2 3"),
    "queue retry": ("1", "1 --fresh"),
    "queue pause": ("", "1"),
    "queue resume": ("", "1"),
    "queue move": ("3 --top", "3 --to 2"),
    "queue priority": ("3 10", "3 0"),
    "queue remove": ("1", "1 2"),
    "queue clear": ("--finished", "--failed"),
    "queue logs": ("1", "1 --json"),
    "queue stop": ("", "--json"),
    "queue watch": ("", "--until-done"),
    "queue run": ("", "--once"),
    "queue export": ("night.skyqueue", "night.skyqueue --json"),
    "queue import": ("night.skyqueue", "night.skyqueue --json"),
    "queue monitor": ("", "-q"),
    "queue install-service": ("--print", ""),
    "job run": ("/shared/queue/job-1", "/shared/queue/job-1 --events"),
    "plugins list": ("", "--json"),
    "plugins show": ("unipc", "teacache --json"),
    "plugins new": ("mysolver --kind scheduler", "mycache --kind cache"),
}
"""What is typed behind `skyreels` and the command's name."""


def add_help(group: Any, args: Sequence[str]) -> None:
    """Complete the help of all commands, if somebody asks for it; defaults are looked up for a single command only."""
    if not {"-h", "--help"} & set(args):
        return
    for path, command in _commands(group, ()):
        name = " ".join(path)
        if name in EXAMPLES:
            lines = (f"  skyreels {name} {typed}".rstrip() for typed in EXAMPLES[name])
            command.epilog = "\n".join(["Examples:", *lines])
        _hide_switches(command)
        if path and list(path) == [arg for arg in args if not arg.startswith("-")][: len(path)]:
            _add_defaults(command)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


def _hide_switches(command: Any) -> None:
    """A switch takes no value, so that nothing is to be said of its type."""
    for param in command.params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    help_option = command.get_help_option

    def without_type(context: Any) -> Any:
        option = help_option(context)
        if option is not None:
            option.metavar = ""
        return option

    command.get_help_option = without_type


def _add_defaults(command: Any) -> None:
    known = default_words()
    for param in command.params:
        if not getattr(param, "is_flag", False) and param.name in known and param.default in (None, False):
            param.help = f"{param.help} [{known[param.name]}]"


def default_words() -> dict[str, str]:
    """What holds where neither a flag nor a preset says anything else: of DF models at 540P, and of settings."""
    from skyreels_cli.hub.family import family_named
    from skyreels_cli.recipe.defaults import family_defaults
    from skyreels_cli.recipe.schema import Recipe
    from skyreels_cli.settings import Settings

    fields = {**Settings.model_fields, **Recipe.model_fields}
    said: dict[str, Any] = {name: field.default for name, field in fields.items()}
    family: Any = SimpleNamespace(name="df-540p", traits=family_named("df"))
    said |= family_defaults(family, image=False).model_dump(exclude_none=True)
    words = {name: _word(value) for name, value in said.items() if isinstance(value, str | int | float)}
    return {name: word if len(word) <= LONGEST_DEFAULT else "the reference's" for name, word in words.items() if word}


def _word(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return ""
    return value if isinstance(value, str) else f"{value:g}" if value < 10_000 else str(value)
