"""Presets from people who mean no good: one error, exit 2, nothing written, nothing that a terminal obeys."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Ran

Run = Callable[..., Ran]

_SPEC = importlib.util.spec_from_file_location(
    "hostile_presets", Path(__file__).parents[1] / "recipe" / "sharing" / "hostile.py"
)
assert _SPEC
assert _SPEC.loader
hostile = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = hostile
_SPEC.loader.exec_module(hostile)


def everything_in(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("name", sorted(hostile.HOSTILE))
def test_hostile_files(run: Run, name: str, tmp_path: Path) -> None:
    path = hostile.write_hostile(name, tmp_path)
    before = everything_in(tmp_path)
    for line in (["preset", "import", str(path)], ["preset", "show", str(path)]):
        ran = run(*line, "--no-input")
        assert ran.status == 2, ran.err
        errors = [text for text in ran.err.splitlines() if text.startswith("error:")]
        assert len(errors) == 1, ran.err
        assert len(errors[0]) < 1000
        assert "internal error" not in ran.err
        assert "Traceback" not in ran.err
        assert all(char.isprintable() for text in ran.err.splitlines() for char in text)
    assert everything_in(tmp_path) == before


def test_links_and_devices(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "secret").symlink_to("/etc/passwd")
    (folder / "away").symlink_to("/etc")
    for image in ("secret", "away/passwd", "."):
        (folder / "evil.yaml").write_text(f"prompt: a\nimage: {image}\n")
        ran = run("preset", "show", str(folder / "evil.yaml"))
        assert ran.status == 2, image
    for device in ("/dev/zero", "/dev/stdin", str(folder)):
        assert run("preset", "import", device).status == 2, device


def test_a_preset_that_extends_itself(run: Run) -> None:
    Path("a.yaml").write_text("extends: b.yaml\n")
    Path("b.yaml").write_text("extends: a.yaml\n")
    ran = run("preset", "show", "a.yaml", "--json")
    assert (ran.status, ran.envelope["error"]["code"]) == (2, "bad-preset")
    assert "extends more than 8 presets, or itself" in ran.envelope["error"]["message"]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.yaml",
        "file:///etc/passwd",
        "ftp://example.com/a.yaml",
        "https://127.0.0.1/a.yaml",
        "https://localhost:8443/a.yaml",
        "https://[::1]/a.yaml",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/a.yaml",
        "https://[::ffff:192.168.0.1]/a.yaml",
        "https://0x7f000001/",
        "https://user:pass@example.com/a.yaml",
        "https:///a.yaml",
        "https://example.com:99999/a.yaml",
        "https://exa\x1bmple.com/",
        "https://example.com/a b",
        "://",
    ],
)
def test_urls_that_are_not_fetched(run: Run, url: str) -> None:
    for line in (["preset", "import", url], ["generate", "a", "--dry-run", "--preset", url]):
        ran = run(*line, "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "url-refused"), ran.err
