"""`python -m skyreels_cli`: the same as `skyreels`."""

from __future__ import annotations

import sys

from skyreels_cli.cli.main import main

sys.exit(main())
