"""A code as a QR code of half-blocks, to be photographed from a terminal."""

from __future__ import annotations

import io

from skyreels_cli.errors import UsageError

LONGEST = 2953
"""Bytes of the largest QR code (version 40, least correction)."""


def draw_qr(code: str, columns: int) -> str:
    """The QR code in lines of text, dark on light.

    Raises UsageError `qr-too-long`, `qr-too-wide`, `qr-not-installed`.
    """
    try:
        import segno
    except ImportError as missing:
        message = "drawing QR codes needs the package segno"
        raise UsageError("qr-not-installed", message, "pipx inject skyreels-cli segno") from missing
    if len(code) > LONGEST:
        message = f"{len(code):,} characters are too many for a QR code, which holds {LONGEST:,}"
        raise UsageError("qr-too-long", message, "skyreels preset export NAME -o FILE.yaml")
    drawn = segno.make_qr(code, error="l", boost_error=False)
    width = drawn.symbol_size(border=2)[0]
    if width > columns:
        message = f"the QR code is {width} columns wide, and the terminal has {columns}"
        raise UsageError("qr-too-wide", message, "widen the terminal or make its letters smaller")
    stream = io.StringIO()
    drawn.terminal(stream, border=2, compact=True)
    return stream.getvalue()
