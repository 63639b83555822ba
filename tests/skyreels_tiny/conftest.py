"""The benchmark's measures, and the program with its bundled model loaded once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def load_benchmark(name: str) -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def score_tiny() -> ModuleType:
    return load_benchmark("score_tiny")


@pytest.fixture(scope="session")
def card_tiny() -> ModuleType:
    return load_benchmark("card_tiny")


@pytest.fixture(scope="session")
def program(score_tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return score_tiny.Program("tiny", tmp_path_factory.mktemp("films"))
