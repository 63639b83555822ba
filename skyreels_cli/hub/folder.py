"""Checks a Diffusers-layout model folder by its JSON files and safetensors headers; no weight is read."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import Any

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.hub.catalogue import RELEASES
from skyreels_cli.hub.facts import Component, Family, ModelFacts
from skyreels_cli.hub.safetensors_header import TensorEntry, read_header

FAMILIES: Mapping[str, Family] = {
    "SkyReelsV2DiffusionForcingPipeline": "df",
    "SkyReelsV2DiffusionForcingImageToVideoPipeline": "df",
    "SkyReelsV2DiffusionForcingVideoToVideoPipeline": "df",
    "SkyReelsV2Pipeline": "t2v",
    "SkyReelsV2ImageToVideoPipeline": "i2v",
}
COMPONENTS = {
    "transformer": ("SkyReelsV2Transformer3DModel", "diffusion_pytorch_model"),
    "vae": ("AutoencoderKLWan", "diffusion_pytorch_model"),
    "text_encoder": ("UMT5EncoderModel", "model"),
}
"""Class of each component and the stem of its weight files."""

TOKENIZER_FILES = ("tokenizer.json", "spiece.model")
PICKLES = (".bin", ".pt", ".pth", ".ckpt")


def open_folder(folder: Path, name: str) -> ModelFacts:
    """The facts of a model folder; `name` is what the recipe will call the model.

    Raises UsageError: `model-not-found`, `model-not-a-folder`, `model-family`, `model-incomplete`,
    `model-pickle-only`, `model-truncated`, `model-broken`.
    """
    require_folder(folder)
    family = read_family(folder, name)
    components = {part: _open_component(folder, name, part) for part in COMPONENTS}
    _require_tokenizer(folder, name)
    _require_channels(family, components, name)
    card = _read_card(folder / "skyreels.json")
    return ModelFacts(name, folder, family, **components, defaults=card["defaults"], summary=card["summary"])


def require_folder(folder: Path) -> None:
    """Raise unless the folder exists and has a `model_index.json`; the hint names what was probably meant."""
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


def read_family(folder: Path, name: str) -> Family:
    """The family of the pipeline in `model_index.json`; UsageError `model-family` if it is none of SkyReels-V2's."""
    pipeline = read_json(folder / "model_index.json").get("_class_name")
    family = FAMILIES.get(str(pipeline))
    if family is None:
        message = f"{name} is a {pipeline}, not a SkyReels-V2 model"
        raise UsageError("model-family", message, _known_models())
    return family


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; UsageError `model-incomplete` or `model-broken` if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError("model-incomplete", f"{path} is missing", _again(path)) from error
    except (OSError, ValueError) as error:
        raise UsageError("model-broken", f"{path} cannot be read: {error}", _again(path)) from error
    if not isinstance(content, dict):
        raise UsageError("model-broken", f"{path} does not hold a JSON object", _again(path))
    return content


def _open_component(folder: Path, name: str, part: str) -> Component:
    """Config and weight files of a subfolder, with every tensor in their headers."""
    expected, stem = COMPONENTS[part]
    config = read_json(folder / part / "config.json")
    classes = config.get("architectures") or [config.get("_class_name")]
    if expected not in classes:
        message = f"the {part} of {name} is a {classes[0]}; SkyReels-V2 has a {expected}"
        raise UsageError("model-family", message, _known_models())
    tensors: dict[str, TensorEntry] = {}
    files = _weight_files(folder / part, stem)
    for file in files:
        tensors.update(_read_header(file))
    _require_indexed(folder / part / f"{stem}.safetensors.index.json", tensors)
    parameters: Counter[str] = Counter()
    for tensor in tensors.values():
        parameters[tensor.dtype] += tensor.elements
    shapes = {key: tensor.shape for key, tensor in tensors.items()}
    return Component(part, config, files, dict(parameters), shapes)


def _weight_files(folder: Path, stem: str) -> tuple[Path, ...]:
    """The shards that an index names, else the single file; if both are there the index wins, as in diffusers."""
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
        raise UsageError("model-incomplete", message, _again(missing[0]))
    return shards


def _weight_map(index: Path) -> dict[str, str]:
    """Shard file by tensor name; a shard outside the folder is refused."""
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise UsageError("model-broken", f"{index} has no weight_map", _again(index))
    for shard in weight_map.values():
        if not isinstance(shard, str) or PurePosixPath(shard.replace("\\", "/")).name != shard:
            message = f"{index} names {shard!r}, which is no file beside it"
            raise UsageError("model-broken", message, _again(index))
    return weight_map


def _require_indexed(index: Path, tensors: Mapping[str, TensorEntry]) -> None:
    if not index.is_file():
        return
    absent = [f"{tensor} ({shard})" for tensor, shard in _weight_map(index).items() if tensor not in tensors]
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        message = f"{index.parent} lacks tensors that its index promises: {', '.join(absent[:3])}{more}"
        raise UsageError("model-incomplete", message, _again(index))


def _read_header(file: Path) -> dict[str, TensorEntry]:
    try:
        return read_header(file)
    except UsageError as error:
        error.hint = error.hint or _again(file)
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
    return UsageError("model-incomplete", f"{folder} has no {expected.name}{found}", _again(expected))


def _conversion(pickle: str, expected: Path) -> str:
    """A command that converts a pickle without running its code; it clones, as safetensors refuses shared memory."""
    code = (
        "import torch, safetensors.torch as s; "
        f"w = torch.load('{expected.parent / pickle}', weights_only=True, map_location='cpu'); "
        f"s.save_file({{k: v.clone().contiguous() for k, v in w.items()}}, '{expected}')"
    )
    return f'python -c "{code}"'


def _require_tokenizer(folder: Path, name: str) -> None:
    if not any((folder / "tokenizer" / file).is_file() for file in TOKENIZER_FILES):
        message = f"{name} has no tokenizer: there is no {' or '.join(TOKENIZER_FILES)}"
        raise UsageError("model-incomplete", message, _again(folder / "tokenizer" / TOKENIZER_FILES[0]))


def _require_channels(family: Family, components: Mapping[str, Component], name: str) -> None:
    """Refuse a transformer with image channels in a text-to-video model: it would render noise."""
    channels = components["transformer"].config.get("in_channels", 16)
    latents = components["vae"].config.get("z_dim", 16)
    if family != "i2v" and channels != latents:
        message = f"the transformer of {name} takes {channels} channels, its VAE gives {latents}"
        raise UsageError("model-family", message, _known_models())


def _read_card(path: Path) -> dict[str, Any]:
    """Defaults and summary in `skyreels.json`; `recipe.defaults` checks the fields of the defaults."""
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
    release = next((known for known in RELEASES if known.original.endswith(f"/{folder.name}")), None)
    if release or ((folder / "config.json").is_file() and (folder / "model.safetensors").is_file()):
        repo = (release or RELEASES[0]).repo
        return f"this looks like the original layout; take the Diffusers one: --model {repo}"
    for near in (folder.parent, *(entry for entry in _entries(folder) if entry.is_dir())):
        if (near / "model_index.json").is_file():
            return f"--model {quote(str(near))}"
    return _known_models()


def _again(path: Path) -> str:
    """How to download one file of a model again; a path in Hugging Face's cache tells the repository."""
    cached = re.search(r"models--(.+?)--(.+?)/snapshots/[^/]+/(.+)", path.as_posix())
    if cached:
        owner, repo, file = cached.groups()
        return f"hf download {owner}/{repo} {file} --force-download"
    return f"download or copy it again: {path}"


def _known_models() -> str:
    return "--model " + RELEASES[0].alias


def _entries(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.iterdir())) if folder.is_dir() else iter(())
