"""A preset on its way from one machine to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skyreels_cli.recipe.presets.read import PresetText


@dataclass(frozen=True)
class Bundle:
    """A preset as it arrived, with the content of the files that came along by the names that it uses for them.

    `folder` is where its files lie if they did not come along (beside a film).
    """

    text: PresetText
    files: Mapping[str, bytes] = field(default_factory=dict)
    folder: Path | None = None
