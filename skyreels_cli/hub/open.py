"""Opens the model that `--model` names, and downloads it if it is not there."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from skyreels_cli.errors import RetryableError, SkyreelsError, UsageError, did_you_mean
from skyreels_cli.hub.catalogue import RELEASES, bundled_models, find_release, require_renderable
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.folder import COMPONENTS, open_folder, read_family

NEEDED_FILES = [
    "model_index.json",
    "skyreels.json",
    "scheduler/*.json",
    "tokenizer/*",
    *(f"{part}/{file}" for part in COMPONENTS for file in ("config.json", "*.index.json")),
    *(f"{part}/{stem}.safetensors" for part, (_, stem) in COMPONENTS.items()),
    *(f"{part}/{stem}-*.safetensors" for part, (_, stem) in COMPONENTS.items()),
]
"""The files that rendering reads: no pickles, no other precisions (`….fp16.safetensors`), no sample videos."""


class Snapshot(Protocol):
    """`huggingface_hub.snapshot_download`, or a stand-in for it in tests."""

    def __call__(
        self,
        repo_id: str,
        *,
        allow_patterns: list[str],
        local_files_only: bool = False,
        dry_run: bool = False,
    ) -> Any:
        """The folder of the snapshot; with `dry_run` its files, each with `will_download` and `file_size`."""


def open_model(model: str, *, download: bool = True, snapshot: Snapshot | None = None) -> ModelFacts:
    """The facts of a bundled model, an alias, a folder or a Hugging Face repository `owner/name`, tried in this order.

    Without `download` nothing is fetched: a model that is not on this machine is `model-not-found`.

    Raises what `open_folder` raises, and UsageError `model-never-released`, `model-gated`, `disk-too-small`; `network`
    (RetryableError) if the repository cannot be reached and the cache does not hold it.
    """
    bundled = bundled_models()
    if model in bundled:
        return open_folder(bundled[model], model)
    folder = Path(model).expanduser()
    alias = "/" not in model and find_release(model)
    if folder.exists() and not alias:
        return open_folder(folder, str(folder.absolute()))
    release = find_release(model)
    if release:
        require_renderable(release.family, model)
        return _open_repository(release.repo, snapshot, download=download)
    if _looks_like_a_repository(model):
        return _open_repository(model, snapshot, download=download)
    raise _unknown(model, folder, bundled)


def _open_repository(repo: str, snapshot: Snapshot | None, *, download: bool) -> ModelFacts:
    """Open a repository from Hugging Face's cache, without network if all of it is there."""
    from huggingface_hub import snapshot_download  # 0.2 s, and only when something may be fetched
    from huggingface_hub.errors import LocalEntryNotFoundError

    snapshot = snapshot or snapshot_download
    with _hub_errors(repo):
        try:
            folder = Path(snapshot(repo, allow_patterns=NEEDED_FILES, local_files_only=True))
        except LocalEntryNotFoundError as error:
            if not download:
                message = f"{repo} is not on this machine"
                raise UsageError("model-not-found", message, f"hf download {repo}") from error
            folder = _fetch(repo, snapshot)
    return open_folder(folder, repo)


def _fetch(repo: str, snapshot: Snapshot) -> Path:
    """Download the index first, so that another kind of model is refused before gigabytes are downloaded."""
    index = Path(snapshot(repo, allow_patterns=["model_index.json"]))
    if not (index / "model_index.json").is_file():
        message = f"{repo} is not in Diffusers layout: it has no model_index.json"
        raise UsageError("model-not-a-folder", message, f"--model {RELEASES[0].alias}")
    require_renderable(read_family(index, repo), repo)
    _require_space(repo, snapshot)
    return Path(snapshot(repo, allow_patterns=NEEDED_FILES))


def _require_space(repo: str, snapshot: Snapshot) -> None:
    """Raise `disk-too-small` if the files that the cache lacks do not fit."""
    from huggingface_hub.constants import HF_HUB_CACHE

    files = snapshot(repo, allow_patterns=NEEDED_FILES, dry_run=True)
    needed = sum(file.file_size or 0 for file in files if file.will_download)
    cache = Path(HF_HUB_CACHE)
    free = shutil.disk_usage(next(parent for parent in (cache, *cache.parents) if parent.exists())).free
    if needed > free:
        message = f"{repo} needs {needed / 1e9:.1f} GB more, and {cache} has {free / 1e9:.1f} GB free"
        raise UsageError("disk-too-small", message, "HF_HUB_CACHE=/a/larger/disk skyreels generate …")


@contextmanager
def _hub_errors(repo: str) -> Iterator[None]:
    """Turn exceptions of huggingface_hub into this program's errors."""
    from huggingface_hub import errors as hub

    try:
        yield
    except hub.GatedRepoError as error:
        message = f"{repo} is gated: its owner must grant you access at https://huggingface.co/{repo}"
        raise UsageError("model-gated", message, "hf auth login") from error
    except (hub.RepositoryNotFoundError, hub.HFValidationError) as error:
        near = did_you_mean(repo, (release.repo for release in RELEASES))
        message = f"there is no model {repo} on Hugging Face, or it is private{near}"
        raise UsageError("model-not-found", message, "hf auth login") from error
    except (hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled, hub.DryRunError) as error:
        raise _not_cached(repo) from error
    except (hub.HTTPError, hub.XetDownloadError, ConnectionError, TimeoutError) as error:  # type: ignore[attr-defined]
        message = f"{repo} could not be fetched: {error}"
        raise RetryableError("network", message, f"hf download {repo}") from error
    except OSError as error:
        code = "disk-full" if error.errno == errno.ENOSPC else "download-failed"
        raise SkyreelsError(code, f"{repo} could not be stored: {error}", "hf cache ls") from error


def _not_cached(repo: str) -> SkyreelsError:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        message = f"{repo} is not (completely) in Hugging Face's cache, and HF_HUB_OFFLINE is set"
        return UsageError("model-not-found", message, f"HF_HUB_OFFLINE=0 hf download {repo}")
    message = f"{repo} is not (completely) in Hugging Face's cache, and Hugging Face cannot be reached"
    return RetryableError("network", message, f"hf download {repo}")


def _looks_like_a_repository(model: str) -> bool:
    """Whether it is `owner/name`; not if there is a folder `owner` with a similar name in it, for then it is a typo."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", model):
        return False
    parent = Path(model).parent
    siblings = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
    return not did_you_mean(Path(model).name, siblings)


def _unknown(model: str, folder: Path, bundled: dict[str, Path]) -> UsageError:
    siblings = folder.parent.iterdir() if folder.parent.is_dir() else ()
    known = [str(entry) for entry in siblings if entry.is_dir()]
    near = did_you_mean(model, [*known, *bundled, *(release.alias for release in RELEASES)])
    hint = f"--model {next(iter(bundled), RELEASES[0].alias)}"
    return UsageError("model-not-found", f"there is no model {model}{near}", hint)
