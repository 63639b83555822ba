"""Pictures in pixels, in terminals with kitty's graphics or sixel, by the package textual-image."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from textual.widget import Widget

Graphics = Callable[[], Widget]
"""Makes a widget whose `image` can be set to a Pillow picture."""


def find_graphics() -> Graphics | None:
    """A widget for this terminal's own graphics; None without them, without colours or without the package.

    Call it before Textual takes over the terminal, because it asks the terminal and reads the answer.
    """
    if os.environ.get("NO_COLOR"):
        return None
    # It warns, with a traceback, of every terminal that does not tell the size of its cells.
    logging.getLogger("textual_image").setLevel(logging.ERROR)
    try:
        from textual_image import renderable, widget
    except Exception:  # noqa: BLE001 - an odd terminal must not keep the dashboard from opening
        return None
    best: Any = renderable.Image
    return widget.Image if best in (renderable.SixelImage, renderable.TGPImage) else None
