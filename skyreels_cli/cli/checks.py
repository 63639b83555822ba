"""The checks of `skyreels doctor`; each looks at one thing and never raises."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.order.machine_here import machine_here
from skyreels_cli.output import byte_size, clock

if TYPE_CHECKING:
    from skyreels_cli.plan.machine import Machine

Status = Literal["ok", "warning", "problem"]

# Below this not even ten seconds at 540P fit, the temporary pieces included.
LOW_DISK_BYTES = 2e9
TORCH_SECONDS = 120

# In a child: a torch that cannot be imported, or that crashes on its driver, is a finding, no crash of ours.
PROBE = """
import json, torch
cards = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
print(json.dumps({
    "torch": torch.__version__,
    "cuda": [{"name": card.name, "memory": card.total_memory} for card in cards],
    "mps": torch.backends.mps.is_available(),
    "threads": torch.get_num_threads(),
}))
"""


@dataclass(frozen=True)
class Check:
    """One finding; `advice` is what to do about it."""

    name: str
    status: Status
    found: str
    advice: str | None = None


def run_checks() -> Iterator[Check]:
    """Yield every finding, the slow one (torch, some seconds) first."""
    yield from _torch()
    yield _libraries()
    yield _memory()
    yield _video_codecs()
    yield from _settings_and_disk()
    yield from _plugins()
    yield from _models()
    yield _advice(machine_here())


def _torch() -> Iterator[Check]:
    try:
        probe = _child([sys.executable, "-c", PROBE])
    except subprocess.CalledProcessError as failed:
        reason = (failed.stderr.strip() or f"exit status {failed.returncode}").splitlines()[-1]
        yield Check("torch", "problem", f"cannot be imported: {reason}", "pip install --force-reinstall torch")
    except subprocess.TimeoutExpired:
        yield Check("torch", "problem", f"did not import within {TORCH_SECONDS} s", "is the disk very slow?")
    else:
        facts = json.loads(probe.stdout)
        yield Check("torch", "ok", facts["torch"])
        yield from _devices(facts)


def _child(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=TORCH_SECONDS, check=True)


def _devices(facts: dict[str, Any]) -> Iterator[Check]:
    for index, card in enumerate(facts["cuda"]):
        yield Check(f"cuda:{index}", "ok", f"{card['name']}, {byte_size(card['memory'])}")
    if facts["mps"]:
        yield Check("mps", "ok", "Apple GPU")
    if facts["cuda"] or facts["mps"]:
        return
    found = f"{facts['threads']} threads, no GPU: fine for the demo model, very slow for SkyReels-V2"
    advice = None
    if shutil.which("nvidia-smi"):
        advice = "there is an NVIDIA driver that this torch cannot use: install a CUDA build of torch"
    yield Check("cpu", "warning" if advice else "ok", found, advice)


def _libraries() -> Check:
    names = ("diffusers", "transformers", "accelerate", "huggingface_hub")
    try:
        return Check("libraries", "ok", ", ".join(f"{name} {version(name)}" for name in names))
    except PackageNotFoundError as missing:
        return Check("libraries", "problem", f"{missing.name} is missing", f"pip install {missing.name}")


def _memory() -> Check:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return Check("memory", "ok", "unknown")
    return Check("memory", "ok", f"{byte_size(size)} of RAM")


def _video_codecs() -> Check:
    from skyreels_cli.media.codecs import available_codecs, library_version

    lacking = [codec for codec, there in available_codecs().items() if not there]
    if lacking:
        cure = "pip install --force-reinstall --only-binary av av"
        return Check("video", "problem", f"{library_version()} cannot encode {', '.join(lacking)}", cure)
    return Check("video", "ok", f"{library_version()}, all of {', '.join(available_codecs())}")


def _settings_and_disk() -> Iterator[Check]:
    from huggingface_hub.constants import HF_HUB_CACHE

    from skyreels_cli.paths import folders
    from skyreels_cli.settings import load_settings

    outdir = Path()
    try:
        outdir = load_settings().outdir
        yield Check("settings", "ok", str(folders().config_file))
    except SkyreelsError as wrong:
        yield Check("settings", "problem", wrong.message, wrong.hint)
    yield _disk("films", outdir)
    yield _disk("model cache", Path(HF_HUB_CACHE))


def _disk(name: str, folder: Path) -> Check:
    folder = folder.absolute()
    standing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(standing, os.W_OK):
        return Check(name, "problem", f"{folder} cannot be written to", f"chmod u+w {quote(str(standing))}")
    free = shutil.disk_usage(standing).free
    found = f"{folder}, {byte_size(free)} free"
    return Check(name, "ok" if free > LOW_DISK_BYTES else "warning", found)


def _plugins() -> Iterator[Check]:
    from skyreels_cli.plugins.entries import removal_command
    from skyreels_cli.plugins.manager import plugins

    try:
        known = plugins()
    except SkyreelsError as broken:  # only where SKYREELS_STRICT_PLUGINS asks for it
        yield Check("plugins", "problem", broken.message, broken.hint)
        return
    ready = [plugin.entry.name for plugin in known.all if plugin.state == "ready"]
    yield Check("plugins", "ok", ", ".join(ready))
    for plugin in known.broken:
        yield Check("plugin", "problem", f"{plugin.entry} is broken: {plugin.problem}", removal_command(plugin.entry))


def _models() -> Iterator[Check]:
    from skyreels_cli.hub.download.wanted import TITLES
    from skyreels_cli.hub.inventory import stored_models

    models = list(stored_models())
    for model in models:
        origin = "bundled" if model.origin == "bundled" else f"from {TITLES[model.origin]}"
        where = f"{model.name} ({origin}, {model.folder})"
        status: Status = "warning" if model.problem and model.record else "ok"
        yield Check("model", status, f"{where}: {model.problem}" if model.problem else where)
    if not models:
        yield Check("model", "warning", "none is here", "skyreels download df-1.3b-540p")


def _advice(machine: Machine) -> Check:
    """The released model to begin with on a machine."""
    from skyreels_cli.plan.advice import FRAMES, advise, best

    chosen = best(advise(machine))
    if chosen is None:
        return Check("advice", "ok", "no released model would be done within a day here; the demo model is")
    found = f"{chosen.options}: {FRAMES} frames in {clock(chosen.seconds)} (by {machine.rate_basis})"
    return Check("advice", "ok", found, "others: skyreels models recommend")
