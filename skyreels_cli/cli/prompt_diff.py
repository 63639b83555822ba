"""What an enhanced prompt has that the person's own had not, word by word."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

from skyreels_cli.output import colourful

if TYPE_CHECKING:
    from rich.text import Text

WordChange = Literal["kept", "added", "removed"]
# As `wdiff` marks them.
MARKS: dict[WordChange, str] = {"kept": "{}", "added": "{{+{}+}}", "removed": "[-{}-]"}
STYLES: dict[WordChange, str] = {"kept": "", "added": "green", "removed": "red strike"}


def changes(before: str, after: str) -> Iterator[tuple[WordChange, str]]:
    """Runs of words that were kept, added or removed, in the order of the new text."""
    old, new = before.split(), after.split()
    plain = [[word.strip(".,:;!?").casefold() for word in text] for text in (old, new)]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, plain[0], plain[1], autojunk=False).get_opcodes():
        if tag in ("replace", "delete"):
            yield "removed", " ".join(old[i1:i2])
        if tag in ("replace", "insert"):
            yield "added", " ".join(new[j1:j2])
        if tag == "equal":
            yield "kept", " ".join(new[j1:j2])


def marked(before: str, after: str) -> str:
    """The new text with `{+what was added+}` and `[-what was removed-]`."""
    return " ".join(MARKS[change].format(run) for change, run in changes(before, after))


def marked_view(before: str, after: str) -> Text:
    """The same for a terminal: in colour, or with marks where there is none."""
    import sys

    from rich.text import Text

    if not colourful(sys.stdout):
        return Text(marked(before, after))
    return Text(" ").join(Text(run, STYLES[change]) for change, run in changes(before, after))
