"""`skyreels tiny`: the words that the demo model knows, and what it makes of a prompt."""

from __future__ import annotations

from typing import Annotated

import typer

from skyreels_cli.output import Output

from .vocabulary import WORDS, canonical, unknown_words

app = typer.Typer(help="What the demo model understands.", no_args_is_help=True)


@app.callback()
def tiny() -> None:
    """What the demo model understands."""


@app.command()
def words(
    context: typer.Context,
    prompt: Annotated[str | None, typer.Argument(metavar="PROMPT", help="A prompt, to see what is understood.")] = None,
) -> None:
    """Print the words of the demo model, or those that it hears in a prompt."""
    out: Output = context.obj
    out.command = "tiny words"
    if prompt is None:
        out.result({"words": list(WORDS)}, " ".join(WORDS))
        return
    heard, lost = canonical(prompt), unknown_words(prompt)
    if lost:
        out.narrate(f"it does not know: {', '.join(lost)}")
    out.result({"prompt": prompt, "heard": heard, "unknown": lost}, heard)
