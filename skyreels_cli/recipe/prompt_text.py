"""What becomes of a prompt's text before it is tokenized."""

from __future__ import annotations

import html
import re

import ftfy


def clean_prompt(prompt: str) -> str:
    """Mend broken unicode, resolve HTML entities (twice, as in training) and fold white space."""
    mended = html.unescape(html.unescape(ftfy.fix_text(prompt)))
    return re.sub(r"\s+", " ", mended).strip()
