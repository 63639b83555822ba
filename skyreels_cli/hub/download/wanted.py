"""What a name that somebody typed stands for: a repository on a hub, and the parts of it that a render reads."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.hub.catalogue import catalogue, find_community_file, find_release
from skyreels_cli.hub.download.listing import STEMS, needed_files
from skyreels_cli.hub.entry import LayoutName, Licence, Release, SourceName

TITLES: dict[SourceName, str] = {"hf": "Hugging Face", "modelscope": "ModelScope"}
REPOSITORY = r"[A-Za-z0-9][\w.-]*/[\w.-]+"


@dataclass(frozen=True)
class Fetch:
    """A model as it is called, its repository, and of that the `parts`, or the one `file` of a community repository.

    `layout` is None where only the repository tells; `to` is the folder that was asked for instead of the hub's cache.
    """

    model: str
    source: SourceName
    repo: str
    layout: LayoutName | None
    parts: tuple[str, ...]
    release: Release | None = None
    file: str | None = None
    to: Path | None = None

    @property
    def licence(self) -> Licence | None:
        """The licence of a release, as the catalogue has it."""
        return catalogue().licences.get(self.release.licence) if self.release else None

    @property
    def required(self) -> tuple[str, ...]:
        """Parts without which the download makes no sense; only I2V models have an image encoder."""
        return self.parts if self.release else tuple(part for part in self.parts if part != "image_encoder")

    def patterns(self, layout: LayoutName) -> Sequence[str]:
        """Which files of the repository to fetch."""
        return [self.file] if self.file else needed_files(layout, self.parts)

    @property
    def command(self) -> str:
        """The command that fetches it."""
        words = ["skyreels download", self.model]
        words += ["--source modelscope"] if self.source == "modelscope" else []
        words += [f"--to {quote(str(self.to))}"] if self.to else []
        return " ".join(words)


def wanted(
    model: str,
    source: SourceName = "hf",
    layout: LayoutName | None = None,
    to: Path | None = None,
    only: Collection[str] = (),
) -> Fetch:
    """What a name stands for; `only` names parts, if not all are wanted.

    Raises UsageError `model-not-found`, `model-never-released`, `model-layout`, `usage`.
    """
    unknown = [part for part in only if part not in STEMS]
    if unknown:
        near = did_you_mean(unknown[0], STEMS)
        raise UsageError("usage", f"--only {unknown[0]}: parts are {', '.join(STEMS)}{near}", "--only vae")
    to = to.expanduser().absolute() if to else None
    if (file := find_community_file(model)) is not None:
        return Fetch(file.alias, source, file.repo, None, ("transformer",), find_release(file.base), file.file, to)
    if (release := find_release(model)) is not None:
        said = layout or _first_layout(release, source)
        parts = tuple(part for part in release.parts if not only or part in only)
        return Fetch(release.alias, source, _repository(release, said, source), said, parts, release, to=to)
    if re.fullmatch(REPOSITORY, model):
        return Fetch(model, source, model, layout, tuple(only) or tuple(STEMS), to=to)
    names = [entry.alias for entry in catalogue().named]
    message = f"there is no model {model!r} to download{did_you_mean(model, names)}"
    raise UsageError("model-not-found", message, "skyreels download --list")


def _first_layout(release: Release, source: SourceName) -> LayoutName:
    """The first layout in which this hub has the release, whichever of its repositories was named."""
    fitting = [layout for layout in release.layouts if source in layout.repositories]
    return (fitting or list(release.layouts))[0].name


def _repository(release: Release, layout: LayoutName, source: SourceName) -> str:
    repositories = release.layout(layout).repositories
    if source not in repositories:
        there = [other.name for other in release.layouts if source in other.repositories]
        message = f"{TITLES[source]} does not have {release.alias} in {layout} layout"
        hint = f"--layout {there[0]}" if there else f"--source {next(iter(repositories))}"
        raise UsageError("model-layout", message, hint)
    return repositories[source]
