"""The models that `--model` knows by name: releases, community files, and models of installed packages.

The catalogue is data: `entries/*.json` here, `catalogue/*.json` in the user's configuration, and the files that
packages hand over in place of a model's folder.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache, reduce
from pathlib import Path

from pydantic import ValidationError

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.hub.entry import Catalogue, CommunityFile, Release
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.specs import ModelSpec

SHIPPED = Path(__file__).with_name("entries")


def read_entries(file: Path) -> Catalogue:
    """The catalogue in one file; UsageError `bad-catalogue` that names the key at fault."""
    try:
        return Catalogue.model_validate_json(file.read_bytes())
    except ValidationError as invalid:
        problem = invalid.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        should = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
        raise UsageError("bad-catalogue", f"{file}: {where}: {should}", f"edit {file}") from None
    except OSError as unreadable:
        raise UsageError("bad-catalogue", f"{file} cannot be read", f"check {file}") from unreadable


def _joined(files: Iterable[Path]) -> Catalogue:
    return reduce(Catalogue.joined, map(read_entries, sorted(files)), Catalogue())


_SHIPPED = _joined(SHIPPED.glob("*.json"))
RELEASES = _SHIPPED.releases
"""The published models of SkyReels-V2."""


@cache
def catalogue() -> Catalogue:
    """Everything that is known by name; what packages and the user add goes over what comes along."""
    from skyreels_cli.paths import folders

    added = [path for _, path in _package_paths() if path.suffix == ".json"]
    whole = _SHIPPED.joined(_joined(added)).joined(_joined(folders().catalogue.glob("*.json")))
    _require_known(whole)
    return whole


def _require_known(whole: Catalogue) -> None:
    """Refuse entries that name what no file of the catalogue has."""
    aliases = {release.alias for release in whole.releases}
    for release in whole.releases:
        for part in release.parts.values():
            _require(part, whole.parts, f"part of {release.alias}")
        _require(release.licence, whole.licences, f"licence of {release.alias}")
    for file in whole.community:
        _require(file.base, aliases, f"base of {file.alias}")


def _require(name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        message = f"the catalogue names {name!r} as {what}, and has no entry for it{did_you_mean(name, known)}"
        raise UsageError("bad-catalogue", message, f"known are {', '.join(sorted(known))}")


def find_release(model: str) -> Release | None:
    """The release with that alias, repository id or bare repository name, whatever the case of its letters.

    Raises UsageError `model-never-released` for models that were only announced (tests/golden/REFERENCE.md §3).
    """
    alias = re.sub(r"^(skywork/)?(skyreels-v2-)?|(-diffusers)?$", "", model.lower())
    alias = re.sub(r"^camera-?director", "camera-director", alias)
    known = catalogue()
    for release in known.releases:
        if alias == release.alias or model.lower() in {repo.lower() for repo in release.repositories}:
            return release
    for announced in known.announced:
        if announced.means(alias):
            message = f"{model} was announced by its authors but never released; the nearest is {announced.nearest}"
            raise UsageError("model-never-released", message, f"--model {announced.nearest}")
    return None


def find_community_file(model: str) -> CommunityFile | None:
    """The community file with that alias."""
    return next((entry for entry in catalogue().community if entry.alias == model.lower()), None)


def bundled_models() -> dict[str, Path]:
    """Folders of the models in installed packages, by name; those without an existing folder are left out."""
    return {name: path for name, path in _package_paths() if path.is_dir()}


def _package_paths() -> Iterator[tuple[str, Path]]:
    known = plugins()
    for name, spec in known.specs(ModelSpec).items():
        try:
            yield name, Path(known.make(spec))
        except Exception:  # noqa: BLE001, S112 - one broken package must not take the program with it
            continue


def unknown_words(model: str, prompts: Iterable[str]) -> list[str]:
    """Words of the prompts, once each, that a bundled model was not trained on; empty for models that cannot tell."""
    known = plugins()
    spec = known.specs(ModelSpec).get(model)
    if spec is None or spec.unknown_words is None:
        return []
    unknown = known.load(spec, spec.unknown_words)
    return list(dict.fromkeys(word for prompt in prompts for word in unknown(prompt)))
