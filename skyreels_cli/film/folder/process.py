"""Which process holds a work folder: its number, when it started (numbers are used again), and its host."""

from __future__ import annotations

import json
import os
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

HOLDER = "holder.json"
"""The record in a work folder, as long as a process has it."""


def holder_record() -> dict[str, Any]:
    """The process that calls this, for others to name."""
    return {"pid": os.getpid(), "started": psutil.Process().create_time(), "host": socket.gethostname()}


def describe_holder(path: Path) -> str:
    """`process 4711 on host (since 12:30:05)`."""
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        since = datetime.fromtimestamp(holder["started"]).astimezone()
        return f"process {holder['pid']} on {holder['host']} (since {since:%H:%M:%S})"
    except (OSError, ValueError, KeyError):
        return "another process"


def is_held(path: Path) -> bool:
    """Whether the process that a record names is alive; one on another host is taken to be."""
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        if holder["host"] != socket.gethostname():
            return True
        return abs(psutil.Process(holder["pid"]).create_time() - holder["started"]) < 1.0
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return False
