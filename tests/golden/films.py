"""Golden films: the command line that makes one, and what equal means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skyreels_cli.media.reader import read_frames

HERE = Path(__file__).parent

VALUES = (
    "num_frames", "negative_prompt", "guidance_scale", "shift", "seed", "fps", "ar_step", "causal_block_size",
    "base_num_frames", "overlap_history", "addnoise_condition",
)  # fmt: skip
"""Parameters of a case that are options of the same name."""

# In 8-bit levels: the reference's own arithmetic differs by so much from one machine to another.
MOST, MEAN = 1, 0.01


def command_line(case: dict[str, Any], output: Path) -> list[str]:
    """What a user of the reference would type, `_` in names included."""
    line = ["extend", str(HERE / case["video"]), "--reference-count"] if "video" in case else ["generate"]
    line += [case["prompt"], "--model", str(HERE / case.get("model", "model"))]
    line += ["--resolution", f"{case['width']}x{case['height']}"]
    line += ["--inference_steps", str(case["num_inference_steps"])]
    for name in VALUES:
        if case.get(name) is not None:
            line += [f"--{name}", str(case[name])]
    for name in ("image", "end_image"):
        if name in case:
            line += [f"--{name}", str(HERE / case[name])]
    line += ["--causal_attention"] if case.get("causal_attention") else []
    line += ["--base", str(HERE / case["base"])] if "base" in case else []
    line += ["--lora", f"{HERE / case['lora']}:{case['lora_scale']}"] if "lora" in case else []
    return [*line, "--device", "cpu", "--dtype", "float32", "--codec", "ffv1", "-o", str(output), "--json"]


def frames(path: Path) -> npt.NDArray[np.int16]:
    return np.stack(list(read_frames(path))).astype(np.int16)


def assert_equal(made: Path, expected: Path, case: dict[str, Any]) -> None:
    """Every pixel within a level, and hardly any of them off at all."""
    ours, theirs = frames(made), frames(expected)
    assert ours.shape == theirs.shape == (case["frames"], case["height"], case["width"], 3)
    difference = np.abs(ours - theirs)
    assert difference.max() <= MOST
    assert difference.mean() <= MEAN
