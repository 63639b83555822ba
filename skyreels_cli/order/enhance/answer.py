"""From what a model wrote to plain paragraphs: wrappings off, and split into shots."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from skyreels_cli.order.enhance.words import count_words, token_estimate

THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.IGNORECASE | re.DOTALL)
MARKS = re.compile(r"<\|[^|<>]*\|>|</?(?:s|prompt|bos|eos|im_start|im_end)>|\[/?INST\]", re.IGNORECASE)
# Escape sequences of terminals, and control characters but line ends.
CONTROL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)"
    r"|[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
FENCE = re.compile(r"```[a-z]*\n?|~~~[a-z]*\n?", re.IGNORECASE)
LINE_MARK = re.compile(r"^\s*(?:#{1,6}\s+|>\s+|[-*•+]\s+)", re.MULTILINE)
EMPHASIS = re.compile(r"(\*{1,3}|_{2,3}|`)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
RULE = re.compile(r"^\s*(?:[-*_=]\s*){3,}$", re.MULTILINE)
# `Here is the enhanced prompt:`, `Sure!`, `Enhanced prompt:`, up to the end of the line or the colon.
PREAMBLE = re.compile(
    r"^\s*(?:(?:sure|certainly|of course|okay|ok|absolutely|great)\b[^\n:.!]{0,60}[!.:,]\s*)?"
    r"(?:(?:here(?:'s| is| are)|below is|this is)\b[^\n:]{0,120}:\s*)?"
    r"(?:(?:the )?(?:enhanced|improved|revised|rewritten|video|final|english|new)?\s*"
    r"(?:prompt|description|caption|version|paragraph|storyboard|answer|output|translation)\s*:\s*)?",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"\s*(?:^|(?<=[.!?\"\n]))\s*(?:(?:let me know|i hope|feel free|would you like|please let|is there anything|if you|"
    r"word count|\(word count|\(\d+ words)\b|note:)[^\n]*$",
    re.IGNORECASE | re.DOTALL,
)
HEADING = re.compile(r"\W*(?:(?:shot|scene|paragraph)\s*\d+|\d+|cut|then)\W*", re.IGNORECASE)
SHOT_LABEL = re.compile(r"^\s*(?:(?:shot|scene|paragraph)\s*\d+\b[^\n:.]{0,40}[:.\-–—]\s*|\d+[.):]\s+)", re.IGNORECASE)
JOINT = re.compile(r"^\s*\W*(CUT|THEN)\b\W*\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Paragraph:
    """What one shot shows; `cut` if it is elsewhere than the shot before."""

    text: str
    cut: bool = False


def paragraphs(answer: str, shots: int) -> list[Paragraph]:
    """The shots of an answer, as many as there are; all of it is one if one was asked for."""
    text = cleaned(answer)
    blocks = [text] if shots == 1 else _blocks(text, shots)
    found = [_paragraph(block) for block in blocks]
    return [paragraph for paragraph in found if paragraph.text]


def cleaned(answer: str) -> str:
    """The answer without thinking, markup, preamble and closing remarks, its line ends as they were."""
    text = CONTROL.sub("", THINKING.sub("", answer))
    text = MARKS.sub("", _from_json(FENCE.sub("", text)))
    text = LINK.sub(r"\1", RULE.sub("", text))
    for _ in range(2):
        text = EMPHASIS.sub(r"\2", text)
    text = LINE_MARK.sub("", text).strip()
    text = PREAMBLE.sub("", text, count=1)
    return _unquoted(CLOSING.sub("", text).strip())


def shortened(text: str, max_words: int, max_tokens: int) -> str:
    """As many whole sentences from the beginning as fit; at least the first, cut within if need be."""
    kept = ""
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        longer = f"{kept} {sentence}".strip()
        if kept and (count_words(longer) > max_words or token_estimate(longer) > max_tokens):
            break
        kept = longer
    cut = kept
    while " " in cut and (count_words(cut) > max_words or token_estimate(cut) > max_tokens):
        cut = cut.rsplit(" ", 1)[0]
    return cut if cut == kept else cut.rstrip(",;:") + "."


def without_repeats(text: str) -> str:
    """The text with each sentence once: small models come to say the same again and again."""
    return " ".join(dict.fromkeys(re.split(r"(?<=[.!?])\s+", text)))


def _blocks(text: str, shots: int) -> list[str]:
    """Paragraphs; where the empty lines are missing, lines."""
    blocks = [block for block in re.split(r"\n\s*\n", text) if block.strip()]
    if len(blocks) < shots:
        blocks = [line for line in text.splitlines() if line.strip()]
    titled: list[str] = []
    for block in blocks:
        if titled and HEADING.fullmatch(titled[-1]):
            titled[-1] = f"{titled[-1].rstrip(': ')}: {block}"
        else:
            titled.append(block)
    return titled


def _paragraph(block: str) -> Paragraph:
    text = SHOT_LABEL.sub("", block)
    joint = JOINT.match(text)
    text = SHOT_LABEL.sub("", text[joint.end() :]) if joint else text
    text = _ended(without_repeats(" ".join(_unquoted(text).split())))
    return Paragraph(text, bool(joint and joint[1].upper() == "CUT"))


def _ended(text: str) -> str:
    """The text up to its last full stop: what comes behind it was cut off."""
    stops = [mark.end() for mark in re.finditer(r"[.!?。！？…][\"'”’»)]*(?=\s|$)", text)]
    return text[: stops[-1]] if stops else text


def _from_json(text: str) -> str:
    """The longest string in an answer that is a JSON object; other answers as they are."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        values = json.loads(text)
    except ValueError:
        return text
    texts = [value for value in values.values() if isinstance(value, str)] if isinstance(values, dict) else []
    return max(texts, key=len, default=text)


def _unquoted(text: str) -> str:
    """Without quotation marks around the whole."""
    text = text.strip()
    for first, last in ('""', "“”", "''", "«»", "„“"):
        inner = text[1:-1]
        if len(text) > 1 and text[0] == first and text[-1] == last and first not in inner and last not in inner:
            return inner.strip()
    return text
