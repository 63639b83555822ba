"""The golden weights in the layouts that people have: the film must be the one that the reference makes of them.

| layout | what it is |
|---|---|
| `original_df/` | the reference's own folder, float32 |
| `original_i2v/` | the same of an I2V model: shards without an index in bfloat16, CLIP in float16 |
| `single_fp8_i2v` | a single file, bare names, blocks in plain float8, the rest float16 |
| `single_fp8_scaled_i2v` | prefixed names, every linear layer in float8 with `scale_weight`, marker `scaled_fp8` |
| `single_comfy_quant_i2v` | the same values with `weight_scale` and `comfy_quant` |
| `wan_i2v-Q8_0.gguf` | as ComfyUI-GGUF converts |
| `lora_*` | the same change in three dialects, and one with full differences as distilled LoRAs have |

Stored values are read exactly, so that all arithmetic in float32 gives the reference's film.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.cli.main import main

from .films import HERE, assert_equal, command_line

LAYOUTS: dict[str, dict[str, Any]] = json.loads((HERE / "layouts/cases.json").read_text())
I2V: dict[str, dict[str, Any]] = json.loads((HERE / "i2v_clip/cases.json").read_text())


def as_typed(case: dict[str, Any]) -> dict[str, Any]:
    """A case with what is typed for its layout."""
    layout = f"layouts/{case['layout']}"
    if "lora_scale" in case:
        return {**case, "model": case["components"], "lora": layout}
    lacking = {} if (HERE / layout).is_dir() else {"base": case["components"]}
    return {**case, "model": layout, **lacking}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_film_of_its_weights(name: str, tmp_path: Path) -> None:
    case, output = as_typed(LAYOUTS[name]), tmp_path / "film.mkv"
    assert main(command_line(case, output)) == 0
    assert_equal(output, HERE / "layouts" / case["film"], case)


@pytest.mark.parametrize("name", I2V)
def test_image_to_video_is_frame_exact(name: str, tmp_path: Path) -> None:
    case, output = I2V[name], tmp_path / "film.mkv"
    typed = {**case, "model": f"i2v_clip/{case['model']}", "image": f"i2v_clip/{case['image']}"}
    assert main(command_line(typed, output)) == 0
    assert_equal(output, HERE / "i2v_clip" / f"{name}.mkv", case)


@pytest.mark.parametrize("name", ["t2v_sync", "t2v_no_cfg"])
def test_the_original_layout_gives_the_films_of_the_diffusers_layout(name: str, tmp_path: Path) -> None:
    case, output = json.loads((HERE / "cases.json").read_text())[name], tmp_path / "film.mkv"
    assert main(command_line({**case, "model": "layouts/original_df"}, output)) == 0
    assert_equal(output, HERE / f"{name}.mkv", case)
