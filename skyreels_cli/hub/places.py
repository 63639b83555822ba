"""Where models lie on this machine: the caches of both hubs' clients, or everything in SKYREELS_HOME."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def hugging_face_caches() -> tuple[Path, ...]:
    """Hugging Face's cache; with SKYREELS_HOME, unless HF_HOME or HF_HUB_CACHE is set, one in there comes first."""
    from huggingface_hub.constants import HF_HUB_CACHE

    shared = Path(HF_HUB_CACHE)
    own = _own_cache("huggingface")
    return (shared,) if own is None or {"HF_HOME", "HF_HUB_CACHE"} & os.environ.keys() else (own, shared)


def modelscope_caches() -> tuple[Path, ...]:
    """ModelScope's cache (MODELSCOPE_CACHE); with SKYREELS_HOME one in there comes first, unless that is set."""
    said = os.environ.get("MODELSCOPE_CACHE")
    shared = Path(said).expanduser() if said else Path.home() / ".cache" / "modelscope"
    own = _own_cache("modelscope")
    return (shared,) if own is None or said else (own, shared)


def _own_cache(name: str) -> Path | None:
    from skyreels_cli.paths import folders

    return folders().models / name if os.environ.get("SKYREELS_HOME") else None


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of a folder, which need not exist yet."""
    folder = folder.absolute()
    return shutil.disk_usage(next(parent for parent in (folder, *folder.parents) if parent.exists())).free
