"""The comment tag: identical after a round trip through every container."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.media.codecs import CONTAINERS, film_coding
from skyreels_cli.media.comment import fits_comment, read_comment
from skyreels_cli.media.encoder import VideoEncoder

GOLDEN = Path(__file__).parents[1] / "golden"


def written(path: Path, comment: str | None) -> Path:
    codec = CONTAINERS[path.suffix][0]
    with VideoEncoder(path, width=80, height=48, fps=24, coding=film_coding(codec, 7), comment=comment) as video:
        video.write(np.zeros((1, 48, 80, 3), np.uint8))
    return path


def recipe(size: int) -> str:
    """JSON of at least so many bytes, with every kind of character that could be misread."""
    letters = "abc =;#\\\"'[]{}:,\n\t\réß雪🎬"
    prompt = "".join(random.Random(0).choices(letters, k=size))
    return json.dumps({"prompt": prompt, "title": "comment=x\n[CHAPTER]"}, ensure_ascii=False)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_20_kb_of_json_come_back_identical(tmp_path: Path, suffix: str) -> None:
    text = recipe(20_000)
    assert len(text.encode()) > 20_000
    assert read_comment(written(tmp_path / f"film{suffix}", text)) == text


@pytest.mark.parametrize("text", ["plain", "two\nlines", "title=a\n;comment=b\n[STREAM]", "a\r\nb", "  spaces  "])
def test_any_text(tmp_path: Path, text: str) -> None:
    assert read_comment(written(tmp_path / "film.mp4", text)) == text


def test_none(tmp_path: Path) -> None:
    assert read_comment(written(tmp_path / "film.mp4", None)) is None
    assert read_comment(GOLDEN / "t2v_sync.mkv") is None
    assert read_comment(GOLDEN / "cases.json") is None


def test_mov_takes_all_of_a_comment_or_nothing(tmp_path: Path) -> None:
    whole, long = "x" * 65_535, "x" * 65_536
    assert [fits_comment(text, Path("a.MOV")) for text in (whole, long)] == [True, False]
    assert fits_comment(long, Path("a.mp4"))
    assert read_comment(written(tmp_path / "a.mov", whole)) == whole
    assert read_comment(written(tmp_path / "b.mov", long)) is None
