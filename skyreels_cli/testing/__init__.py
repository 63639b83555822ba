"""What plugin authors run against their own plugins; nothing else in the program imports it.

from skyreels_cli import testing

def test_conformance() -> None:
testing.check_plugin("skyreels_mine.plugin")
testing.check_cache("mine", off={"threshold": 0})
"""

from skyreels_cli.testing.checks import check_cache, check_parallel, check_plugin, check_scheduler
from skyreels_cli.testing.windows import Run, TinyWindow, tiny_transformer

__all__ = [
    "Run",
    "TinyWindow",
    "check_cache",
    "check_parallel",
    "check_plugin",
    "check_scheduler",
    "tiny_transformer",
]
