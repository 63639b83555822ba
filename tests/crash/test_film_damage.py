"""Full disks, read-only folders and damaged files: a clear error, nothing lost, the same film in the end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KILLED = -signal.SIGKILL
NOBODY = 65534
Check = Callable[[Path, str], None]


@pytest.fixture
def half_done(renderer: Any, calm: Any, tmp_path: Path) -> Path:
    """A film whose work folder holds three windows or so and a checkpoint."""
    output = tmp_path / "film.mkv"
    assert renderer.run(output, die_at_commit=50) == KILLED
    assert (work(output) / "w0001.json").exists()
    return output


def work(output: Path) -> Path:
    return output.with_name(output.name + ".skyreels")


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


def test_flipped_byte_in_a_piece(renderer: Any, calm: Any, check_finished: Check, half_done: Path) -> None:
    flip(work(half_done) / "w0001.mkv", 500)
    renderer.finish(half_done)
    check_finished(half_done, calm.digest)


def test_truncated_memory_and_record(renderer: Any, calm: Any, check_finished: Check, half_done: Path) -> None:
    memory = work(half_done) / "w0000.safetensors"
    memory.write_bytes(memory.read_bytes()[:-40])
    (work(half_done) / "w0001.json").write_text('{"window": 1')
    renderer.finish(half_done)
    check_finished(half_done, calm.digest)


@pytest.mark.parametrize("damage", ["truncate", "flip", "record"])
def test_damaged_checkpoint(renderer: Any, calm: Any, check_finished: Check, tmp_path: Path, damage: str) -> None:
    output = tmp_path / "film.mkv"
    assert any(_dies_with_checkpoint(renderer, output, commit) for commit in range(12, 40))
    checkpoint = next(work(output).glob("checkpoint-*.safetensors"))
    if damage == "truncate":
        checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    elif damage == "flip":
        flip(checkpoint, checkpoint.stat().st_size - 8)
    else:
        (work(output) / "checkpoint.json").write_bytes(b"\0" * 64)
    renderer.finish(output)
    check_finished(output, calm.digest)


def _dies_with_checkpoint(renderer: Any, output: Path, commit: int) -> bool:
    assert renderer.run(output, die_at_commit=commit) == KILLED
    return (work(output) / "checkpoint.json").exists()


@pytest.mark.parametrize("limit", [1_000, 20_000])
def test_full_disk(renderer: Any, calm: Any, check_finished: Check, tmp_path: Path, limit: int) -> None:
    output = tmp_path / "film.mkv"
    assert renderer.run(output, file_size_limit=limit) == 1
    report = Path(f"{output}.error")
    code, _, trace = report.read_text().partition("\n")
    assert code == "disk-full", trace
    report.unlink()
    renderer.finish(output)
    check_finished(output, calm.digest)


def test_read_only_folder(renderer: Any, calm: Any, check_finished: Check, half_done: Path) -> None:
    work(half_done).chmod(0o555)
    half_done.parent.chmod(0o777)
    for parent in list(half_done.parents)[1:4]:
        parent.chmod(0o755)
    kept = {path.name: path.read_bytes() for path in work(half_done).iterdir() if path.name[0] == "w"}
    assert renderer.run(half_done, user=NOBODY) == 1
    report = Path(f"{half_done}.error")
    assert report.read_text().startswith("work-folder\n"), report.read_text()
    report.unlink()
    assert kept == {path.name: path.read_bytes() for path in work(half_done).iterdir() if path.name in kept}
    work(half_done).chmod(0o755)
    renderer.finish(half_done)
    check_finished(half_done, calm.digest)
