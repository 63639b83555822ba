"""Takes the README's pictures of `skyreels films` from a terminal of 80x24, of films that the demo model makes.

python -m tests.crash.screenshots [FOLDER]
"""

from __future__ import annotations

import io
import re
import shutil
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from .terminal import Terminal, environment

FOLDER = Path(__file__).with_name("screenshots")
FILMS = Path("/tmp/films")  # a short name, for it is seen
SHORT = ("--num-frames", "37", "--base-num-frames", "17", "--overlap-history", "5")
WORDS = {
    "circle.mp4": "a red circle moves to the right over a dark blue background",
    "square.mp4": "a green square moves to the left over a dark red background",
}
UNFINISHED = ("a white circle moves down over a dark green background", *SHORT, "--seed", "3", "-o", "night.mp4")
# What kind of terminal it is, is asked if the extra `graphics` is there; a terminal shows nothing of that.
QUESTIONS = re.compile(r"\x1b\[c|\x1b_G.*?\x1b\\")
PICTURES = {"films-list": ("films", "list"), "films-show": ("films", "show", "circle.mp4")}


def on_terminal(*words: str) -> Terminal:
    """A command in the folder of the films, on a terminal of many colours."""
    places = {"SKYREELS_HOME": str(FILMS / "home"), "SKYREELS_OUTDIR": str(FILMS)}
    return Terminal(words, FILMS, environment(COLORTERM="truecolor", SKYREELS_CALIBRATE="false", **places))


def make_films() -> None:
    """Two films that are finished, and one that was interrupted in its second window."""
    for name, prompt in WORDS.items():
        on_terminal("generate", prompt, *SHORT, "--seed", "1", "-o", name).process.wait()
    begun = on_terminal("generate", *UNFINISHED)
    begun.until("window 2")
    begun.end(signal.SIGINT)
    on_terminal("films", "tag", "square.mp4", "best").process.wait()


def take(*words: str) -> str:
    """An SVG of what a command says, below the line that was typed."""
    terminal = on_terminal(*words)
    terminal.process.wait()
    time.sleep(0.5)  # until all of it has been read
    said = QUESTIONS.sub("", terminal.said.decode()).replace("\r\n", "\n")
    screen = Console(width=80, record=True, force_terminal=True, color_system="truecolor", file=io.StringIO())
    screen.print(Text.from_ansi(f"$ skyreels {' '.join(words)}\n{said}"))
    return screen.export_svg(title="skyreels films")


def main() -> None:
    """Write every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    FILMS.mkdir()
    try:
        make_films()
        for name, words in PICTURES.items():
            (folder / f"{name}.svg").write_text(take(*words), encoding="utf-8")
            print(folder / f"{name}.svg")
    finally:
        shutil.rmtree(FILMS)


if __name__ == "__main__":
    main()
