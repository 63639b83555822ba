"""From what `--model` and `--base` were given to a checked model, downloading it if need be."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from skyreels_cli.errors import RetryableError, SkyreelsError, UsageError, did_you_mean
from skyreels_cli.hub.catalogue import RELEASES, bundled_models, find_release
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.family import family_named
from skyreels_cli.hub.folder import COMPONENTS, open_folder, open_parts, read_family
from skyreels_cli.hub.guess import guess_base, guess_family
from skyreels_cli.hub.loose import SUFFIXES, open_loose
from skyreels_cli.hub.parts import Parts, assemble


def needed_files(components: Collection[str] = tuple(COMPONENTS)) -> list[str]:
    """Patterns of what a render reads: no pickles, no other precisions (`….fp16.safetensors`), no sample videos."""
    weights = [
        f"{part}/{COMPONENTS[part][1]}{rest}" for part in components for rest in (".safetensors", "-*.safetensors")
    ]
    indices = [f"{part}/*.index.json" for part in components]
    configs = [f"{part}/config.json" for part in ("transformer", *components)]
    return ["model_index.json", "skyreels.json", "scheduler/*.json", "tokenizer/*", *configs, *indices, *weights]


NEEDED_FILES = needed_files()


Fetch = Callable[[str, Collection[str]], Path]
"""From a repository, and the components that are needed, to the folder that holds them."""


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


def open_model(
    model: str, base: str | None = None, *, snapshot: Snapshot | None = None, download: bool = True
) -> ModelFacts:
    """A bundled name, an alias, a folder, a weights file or a Hugging Face repository `owner/name`, in this order.

    A file, or a folder in the original layout, is completed by its `base`, another model, named or guessed. Raises what
    `open_folder` and `open_loose` raise, and `model-never-released`, `model-gated`, `disk-too-small`, `model-base`;
    `network` (RetryableError) if the repository cannot be reached and the cache does not hold it.
    """
    fetch = partial(_repository_folder, snapshot=snapshot, download=download)
    place = _place(model)
    if isinstance(place, Path) and _is_loose(place):
        return _open_loose(place, base, fetch)
    if base is not None:
        message = f"{model} has all its parts: --base is for a weights file, or a folder in the original layout"
        raise UsageError("model-base", message, f"--model {model}")
    if isinstance(place, Path):
        return open_folder(place, model if model in bundled_models() else str(place.absolute()))
    return open_folder(fetch(place, tuple(COMPONENTS)), place)


def _place(model: str) -> Path | str:
    """The folder or file that is meant, or the repository; UsageError `model-not-found` if neither can be."""
    bundled = bundled_models()
    if model in bundled:
        return bundled[model]
    path = Path(model).expanduser()
    if path.exists() and ("/" in model or not find_release(model)):
        return path
    release = find_release(model)
    if release:
        return release.repo
    if _looks_like_a_repository(model):
        return model
    raise _unknown(model, path, bundled)


def _is_loose(path: Path) -> bool:
    """Whether it is a file, or a folder of weights without an index."""
    if path.is_file():
        return True
    return not (path / "model_index.json").is_file() and any(file.suffix in SUFFIXES for file in path.iterdir())


def _open_loose(path: Path, base: str | None, fetch: Fetch) -> ModelFacts:
    """What is there, completed by what only the base has."""
    parts = open_loose(path, str(path.absolute()))
    if "transformer" not in parts.components:
        message = f"{path} holds no transformer, but {', '.join(parts.components) or 'no weights'}"
        raise UsageError("model-incomplete", message, f"--model {RELEASES[0].alias}")
    family = guess_family(parts, _family_of(base) if base else None)
    lacking = [part for part in family_named(family).components if part not in parts.components]
    if lacking or parts.tokenizer is None:
        other = _open_base(base or guess_base(parts, family), lacking, fetch)
        if not parts.transformer_config:
            parts = open_loose(path, parts.name, other.transformer_config)
        parts = parts.completed_by(other)
    return assemble(parts, family)


def _family_of(base: str) -> str | None:
    """The family of a base, as far as it is known without opening it."""
    place = _place(base)
    if isinstance(place, Path):
        return None if _is_loose(place) else read_family(place, base)
    release = find_release(place)
    return release.family if release else None


def _open_base(model: str, lacking: Collection[str], fetch: Fetch) -> Parts:
    """The parts that another model is to give, and nothing else of it."""
    place = _place(model)
    if isinstance(place, Path) and _is_loose(place):
        parts = open_loose(place, model)
        absent = [part for part in lacking if part not in parts.components]
        if absent or parts.tokenizer is None:
            message = f"{model} cannot be the base: it has no {', '.join(absent) or 'tokenizer'} either"
            raise UsageError("model-base", message, f"--base {RELEASES[0].alias}")
        return parts
    folder = place if isinstance(place, Path) else fetch(place, lacking)
    return open_parts(folder, model, lacking)


def _repository_folder(repo: str, components: Collection[str], *, snapshot: Snapshot | None, download: bool) -> Path:
    """Hugging Face's cache is asked first: no network and no waiting for what is there."""
    from huggingface_hub import snapshot_download  # 0.2 s, and only when something may be fetched
    from huggingface_hub.errors import LocalEntryNotFoundError

    snapshot = snapshot or snapshot_download
    with _hub_errors(repo):
        try:
            return Path(snapshot(repo, allow_patterns=needed_files(components), local_files_only=True))
        except LocalEntryNotFoundError as error:
            if not download:
                message = f"{repo} is not on this machine"
                raise UsageError("model-not-found", message, f"hf download {repo}") from error
            return _fetch(repo, needed_files(components), snapshot)


def _fetch(repo: str, patterns: list[str], snapshot: Snapshot) -> Path:
    """Its index comes first, so that a model of another kind is refused before gigabytes are fetched."""
    index = Path(snapshot(repo, allow_patterns=["model_index.json"]))
    if not (index / "model_index.json").is_file():
        message = f"{repo} is not in Diffusers layout: it has no model_index.json"
        raise UsageError("model-not-a-folder", message, f"--model {RELEASES[0].alias}")
    read_family(index, repo)
    _require_space(repo, patterns, snapshot)
    return Path(snapshot(repo, allow_patterns=patterns))


def _require_space(repo: str, patterns: list[str], snapshot: Snapshot) -> None:
    """Raise `disk-too-small` if the files that the cache lacks do not fit."""
    from huggingface_hub.constants import HF_HUB_CACHE

    files = snapshot(repo, allow_patterns=patterns, dry_run=True)
    needed = sum(file.file_size or 0 for file in files if file.will_download)
    cache = Path(HF_HUB_CACHE)
    free = shutil.disk_usage(next(parent for parent in (cache, *cache.parents) if parent.exists())).free
    if needed > free:
        message = f"{repo} needs {needed / 1e9:.1f} GB more, and {cache} has {free / 1e9:.1f} GB free"
        raise UsageError("disk-too-small", message, "HF_HUB_CACHE=/a/larger/disk skyreels generate …")


@contextmanager
def _hub_errors(repo: str) -> Iterator[None]:
    """Hugging Face's exceptions as ours."""
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
    """`owner/name`, unless the owner is a folder here that holds nearly that name: then it is a slip."""
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
