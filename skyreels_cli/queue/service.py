"""The worker as a systemd service of the user's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from skyreels_cli.errors import SkyreelsError

UNIT = "skyreels-queue.service"
# What the worker must see of the shell it was installed from; everything else systemd decides.
KEPT = ("SKYREELS_HOME", "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "CUDA_VISIBLE_DEVICES")


def unit_folder() -> Path:
    """Where systemd looks for the user's units."""
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "systemd" / "user"


def unit_text() -> str:
    """The unit. The worker asks its child to checkpoint when it is stopped; 45 s are more than it ever takes."""
    environment = "".join(f'Environment="{name}={os.environ[name]}"\n' for name in KEPT if os.environ.get(name))
    return f"""\
[Unit]
Description=The worker of skyreels' queue

[Service]
ExecStart="{sys.executable}" -m skyreels_cli queue run
{environment}KillMode=mixed
TimeoutStopSec=45
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
"""


def write_unit(path: Path) -> None:
    """Write the unit, or raise `service-not-written`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit_text(), encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise SkyreelsError("service-not-written", message, "skyreels queue install-service --print") from error
