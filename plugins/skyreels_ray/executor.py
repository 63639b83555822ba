"""Makes renderers of Ray's actors: they stay with their worker, and so does the model that they have loaded."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from skyreels_cli.errors import PluginError, RetryableError, first_line
from skyreels_cli.plugins.executor import TellWorker
from skyreels_cli.queue.device import NOTHING_IN_USE
from skyreels_ray.plugin import RayOptions
from skyreels_ray.renderer import RayRenderer


class RayExecutor:
    """A renderer for each slot; Ray decides on which machine it runs."""

    elsewhere = True

    def __init__(self, ray: Any, options: RayOptions) -> None:
        self._ray = ray
        self._options = options
        self._waiting: set[RayRenderer] = set()

    def start(self, tell: TellWorker) -> RayRenderer:
        """A slot; its actor is made with its first job."""
        return RayRenderer(self._ray, self._options, tell, self._waiting)

    def sample(self) -> dict[str, Any]:
        """Nothing: a slot that waits takes no device."""
        return dict(NOTHING_IN_USE)


def executor(options: RayOptions) -> RayExecutor:
    """The executor, with the cluster at hand.

    Raises PluginError `ray-missing` if ray is not installed, RetryableError `no-ray` if there is no such cluster.
    """
    try:
        ray: Any = import_module("ray")
    except ImportError:
        raise PluginError("ray-missing", "ray is not installed", "python -m pip install 'skyreels-cli[ray]'") from None
    try:
        ray.init(address=options.address, log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True)
    except (ConnectionError, ValueError, RuntimeError) as error:
        message = f"no Ray cluster at {options.address}: {first_line(error)}"
        raise RetryableError("no-ray", message, "ray start --head") from None
    _keep_off_stdout()
    return RayExecutor(ray, options)


def _keep_off_stdout() -> None:
    """Have Ray log what it prints of nodes and actors that die: stdout is for events, which tell of that as well."""
    logger = logging.getLogger(__name__)
    worker: Any = import_module("ray._private.worker")  # there is no setting for it
    worker.print_to_stdstream = lambda data, *_, **__: logger.info("%s", data)
