"""The person's own editor, for files that the program checks afterwards."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from skyreels_cli.errors import UsageError


def open_editor(file: Path) -> None:
    """Wait until somebody has edited a file in `$VISUAL` or `$EDITOR`; UsageError `no-editor`."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    try:
        subprocess.run([*shlex.split(editor), str(file)], check=True)
    except (OSError, ValueError, subprocess.CalledProcessError) as failed:
        raise UsageError("no-editor", f"the editor {editor!r} did not work: {failed}", "export EDITOR=nano") from failed
