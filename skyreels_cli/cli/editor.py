"""The editor that a person has chosen."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from shlex import split

from skyreels_cli.errors import UsageError


def open_editor(file: Path) -> None:
    """Let a person change a file; UsageError `editor-failed` if the editor is not there or ends with an error."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*split(editor), str(file)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError("editor-failed", f"the editor {editor!r} failed", "EDITOR=nano") from error
