"""Packages of other people, as they come: written by the kit, built, installed by pip, used and removed.

The virtual environment is fresh but for a .pth file that lends it what the tests run with (torch is 1 GB).
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.cli.plugin_package import write_package
from skyreels_cli.media.reader import read_frames

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "tests" / "golden" / "model"
KINDS = ("scheduler", "cache", "parallel", "enhancer")
FILM = ["generate", "a red ball", "--model", str(MODEL), "--resolution", "48x48", "--num-frames", "5", "--seed", "1"]
FILM += ["--inference-steps", "4", "--device", "cpu", "--dtype", "float32", "--codec", "ffv1"]


class Venv:
    """A virtual environment beside ours."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        ours = [sysconfig.get_path("purelib"), *(str(ROOT / part) for part in (".", "plugins"))]
        (beside,) = folder.glob("lib/python*/site-packages")
        lines = [f"import site; site.addsitedir({path!r})" for path in ours]
        (beside / "_beside.pth").write_text("\n".join(lines) + "\n")

    def run(self, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(self.python), *args], capture_output=True, text=True, check=False, cwd=cwd)

    def skyreels(self, *args: str, status: int = 0) -> list[Any]:
        """The events of a command, its envelope last."""
        ran = self.run("-m", "skyreels_cli", *args, "--events")
        assert ran.returncode == status, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def pip(self, *args: str) -> None:
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "--disable-pip-version-check", *args]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A package of each kind, fresh from the kit."""
    parent = tmp_path_factory.mktemp("packages")
    return [write_package(f"my-{kind}", kind, parent) for kind in KINDS]


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory, folders: list[Path]) -> Venv:
    """An environment that has them installed."""
    made = Venv(tmp_path_factory.mktemp("venv"))
    made.pip("install", "--no-deps", "--no-build-isolation", "--no-index", *map(str, folders))
    return made


def test_they_are_listed(venv: Venv) -> None:
    rows = {row["name"]: row for row in venv.skyreels("plugins")[-1]["data"]["plugins"]}
    for kind in KINDS:
        row = rows[f"my-{kind}"]
        assert (row["package"], row["version"], row["state"]) == (f"skyreels-my-{kind}", "0.1.0", "ready")
        assert [(offer["kind"], offer["name"]) for offer in row["offers"]] == [(kind, f"my-{kind}")]


def test_their_own_tests_pass(venv: Venv, folders: list[Path]) -> None:
    files = [str(folder / "tests") for folder in folders]
    ran = venv.run("-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", *files, cwd=folders[0])
    assert ran.returncode == 0, ran.stdout
    assert "8 passed" in ran.stdout


def test_a_film_is_made_with_them_and_then_without(venv: Venv, tmp_path: Path) -> None:
    plugins = ["--scheduler", "my-scheduler", "--cache", "my-cache", "-O", "my-cache.interval=2"]
    *events, envelope = venv.skyreels(*FILM, *plugins, "-o", str(tmp_path / "with.mkv"))
    assert envelope["data"]["frames"] == 5
    recipe = envelope["data"]["recipe"]
    assert (recipe["scheduler"], recipe["cache"]) == ("my-scheduler", "my-cache")
    assert recipe["options"] == {"my-scheduler": {"strength": 1.0}, "my-cache": {"interval": 2}}
    (told,) = [event for event in events if event["event"] == "cache_used"]
    assert (told["cache"], told["skipped"]) == ("my-cache", 0.5)
    assert len(list(read_frames(tmp_path / "with.mkv"))) == 5

    venv.pip("uninstall", "--yes", "skyreels-my-scheduler", "skyreels-my-cache")
    error = venv.skyreels(*FILM, *plugins, "-o", str(tmp_path / "gone.mkv"), status=5)[-1]["error"]
    assert error["code"] == "plugin-not-found"
    assert "my-scheduler" in error["message"]
    rows = [row["name"] for row in venv.skyreels("plugins")[-1]["data"]["plugins"]]
    assert "my-cache" not in rows
    assert "my-enhancer" in rows
