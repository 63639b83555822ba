"""Runs the tests on real clusters, and keeps which passed, in how many seconds, and with which versions.

    python -m tests.benchmarks.bench_clusters [ARGUMENTS OF PYTEST]

Seconds are those of a machine that does other things too; figures in brackets are measured by the tests themselves.
"""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil

RESULT = Path(__file__).with_name("results") / "clusters.txt"
TESTS = Path(__file__).parents[1] / "clusters"


def main() -> int:
    """Run them, print and keep a table; the exit status is that of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = [
            "-m",
            "pytest",
            "-m",
            "slow",
            "-v",
            "-rs",
            "-o",
            "junit_family=xunit1",
            f"--junitxml={report}",
            str(TESTS),
            *sys.argv[1:],
        ]
        status = subprocess.run([sys.executable, *words], check=False).returncode
        lines = [*versions(), "", *outcomes(ET.parse(report).iter("testcase"))]
    RESULT.write_text("\n".join(lines) + "\n")
    print(RESULT.read_text())
    return status


def versions() -> Iterator[str]:
    """What was tried, and on what."""
    yield f"{platform.machine()}, {psutil.cpu_count()} CPUs, Python {platform.python_version()}"
    yield _says("slurmd", "-V")
    try:
        yield f"ray {importlib.metadata.version('ray')}"
    except importlib.metadata.PackageNotFoundError:
        yield "no ray"
    yield _says("ssh", "-V")


def outcomes(cases: Iterator[ET.Element]) -> Iterator[str]:
    """A line for each test: how it ended, its seconds, its name, and what it measured."""
    for case in cases:
        bad = next((tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None), "passed")
        figures = ", ".join(f"{each.get('name')} {each.get('value')}" for each in case.iter("property"))
        name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        yield f"{bad:8}{float(case.get('time', 0)):7.1f} s  {name}{f'  [{figures}]' if figures else ''}"


def _says(*command: str) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return f"no {command[0]}"
    return (ran.stdout or ran.stderr).strip()


if __name__ == "__main__":
    sys.exit(main())
