"""Which licences somebody on this machine has been shown, and when."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime

from skyreels_cli.paths import folders


def is_new(licence: str, repo: str) -> bool:
    """Whether a licence was never shown before; from now on it was, for this repository first."""
    file = folders().models / "licences.json"
    shown: dict[str, object] = {}
    with suppress(OSError, ValueError):
        shown = json.loads(file.read_text(encoding="utf-8"))
    if licence in shown:
        return False
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        shown[licence] = {"repo": repo, "shown": datetime.now().astimezone().isoformat(timespec="seconds")}
        file.write_text(json.dumps(shown, indent=1), encoding="utf-8")
    return True
