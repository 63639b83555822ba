"""What presets of earlier versions say, as this version says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CURRENT = 1

Migration = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: Mapping[int, Migration] = {}
"""By the version that they read: each returns the values of the next version, and touches neither files nor settings.

There is none yet: 1 is the first version. Presets that it wrote lie in tests/recipe/presets/migrations, and every later
version must read them.
"""


class NewerPresetError(Exception):
    """A preset that a later version of the program wrote."""


def migrate(values: Mapping[str, Any], migrations: Mapping[int, Migration] = MIGRATIONS) -> dict[str, Any]:
    """The values in the current version; a text without `schema` is of the first. Raises NewerPresetError."""
    migrated = dict(values)
    version = migrated.get("schema", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        return migrated
    newest = max(migrations, default=CURRENT - 1) + 1
    if version > newest:
        raise NewerPresetError
    while version in migrations:
        migrated = {**migrations[version](migrated), "schema": version + 1}
        version += 1
    return migrated
