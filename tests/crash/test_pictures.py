"""Pictures on a terminal: the newest frame of a film that is made, and pixels where the terminal has them."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.drawing import half_blocks
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.reader import Frame, read_tail
from skyreels_cli.media.video import open_video

from .terminal import ROOT, Terminal, environment

COLUMNS, ROWS = 40, 12
"""Cells of a frame of 80x48 in the twelve rows that are kept for it."""
CELLS = re.compile(rb"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m((?:\xe2\x96\x80)+)")
FILM = ("--resolution", "80x48", "--num-frames", "29", "--base-num-frames", "17", "--overlap-history", "5")
ENDS = [17, 29]
"""Frames that the film has after each of its windows."""
ASKED = re.compile(rb"\x1b\[c|\x1b_Gi=(\d+),[^;]*a=q[^\x1b]*\x1b\\")
SIXEL, KITTY, NEITHER = "\x1b[?62;4c", "\x1b[?62;22c", "\x1b[?1;2c"
"""What terminals answer when they are asked what they can; 4 is sixel. Kitty has none, but a protocol of its own."""
WIDTH, HEIGHT = 79, 7
"""Cells of three frames of 80x48 in a row, on 80 columns."""
PIXELS = (10 * WIDTH, 20 * HEIGHT)
"""What textual-image takes a cell for where the terminal does not say."""
COLOUR = (200, 40, 10)
needs_graphics = pytest.mark.skipif(find_spec("textual_image") is None, reason="needs the extra `graphics`")
Colours = npt.NDArray[np.int64]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYREELS_HOME", str(tmp_path / "home"))


def drawn(said: bytes) -> Colours:
    """The two colours (n, 6) of every half-block that was written."""
    runs = ((list(map(int, found.groups()[:6])), len(found[7]) // 3) for found in CELLS.finditer(said))
    return np.array([colours for colours, times in runs for _ in range(times)])


def cells_of(frame: Frame) -> Colours:
    """The same of a frame that is drawn into the cells kept for it."""
    cells = [cell for row in half_blocks(frame, COLUMNS, ROWS) for cell in row]
    both = ((cell.style.color.triplet, cell.style.bgcolor.triplet) for cell in cells)  # type: ignore[union-attr]
    return np.array([[*upper, *lower] for upper, lower in both])  # type: ignore[misc]


def test_the_newest_frame_is_drawn_while_the_film_is_made(tmp_path: Path) -> None:
    """Every picture is the last frame of the windows that were done by then; the second window takes a second."""
    model = str(ROOT / "tests" / "golden" / "model")
    words = ("generate", "a ball", "--model", model, *FILM, "--inference-steps", "80", "--seed", "1")
    env = environment(COLORTERM="truecolor", SKYREELS_CALIBRATE="false", SKYREELS_PICTURES="false")
    terminal = Terminal((*words, "--codec", "ffv1", "-o", "x.mkv", "--preview"), tmp_path, env)
    assert terminal.process.wait(90) == 0
    terminal.until("x.mkv")
    frames = read_tail(open_video(tmp_path / "x.mkv"), 29, 80, 48)
    ends = [cells_of(frames[end - 1]) for end in ENDS]
    pictures = drawn(terminal.said).reshape(-1, COLUMNS * ROWS, 6)
    shown = [next(n for n, end in zip(ENDS, ends, strict=True) if (picture == end).all()) for picture in pictures]
    assert shown == sorted(shown)
    assert shown[0] == ENDS[0]


class AskedTerminal(Terminal):
    """A terminal that answers when it is asked what it can: `attributes`, and whether it knows kitty's graphics."""

    attributes = NEITHER
    kitty = False
    answered = 0

    def answer(self) -> None:
        """Answer each question once."""
        for question in list(ASKED.finditer(self.said, self.answered)):
            self.answered = question.end()
            if question[1] is None:
                self.type(self.attributes)
            elif self.kitty:
                self.type(f"\x1b_Gi={question[1].decode()};OK\x1b\\")


class SixelTerminal(AskedTerminal):
    attributes = SIXEL


class KittyTerminal(AskedTerminal):
    attributes, kitty = KITTY, True


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mkv"
    comment = '{"recipe": {"prompt": "a swan"}}'
    coding = film_coding("ffv1", 7)
    with VideoEncoder(path, width=80, height=48, fps=Fraction(24), coding=coding, comment=comment) as encoder:
        encoder.write(np.full((5, 48, 80, 3), COLOUR, np.uint8))
    return path


@pytest.fixture
def show(film: Path) -> Callable[[type[Terminal]], bytes]:
    """Run `skyreels show FILM` on a terminal of some kind; returns what it said."""

    def show_on(kind: type[Terminal]) -> bytes:
        terminal = kind(("show", str(film)), film.parent, environment(COLORTERM="truecolor"))
        terminal.until("frames 1, 3, 5 of 5")
        assert terminal.process.wait(60) == 0
        assert terminal.unrestored() == []
        assert b"Traceback" not in terminal.said
        return terminal.said

    return show_on


@needs_graphics
def test_sixel_where_the_terminal_says_so(show: Callable[[type[Terminal]], bytes]) -> None:
    """The size stands in the raster attributes, colours in per cent behind `#0;2;`."""
    said = show(SixelTerminal)
    ((width, height, *colour),) = re.findall(rb'\x1bP[\d;]*q"1;1;(\d+);(\d+)#0;2;(\d+);(\d+);(\d+)', said)
    assert (int(width), int(height)) == PIXELS
    assert [int(share) for share in colour] == [round(value / 2.55) for value in COLOUR]
    assert len(drawn(said)) == 0


@needs_graphics
def test_kitty_s_graphics_where_the_terminal_says_so(show: Callable[[type[Terminal]], bytes]) -> None:
    """A PNG in base64, in pieces."""
    said = show(KittyTerminal)
    pieces = re.findall(rb"\x1b_G[^;]*m=[01],f=100[^;]*;([^\x1b]*)\x1b\\", said)
    with Image.open(io.BytesIO(b64decode(b"".join(pieces)))) as sent:
        assert sent.size == PIXELS
        assert sent.convert("RGB").getpixel((5, 5)) == COLOUR
    assert len(drawn(said)) == 0


def test_half_blocks_where_it_does_not(show: Callable[[type[Terminal]], bytes]) -> None:
    cells = drawn(show(AskedTerminal))
    assert len(cells) == WIDTH * HEIGHT
    assert cells[0].tolist() == [*COLOUR, *COLOUR]
