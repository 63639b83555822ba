"""Pictures to tokens with CLIP's vision tower, as SkyReels-V2 was trained with them.

That is not what the image processor of the Diffusers repository does (it crops, and resizes with antialiasing): films
of its tokens are 12 to 20 levels off on average.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of the pixels that CLIP was trained on (Radford et al. 2021)."""


@torch.inference_mode()
def encode_image(encoder: Any, image: Tensor) -> Tensor:
    """Tokens `(1, 257, width)` of a picture `(3, 1, H, W)` in [-1, 1]: class and patches, after the last layer but one.

    The whole picture is squashed to CLIP's square, whatever its shape.
    """
    side = encoder.config.image_size
    square = interpolate(image.transpose(0, 1).float(), (side, side), mode="bicubic", align_corners=False)
    mean, std = (square.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    pixels = (square * 0.5 + 0.5 - mean) / std
    tokens: Tensor = encoder(pixels, output_hidden_states=True).hidden_states[-2]
    return tokens
