"""How a person watches a film being made: a live display on a terminal, one line per window anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyreels_cli.cli.newest_frame import NewestFrame
from skyreels_cli.cli.pace import Pace
from skyreels_cli.film.events import Event, FilmResumed, StageStarted, WindowDone, WindowStarted
from skyreels_cli.output import Output, byte_size, clock, frame_range

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

NOISE_LEVELS = "▁▂▃▄▅▆▇█"
# The terminal echoes Ctrl-C as `^C`; in a full line that would wrap, and the display could not be wiped away.
RIGHT_MARGIN = 3
# It takes a moment, once a window: not worth a line.
PREPARING, DECODING = "preparing the window", "decoding"
Listener = Callable[[Event], None]


@dataclass(frozen=True)
class Notice(Event):
    """Something to tell at once, which the film itself does not say."""

    text: str


@contextmanager
def progress(out: Output, pace: Pace, newest: NewestFrame | None = None) -> Iterator[Listener]:
    """Yield what to call with each event; the `newest` frame is drawn above on a terminal that shows moving things."""
    if out.quiet or out.events:
        yield pace.take
    elif out.animated:
        with _live(out, pace, newest) as listener:
            yield listener
    else:
        yield _plain(out, pace)


def _plain(out: Output, pace: Pace) -> Listener:
    """Print each stage the first time it comes and each window once it is done."""
    said: set[str] = set()

    def listen(event: Event) -> None:
        pace.take(event)
        if isinstance(event, StageStarted) and event.stage not in said and event.stage != PREPARING:
            said.add(event.stage)
            out.narrate(f"{event.stage}…")
        elif isinstance(event, Notice):
            out.narrate(event.text)
        elif isinstance(event, FilmResumed):
            out.narrate(resumed_line(event))
        elif isinstance(event, WindowDone):
            out.narrate(window_line(pace, event))

    return listen


@contextmanager
def _live(out: Output, pace: Pace, newest: NewestFrame | None) -> Iterator[Listener]:
    from rich.live import Live

    console = out.console()
    view = LiveView(pace, console, newest)
    with Live(console=console, get_renderable=view.render, refresh_per_second=8, transient=True):

        def listen(event: Event) -> None:
            pace.take(event)
            if isinstance(event, Notice):
                console.print(event.text)
            elif isinstance(event, FilmResumed):
                console.print(resumed_line(event))
            elif isinstance(event, WindowDone):
                console.print(window_line(pace, event))

        yield listen


def resumed_line(event: FilmResumed) -> str:
    """Say how much of an interrupted film is kept."""
    kept = f": {event.frames} frames are done" if event.frames else ""
    return f"going on with an interrupted film{kept}"


def window_line(pace: Pace, done: WindowDone) -> str:
    """Sum up a finished window: `window 2/3  frames 98–177  30 steps  1.52 s/step  peak 8.1 GB`."""
    window = pace.window
    assert window is not None, "a window ends only after it has begun"
    words = [
        window_name(window),
        f"frames {frame_range(window.first_frame, window.new_frames)}",
        f"{window.steps} steps",
        *([f"{seconds:.2f} s/step"] if (seconds := pace.window_step_seconds) else []),
        f"peak {byte_size(done.peak_memory_bytes)}",
    ]
    if pace.skipped is not None:
        words.append(f"{pace.skipped:.0%} skipped by the cache")
    return "  ".join(words)


def window_name(window: WindowStarted) -> str:
    """Name a window as people count: `window 2/3`, in an endless film `window 2`."""
    return f"window {window.window}{f'/{window.windows}' if window.windows else ''}"


class LiveView:
    """The moving part: the stage at hand, the window with its noise where that is uneven, and the film."""

    def __init__(self, pace: Pace, console: Console, newest: NewestFrame | None = None) -> None:
        from rich.spinner import Spinner

        self.pace = pace
        self.console = console
        self.newest = newest
        self.spinner = Spinner("dots")

    def render(self) -> RenderableType:
        """Draw the present state; called several times a second."""
        from rich.console import Group
        from rich.constrain import Constrain

        pace = self.pace
        self.spinner.update(text=f"{pace.stage or 'starting'}…{self._loading_left()}")
        stage = [self.spinner] if pace.window is None or pace.stage not in ("", PREPARING, DECODING) else []
        noise = [f"noise  {noise_line(pace.noise)}"] if len(set(pace.noise)) > 2 else []
        bars = [self._bars(pace.window)] if pace.window else []
        width = self.console.width - RIGHT_MARGIN
        picture = self.newest.draw(width) if self.newest else []
        return Constrain(Group(*picture, *bars, *noise, *stage), width)

    def _loading_left(self) -> str:
        """What an earlier film tells of the time, before this one has done a step."""
        left = self.pace.time.film_left
        return f"  about {clock(left)} left" if self.pace.window is None and left is not None else ""

    def _bars(self, window: WindowStarted) -> Table:
        from rich.table import Table

        pace, film = self.pace, self.pace.time
        table = Table.grid(padding=(0, 1), expand=True)
        for column in range(5):
            table.add_column(ratio=1 if column == 1 else None, no_wrap=True, justify="left" if column < 2 else "right")
        table.add_row(window_name(window), *self._at_hand(window), _left(film.window_left))
        peak = f"peak {byte_size(pace.peak_memory_bytes)}" if pace.peak_memory_bytes else ""
        if pace.share is None:
            table.add_row("film", "until Ctrl-C", f"{window.first_frame} frames", peak, "")
        else:
            table.add_row("film", _bar(pace.share, 1), f"{int(100 * pace.share)} %", peak, _left(film.film_left))
        return table

    def _at_hand(self, window: WindowStarted) -> tuple[RenderableType, str, str]:
        """The window's bar, its figures and its speed: of its steps, then of its frames."""
        pace = self.pace
        if pace.stage == DECODING:
            return _bar(pace.frames, window.new_frames), f"{pace.frames}/{window.new_frames}", "frames decoded"
        seconds, done = pace.time.step_seconds, pace.window_steps_done
        return _bar(done, window.steps), f"{done}/{window.steps}", f"{seconds:.2f} s/step" if seconds else ""


def noise_line(noise: tuple[float, ...]) -> str:
    """One column per latent frame, the higher the noisier: the staircase of diffusion forcing."""
    top = len(NOISE_LEVELS) - 1
    return "".join(NOISE_LEVELS[round(sigma * top)] for sigma in noise)


def _bar(done: float, total: float) -> RenderableType:
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=total, completed=done)


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"{clock(seconds)} left"
