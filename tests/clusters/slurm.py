"""A real Slurm on this machine, for tests: munge, one controller and a node with two slots, all in one folder.

A second node, `spare`, is known and off until a test starts it; jobs of the partition `urgent` drive others away.

`python tests/clusters/slurm.py FOLDER` starts it by hand and prints what to put into the environment; it runs until
Ctrl-C. Nothing needs root: every daemon runs as the user who starts it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
DAEMON_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"
SLOTS = 2
NODE, SPARE = "one", "spare"
SAVE_SECONDS = 7.0
"""slurmctld saves a change within 5 s."""

CONFIG = """
ClusterName=skyreels
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
KillWait=10
SlurmdTimeout=10
SlurmctldTimeout=10
ReturnToService=2
MinJobAge=60
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=one NodeHostname={host} NodeAddr=127.0.0.1 Port={one} CPUs={slots} State=UNKNOWN
NodeName=spare NodeHostname={host} NodeAddr=127.0.0.1 Port={spare} CPUs={slots} State=UNKNOWN
PartitionName=main Nodes=one,spare Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=one,spare MaxTime=INFINITE State=UP PriorityTier=2
"""


def missing() -> list[str]:
    """The programs that are not installed."""
    return [name for name in PROGRAMS if _program(name) is None]


class Slurm:
    """The daemons; `environment` is what a client needs to find them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("munge", "state", "spool"):
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o755)
        self._host = socket.gethostname().split(".")[0]
        self._write_config()

    def start(self) -> None:
        """Start everything but the spare node, and wait until the node is idle."""
        munge = self.folder / "munge"
        (munge / "key").write_bytes(os.urandom(128))
        (munge / "key").chmod(0o400)
        paths = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        words = [f"--{option}={munge / file}" for option, file in paths.items()]
        self._start("munged", "--foreground", "--force", *words)
        _wait((munge / "socket").exists, "munge makes no socket")
        self.start_controller()
        self.start_node()

    def start_controller(self) -> None:
        """Start slurmctld, which goes on with what it knew before."""
        self._start("slurmctld", "-D", "-i")

    def start_node(self, node: str = NODE) -> None:
        """Start a node's slurmd, and wait until it takes jobs."""
        self._start(f"slurmd {node}", "-D", "-N", node)
        self.wait_for_node(node, "idle", "mixed", "allocated")

    def kill(self, name: str) -> None:
        """Kill a daemon, `slurmctld` or `slurmd NODE`, as the kernel would."""
        daemon = self._daemons.pop(name)
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()

    def kill_controller(self) -> None:
        """Kill slurmctld once it has saved what it knows; jobs that it had not saved would be lost with it."""
        time.sleep(SAVE_SECONDS)
        self.kill("slurmctld")

    def cut_power(self, node: str) -> None:
        """Kill a node's slurmd and all of its jobs at once."""
        scripts = [process for process in psutil.process_iter() if self._is_job(process, node)]
        dead = [each for script in scripts for each in (script.parent(), script, *script.children(recursive=True))]
        self.kill(f"slurmd {node}")
        for process in dead:
            with suppress(psutil.Error):
                process.kill()

    def _is_job(self, process: psutil.Process, node: str) -> bool:
        """Whether a process is the script of a job that runs on a node."""
        with suppress(psutil.Error):
            return any(word.startswith(f"{self.folder}/spool/{node}/job") for word in process.cmdline())
        return False

    def stop(self) -> None:
        """Cancel what runs, and stop all daemons."""
        with suppress(subprocess.SubprocessError):
            self.ask("scancel", "--me", timeout=20)
            self.ask("scancel", "--me", "--signal=KILL", "--full", timeout=20)
        for name in reversed(list(self._daemons)):
            daemon = self._daemons.pop(name)
            daemon.terminate()
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(15)
            daemon.kill()

    def ask(self, *command: str, timeout: float = 60.0) -> str:
        """What a client program prints."""
        environment = {**os.environ, **self.environment}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
        return ran.stdout.strip() or ran.stderr.strip()

    def wait_for_node(self, node: str, *states: str) -> None:
        """Wait until a node is in one of these states."""
        look = ("sinfo", "--noheader", "--partition=main", f"--nodes={node}", "--format=%T")
        _wait(lambda: self.ask(*look) in states, f"{node} never is {states}: {self.ask(*look)}")

    def hurry(self, number: str) -> None:
        """Once Slurm has put a job back into the line, have it started: Slurm lets it wait for two minutes."""
        show = ("scontrol", "show", "job", number)
        _wait(lambda: "Restarts=1" in self.ask(*show), f"{number} does not come back", 120.0)
        time.sleep(3)  # slurmd refuses a job that it has ended in the same second

        def started() -> bool:
            self.ask("scontrol", "update", f"JobId={number}", "StartTime=now")
            told = self.ask(*show)  # at first it is COMPLETING
            return "JobState=RUNNING" in told or "JobState=COMPLETED" in told

        _wait(started, f"{number} does not start again", 120.0)

    def _start(self, name: str, *words: str) -> None:
        program = _program(name.split(maxsplit=1)[0])
        assert program, f"{name} is not installed"
        with (self.folder / f"{name}.out").open("ab") as out:
            self._daemons[name] = subprocess.Popen(
                [program, *words], env={**os.environ, **self.environment}, stdout=out, stderr=out
            )

    def _write_config(self) -> None:
        control, *nodes = _free_ports(3)
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        named = dict(zip((NODE, SPARE), nodes, strict=True))
        text = CONFIG.format(host=self._host, control=control, user=user, folder=self.folder, slots=SLOTS, **named)
        (self.folder / "slurm.conf").write_text(text)


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=DAEMON_FOLDERS)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait(condition: Callable[[], bool], trouble: str, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, trouble
        time.sleep(0.2)


def main() -> None:
    """Run until Ctrl-C."""
    slurm = Slurm(Path(sys.argv[1]).absolute())
    slurm.start()
    print("\n".join(f"export {name}={value}" for name, value in slurm.environment.items()), flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        slurm.stop()


if __name__ == "__main__":
    main()
