"""Runs the fast tests with the lowest version of each requirement that pyproject.toml allows, and lists the versions.

    python tests/lowest.py [FOLDER [PYTEST_ARGUMENT …]]

FOLDER becomes a virtual environment, or is one from an earlier run; without it a temporary one is made. A lower bound
is wrong, and must be raised, if it cannot be installed together with the others, or if a test fails with it. What the
last run printed is in tests/benchmarks/results/lowest.txt.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ("cache-dit", "graphics", "test")
"""Not `usp`: its packages need CUDA."""

FAST = (
    *("tests/cli", "tests/hub", "tests/media", "tests/model", "tests/plan", "tests/plugins", "tests/recipe"),
    *("tests/test_diffusers.py", "tests/test_imports.py", "tests/test_output.py", "tests/test_settings.py"),
)


def lowest() -> dict[str, str]:
    """The lower bound of each requirement, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = list(project["dependencies"])
    for extra in EXTRAS:
        requirements += project["optional-dependencies"][extra]
    found = (re.match(r"([\w.-]+)(?:>=|==)([\w.]+)", requirement) for requirement in requirements)
    return {bound[1]: bound[2] for bound in found if bound}


def install(python: Path, versions: dict[str, str], folder: Path) -> None:
    """Install the project with exactly these versions; pip says which of them exclude each other, if any do."""
    constraints = folder / "lowest.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()), encoding="utf-8")
    wanted = f"{ROOT}[{','.join(EXTRAS)}]"
    command = [python, "-m", "pip", "install", "--constraint", constraints, "--editable", wanted]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        sys.exit("the lower bounds in pyproject.toml cannot be installed together")


def test(folder: Path, arguments: list[str]) -> int:
    """Make the environment, list what is in it, and return the exit status of pytest there."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    versions = lowest()
    install(python, versions, folder)
    print(f"Python {platform.python_version()}, {platform.platform()}", flush=True)
    print(*(f"{name}=={version}" for name, version in sorted(versions.items())), sep="\n", flush=True)
    return subprocess.run([python, "-m", "pytest", "-q", *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        folder, *arguments = sys.argv[1:] or [temporary]
        sys.exit(test(Path(folder).absolute(), arguments or list(FAST)))
