"""`skyreels enhance-prompt`: from a few words to the prompt that the models were trained on, or to a storyboard."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from skyreels_cli.cli.completion import enhancer_names, model_names
from skyreels_cli.cli.request import read_prompt
from skyreels_cli.cli.writing import shown
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.order.enhance.enhance import Enhanced, Wish
    from skyreels_cli.order.enhance.providers import Provider

Story = partial(Option, rich_help_panel="A storyboard")


def enhance_prompt(
    out: Output,
    *,
    text: Annotated[str | None, Argument(metavar="PROMPT", help="A few words, in any language; - reads stdin.")] = None,
    provider: Annotated[
        str | None, Option(metavar="NAME", autocompletion=enhancer_names, help="Who writes; the best that is set up.")
    ] = None,
    model: Annotated[
        str | None, Option(metavar="NAME|FOLDER|FILE.gguf", help="The language model, if the provider takes one.")
    ] = None,
    option: Annotated[
        list[str] | None, Option("-O", "--option", metavar="PLUGIN.OPTION=VALUE", help="Set up the provider.")
    ] = None,
    image: Annotated[Path | None, Option(metavar="FILE", help="The first frame, for providers that see.")] = None,
    video: Annotated[Path | None, Option(metavar="FILE", help="What the film goes on with: its last frame.")] = None,
    max_words: Annotated[int, Option(metavar="N", help="Most words of a prompt.")] = 150,
    seed: Annotated[int, Option(min=0, metavar="N", help="Another seed, another text.")] = 0,
    n: Annotated[int, Option("--n", "-n", min=1, max=20, metavar="N", help="So many variants, seed by seed.")] = 1,
    diff: Annotated[bool, Option("--diff", help="Mark what was added.")] = False,
    shots: Annotated[int, Story(min=1, max=100, metavar="N", help="Write a shot for each part of a story.")] = 1,
    duration: Annotated[str | None, Story(metavar="30s|2m", help="Length of the film.")] = None,
    film_model: Annotated[
        str | None, Story("--for", metavar="MODEL", autocompletion=model_names, help="Who will render it.")
    ] = None,
    output: Annotated[
        Path | None, Story("--output", "-o", metavar="FILE", help="Write there; for --shots, a .yaml.")
    ] = None,
    overwrite: Annotated[bool, Story("--overwrite", help="Replace a file of that name.")] = False,
) -> None:
    """Complete a prompt: shot type, attributes, action, setting, light and camera. Your facts are kept."""
    from skyreels_cli.cli.plugin_commands import warn_of_broken_plugins
    from skyreels_cli.order.enhance.enhance import Wish
    from skyreels_cli.order.enhance.picture import picture
    from skyreels_cli.order.enhance.providers import choose_provider
    from skyreels_cli.plugins.options import parse_options

    if duration is not None and shots == 1:
        raise UsageError("usage", "--duration is the length of a storyboard", f"--shots 4 --duration {duration}")
    if image and video:
        raise UsageError("usage", "--image and --video both say what the film starts from", "leave one of them out")
    if shots > 1 and n > 1:
        raise UsageError("usage", "--n and --shots: a storyboard is written one at a time", f"--shots {shots} --seed 1")
    _check_output(output, overwrite=overwrite)
    prompt = read_prompt(sys.stdin) if text == "-" else text or ""
    warn_of_broken_plugins(out)
    chosen = choose_provider(provider, model, parse_options(option or []))
    if chosen.chosen_because:
        out.narrate(f"{chosen.name} writes, {chosen.chosen_because} (--provider chooses another)")
    with picture(image, video) as first:
        wish = Wish(
            prompt=prompt,
            shots=shots,
            max_words=max_words,
            seed=seed,
            image=first,
            goes_on=video is not None,
            film_model=film_model,
        )
        done = _write(wish, n, chosen, out)
    if shots > 1:
        from skyreels_cli.cli.storyboard import tell_story

        tell_story(done[0], chosen, duration, film_model, output, out)
        return
    _tell(done, chosen, output, out, diff=diff)


def _write(wish: Wish, count: int, provider: Provider, out: Output) -> list[Enhanced]:
    """So many variants by one writer, with seeds that follow each other."""
    from dataclasses import replace

    from skyreels_cli.order.enhance.enhance import enhance, left_alone
    from skyreels_cli.order.enhance.writer import open_writer

    if done := left_alone(wish):
        return [done]
    with shown(out) as show, open_writer(provider, silent=not out.animated) as writer:
        seeds = range(wish.seed, wish.seed + count)
        return [enhance(replace(wish, seed=seed), writer, provider.name, show) for seed in seeds]


def _tell(done: list[Enhanced], provider: Provider, output: Path | None, out: Output, *, diff: bool) -> None:
    from skyreels_cli.cli.prompt_diff import marked, marked_view

    for note in dict.fromkeys(note for each in done for note in each.notes):
        out.warning(note)
    texts = [each.text for each in done]
    written = "\n\n".join(texts)
    if output:
        output.write_text(written + "\n", encoding="utf-8")
        out.narrate(f"written to {output}")
    first = done[0]
    data: dict[str, Any] = {**_data(first, provider), "variants": [_data(each, provider) for each in done]}
    own = first.wish.prompt
    if diff and not out.quiet:
        data["diff"] = [marked(own, each) for each in texts]
        out.result(data, written, lambda: _separated([marked_view(own, each) for each in texts]))
        return
    out.result(data, str(output) if output else written)


def _data(done: Enhanced, provider: Provider) -> dict[str, Any]:
    from skyreels_cli.order.enhance.words import count_words

    return {
        "prompt": done.text,
        "original": done.wish.prompt,
        "enhanced": done.provider is not None,
        "provider": provider.name,
        "model": done.model,
        "instruction": done.instruction,
        "seed": done.wish.seed,
        "words": count_words(done.text),
        "notes": list(done.notes),
    }


def _separated(views: list[RenderableType]) -> RenderableType:
    from rich.console import Group

    return Group(*(part for view in views for part in (view, "")))


def _check_output(output: Path | None, *, overwrite: bool) -> None:
    if output is None:
        return
    if output.is_dir() or not output.parent.is_dir():
        raise UsageError("output-unwritable", f"{output} cannot be written", "-o story.yaml")
    if output.exists() and not overwrite:
        raise UsageError("output-exists", f"{output} is there already", "--overwrite")
