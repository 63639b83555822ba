"""Registers the executor `ssh`; imports no torch."""

from __future__ import annotations

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import ExecutorSpec, hookimpl

SKYREELS_API = 1


class SshOptions(Options):
    """Which hosts, and how they are reached; the rest is said by OpenSSH's own configuration."""

    hosts: str = Field("", description="Hosts as ssh takes them, with commas: a,me@b. Each renders a job at a time.")
    ssh: str = Field("", description="Further options of ssh, such as: -p 2222 -i /home/me/key.")
    setup: str = Field("", description="A line of shell before the render, such as: module load cuda.")
    command: str | None = Field(
        None, description="What starts the program on a host, such as: /opt/skyreels/bin/skyreels; as here if left out."
    )
    poll: float = Field(5.0, gt=0, description="Seconds between two looks at a job's process.")


@hookimpl
def skyreels_register_executors() -> tuple[ExecutorSpec, ...]:
    """Register `ssh`."""
    summary = "Hosts that ssh reaches and that share the films' folder: a job at a time on each."
    return (ExecutorSpec("ssh", summary, "skyreels_ssh.executor:executor", SshOptions),)
