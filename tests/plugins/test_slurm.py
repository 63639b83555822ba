"""The executor `slurm` without a cluster: what is asked of sbatch, what squeue's answers mean, what the script does."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from skyreels_slurm import executor as slurm
from skyreels_slurm.executor import Slurm, sbatch_words
from skyreels_slurm.jobs import SqueueTable, ordinal
from skyreels_slurm.plugin import SlurmOptions
from skyreels_slurm.script import batch_script

from skyreels_cli.errors import RetryableError, UsageError
from skyreels_cli.plugins.executor import JobPlace

FOLDER = Path("/shared/films/swan.mp4.job")


def test_what_is_asked_of_sbatch() -> None:
    options = SlurmOptions(partition="gpu", time="4:00:00", memory="64G", sbatch="--exclude=n3 --partition=fast")
    assert sbatch_words(options, FOLDER, "swan.mp4-12", 2) == [
        "sbatch", "--parsable", "--nodes=1", "--ntasks=1", "--requeue", "--open-mode=append", "--partition=gpu",
        "--time=4:00:00", "--mem=64G", "--gpus-per-node=2", "--job-name=swan.mp4-12", "--comment=skyreels: swan.mp4",
        "--output=/shared/films/swan.mp4.job/output", "--signal=B:USR1@120", "--exclude=n3", "--partition=fast",
    ]  # fmt: skip
    assert not any("gpus" in word for word in sbatch_words(options, FOLDER, "swan", 0))


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("7|PENDING|Priority||gpu|a", JobPlace("waiting", "slurm 7, 3rd")),
        ("7|PENDING|Resources||fast|a", JobPlace("waiting", "slurm 7")),
        ("7|PENDING|JobHeldUser||gpu|a", JobPlace("waiting", "slurm 7, 3rd, JobHeldUser")),
        ("7|RUNNING|None|n2|gpu|a", JobPlace("running", "slurm 7 on n2")),
        ("7|COMPLETING|None|n2|gpu|a", JobPlace("running", "slurm 7 on n2, completing")),
        ("7|SUSPENDED|None|n2|gpu|a", JobPlace("running", "slurm 7 on n2, suspended")),
        ("7|COMPLETED|None|n2|gpu|a", JobPlace("over", "slurm 7 COMPLETED")),
        ("7|NODE_FAIL|None|n2|gpu|a", JobPlace("over", "slurm 7 NODE_FAIL")),
        ("7|PREEMPTED|None|n2|gpu|a", JobPlace("over", "slurm 7 PREEMPTED")),
        ("7|CANCELLED|None|n2|gpu|a", JobPlace("over", "slurm 7 CANCELLED", "cancelled")),
        ("7|OUT_OF_MEMORY|None|n2|gpu|a", JobPlace("over", "slurm 7 OUT_OF_MEMORY", "memory")),
        ("8|RUNNING|None|n2|gpu|a", JobPlace("over", "slurm 7 is gone")),
    ],
)
def test_what_squeue_says(row: str, place: JobPlace) -> None:
    def run(words: Sequence[str]) -> str:
        return "5|gpu\n9|fast\n6|gpu\n7|gpu\n" if "--states=PENDING" in words else f"{row}\n"

    assert SqueueTable(run, 5.0).place("7") == place


def test_jobs_are_asked_for_once_for_all_and_anew_after_a_change() -> None:
    asked: list[Sequence[str]] = []

    def run(words: Sequence[str]) -> str:
        asked.append(words)
        return "".join(f"{number}|RUNNING|None|n1|gpu|film{number}\n" for number in range(9))

    table = SqueueTable(run, 60.0)
    assert [table.place(str(number)).state for number in range(9)] == ["running"] * 9
    assert len(asked) == 1
    table.forget()
    assert (table.find("film3"), table.find("film9")) == ("3", None)
    assert len(asked) == 2


def test_a_controller_that_is_away_is_not_asked_by_every_slot() -> None:
    asked: list[Sequence[str]] = []

    def run(words: Sequence[str]) -> str:
        asked.append(words)
        raise RetryableError("slurm-trouble", "Unable to contact slurm controller")

    table = SqueueTable(run, 60.0)
    for number in range(5):
        with pytest.raises(RetryableError, match="Unable to contact"):
            table.place(str(number))
    assert len(asked) == 1


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th",
    ]  # fmt: skip


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a shell script in the place of one of Slurm's programs."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def write(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    return write


@pytest.mark.parametrize(
    ("script", "error", "code"),
    [
        ("echo 'sbatch: error: invalid partition specified: gpus' >&2; exit 1", UsageError, "slurm-refused"),
        ("echo \"sbatch: unrecognized option '--gqu'\" >&2; exit 1", UsageError, "slurm-refused"),
        ("echo 'sbatch: error: Unable to contact slurm controller' >&2; exit 1", RetryableError, "slurm-trouble"),
        ("echo 'sbatch: error: Job violates accounting/QOS policy' >&2; exit 1", RetryableError, "slurm-trouble"),
    ],
)
def test_what_sbatch_refuses(
    programs: Callable[[str, str], None], script: str, error: type[Exception], code: str
) -> None:
    programs("sbatch", script)
    with pytest.raises(error) as raised:
        Slurm(SlurmOptions()).submit(FOLDER, "swan", 1)
    assert raised.value.code == code  # type: ignore[attr-defined]


def test_the_script_goes_to_sbatch_and_the_number_comes_back(
    programs: Callable[[str, str], None], tmp_path: Path
) -> None:
    programs("sbatch", f"cat > {tmp_path}/script; echo '4711;cluster'")
    assert Slurm(SlurmOptions(command="sky", setup="module load cuda")).submit(FOLDER, "swan", 1) == "4711"
    script = (tmp_path / "script").read_text()
    assert "\nmodule load cuda\nsky job run /shared/films/swan.mp4.job &\n" in script


def test_without_slurm_it_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as raised:
        slurm.executor(SlurmOptions())
    assert raised.value.code == "no-slurm"


RENDERS = """
import signal, sys, time
def leave(*_):
    time.sleep(0.2)
    sys.exit(130)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(60 if "wait" in sys.argv[-1] else 0)
sys.exit(3)
"""


@pytest.mark.parametrize(
    ("number", "status", "requeued"),
    [(signal.SIGUSR1, 130, True), (signal.SIGTERM, 130, False), (None, 3, False)],
)
def test_the_script_passes_signals_on_and_only_a_time_limit_requeues(
    programs: Callable[[str, str], None], tmp_path: Path, number: int | None, status: int, requeued: bool
) -> None:
    programs("scontrol", f'echo "$@" > {tmp_path}/requeued')
    folder = tmp_path / ("wait" if number else "end")
    script = batch_script(SlurmOptions(), folder, [sys.executable, "-c", RENDERS])
    ran = subprocess.Popen(
        ["sh", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_JOB_ID": "5"}, stdout=subprocess.PIPE
    )
    assert ran.stdout
    assert ran.stdout.readline() == b"ready\n"
    if number:
        time.sleep(0.05)
        ran.send_signal(number)
    assert ran.wait(60) == status
    assert (tmp_path / "requeued").exists() == requeued
    if requeued:
        assert (tmp_path / "requeued").read_text() == "requeue 5\n"
