"""The video autoencoder on little memory: one part of the picture after the other, all frames of each."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.model.vae import VideoDecoder

CPU = torch.device("cpu")


def video_decoder(vae: Any, *, goes_on: bool) -> VideoDecoder | TiledDecoder:
    """What decodes with this VAE, in tiles if that is switched on; it `goes_on` if more than one call makes a chain."""
    return TiledDecoder(vae, goes_on=goes_on) if vae.use_tiling else VideoDecoder(vae)


class TiledDecoder:
    """Decodes latent frames in tiles that overlap and are blended, as diffusers' `tiled_decode` does.

    Only the tile at hand is on the device. Frames of the others wait on the host, and so does what their chains
    remember if they go on.
    """

    def __init__(self, vae: Any, *, goes_on: bool) -> None:
        self._vae = vae
        self._goes_on = goes_on
        self._ratio = vae.spatial_compression_ratio
        self._side = vae.tile_sample_min_height // self._ratio
        self._step = vae.tile_sample_stride_height // self._ratio
        self._chains: dict[tuple[int, int], VideoDecoder] = {}

    def decode(self, latents: Tensor) -> Generator[Tensor]:
        """Yield pixel frames as `VideoDecoder.decode` does, once every tile is decoded."""
        sides = latents.shape[2:]
        step = self._step if max(sides) > self._side else self._side  # else a small picture is a single tile
        rows, columns = (range(0, side, step) for side in sides)
        tiles = [[self._decode_tile(latents, top, left) for left in columns] for top in rows]
        for index in range(latents.shape[1]):
            whole = self._joined([[tile[index] for tile in row] for row in tiles], step * self._ratio)
            yield whole.to(latents.device)

    def _decode_tile(self, latents: Tensor, top: int, left: int) -> list[Tensor]:
        """The frames `(3, n, h, w)` of each latent frame in one tile, on the host."""
        chain = self._chains.get((top, left)) or VideoDecoder(self._vae, limited=False)
        chain.rest_on(latents.device)
        part = latents[:, :, top : top + self._side, left : left + self._side]
        frames = [decoded.to(CPU) for decoded in chain.decode(part)]
        if self._goes_on:
            chain.rest_on(CPU)
            self._chains[top, left] = chain
        return frames

    @torch.inference_mode()
    def _joined(self, tiles: list[list[Tensor]], kept: int) -> Tensor:
        """One picture of its tiles, `kept` pixels of each; they are blended with the one above and the one before."""
        vae, blended = self._vae, self._side * self._ratio - kept
        above: list[Tensor] = []
        rows = []
        for row in tiles:
            for column, tile in enumerate(row):
                if above:
                    vae.blend_v(above[column].unsqueeze(0), tile.unsqueeze(0), blended)
                if column:
                    vae.blend_h(row[column - 1].unsqueeze(0), tile.unsqueeze(0), blended)
            rows.append(torch.cat([tile[..., :kept, :kept] for tile in row], dim=-1))
            above = row
        return torch.cat(rows, dim=-2).clamp(-1.0, 1.0)
