"""What a hub says that a repository holds, and which of its files a render reads."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Protocol

from skyreels_cli.hub.entry import LayoutName, SourceName

STEMS = {
    "transformer": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "image_encoder": "model",
}
"""Components of the Diffusers layout and the stem of their weight files."""

ORIGINAL_PARTS = {
    "transformer": ("config.json", "model.safetensors", "model-*.safetensors", "diffusion_pytorch_model*.safetensors"),
    "vae": ("Wan2.1_VAE.pth",),
    "text_encoder": ("models_t5_umt5-xxl-enc-bf16.pth",),
    "image_encoder": ("models_clip_*.pth",),
}
ORIGINAL_TOKENIZER = "google/umt5-xxl/*"


def needed_files(layout: LayoutName, components: Collection[str] = tuple(STEMS)) -> list[str]:
    """Patterns of what a render reads: no pickles beside safetensors, no other precisions, no sample videos."""
    if layout == "original":
        return [ORIGINAL_TOKENIZER, *(pattern for part in components for pattern in ORIGINAL_PARTS[part])]
    weights = [f"{part}/{STEMS[part]}{rest}" for part in components for rest in (".safetensors", "-*.safetensors")]
    indices = [f"{part}/*.index.json" for part in components]
    configs = [f"{part}/config.json" for part in ("transformer", *components)]
    return ["model_index.json", "skyreels.json", "scheduler/*.json", "tokenizer/*", *configs, *indices, *weights]


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository; `sha256` is of its content, `blob` git's name of it where the hub has no SHA-256."""

    path: str
    size: int
    sha256: str | None = None
    blob: str | None = None

    @property
    def etag(self) -> str:
        """The name that Hugging Face's cache gives to the content."""
        return self.sha256 or self.blob or ""


@dataclass(frozen=True)
class Listing:
    """A repository at one revision, which is pinned: a commit on Hugging Face, a branch on ModelScope."""

    source: SourceName
    repo: str
    revision: str
    files: tuple[RemoteFile, ...]
    licence: str | None = None

    def matching(self, patterns: Collection[str]) -> tuple[RemoteFile, ...]:
        """The files that match any of the patterns; paths that lead out of a folder match none."""
        inside = (file for file in self.files if ".." not in PurePosixPath(file.path).parts and file.path[:1] != "/")
        return tuple(file for file in inside if any(fnmatchcase(file.path, pattern) for pattern in patterns))

    @property
    def layout(self) -> LayoutName:
        """Diffusers' if there is a `model_index.json`."""
        return "diffusers" if any(file.path == "model_index.json" for file in self.files) else "original"


Advance = Callable[[int], None]
"""Told how many more bytes of a file are here; a negative number takes some back."""


class HubClient(Protocol):
    """A hub. Its methods raise what `failures.hub_failures` turns into errors of ours."""

    name: SourceName

    def listing(self, repo: str, revision: str | None = None) -> Listing:
        """All files of a repository at a revision, or at its newest."""

    def folder(self, listing: Listing, to: Path | None) -> Path:
        """Where the files of a repository come to lie."""

    def present(self, listing: Listing, file: RemoteFile, to: Path | None) -> int:
        """Bytes of a file that are here already, its size if it is complete."""

    def fetch(self, listing: Listing, file: RemoteFile, to: Path | None, advance: Advance) -> Path:
        """Make a file complete, going on with what is there; it appears under its name only when it is whole."""

    def finish(self, listing: Listing, to: Path | None) -> None:
        """All files are there."""
