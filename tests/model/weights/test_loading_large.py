"""A checkpoint of the 1.3B shape is loaded without a second copy of it in host memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]

MEASURE = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.benchmarks.bench_weights import loading
print(json.dumps(loading(Path(sys.argv[1]), runs=1)))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.skipif(psutil.virtual_memory().available < 8e9, reason="needs 8 GB of free memory")
def test_host_memory_holds_what_stays_and_one_shard(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "model"), str(ROOT)], capture_output=True, text=True, check=True
    )
    measured = json.loads(ran.stdout.splitlines()[-1])
    ours = measured["this program"]
    assert ours["stays_bytes"] > 2.8e9
    assert ours["peak_bytes"] <= 1.1 * (ours["stays_bytes"] + measured["largest_shard"])
