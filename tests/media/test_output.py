"""Names that are safe everywhere, and places that are checked before rendering."""

from __future__ import annotations

import os
import shutil
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.media.output import check_output, check_space, default_output

NOW = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)


def name(prompt: str, seed: int = 42, codec: str = "h264") -> str:
    return default_output(prompt, seed, Path(), codec, NOW).name


@pytest.mark.parametrize(
    ("prompt", "slug"),
    [
        ("A red ball moves, slowly!", "a-red-ball-moves-slowly"),
        ("../../etc/passwd", "etc-passwd"),
        ('a:b*c?d"e<f>g|h\\i', "a-b-c-d-e-f-g-h-i"),
        ("CON", "con"),
        ("ein Bär läuft über Schnee", "ein-bär-läuft-über-schnee"),
        ("雪の上の熊", "雪の上の熊"),
        ("cafe\u0301", "café"),
        ("", "film"),
        ("… !!!", "film"),
        ("🎬🎬", "film"),
        ("a\x00b\n\udcffc", "a-b-c"),
    ],
)
def test_slugs(prompt: str, slug: str) -> None:
    assert name(prompt) == f"20261122-090507_{slug}_42.mp4"


def test_lossless_films_are_mkv() -> None:
    assert name("a", codec="ffv1").endswith("_42.mkv")
    assert default_output("a", 1, Path("films"), "av1", NOW).parent == Path("films")


def test_long_prompts_are_cut_between_words() -> None:
    assert name("an extraordinarily long sentence " * 20) == (
        "20261122-090507_an-extraordinarily-long-sentence-an-extraordinarily-long-sentence"
        "-an-extraordinarily-long_42.mp4"
    )
    assert len(name("雪" * 200).encode()) <= 120


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.integers(0, 2**63 - 1))
def test_any_prompt_makes_a_safe_name(prompt: str, seed: int) -> None:
    made = name(prompt, seed)
    assert len(made.encode("utf-8")) <= 120
    assert made.endswith(f"_{seed}.mp4")
    slug = made.removesuffix(f"_{seed}.mp4").partition("_")[2]
    assert slug
    assert slug == slug.strip("-. ")
    assert all(char == "-" or unicodedata.category(char)[0] in "LMN" for char in slug)


def refused(path: Path, code: str, *, overwrite: bool = False) -> UsageError:
    with pytest.raises(UsageError) as error:
        check_output(path, overwrite=overwrite)
    assert (error.value.code, error.value.exit_code) == (code, 2)
    assert error.value.hint
    return error.value


def test_a_free_name_is_fine_and_nothing_is_left(tmp_path: Path) -> None:
    check_output(tmp_path / "film.mp4", overwrite=False)
    check_output(tmp_path / "new" / "folder" / "film.mp4", overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("precious")
    assert refused(path, "output-exists").hint == "--overwrite"
    check_output(path, overwrite=True)
    assert path.read_text() == "precious"


def test_a_folder_is_no_film(tmp_path: Path) -> None:
    assert refused(tmp_path, "output-is-a-folder").hint == f"-o {tmp_path / 'film.mp4'}"


def test_places_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file" / "film.mp4", "output-not-writable")
    refused(tmp_path / ("x" * 300 + ".mp4"), "output-not-writable")
    if Path("/proc/self").exists():
        refused(Path("/proc/self/film.mp4"), "output-not-writable")


def test_a_folder_without_write_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As everybody but root sees it."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "no permission" in refused(tmp_path / "film.mp4", "output-not-writable").message


def test_space(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    check_space(tmp_path / "new", free / 2)
    with pytest.raises(UsageError, match=r"needs 5,000,000\.0 GB on disk, and .* has \d+\.\d GB free") as error:
        check_space(tmp_path / "new", 5e15)
    assert (error.value.code, error.value.exit_code) == ("disk-too-small", 2)
    assert error.value.hint
