"""`skyreels generate`: a prompt, and pictures if wanted, become a film."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from skyreels_cli.cli.interrupt import Interrupts
from skyreels_cli.cli.newest_frame import NewestFrame
from skyreels_cli.cli.options import FilmOptions, PlanOptions, WatchOptions
from skyreels_cli.cli.pace import Pace
from skyreels_cli.cli.progress import Listener, Notice, progress
from skyreels_cli.cli.request import decide_aloud, make_request
from skyreels_cli.cli.storyboard import reviewed
from skyreels_cli.cli.title import Title
from skyreels_cli.errors import InterruptedError
from skyreels_cli.film.events import Event, FilmDone
from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.film.waits import known_waits, remember_waits, waits_key
from skyreels_cli.output import Output, byte_size, clock
from skyreels_cli.plan.work import FilmWork

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.film.rendering import Rendering
    from skyreels_cli.order.order import Order
    from skyreels_cli.order.request import Request

WATCHED = WatchOptions()


def generate(
    out: Output,
    *,
    text: Annotated[str | None, Argument(metavar="PROMPT", help="What the film shows; - reads stdin.")] = None,
    film: FilmOptions,
    only: PlanOptions,
    watch: WatchOptions,
) -> None:
    """Render a film from a prompt, with a first and a last frame if you like."""
    only_plan = only.dry_run or only.explain
    request = make_request(text, film, only_plan=only_plan, go_on=True)
    order = _decided(request, out)
    to_review = request.typed.story is not None and not only_plan
    while to_review and not order.finished and (changed := reviewed(order, request, out)):
        request, order = changed, _decided(changed, out)
    if only_plan:
        _show_plan(order, out, explain=only.explain)
    elif order.finished:
        tell_finished(order.finished, out)
    else:
        render_film(order, out, watch)


def _decided(request: Request, out: Output) -> Order:
    """The order; a model that is not here is fetched if somebody says so."""
    from skyreels_cli.hub.located import ModelNotHere

    while True:
        try:
            return decide_aloud(request, out)
        except ModelNotHere as missing:
            from skyreels_cli.cli.fetching import fetch_if_wanted

            if not fetch_if_wanted(missing, out):
                raise


def _show_plan(order: Order, out: Output, *, explain: bool) -> None:
    from skyreels_cli.cli.explain import offload_data
    from skyreels_cli.hub.located import to_fetch
    from skyreels_cli.plan.dry_run import plan_data

    plan = order.plan
    data = {**plan_data(plan), "output": str(order.output), "recipe": order.recipe.model_dump(by_alias=True)}
    if absent := to_fetch(order.facts):
        data["fetch"] = absent
    if order.split:
        data["split"] = order.split
    data["offload"] = offload_data(order)
    if explain:
        data["explain"] = dict(order.sources)
    essential = f"{plan.num_frames or 'endless'} frames in {plan.count or 'endless'} windows"
    out.result(data, essential, lambda: _plan_view(order, explain=explain))


def _plan_view(order: Order, *, explain: bool) -> RenderableType:
    from rich.console import Group

    from skyreels_cli.cli.explain import explain_view, offload_data
    from skyreels_cli.cli.plan_view import plan_view
    from skyreels_cli.hub.located import to_fetch

    parts: list[RenderableType] = [plan_view(order.plan, order.output)]
    if absent := to_fetch(order.facts):
        parts.append(f"note: about {byte_size(absent['bytes'])} are to be fetched first: {absent['command']}")
    parts.append("offload {offload}: {because}".format(**offload_data(order)))
    if order.split:
        parts.append(f"on {order.split}")
    return Group(*parts, "", explain_view(order)) if explain else Group(*parts)


def render_film(rendering: Rendering, out: Output, watch: WatchOptions = WATCHED) -> None:
    """Render, or go on rendering, and say what became of it."""
    for note in rendering.plan.notes:
        out.narrate(f"note: {note}")
    try:
        film = _watch(rendering, out, watch)
    except KeyboardInterrupt:
        raise _interrupted(rendering) from None
    from skyreels_cli.cli.show_view import seeds

    size = f"{film.frames} frames, {film.width}×{film.height}, {film.duration_s:.1f} s"
    peak = byte_size(film.peak_memory_bytes)
    out.narrate(f"{size}, seed {seeds(film.recipe)}, rendered in {clock(film.elapsed_s)}, peak {peak}")
    if watch.preview is not False:
        _show_frames(film, out)
    _tell_result(film, out)


def _show_frames(film: FilmDone, out: Output) -> None:
    """Some of its frames, side by side, on a terminal that can show them."""
    from skyreels_cli.cli.picture_view import film_row
    from skyreels_cli.settings import load_settings

    if out.animated and load_settings().pictures:
        console = out.console()
        for part in film_row(Path(film.output), console.width - 1):
            console.print(part)


def tell_finished(film: FilmDone, out: Output) -> None:
    """Say that the film is there already, made from the same recipe with the same model: nothing is left to do."""
    out.narrate(f"{film.output} is finished already, of the same recipe and model (--overwrite makes it again)")
    _tell_result(film, out)


def _tell_result(film: FilmDone, out: Output) -> None:
    data = film.to_dict()
    del data["event"], data["time"]
    out.result(data, film.output)


def _interrupted(rendering: Rendering) -> InterruptedError:
    folder = work_folder(rendering.output)
    if not folder.is_dir():
        return InterruptedError("interrupted", "interrupted before the film was begun")
    hint = f"skyreels resume {quote(str(rendering.output))}"
    return InterruptedError("interrupted", f"interrupted; what is done lies in {folder}", hint)


def _watch(rendering: Rendering, out: Output, watch: WatchOptions) -> FilmDone:
    """Render while a person, or a script, is told how it goes, and keep what it took for the next film's time."""
    plan, key = rendering.plan, waits_key(rendering.recipe, rendering.facts, rendering.placement)
    pace = Pace(FilmWork.of(rendering.recipe, rendering.facts, plan, rendering.speed), known_waits(key))
    newest = NewestFrame(rendering.output) if watch.preview else None
    with ExitStack() as display:
        title = display.enter_context(Title(out, pace, bell=watch.bell))
        show = display.enter_context(progress(out, pace, newest))

        def listen(event: Event) -> None:
            show(event)
            title.tell()

        def leave() -> None:
            """End the process in the midst of whatever it does; the film's folder allows it at any moment."""
            display.close()
            out.failure(_interrupted(rendering))
            os._exit(InterruptedError.exit_code)

        with Interrupts(endless=plan.endless, tell=lambda text: listen(Notice(text)), leave=leave) as interrupts:
            film = _rendered(rendering, out, listen, interrupts)
    remember_waits(key, pace.time.measured)
    return film


def _rendered(rendering: Rendering, out: Output, listen: Listener, interrupts: Interrupts) -> FilmDone:
    """The finished film; closing the generator, which an interruption does too, stops it."""
    from skyreels_cli.film.render import render

    film = None
    with closing(render(rendering, ending=interrupts.ending)) as events:
        for event in events:
            out.event(event.to_dict())
            listen(event)
            interrupts.heed(event)
            if isinstance(event, FilmDone):
                film = event
    assert film is not None, "a film that ends without an error says so"
    return film
