"""skyreels: films of any length with SkyReels-V2, from the terminal."""

import os

__version__ = "0.1.0"

# Read once, when torch loads OpenMP. By default its threads spin while they wait for each other; beside other work on
# the same cores a step of the demo model then took 2.8 s instead of 0.1 s (2 cores, three other processes).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
