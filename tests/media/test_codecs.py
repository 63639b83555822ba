"""Which codec goes where, and what quality means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.media import codecs
from skyreels_cli.media.codecs import CONTAINERS, ENCODERS, check_container, encoder_options

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


def test_a_pyav_without_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs.av, "codecs_available", {"libx264"})
    with pytest.raises(UsageError, match="libsvtav1") as error:
        check_container(Path("film.mkv"), "av1")
    assert (error.value.code, error.value.exit_code) == ("no-encoder", 2)
    assert str(error.value.hint).startswith("pip install")


def test_the_table_of_qualities_is_true() -> None:
    rows = re.findall(r"\| (\d+) +\| (\d+) +\| (\d+) +\| (\d+) +\|", codecs.__doc__ or "")
    assert [row[0] for row in rows] == ["0", "5", "7", "10"]
    for quality, *factors in rows:
        for codec, factor in zip(("h264", "h265", "av1"), factors, strict=True):
            assert encoder_options(codec, float(quality))["crf"] == factor
