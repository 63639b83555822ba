"""A model on a device: its parts are loaded when they are first needed, and stay loaded for the films that follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from skyreels_cli.film.events import Event, StageStarted
from skyreels_cli.film.placement import Placement
from skyreels_cli.hub.facts import Component
from skyreels_cli.hub.weights import WeightsSpec
from skyreels_cli.media.image import read_image
from skyreels_cli.model import onednn
from skyreels_cli.model.compiling import check_compiler
from skyreels_cli.model.family import family_model
from skyreels_cli.model.kernels import choose_kernel
from skyreels_cli.model.loading import DTYPES, load_text_encoder, load_transformer, load_vae
from skyreels_cli.model.memory import pick_device, release
from skyreels_cli.model.offloading import Placed, placed, rests_on
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.model.text import encode_prompts
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.model.vae import from_bytes
from skyreels_cli.model.weights.pickles import convert_pickles
from skyreels_cli.plugins.protocols import Parallel

FittedPicture = tuple[str, int, int]
"""A file, and the width and height that it is fitted to."""


class LoadedModel:
    """Transformer and VAE of one model on one device; encoders of texts and pictures are loaded, used and freed before.

    That encoder (UMT5-XXL, 11 GB) takes longer to load than to encode dozens of prompts: those of films that come next
    can be encoded along with the first one's.
    """

    def __init__(self, weights: WeightsSpec, placement: Placement, parallel: Parallel = SINGLE_PROCESS) -> None:
        self.weights = weights
        self.facts = weights.base
        self.family = family_model(weights.base.family)
        self.parallel = parallel
        self.dtype = DTYPES[weights.compute]
        self.device = pick_device(placement.device)
        heads = weights.base.transformer.config["attention_head_dim"]
        self._kernel = choose_kernel(placement.attention or "auto", self.device, self.dtype, heads)
        if placement.compile:
            check_compiler(self.device)
        self.placement = placement
        self._texts: dict[str, Tensor] = {}
        self._image_features: dict[FittedPicture, Tensor] = {}
        self._expected: tuple[str, ...] = ()
        self._transformer: Placed | None = None
        self._denoiser: Transformer | None = None
        self._vae: Placed | None = None

    def expect(self, prompts: Iterable[str]) -> None:
        """Name the prompts of films that come after the one that is prepared next; others are not kept."""
        self._expected = tuple(prompts)

    def prepare(self, prompts: Sequence[str], images: Sequence[FittedPicture] = ()) -> Iterator[Event]:
        """Have every prompt encoded (expected ones only where the encoder is needed) and every image that the model
        wants encoded, and the rest loaded.
        """
        wanted = dict.fromkeys([*prompts, *self._expected])
        self._texts = {prompt: text for prompt, text in self._texts.items() if prompt in wanted}
        if not self._texts.keys() >= set(prompts):
            yield from self._convert(self.facts.text_encoder)
            yield StageStarted("loading text encoder")
            self._texts.update(self._encode([prompt for prompt in wanted if prompt not in self._texts]))
        yield from self._prepare_images(images)
        yield from self.prepare_transformer()
        if self._vae is None:
            yield from self._convert(self.facts.vae)
            yield StageStarted("loading VAE")
            self._vae = placed(load_vae(self.weights, self._rests_on), self.device, self.placement.offload)

    def prepare_transformer(self) -> Iterator[Event]:
        """Load the transformer if it is not loaded yet: all that the ranks need which do not decode."""
        if self._transformer is None:
            yield from self._convert(self.facts.transformer)
            yield StageStarted("loading transformer")
            self._transformer = self._load_transformer()

    def share(self, parallel: Parallel) -> None:
        """Have another backend divide the work from now on."""
        self.parallel = parallel
        if self._denoiser is not None:
            self._denoiser.parallel = parallel

    def close(self) -> None:
        """Give the memory of its parts back; it is of no use any more."""
        self._transformer = self._denoiser = self._vae = None
        self._texts, self._image_features = {}, {}
        release(self.device)

    def text(self, prompt: str) -> Tensor:
        """Embeddings `(1, 512, text_dim)` of a prompt that was prepared."""
        return self._texts[prompt].to(self.device)

    def image_features(self, image: FittedPicture) -> Tensor | None:
        """What the model's image encoder made of a picture that was prepared; None if it has no such encoder."""
        features = self._image_features.get(image)
        return None if features is None else features.to(self.device)

    def transformer(self) -> Placed:
        """The transformer; it is a context manager, inside which it is on the device."""
        assert self._transformer is not None, "prepare() comes first"
        return self._transformer

    def vae(self) -> Placed:
        """The video autoencoder, likewise."""
        assert self._vae is not None, "prepare() comes first"
        return self._vae

    @property
    def _rests_on(self) -> torch.device:
        """The device that a part is on while another one works."""
        return rests_on(self.device, self.placement.offload)

    def _convert(self, component: Component) -> Iterator[Event]:
        """Make safetensors of pickles, the first time that they are used."""
        for told in convert_pickles(component):
            yield StageStarted(told)

    def _prepare_images(self, images: Sequence[FittedPicture]) -> Iterator[Event]:
        self._image_features = {image: known for image, known in self._image_features.items() if image in images}
        new = [image for image in dict.fromkeys(images) if image not in self._image_features]
        if self.family.image_stage is None or not new:
            return
        if self.facts.image_encoder:
            yield from self._convert(self.facts.image_encoder)
        yield StageStarted(self.family.image_stage)
        pixels = [read_picture(image) for image in new]
        self._image_features |= zip(new, self.family.encode_images(self.facts, self.device, pixels), strict=True)

    def _encode(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        tokenizer, encoder = load_text_encoder(self.facts, self.weights.compute, self._rests_on)
        onednn.use_where_it_pays(encoder, self.device)
        how = "none" if self.placement.offload == "none" else "stream"  # once through it: nothing is lost by streaming
        with placed(encoder, self.device, how, encoder.encoder.block) as present:
            texts = encode_prompts(tokenizer, present, prompts, self.device)
        del encoder, present
        release(self.device)
        return {prompt: text.cpu() for prompt, text in zip(prompts, texts, strict=True)}

    def _load_transformer(self) -> Placed:
        self._denoiser = transformer = load_transformer(self.weights, self._rests_on)
        onednn.use_where_it_pays(transformer, self.device)
        transformer.attention = self._kernel
        transformer.parallel = self.parallel
        if self.placement.compile:
            transformer.compile_layers()
        return placed(transformer, self.device, self.placement.offload, transformer.blocks)


def read_picture(picture: FittedPicture) -> Tensor:
    """Its pixels `(3, 1, H, W)` in [-1, 1], cropped and resized to the film."""
    path, width, height = picture
    return from_bytes(torch.from_numpy(read_image(Path(path), width, height)).unsqueeze(0))
