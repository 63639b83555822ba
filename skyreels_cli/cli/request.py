"""From typed options to the intake's request: the command line's own spellings, short forms and files."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from skyreels_cli.cli.options import FilmOptions, RecipeOptions
from skyreels_cli.cli.plugin_commands import warn_of_broken_plugins
from skyreels_cli.cli.plugin_flags import fold_machine_flags, fold_plugin_flags, spell
from skyreels_cli.errors import UsageError, first_line
from skyreels_cli.output import Output
from skyreels_cli.recipe.choices import LONGEST_PROMPT

if TYPE_CHECKING:
    from skyreels_cli.order.order import Order
    from skyreels_cli.order.request import Request
    from skyreels_cli.recipe.schema import Draft

# More than the longest prompt takes in UTF-8.
MOST_BYTES = 5 * LONGEST_PROMPT


def decide_aloud(request: Request, out: Output) -> Order:
    """Decide, show a text that is being written, and tell what was noted on the way."""
    from skyreels_cli.cli.writing import shown
    from skyreels_cli.order.intake import decide

    warn_of_broken_plugins(out)
    with shown(out) as show:
        order = decide(request, show)
    for note in order.notes:
        out.narrate(note)
    if order.placement.gpus > 1 and order.placement.device in ("auto", "cpu"):
        _tell_missing_gpus(order.placement.gpus, out)
    return order


def _tell_missing_gpus(wanted: int, out: Output) -> None:
    """Say what several GPUs come to on a machine that has none."""
    from skyreels_cli.queue.device import sample

    if not sample()["gpus"]:
        out.narrate(f"no GPU was found here: {wanted} processes share the CPU, which makes no film quicker")


def make_request(prompt: str | None, options: FilmOptions, *, only_plan: bool = False, go_on: bool = False) -> Request:
    """A command line as a request; a prompt `-` is read from stdin."""
    from skyreels_cli.order.request import Request

    presets = tuple(options.recipe.preset or ())
    if "-" in (prompt, options.recipe.prompt) and "-" in presets:
        raise UsageError("usage", "both the prompt and the preset are read from stdin", "give one of them as a file")
    return Request(
        typed=typed_draft(prompt, options.recipe),
        presets=presets,
        machine=fold_machine_flags(options.machine),
        output=options.file.output,
        overwrite=options.file.overwrite,
        keep_work=options.file.keep_work,
        only_plan=only_plan,
        go_on=go_on and not options.file.overwrite,
    )


def read_prompt(stream: TextIO) -> str:
    """All that is on stdin, which is UTF-8 whatever the locale says; UsageError `bad-prompt` if that is no text."""
    try:
        read = stream.buffer.read(MOST_BYTES) if hasattr(stream, "buffer") else stream.read().encode()
        if len(read) >= MOST_BYTES:
            message = f"the prompt on stdin is longer than {LONGEST_PROMPT:,} characters"
            raise UsageError("bad-prompt", message, "of more than 512 tokens, about 2,000 characters, the rest is lost")
        text = read.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the prompt on stdin cannot be read: {first_line(error)}"
        raise UsageError("bad-prompt", message, "iconv -t UTF-8 prompt.txt | skyreels generate -") from None
    return text.strip()


def typed_draft(prompt: str | None, options: RecipeOptions) -> Draft:
    """Return the typed options as a draft, over what their shots file says."""
    from skyreels_cli.recipe.camera import camera_of
    from skyreels_cli.recipe.merge import merge
    from skyreels_cli.recipe.presets.load import load_shots
    from skyreels_cli.recipe.schema import Draft
    from skyreels_cli.recipe.unheard import check_heard
    from skyreels_cli.recipe.validate import make_draft

    if prompt is not None and options.prompt is not None:
        raise UsageError("usage", "the prompt is given twice, as PROMPT and as --prompt", "leave one of them out")
    if options.num_frames is not None and options.duration is not None:
        message = "--num-frames and --duration both say how long the film is"
        raise UsageError("usage", message, "leave one of them out")
    said = {name: value for name, value in asdict(options).items() if value is not None}
    said = {name: value for name, value in said.items() if name not in ("preset", "shots")}  # these are files
    if options.camera:
        said["camera"] = camera_of(options.camera)
    if prompt is not None:
        said["prompt"] = prompt
    if said.get("prompt") == "-":
        said["prompt"] = read_prompt(sys.stdin)
    count, file = _count_or_file(options)
    if count is not None:
        said["story_shots"] = count
    shots = load_shots(file) if file else Draft()
    typed = make_draft(fold_plugin_flags(said), spell)
    check_heard(typed, shots.shots, f"say it in the shots of {file}")
    return merge(shots, typed)


def _count_or_file(options: RecipeOptions) -> tuple[int | None, Path | None]:
    """What `--shots` says: how many shots a story shall have, or the file that holds them."""
    if options.shots is None or not options.shots.isdigit():
        return None, Path(options.shots).expanduser() if options.shots else None
    if options.story is None:
        message = f"--shots {options.shots}: {options.shots} shots of what? --story says it"
        raise UsageError("usage", message, f'--story "a fairy tale of a fox" --shots {options.shots}')
    return int(options.shots), None
