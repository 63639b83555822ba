"""Registers the executor `slurm`; imports no torch."""

from __future__ import annotations

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import ExecutorSpec, hookimpl

SKYREELS_API = 1


class SlurmOptions(Options):
    """What a job asks for; what is left out is the cluster's default, or said by sbatch's variables (`SBATCH_…`)."""

    partition: str | None = Field(None, description="Partition, or several with commas.")
    account: str | None = Field(None, description="Account that is charged.")
    qos: str | None = Field(None, description="Quality of service.")
    constraint: str | None = Field(None, description="Features that a node must have, such as h100.")
    time: str | None = Field(None, description="Time limit, such as 4:00:00; a film goes on in a new allocation.")
    cpus: int | None = Field(None, ge=1, description="CPU cores of a job.")
    memory: str | None = Field(None, description="Host memory of a job, such as 64G.")
    sbatch: str = Field("", description="Further options of sbatch, as its command line has them.")
    setup: str = Field("", description="A line of shell before the render, such as: module load cuda.")
    command: str | None = Field(
        None,
        description="What starts the program on a node, such as: apptainer exec --nv /shared/sky.sif skyreels.",
    )
    margin: int = Field(
        120, ge=1, description="Seconds before the time limit at which a film is checkpointed; more than a step takes."
    )
    poll: float = Field(5.0, gt=0, description="Seconds between two looks at squeue.")


@hookimpl
def skyreels_register_executors() -> tuple[ExecutorSpec, ...]:
    """Register `slurm`."""
    summary = "A Slurm cluster: each job in an allocation of its own."
    return (ExecutorSpec("slurm", summary, "skyreels_slurm.executor:executor", SlurmOptions),)
