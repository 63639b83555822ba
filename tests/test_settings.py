from __future__ import annotations

from pathlib import Path

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.paths import folders
from skyreels_cli.settings import load_settings, origin


def write_config(home: Path, text: str) -> None:
    home.mkdir()
    (home / "config.yaml").write_text(text)


def test_flags_over_environment_over_file_over_defaults(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().device == "auto"
    write_config(home, "device: cpu\noffload: stream\nmodel: tiny\n")
    assert load_settings().device == "cpu"
    monkeypatch.setenv("SKYREELS_DEVICE", "mps")
    assert load_settings().device == "mps"
    assert load_settings(device=None).device == "mps"
    assert load_settings(device="cuda:1").device == "cuda:1"
    assert (load_settings().offload, load_settings().model) == ("stream", "tiny")


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYREELS_DEVICE", "")
    assert load_settings().device == "auto"


def test_yaml_is_read_as_people_write_it(home: Path) -> None:
    write_config(home, "model: no\noutdir: ~/films\n")
    assert load_settings().model == "no"
    assert load_settings().outdir == Path.home() / "films"


def test_home_holds_everything(home: Path) -> None:
    assert folders().config_file == home / "config.yaml"
    assert load_settings().presets_dir == home / "presets"


def test_without_home_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYREELS_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/xdg-test")
    assert folders().config_file.parts[-2:] == ("skyreels", "config.yaml")


def test_a_dotenv_file_in_the_working_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SKYREELS_DEVICE=cpu\n")
    assert load_settings().device == "auto"


def test_origins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(home, "model: tiny\ndevice: cpu\n")
    monkeypatch.setenv("SKYREELS_OFFLOAD", "model")
    assert origin("device", {}) == f"{home / 'config.yaml'}:2"
    assert origin("offload", {}) == "SKYREELS_OFFLOAD"
    assert origin("offload", {"offload": "none"}) == "--offload"
    assert origin("outdir", {}) == "default"


@pytest.mark.parametrize(
    ("text", "code", "line", "says"),
    [
        (
            "model: tiny\ndevise: cpu\n",
            "bad-config",
            2,
            "there is no setting 'devise'; did you mean \"device\"?",
        ),
        ("model: tiny\noffload: disk\n", "bad-setting", 2, "'disk' does not suit offload"),
        ("model: [tiny\n", "bad-config", 2, "expected"),
        ("device: cpu\ndevice: mps\n", "bad-config", 2, "duplicate key"),
        ("just words\n", "bad-config", 1, "expected `name: value` lines"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_line(
    home: Path, text: str, code: str, line: int, says: str
) -> None:
    write_config(home, text)
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert caught.value.code == code
    assert caught.value.message.startswith(f"{home / 'config.yaml'}:{line}: ")
    assert says in caught.value.message
    assert caught.value.hint


def test_a_wrong_variable_and_a_wrong_flag_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--device: 'gpu' does not suit device"):
        load_settings(device="gpu")
    monkeypatch.setenv("SKYREELS_OFFLOAD", "disk")
    with pytest.raises(UsageError, match="SKYREELS_OFFLOAD: 'disk' does not suit offload"):
        load_settings()
