"""The `skyreels` command: parse, run one command, and turn whatever happened into an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

import typer.main

from skyreels_cli.cli.app import app
from skyreels_cli.cli.failure import as_failure, command_behind
from skyreels_cli.cli.help import add_help
from skyreels_cli.cli.interrupt import ended_as_interrupted
from skyreels_cli.cli.plugin_commands import add_plugin_commands
from skyreels_cli.cli.streams import lost_result, steady_streams
from skyreels_cli.errors import InterruptedError
from skyreels_cli.output import Output
from skyreels_cli.paths import require_text

# Switches in the reference, options with a value in our contract: bare, they mean the value here.
BARE_VALUES = {"--offload": "model", "--prompt-enhancer": "default"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; never raises for what a command did."""
    args = list(sys.argv[1:] if argv is None else argv)
    out = Output()
    signals: set[int] = set()
    steady_streams()
    try:
        with ended_as_interrupted() as signals:
            status = _run(args, out)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - nothing may leave but an exit code
        # A line that could not be parsed never got as far as switching these on.
        out.turn_on(json="--json" in args, events="--events" in args, debug="--debug" in args)
        out.command = command_behind(error) or out.command
        failure = as_failure(error, args)
        if signals and failure.exit_code != InterruptedError.exit_code:
            failure = as_failure(KeyboardInterrupt())
        out.failure(failure)
        status = failure.exit_code
    if reason := lost_result():
        out.warning(f"what belongs on stdout could not be written: {reason}")
    return status


def _run(args: list[str], out: Output) -> int:
    for arg in args:
        require_text(arg)
    command = typer.main.get_command(app)
    add_plugin_commands(command, args, out)
    add_help(command, args)
    status = command.main(_with_bare_values(args), prog_name="skyreels", standalone_mode=False, obj=out)
    if status == InterruptedError.exit_code:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


def _with_bare_values(args: list[str]) -> list[str]:
    """Give `--offload` its value where it stands alone (`--offload --seed 1`), as reference users type it."""
    filled = []
    for arg, following in pairwise([*args, "--"]):
        bare_value = BARE_VALUES.get(arg.replace("_", "-"))
        filled.append(f"{arg}={bare_value}" if bare_value and following.startswith("-") else arg)
    return filled
