"""The script that measures a GPU runs, from its first row to its last, where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.bench_gpu import main


@pytest.mark.slow
def test_every_row_is_there_and_what_a_cpu_has_is_measured(tmp_path: Path) -> None:
    results = tmp_path / "bench_gpu.json"
    rows = {row["what"]: row for row in main(["--device", "cpu", "--small", "--json", str(results)])}
    assert list(rows.values()) == json.loads(results.read_text())["rows"]
    measured = ["diffusers", "kernel sdpa", "--offload model", "--offload stream", "fp8", "fp8, --offload stream"]
    for what in [*(f"small, {each}" for each in measured), "decode 3 latents, VAE tiled"]:
        assert rows[what]["seconds"] > 0, rows[what]
    assert "found" in rows["small, kernel cudnn"]
    assert rows["all_reduce of one rank"]["seconds"] == 0


def test_it_ends_in_time(tmp_path: Path) -> None:
    rows = main(["--device", "cpu", "--small", "--seconds", "0", "--json", str(tmp_path / "rows.json")])
    assert {row["found"] for row in rows} == {"no time was left"}
