"""What ends up in site-packages, and nothing else."""

from __future__ import annotations

import re
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from skyreels_cli import __version__

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(file.parent.name for file in (ROOT / "plugins").glob("*/__init__.py"))


def build_wheel(source: Path, folder: Path) -> zipfile.ZipFile:
    (wheel,) = WheelBuilder(str(source)).build(directory=str(folder), versions=["standard"])
    return zipfile.ZipFile(wheel)


def files_under(folder: Path) -> set[str]:
    """Files as git has them: no caches of Python and of tools."""
    files = [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()]
    return {file.as_posix() for file in files if not re.search(r"(^|/)(\.|__pycache__)", file.as_posix())}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def test_only_our_packages_are_installed_at_top_level(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"skyreels_cli", *PLUGINS, f"skyreels_cli-{__version__}.dist-info"}
    assert all(top.startswith("skyreels_") for top in tops)


def test_the_wheel_holds_code_presets_and_the_bundled_model_and_no_tests(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for folder, inside in (
        ("skyreels_cli", "skyreels_cli"),
        *((f"plugins/{plugin}", plugin) for plugin in PLUGINS),
        ("presets", "skyreels_cli/presets"),
    ):
        wanted = {f"{inside}/{file}" for file in files_under(ROOT / folder)}
        assert wanted
        assert wanted <= names, wanted - names
    kit = ("skyreels_cli/plugins/testing.py", "skyreels_cli/testing/", "skyreels_cli/cli/templates/")  # for authors
    foreign = [name for name in names if "test" in name.lower() or "__pycache__" in name]
    assert not [name for name in foreign if not name.startswith(kit) or "__pycache__" in name]


def test_entry_points_and_metadata(wheel: zipfile.ZipFile) -> None:
    info = f"skyreels_cli-{__version__}.dist-info"
    entry_points = wheel.read(f"{info}/entry_points.txt").decode()
    assert "skyreels = skyreels_cli.cli.main:main" in entry_points
    assert "tiny = skyreels_tiny" in entry_points
    metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert (metadata["Name"], metadata["Version"], metadata["Requires-Python"]) == (
        "skyreels-cli",
        __version__,
        ">=3.11",
    )
    assert metadata["License-Expression"] == "Apache-2.0"
    assert f"{info}/licenses/LICENSE" in wheel.namelist()


def test_the_sdist_builds_the_same_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    (sdist,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    rebuilt = build_wheel(tmp_path / f"skyreels_cli-{__version__}", tmp_path / "rebuilt")
    same = {entry.filename: entry.CRC for entry in wheel.infolist()}
    assert {entry.filename: entry.CRC for entry in rebuilt.infolist()} == same
