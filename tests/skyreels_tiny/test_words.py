"""Any prompt is read: known words kept, near ones replaced, the rest dropped; tokenizer and table agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skyreels_tiny.captions import describe, parse
from skyreels_tiny.meaning import Meaning, draw_meaning
from skyreels_tiny.tokenizer import token_ids, write_tokenizer
from skyreels_tiny.vocabulary import FILLERS, PHRASES, SINGLE, WORDS, canonical, understood, unknown_words

SWAN = (
    "A graceful white swan with a curved neck and delicate feathers swimming in a serene lake at dawn, its "
    "reflection perfectly mirrored in the still water as mist rises from the surface, with the swan occasionally "
    "dipping its head into the water to feed."
)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("A crimson BALL rises, in front of a navy-blue wall!", "red circle moves up over dark blue background"),
        ("a red circle moves to the right", "red circle moves right"),
        ("the camera zooms in", "camera zoomin"),
        ("ein rotes Quadrat", ""),
        ("", ""),
    ],
)
def test_free_text_comes_down_to_known_words(prompt: str, words: str) -> None:
    assert canonical(prompt) == words


def test_understood_tells_each_words_fate() -> None:
    fates = {reading.text: reading.status for reading in understood("the scarlet cat moves")}
    assert fates == {"the": "filler", "scarlet": "replaced", "cat": "unknown", "moves": "kept"}
    assert unknown_words("a blue star stays still over a white background") == []


def test_the_swan_prompt_means_a_swan_on_a_lake_at_dawn() -> None:
    assert parse(SWAN).scene == ("swan", "lake", "dawn")


def test_meanings_of_replacements_are_known_words() -> None:
    for meaning in [*SINGLE.values(), *PHRASES.values()]:
        assert set(meaning.split()) <= set(WORDS)
    assert not set(SINGLE) & set(WORDS)


def test_tokenizer_reads_what_the_table_reads(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    write_tokenizer(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    rng = np.random.default_rng(2)
    pieces = [*SINGLE, *WORDS, *FILLERS, *PHRASES, "xylophone", "Ünïcode", "42", "left-right"]
    texts = [describe(draw_meaning(rng), rng) for _ in range(100)]
    texts += [" ".join(rng.choice(pieces, 10)) for _ in range(100)] + [SWAN, "", "!?", "日本語"]
    for text in texts:
        ids = tokenizer(text)["input_ids"]
        assert ids == [token_ids()[word] for word in canonical(text).split()] + [1], text


def test_reading_words_imports_neither_torch_nor_transformers() -> None:
    code = "import sys, skyreels_tiny, skyreels_tiny.vocabulary as v; v.understood('a'); "
    code += "print(sorted({'torch', 'transformers', 'diffusers', 'numpy'} & set(sys.modules)))"
    folder = Path(__file__).resolve().parents[2] / "plugins"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(folder)}
    )
    assert done.stdout.strip() == "[]"


def test_what_is_not_said_stays_empty() -> None:
    assert parse("a star") == Meaning("single", (("star", ""),), (), "still")
