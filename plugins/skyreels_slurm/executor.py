"""Submits jobs to Slurm with sbatch, looks at them with squeue, and cancels them with scancel.

submitit would submit them as well, but it asks only sacct how they are (which needs an accounting database), pickles
what it runs, and cannot find a job whose id was lost as its submitter died.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from skyreels_cli.errors import RetryableError, UsageError, printable
from skyreels_cli.plugins.executor import JobPlace
from skyreels_cli.queue.batch.executor import BatchExecutor
from skyreels_slurm.jobs import SqueueTable
from skyreels_slurm.plugin import SlurmOptions
from skyreels_slurm.script import batch_script

PROGRAMS = ("sbatch", "squeue", "scancel")
# Slurm's programs try for about a minute to reach a controller that is away.
ANSWER_SECONDS = 90.0
# squeue calls a requeued job over for some seconds.
SETTLE_SECONDS = 10.0
# What sbatch says of a job that will be refused again; everything else (a full queue, no answer) may pass.
REFUSALS = ("invalid", "unrecognized option", "more processors requested than permitted", "not available")


class Slurm:
    """The cluster of this machine, as Slurm's own programs know it."""

    name = "slurm"

    def __init__(self, options: SlurmOptions) -> None:
        self.poll_seconds = options.poll
        self.settle_seconds = SETTLE_SECONDS
        self._options = options
        self._jobs = SqueueTable(run, options.poll)

    def submit(self, folder: Path, name: str, gpus: int) -> str:
        """Submit the batch script of a job; returns its number."""
        words = sbatch_words(self._options, folder, name, gpus)
        number = run(words, batch_script(self._options, folder, skyreels_words(self._options)))
        self._jobs.forget()
        return number.strip().partition(";")[0]

    def find(self, folder: Path, name: str) -> str | None:
        """The number of the job of that name that waits or runs."""
        self._jobs.forget()
        return self._jobs.find(name)

    def look(self, job: str) -> JobPlace:
        """Where a job is, as of some seconds ago."""
        return self._jobs.place(job)

    def cancel(self, job: str) -> None:
        """Have Slurm end a job: SIGTERM at once, SIGKILL later."""
        run(["scancel", "--quiet", job])
        self._jobs.forget()


def executor(options: SlurmOptions) -> BatchExecutor:
    """The executor; UsageError `no-slurm` if Slurm's programs are not here."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        message = f"{missing[0]} is not installed here: the worker must run where Slurm jobs are submitted from"
        raise UsageError("no-slurm", message, "skyreels queue run --executor local")
    return BatchExecutor(Slurm(options))


def sbatch_words(options: SlurmOptions, folder: Path, name: str, gpus: int) -> list[str]:
    """The command line of sbatch; what a person says with `slurm.sbatch` comes last, and so wins."""
    said = {
        "partition": options.partition,
        "account": options.account,
        "qos": options.qos,
        "constraint": options.constraint,
        "time": options.time,
        "cpus-per-task": options.cpus,
        "mem": options.memory,
        "gpus-per-node": gpus or None,
        "job-name": name,
        "comment": f"skyreels: {folder.stem}",
        "output": folder / "output",
        "signal": f"B:USR1@{options.margin}",
    }
    asked = [f"--{option}={value}" for option, value in said.items() if value is not None]
    fixed = ["--parsable", "--nodes=1", "--ntasks=1", "--requeue", "--open-mode=append"]
    return ["sbatch", *fixed, *asked, *shlex.split(options.sbatch)]


def skyreels_words(options: SlurmOptions) -> list[str]:
    """How a node starts the program: as it was started here, unless a person says otherwise."""
    return shlex.split(options.command) if options.command else [sys.executable, "-P", "-m", "skyreels_cli"]


def run(words: Sequence[str], text: str = "") -> str:
    """What one of Slurm's programs prints.

    Raises RetryableError `slurm-trouble` if it cannot do its work now, and UsageError `slurm-refused` if it never will.
    """
    try:
        ran = subprocess.run(words, input=text, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RetryableError("slurm-trouble", f"{words[0]}: {error}", "sinfo") from None
    if ran.returncode == 0:
        return ran.stdout
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    said = printable(lines[-1] if lines else f"{words[0]} ended with status {ran.returncode}", 300)
    if any(refusal in ran.stderr.lower() for refusal in REFUSALS) and words[0] == "sbatch":
        raise UsageError("slurm-refused", said, "skyreels plugins show slurm")
    raise RetryableError("slurm-trouble", said, "sinfo")
