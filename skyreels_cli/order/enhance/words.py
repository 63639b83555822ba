"""Words of a text in any script: how many there are, and which of them carry its meaning."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

WORD = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")
# Scripts that put no space between words; two of their characters make about one word.
UNSPACED = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿฀-๿]")


def word_set(text: str) -> frozenset[str]:
    """The words between the spaces of a text, for lists that are easier to read so."""
    return frozenset(text.split())


FUNCTION_WORDS = word_set(
    """a an the and or but of to in on at by with from for as into onto is are was were be been being it its he his she
    her they their them this that these those there then than so not no do does did has have had while when where
    which who whose will would can could may very up out over"""
)
"""English words without a content of their own; every third word of an English text is one of them."""


def words(text: str) -> list[str]:
    """The words of a text as they stand there; runs of unspaced script are one each."""
    return WORD.findall(unicodedata.normalize("NFC", text))


def count_words(text: str) -> int:
    """How many words a text has; in unspaced script every two characters count as one."""
    unspaced = len(UNSPACED.findall(text))
    return len(WORD.findall(UNSPACED.sub(" ", text))) + (unspaced + 1) // 2


def substance(text: str) -> Counter[str]:
    """The words that carry a text's meaning, in small letters, and how often each is said."""
    return Counter(word for word in map(str.casefold, words(text)) if word not in FUNCTION_WORDS)


def lost_words(text: str, kept_in: str) -> list[str]:
    """Words of substance in `text` that `kept_in` does not have; unspaced script is looked for as it stands."""
    there = substance(kept_in)
    whole = unicodedata.normalize("NFC", kept_in).casefold()
    return [word for word in substance(text) if word not in there and not (UNSPACED.search(word) and word in whole)]


def token_estimate(text: str) -> int:
    """At least as many tokens as a UMT5 tokenizer makes of a text: three characters to one, of unspaced script one."""
    unspaced = len(UNSPACED.findall(text))
    return -(-(len(text) - unspaced) // 3) + unspaced
