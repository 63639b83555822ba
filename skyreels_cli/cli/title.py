"""How far a film is, in the terminal's title and on its button in the taskbar; other programs' titles come back."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from skyreels_cli.cli.pace import Pace
from skyreels_cli.output import Output

KEEP_TITLE, GIVE_BACK_TITLE = "\033[22;0t", "\033[23;0t"
TITLE, SHARE, NO_SHARE, UNKNOWN_SHARE = "\033]0;{}\a", "\033]9;4;1;{}\a", "\033]9;4;0\a", "\033]9;4;3\a"
BELL = "\a"


class Title:
    """Written only when the percentage changes, and only to a terminal; with `bell` it rings at the end."""

    def __init__(self, out: Output, pace: Pace, *, bell: bool = False) -> None:
        self._stream = sys.stderr if out.animated else None  # as it is now: the live display puts its own in place
        self._pace = pace
        self._bell = bell
        self._said = ""

    def __enter__(self) -> Self:
        """Keep the title that there is."""
        self._write(KEEP_TITLE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the title back, end the progress, ring if that was wanted."""
        self._write(NO_SHARE + GIVE_BACK_TITLE + (BELL if self._bell else ""))

    def tell(self) -> None:
        """Say where the film is by now."""
        pace = self._pace
        if pace.window is None:
            return
        if pace.share is None:
            said = TITLE.format(f"window {pace.window.window} – skyreels") + UNKNOWN_SHARE
        else:
            share = int(100 * pace.share)
            said = TITLE.format(f"{share} % – skyreels") + SHARE.format(share)
        if said != self._said:
            self._said = said
            self._write(said)

    def _write(self, codes: str) -> None:
        if self._stream:
            self._stream.write(codes)
            self._stream.flush()
