"""The script that Slurm runs for a job."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from skyreels_slurm.plugin import SlurmOptions

# SIGUSR1 comes before the time limit: the film is checkpointed, and the job goes back into the line. SIGTERM comes with
# a preemption (Slurm itself decides whether the job goes back) and with scancel (it does not).
_SCRIPT = """\
#!/bin/sh
{setup}
{command} &
render=$!
again=
trap 'again=yes; kill -TERM $render' USR1
trap 'kill -TERM $render' TERM
while :; do
    wait $render
    status=$?
    kill -0 $render 2>/dev/null || break
done
if [ "$again" ] && [ $status = 130 ]; then
    scontrol requeue $SLURM_JOB_ID
fi
exit $status
"""


def batch_script(options: SlurmOptions, folder: Path, skyreels: Sequence[str]) -> str:
    """The script that renders the job in a folder; `skyreels` are the words that start the program on a node."""
    command = shlex.join([*skyreels, "job", "run", str(folder)])
    return _SCRIPT.format(setup=options.setup, command=command)
