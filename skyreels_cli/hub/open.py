"""From what `--model` and `--base` were given to a checked model on this machine; nothing is fetched."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from shlex import quote

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.hub.catalogue import RELEASES, bundled_models, find_community_file, find_release
from skyreels_cli.hub.download.record import record_of
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.family import family_named
from skyreels_cli.hub.folder import open_folder, open_parts, read_family
from skyreels_cli.hub.guess import guess_base, guess_family
from skyreels_cli.hub.located import HubModel, ModelNotHere, find_hub_model
from skyreels_cli.hub.loose import SUFFIXES, open_loose
from skyreels_cli.hub.parts import Parts, assemble
from skyreels_cli.hub.shapes import release_facts, release_parts

INCOMPLETE = ("model-incomplete", "model-not-found", "model-not-a-folder", "model-truncated", "model-unknown")
"""What a place has that a download did not finish; another place may have more."""


def open_model(model: str, base: str | None = None, *, absent: bool = False) -> ModelFacts:
    """A bundled name, an alias, a folder, a weights file or a Hugging Face repository `owner/name`, in this order.

    A file, or a folder in the original layout, is completed by its `base`, another model, named or guessed. With
    `absent` a model of the catalogue that is not on this machine is opened as the catalogue knows it, for a plan.
    Raises what `open_folder` and `open_loose` raise, and `model-never-released`, `model-base`, `model-not-here`.
    """
    place = _place(model)
    if isinstance(place, HubModel):
        return _open_hub_model(place, base, absent=absent)
    _require_finished(place)
    if _is_loose(place):
        return _open_loose(place, str(place.absolute()), base, absent=absent)
    _refuse_base(model, base)
    return open_folder(place, model if model in bundled_models() else str(place.absolute()))


def _place(model: str) -> Path | HubModel:
    """The folder or file that is meant, or the model on a hub; UsageError `model-not-found` if neither can be."""
    bundled = bundled_models()
    if model in bundled:
        return bundled[model]
    path = Path(model).expanduser()
    if path.exists() and ("/" in model or not (find_community_file(model) or find_release(model))):
        return path
    found = find_hub_model(model)
    if found is None or (found.release is None and _is_slip(path)):
        raise _unknown(model, path, bundled)
    return found


def _open_hub_model(model: HubModel, base: str | None, *, absent: bool) -> ModelFacts:
    """From the first place that has all of it, else from the catalogue."""
    if model.file is None:
        _refuse_base(model.name, base)
    for place in model.places():
        try:
            return open_place(place, model, base, absent=absent)
        except ModelNotHere:  # of its base
            raise
        except UsageError as error:
            if error.code not in INCOMPLETE:
                raise
    if not absent or model.release is None:
        raise model.not_here()
    if model.file:
        return release_facts(model.release, model.file)
    return release_facts(model.release)


def open_place(place: Path, model: HubModel, base: str | None = None, *, absent: bool = False) -> ModelFacts:
    """The model as it lies in one place; UsageError with a code of `INCOMPLETE` if it is not all there."""
    if model.file:
        return _open_loose(place, model.name, base or model.file.base, absent=absent)
    _require_finished(place)
    if _is_loose(place):
        parts = open_loose(place, model.name)
        family = model.release.family if model.release else guess_family(parts, None)
        _require_all(place, parts, family)
        return assemble(parts, family)
    return open_folder(place, model.name)


def _require_all(place: Path, parts: Parts, family: str) -> None:
    lacking = [part for part in family_named(family).components if part not in parts.components]
    if lacking or parts.tokenizer is None:
        raise UsageError("model-incomplete", f"{place} has no {', '.join(lacking) or 'tokenizer'}")


def _require_finished(place: Path) -> None:
    """Refuse a folder into which a download is not finished, whatever its files look like."""
    record = record_of(place)
    if record is not None and record.finished is None:
        to = f" --to {quote(str(place))}" if record.into_folder else ""
        message = f"the download of {record.model} into {place} is not finished"
        raise UsageError("model-incomplete", message, f"skyreels download {record.model}{to}")


def _refuse_base(model: str, base: str | None) -> None:
    if base is not None:
        message = f"{model} has all its parts: --base is for a weights file, or a folder in the original layout"
        raise UsageError("model-base", message, f"--model {quote(model)}")


def _is_loose(path: Path) -> bool:
    """Whether it is a file, or a folder of weights without an index."""
    if path.is_file():
        return True
    if not path.is_dir() or (path / "model_index.json").is_file():
        return False
    return any(file.suffix in SUFFIXES for file in path.iterdir())


def _open_loose(path: Path, name: str, base: str | None, *, absent: bool) -> ModelFacts:
    """What is there, completed by what only the base has."""
    parts = open_loose(path, name)
    if "transformer" not in parts.components:
        message = f"{path} holds no transformer, but {', '.join(parts.components) or 'no weights'}"
        raise UsageError("model-incomplete", message, f"--model {RELEASES[0].alias}")
    family = guess_family(parts, _family_of(base) if base else None)
    lacking = [part for part in family_named(family).components if part not in parts.components]
    if lacking or parts.tokenizer is None:
        other = _open_base(base or guess_base(parts, family), lacking, absent=absent)
        if not parts.transformer_config:
            parts = open_loose(path, parts.name, other.transformer_config)
        parts = parts.completed_by(other)
    return assemble(parts, family)


def _family_of(base: str) -> str | None:
    """The family of a base, as far as it is known without opening it."""
    place = _place(base)
    if isinstance(place, HubModel):
        return place.release.family if place.release else None
    return None if _is_loose(place) else read_family(place, base)


def _open_base(model: str, lacking: Collection[str], *, absent: bool) -> Parts:
    """The parts that another model is to give, and nothing else of it."""
    place = _place(model)
    if isinstance(place, HubModel):
        return _open_hub_base(place, lacking, absent=absent)
    return _open_parts(place, model, lacking)


def _open_hub_base(model: HubModel, lacking: Collection[str], *, absent: bool) -> Parts:
    for place in model.places():
        try:
            return _open_parts(place, model.name, lacking)
        except UsageError as error:
            if error.code not in (*INCOMPLETE, "model-base"):
                raise
    if absent and model.release:
        return release_parts(model.release, lacking)
    raise model.not_here(lacking)


def _open_parts(place: Path, model: str, lacking: Collection[str]) -> Parts:
    if not _is_loose(place):
        return open_parts(place, model, lacking)
    parts = open_loose(place, model)
    absent = [part for part in lacking if part not in parts.components]
    if absent or parts.tokenizer is None:
        message = f"{model} cannot be the base: it has no {', '.join(absent) or 'tokenizer'} either"
        raise UsageError("model-base", message, f"--base {RELEASES[0].alias}")
    return parts


def _is_slip(path: Path) -> bool:
    """Whether the owner in `owner/name` is a folder here that holds nearly that name."""
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    return bool(did_you_mean(path.name, siblings))


def _unknown(model: str, folder: Path, bundled: dict[str, Path]) -> UsageError:
    siblings = folder.parent.iterdir() if folder.parent.is_dir() else ()
    known = [str(entry) for entry in siblings if entry.is_dir()]
    near = did_you_mean(model, [*known, *bundled, *(release.alias for release in RELEASES)])
    hint = f"--model {next(iter(bundled), RELEASES[0].alias)}"
    return UsageError("model-not-found", f"there is no model {model}{near}", hint)
