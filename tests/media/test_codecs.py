"""Which codec goes where, and what quality means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.media import codecs
from skyreels_cli.media.codecs import CONTAINERS, ENCODERS, check_container, encoder_arguments

CODECS = tuple(ENCODERS)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_combination(codec: str, suffix: str) -> None:
    path = Path("film").with_suffix(suffix)
    if codec in CONTAINERS[suffix]:
        check_container(path, codec)
        return
    with pytest.raises(UsageError, match=f"{suffix} cannot hold {codec}") as error:
        check_container(path, codec)
    assert (error.value.code, error.value.exit_code) == ("codec-container", 2)
    hinted = Path((error.value.hint or "").removeprefix("-o "))
    check_container(hinted, codec)


@pytest.mark.parametrize("name", ["film", "film.avi", "film.mp4.part"])
def test_no_video_s_name(name: str) -> None:
    with pytest.raises(UsageError, match="no video's suffix") as error:
        check_container(Path(name), "h264")
    assert error.value.code == "codec-container"


def test_suffixes_in_any_case() -> None:
    check_container(Path("FILM.MP4"), "h264")


def test_an_ffmpeg_without_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "encoders", lambda: frozenset({"libx264"}))
    with pytest.raises(UsageError, match="libsvtav1 or libaom-av1") as error:
        check_container(Path("film.mkv"), "av1")
    assert (error.value.code, error.value.exit_code, error.value.hint) == ("no-encoder", 2, "--codec h264")


def test_libaom_where_there_is_no_svt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "encoders", lambda: frozenset({"libaom-av1"}))
    assert "libaom-av1" in encoder_arguments("av1", 7, ".mkv")


def test_the_table_of_qualities_is_true() -> None:
    rows = re.findall(r"\| (\d+) +\| (\d+) +\| (\d+) +\| (\d+) +\|", codecs.__doc__ or "")
    assert [row[0] for row in rows] == ["0", "5", "7", "10"]
    for quality, *factors in rows:
        for codec, factor in zip(("h264", "h265", "av1"), factors, strict=True):
            arguments = encoder_arguments(codec, float(quality), ".mkv")
            assert arguments[arguments.index("-crf") + 1] == factor
