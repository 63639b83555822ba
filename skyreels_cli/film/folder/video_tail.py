"""The last frames of the video that a film goes on with, kept in the work folder at the film's size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from skyreels_cli.film.folder.durable import replacing
from skyreels_cli.film.folder.tensor_tree import load_tree, save_tree

TAIL = "tail.safetensors"


class VideoTail:
    """Frames uint8 `(n, H, W, 3)` that lead to a film's first window."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / TAIL

    def write(self, frames: npt.NDArray[np.uint8]) -> None:
        """Keep the frames, durably."""
        with replacing(self.path) as partial:
            save_tree(partial, {"frames": torch.from_numpy(frames)})

    def read(self) -> Tensor:
        """The frames that were kept."""
        frames: Tensor = load_tree(self.path)["frames"]
        return frames
