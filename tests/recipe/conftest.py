"""Models of each family, as far as a recipe needs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.hub.facts import Component, ModelFacts


@pytest.fixture
def facts(tmp_path: Path) -> Callable[..., ModelFacts]:
    """Facts of a model with Wan's strides: family, name and the defaults of its own card."""

    def make(family: str = "df", name: str = "ball", **defaults: Any) -> ModelFacts:
        transformer = Component("transformer", {"patch_size": [1, 2, 2]}, (), {}, {})
        other = Component("vae", {}, (), {}, {})
        return ModelFacts(name, tmp_path, family, transformer, other, other, defaults)

    return make
