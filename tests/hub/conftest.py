"""A small model to damage: a copy of the golden one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole DF model folder that a test may change."""
    return Path(shutil.copytree(GOLDEN / "model", tmp_path / "models" / "ball"))


@pytest.fixture
def edit_json() -> Callable[..., None]:
    """Change keys of a JSON file."""

    def edit(path: Path, **changes: Any) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


@pytest.fixture
def shard() -> Callable[[Path], list[Path]]:
    """Replace a weight file by two shards and their index, as `save_pretrained(max_shard_size=…)` does."""

    def split(single: Path) -> list[Path]:
        tensors = load_file(single)
        names = sorted(tensors)
        halves = (names[: len(names) // 2], names[len(names) // 2 :])
        files: list[Path] = []
        weight_map: dict[str, str] = {}
        for number, half in enumerate(halves, start=1):
            file = single.with_name(f"{single.stem}-0000{number}-of-00002.safetensors")
            save_file({name: tensors[name] for name in half}, file)
            files.append(file)
            weight_map |= dict.fromkeys(half, file.name)
        index = single.with_name(f"{single.name}.index.json")
        index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
        single.unlink()
        return files

    return split
