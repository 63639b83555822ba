"""Checks a Diffusers-layout model folder by its JSON files and safetensors headers; no weight is read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import Any

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.hub.catalogue import RELEASES
from skyreels_cli.hub.configs import require_possible
from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.hub.family import families, family_named
from skyreels_cli.hub.headers import read_weights_header
from skyreels_cli.hub.links import require_inside
from skyreels_cli.hub.parts import Parts, assemble
from skyreels_cli.hub.stored import WeightsFile, stored_tensors
from skyreels_cli.hub.tensor import Header, TensorEntry

COMPONENTS = {
    "transformer": (("SkyReelsV2Transformer3DModel",), "diffusion_pytorch_model"),
    "vae": (("AutoencoderKLWan",), "diffusion_pytorch_model"),
    "text_encoder": (("UMT5EncoderModel",), "model"),
    "image_encoder": (("CLIPVisionModelWithProjection", "CLIPVisionModel"), "model"),
}
"""Classes that each component may be of, and the stem of its weight files."""

LIBRARIES = ("diffusers", "transformers")
TOKENIZER_FILES = ("tokenizer.json", "spiece.model")
PICKLES = (".bin", ".pt", ".pth", ".ckpt")
MAX_JSON_BYTES = 8_000_000
"""The index of a 14B model has 0.1 MB."""


def open_folder(folder: Path, name: str) -> ModelFacts:
    """Everything that is known about a model folder; `name` is what the recipe will call it.

    Raises UsageError: `model-not-found`, `model-not-a-folder`, `model-family`, `model-incomplete`,
    `model-pickle-only`, `model-truncated`, `model-broken`, `model-unsafe`.
    """
    require_folder(folder)
    family = read_family(folder, name)
    return assemble(open_parts(folder, name, family_named(family).components), family)


def open_parts(folder: Path, name: str, components: Collection[str]) -> Parts:
    """These components of a model folder, its tokenizer, and what it says of its transformer."""
    require_folder(folder)
    _require_known_classes(folder / "model_index.json")
    opened = {part: _open_component(folder, name, part) for part in components}
    card = _read_card(folder / "skyreels.json")
    return Parts(
        name=name,
        folder=folder,
        family=read_family(folder, name),
        components=opened,
        tokenizer=_tokenizer(folder, name),
        transformer_config=read_json(folder / "transformer" / "config.json"),
        defaults=card["defaults"],
        summary=card["summary"],
    )


def require_folder(folder: Path) -> None:
    """Raise unless there is a folder with a `model_index.json`; the hint is what was probably meant."""
    if not folder.exists():
        siblings = [entry.name for entry in _entries(folder.parent) if entry.is_dir()]
        near = did_you_mean(folder.name, siblings)
        raise UsageError("model-not-found", f"there is no model folder {folder}{near}", _known_models())
    if not folder.is_dir():
        message = f"{folder} is a file; a model is the folder that holds model_index.json"
        raise UsageError("model-not-a-folder", message, f"--model {quote(str(folder.parent))}")
    if not (folder / "model_index.json").is_file():
        message = f"{folder} is not a model folder: it has no model_index.json"
        raise UsageError("model-not-a-folder", message, _hint_without_index(folder))


def read_family(folder: Path, name: str) -> str:
    """The family that `model_index.json` names; `model-family` for the pipeline of another model."""
    pipeline = read_json(folder / "model_index.json").get("_class_name")
    for family in families().values():
        if pipeline in family.pipelines:
            return family.name
    message = f"{name} is a {pipeline}, not a SkyReels-V2 model"
    raise UsageError("model-family", message, _known_models())


def _require_known_classes(index: Path) -> None:
    """Refuse parts from other libraries: Diffusers would import and run them."""
    for part, entry in read_json(index).items():
        if not isinstance(entry, list) or entry == [None, None]:
            continue
        classes = COMPONENTS.get(part, (None,))[0]
        if len(entry) != 2 or entry[0] not in LIBRARIES or (classes and entry[1] not in classes):
            named = ".".join(map(str, entry))
            message = f"{index} names {named} as its {part}, which is no part of a SkyReels-V2 model"
            raise UsageError("model-unsafe", message, _known_models())


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; `model-incomplete` or `model-broken` if there is none."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ValueError("it is too large for what it is")
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError("model-incomplete", f"{path} is missing", again(path)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError("model-broken", f"{path} cannot be read: {error}", again(path)) from error
    if not isinstance(content, dict):
        raise UsageError("model-broken", f"{path} does not hold a JSON object", again(path))
    return content


def _open_component(folder: Path, name: str, part: str) -> Component:
    """Config and weight files of a subfolder, with every tensor that the headers promise."""
    expected, stem = COMPONENTS[part]
    config = read_json(folder / part / "config.json")
    require_possible(str(folder / part / "config.json"), config)
    classes = config.get("architectures") or [config.get("_class_name")]
    if not set(expected) & set(classes):
        message = f"the {part} of {name} is a {classes[0]}; SkyReels-V2 has a {expected[0]}"
        raise UsageError("model-family", message, _known_models())
    files = [_read_file(folder, file) for file in _weight_files(folder / part, stem)]
    tensors = stored_tensors(files, lambda key: (key,))
    _require_indexed(folder / part / f"{stem}.safetensors.index.json", tensors)
    return Component.of(part, config, tensors)


def _weight_files(folder: Path, stem: str) -> tuple[Path, ...]:
    """The shards that the index names, else the single file; the index wins over it, as in diffusers."""
    single, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    if not index.is_file():
        if not single.is_file():
            raise _no_weights(folder, single)
        return (single,)
    shards = tuple(folder / shard for shard in sorted(set(_weight_map(index).values())))
    missing = [shard for shard in shards if not shard.is_file()]
    if missing:
        names = ", ".join(shard.name for shard in missing)
        message = f"{folder} lacks {len(missing)} of {len(shards)} weight files: {names}"
        raise UsageError("model-incomplete", message, again(missing[0]))
    return shards


def _weight_map(index: Path) -> dict[str, str]:
    """Shard file by tensor name; a shard outside the folder is refused."""
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise UsageError("model-broken", f"{index} has no weight_map", again(index))
    for shard in weight_map.values():
        if not isinstance(shard, str) or PurePosixPath(shard.replace("\\", "/")).name != shard:
            message = f"{index} names {shard!r}, which is no file beside it"
            raise UsageError("model-broken", message, again(index))
    return weight_map


def _require_indexed(index: Path, tensors: Mapping[str, TensorEntry]) -> None:
    if not index.is_file():
        return
    absent = [f"{tensor} ({shard})" for tensor, shard in _weight_map(index).items() if tensor not in tensors]
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        message = f"{index.parent} lacks tensors that its index promises: {', '.join(absent[:3])}{more}"
        raise UsageError("model-incomplete", message, again(index))


def _read_file(folder: Path, file: Path) -> WeightsFile:
    require_inside(folder, file)
    return WeightsFile(file, read_with_hint(file))


def read_with_hint(file: Path) -> Header:
    """The header of a weights file; what is wrong with it comes with how to get it again."""
    try:
        return read_weights_header(file)
    except UsageError as error:
        error.hint = error.hint or again(file)
        raise


def _no_weights(folder: Path, expected: Path) -> UsageError:
    pickles = [entry.name for entry in _entries(folder) if entry.suffix in PICKLES]
    if pickles:
        message = (
            f"{folder} has its weights only as pickle ({', '.join(pickles)}): opening one runs whatever code "
            "is in it, so only safetensors are read"
        )
        return UsageError("model-pickle-only", message, _conversion(pickles[0], expected))
    others = [entry.name for entry in _entries(folder) if entry.suffix == ".safetensors"]
    found = f"; it has {', '.join(others)}" if others else ""
    return UsageError("model-incomplete", f"{folder} has no {expected.name}{found}", again(expected))


def _conversion(pickle: str, expected: Path) -> str:
    """A command that converts and runs no code; it clones because safetensors refuses shared memory."""
    code = (
        "import torch, safetensors.torch as s; "
        f"w = torch.load({str(expected.parent / pickle)!r}, weights_only=True, map_location='cpu'); "
        f"s.save_file({{k: v.clone().contiguous() for k, v in w.items()}}, {str(expected)!r})"
    )
    return f"python -c {quote(code)}"


def _tokenizer(folder: Path, name: str) -> Path:
    """Its folder; a tokenizer that comes with code of its own is refused."""
    tokenizer = folder / "tokenizer"
    if not is_tokenizer(tokenizer):
        message = f"{name} has no tokenizer: there is no {' or '.join(TOKENIZER_FILES)}"
        raise UsageError("model-incomplete", message, again(tokenizer / TOKENIZER_FILES[0]))
    return tokenizer


def is_tokenizer(folder: Path) -> bool:
    """Whether a folder holds a tokenizer; `model-unsafe` for one with code of its own."""
    config = folder / "tokenizer_config.json"
    if config.is_file() and "auto_map" in read_json(config):
        raise UsageError("model-unsafe", f"{config} names code of its own to run", "take UMT5-XXL's own tokenizer")
    files = [folder / file for file in TOKENIZER_FILES if (folder / file).is_file()]
    for file in files:
        require_inside(folder.parent, file)
    return bool(files)


def _read_card(path: Path) -> dict[str, Any]:
    """Defaults and summary from `skyreels.json`; `recipe.defaults` checks the fields of the former."""
    card = read_json(path) if path.is_file() else {}
    unknown = sorted(card.keys() - {"name", "summary", "defaults"})
    if unknown:
        message = f"{path}: {unknown[0]}: unknown key; known are name, summary, defaults"
        raise UsageError("model-broken", message)
    if not isinstance(card.get("defaults", {}), dict):
        raise UsageError("model-broken", f"{path}: defaults: must be an object of recipe fields")
    summary = ": ".join(str(card[key]) for key in ("name", "summary") if key in card)
    return {"defaults": card.get("defaults", {}), "summary": summary}


def _hint_without_index(folder: Path) -> str:
    for near in (folder.parent, *(entry for entry in _entries(folder) if entry.is_dir())):
        if (near / "model_index.json").is_file():
            return f"--model {quote(str(near))}"
    return _known_models()


def again(path: Path) -> str:
    """How to mend a file of a model; a path in Hugging Face's cache says where it came from."""
    cached = re.search(r"models--(.+?)--(.+?)/snapshots/", path.as_posix())
    if cached:
        return f"skyreels download {cached[1]}/{cached[2]} --verify"
    return f"download or copy it again: {path}"


def _known_models() -> str:
    return "--model " + RELEASES[0].alias


def _entries(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.iterdir())) if folder.is_dir() else iter(())
