"""A preset as one line of text that survives chat programs: `sky1:`, then letters and digits.

Base58 (no 0, O, I, l; Monero's blocks: 8 bytes are 11 characters) has no character that markup, quotes or dashes are
made of. The first block is a header: format, length and CRC-32 of what follows, so that a code is found within other
text, and one that was cut off or mistyped is told from a whole one. The rest is JSON, deflated with a dictionary of the
words that presets are made of.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
import zlib
from collections.abc import Iterator

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.presets.read import PresetText, read_preset
from skyreels_cli.recipe.presets.yaml_text import MAX_BYTES, parse_json
from skyreels_cli.recipe.sharing.words import WORDS

PREFIX = "sky1:"
FOUND = re.compile(r"sky\s*1\s*[:\u2236]", re.IGNORECASE)
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
DIGITS = {char: value for value, char in enumerate(ALPHABET)}
SIZES = (0, 2, 3, 5, 6, 7, 9, 10, 11)
"""Characters for 0 to 8 bytes."""
FORMAT = 1
MAX_CODE = 400_000
"""Characters of a code at most; the longest prompt that a preset may have, in any script, fits."""


def is_code(text: str) -> bool:
    """Whether a text seems to hold a code."""
    return bool(FOUND.search(_normal(text[:MAX_CODE])))


def to_code(preset: Preset) -> str:
    """The code of a preset that names no files."""
    said = json.dumps(preset.plain(), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    squeezer = zlib.compressobj(level=9, wbits=-15, memLevel=9, zdict=WORDS)
    packed = squeezer.compress(said) + squeezer.flush()
    header = bytes([FORMAT]) + len(packed).to_bytes(3, "big") + zlib.crc32(packed).to_bytes(4, "big")
    return PREFIX + "".join(_encode(header + packed))


def from_code(text: str) -> PresetText:
    """The preset in a text that holds a code; UsageError `bad-code`, or `bad-preset` for what is in it."""
    return read_preset(_unpack(text), "the code", parse=parse_json, hint="ask for the code again")


def _unpack(text: str) -> bytes:
    """The JSON in a code, bounded before it is unpacked."""
    chars = _body(text)
    if len(chars) < SIZES[8]:
        raise _bad("it is cut off at its beginning")
    header = _decode(chars[: SIZES[8]])
    if header[0] != FORMAT:
        later = header[0] in range(FORMAT + 1, 6)
        raise _bad("a later version of the program made it" if later else "it is damaged at its beginning")
    length, checksum = int.from_bytes(header[1:4], "big"), int.from_bytes(header[4:], "big")
    wanted = length // 8 * SIZES[8] + SIZES[length % 8]
    rest = chars[SIZES[8] : SIZES[8] + wanted]
    if len(rest) < wanted:
        raise _bad(f"it is cut off: {len(rest) + SIZES[8]:,} of {wanted + SIZES[8]:,} characters are there")
    packed = _decode(rest)
    if zlib.crc32(packed) != checksum:
        raise _bad("its checksum is wrong: some characters have been changed or lost")
    return _inflate(packed)


def _inflate(packed: bytes) -> bytes:
    stretcher = zlib.decompressobj(wbits=-15, zdict=WORDS)
    try:
        content = stretcher.decompress(packed, MAX_BYTES + 1)
    except zlib.error:
        raise _bad("what is in it cannot be unpacked") from None
    if not stretcher.eof and len(content) <= MAX_BYTES:
        raise _bad("what is in it cannot be unpacked")
    return content  # one that is too long is refused as every preset is


def _body(text: str) -> str:
    """The characters behind the first prefix, without all that mail and chat programs put between them."""
    text = _normal(text[:MAX_CODE])
    found = FOUND.search(text)
    if found is None:
        raise _bad(f"there is no {PREFIX} in it")
    return "".join(char for char in text[found.end() :] if char in DIGITS)


def _normal(text: str) -> str:
    """Full-width letters as ASCII, entities and tags of HTML resolved, without characters that nobody sees."""
    plain = re.sub(r"</?[A-Za-z]{1,10}\s*/?>", "", html.unescape(unicodedata.normalize("NFKC", text)))
    return "".join(char for char in plain if unicodedata.category(char) != "Cf")


def _encode(content: bytes) -> Iterator[str]:
    for start in range(0, len(content), 8):
        block = content[start : start + 8]
        value = int.from_bytes(block, "big")
        chars = []
        for _ in range(SIZES[len(block)]):
            value, digit = divmod(value, 58)
            chars.append(ALPHABET[digit])
        yield "".join(reversed(chars))


def _decode(chars: str) -> bytes:
    """Bytes of whole blocks and a shorter last one; characters that stand for none are damage."""
    content = bytearray()
    for start in range(0, len(chars), SIZES[8]):
        block = chars[start : start + SIZES[8]]
        value = 0
        for char in block:
            value = value * 58 + DIGITS[char]
        size = SIZES.index(len(block)) if len(block) in SIZES else -1
        if size < 0 or value >= 1 << (8 * size):
            raise _bad("some characters have been changed or lost")
        content += value.to_bytes(size, "big")
    return bytes(content)


def _bad(reason: str) -> UsageError:
    return UsageError("bad-code", f"this is no share code: {reason}", "skyreels preset export NAME --code")
