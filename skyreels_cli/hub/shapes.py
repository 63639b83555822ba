"""A model as the catalogue knows it: the tensors that its transformer has, told by the sizes in its config."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

from skyreels_cli.hub.catalogue import catalogue
from skyreels_cli.hub.entry import CommunityFile, Release
from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.hub.parts import Parts, assemble
from skyreels_cli.hub.tensor import TensorEntry

Shapes = Iterator[tuple[str, tuple[int, ...]]]

PACKED = {"Q4_K", "Q8_0", "F8_E4M3"}


def release_facts(release: Release, file: CommunityFile | None = None) -> ModelFacts:
    """The facts of a release, or of a community file with a release's other parts, without any of their files."""
    parts = release_parts(release, release.parts, file)
    return assemble(parts, release.family)


def release_parts(release: Release, components: Collection[str], file: CommunityFile | None = None) -> Parts:
    """Components of a release as the catalogue knows them; the transformer may be that of a community file."""
    name = file.alias if file else release.repo
    return Parts(
        name=name,
        folder=Path(name),
        family=release.family,
        components={part: _component(release, part, file) for part in components},
        tokenizer=Path(name),
        transformer_config=catalogue().parts[release.parts["transformer"]].config,
        absent=file.alias if file else release.alias,
    )


def _component(release: Release, name: str, file: CommunityFile | None) -> Component:
    part = catalogue().parts[release.parts[name]]
    dtypes = {stored.part: stored.dtype for stored in release.layouts[0].files}
    if name != "transformer":
        return Component(name, part.config, (), {dtypes[name]: part.parameters}, {})
    return Component.of(name, part.config, transformer_tensors(part.config, file.dtype if file else dtypes[name]))


def transformer_tensors(config: Mapping[str, Any], dtype: str) -> dict[str, TensorEntry]:
    """The tensors of a SkyReelsV2Transformer3DModel with this config; matrices of blocks alone are quantised."""
    return {
        name: TensorEntry(_dtype_of(name, shape, dtype), shape) for name, shape in (*_outside(config), *_blocks(config))
    }


def _dtype_of(name: str, shape: tuple[int, ...], dtype: str) -> str:
    matrix = name.startswith("blocks.") and len(shape) == 2
    return dtype if matrix or dtype not in PACKED else "BF16"


def _outside(config: Mapping[str, Any]) -> Shapes:
    width = _width(config)
    patch = tuple(config["patch_size"])
    yield "scale_shift_table", (1, 2, width)
    yield "patch_embedding.weight", (width, config["in_channels"], *patch)
    yield "patch_embedding.bias", (width,)
    embedder = "condition_embedder"
    yield from _linear(f"{embedder}.time_embedder.linear_1", config["freq_dim"], width)
    yield from _linear(f"{embedder}.time_embedder.linear_2", width, width)
    yield from _linear(f"{embedder}.time_proj", width, 6 * width)
    yield from _linear(f"{embedder}.text_embedder.linear_1", config["text_dim"], width)
    yield from _linear(f"{embedder}.text_embedder.linear_2", width, width)
    if image := config["image_dim"]:
        yield from _norm(f"{embedder}.image_embedder.norm1", image)
        yield from _linear(f"{embedder}.image_embedder.ff.net.0.proj", image, image)
        yield from _linear(f"{embedder}.image_embedder.ff.net.2", image, width)
        yield from _norm(f"{embedder}.image_embedder.norm2", width)
    if config["inject_sample_info"]:
        yield "fps_embedding.weight", (2, width)
        yield from _linear("fps_projection.net.0.proj", width, width)
        yield from _linear("fps_projection.net.2", width, 6 * width)
    yield from _linear("proj_out", width, config["out_channels"] * prod(patch))


def _blocks(config: Mapping[str, Any]) -> Shapes:
    for index in range(config["num_layers"]):
        for name, shape in _block(config):
            yield f"blocks.{index}.{name}", shape


def _block(config: Mapping[str, Any]) -> Shapes:
    width, inner = _width(config), config["ffn_dim"]
    yield "scale_shift_table", (1, 6, width)
    for attention in ("attn1", "attn2"):
        for projection in ("to_q", "to_k", "to_v", "to_out.0"):
            yield from _linear(f"{attention}.{projection}", width, width)
        yield f"{attention}.norm_q.weight", (width,)
        yield f"{attention}.norm_k.weight", (width,)
    if config["added_kv_proj_dim"]:
        yield from _linear("attn2.add_k_proj", width, width)
        yield from _linear("attn2.add_v_proj", width, width)
        yield "attn2.norm_added_k.weight", (width,)
    if config["cross_attn_norm"]:
        yield from _norm("norm2", width)
    yield from _linear("ffn.net.0.proj", width, inner)
    yield from _linear("ffn.net.2", inner, width)


def _width(config: Mapping[str, Any]) -> int:
    return int(config["num_attention_heads"] * config["attention_head_dim"])


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


def _norm(name: str, width: int) -> Shapes:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)
