"""What the README tells people to type is part of the contract."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import MODEL, FakeFilm, Ran

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(?:bash|console)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ")
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
    if line.removeprefix("$ ").startswith("skyreels generate")
]


def planned(run: Callable[..., Ran], command: str) -> Ran:
    """Plan a README command with a model and a size that are at hand."""
    words = shlex.split(command)[1:]
    words[words.index("--model") + 1] = str(MODEL)
    for option in ("--base", "--lora"):  # files that nobody has here
        if option in words:
            place = words.index(option)
            del words[place : place + 2]
    for picture in ("first.png", "last.png"):
        shutil.copy(MODEL.parent / picture, picture)
    if "story.yaml" in words:
        run("enhance-prompt", "a fox", "--shots", "2", "-o", "story.yaml")
    return run(*words, "--resolution", "80x48", "--dry-run", "--json")


def test_there_are_recipes() -> None:
    assert len(COMMANDS) == 9


@pytest.mark.parametrize("command", COMMANDS)
def test_every_recipe_makes_a_plan(run: Callable[..., Ran], film: FakeFilm, command: str) -> None:
    ran = planned(run, command)
    assert ran.status == 0, ran.err


def test_the_references_examples(run: Callable[..., Ran]) -> None:
    """2 + (F − B − 1) // (B − O) windows of 25 latents, 5 of them overlap; async: 5 blocks, 5 rows apart."""
    for frames, windows, first_rows in ((257, 3, 30), (737, 9, 30 + 4 * 5)):
        command = next(command for command in COMMANDS if f"--num-frames {frames} " in command)
        data = planned(run, command).envelope["data"]
        assert (data["frames"], len(data["windows"])) == (frames, windows)
        assert data["windows"][0]["rows"] == first_rows


def test_the_preset_in_the_readme_is_valid(run: Callable[..., Ran]) -> None:
    (text,) = re.findall(r"```yaml\n(# rain.*?)```", README, re.DOTALL)
    Path("rain.yaml").write_text(text)
    assert run("preset", "show", "rain.yaml", "--json").envelope["data"]["duration"] == "10s"


def test_the_settings_in_the_readme_are_valid(run: Callable[..., Ran], home: Path) -> None:
    (text,) = re.findall(r"```yaml\n(model:.*?)```", README, re.DOTALL)
    home.mkdir()
    (home / "config.yaml").write_text(text)
    assert run("config", "show", "--json").envelope["data"]["settings"]["device"]["value"] == "cuda:1"
