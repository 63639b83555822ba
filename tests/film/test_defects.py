"""The reference's defects (tests/golden/REFERENCE.md §5) do not come back: each on a small model, in whole films."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import AutoencoderKLWan
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from skyreels_cli.cli.main import main
from skyreels_cli.film.events import Event, FilmDone
from skyreels_cli.media.comment import read_comment
from skyreels_cli.media.video import open_video

GOLDEN = Path(__file__).parents[1] / "golden"
FIRST, LAST = str(GOLDEN / "first.png"), str(GOLDEN / "last.png")
ONE_WINDOW = {"resolution": "80x48", "inference_steps": 2}

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], npt.NDArray[np.uint8]]
MODES: dict[str, dict[str, Any]] = {
    "sync": {},
    "async": {"ar_step": 1},
    "blocks of five": {"ar_step": 2, "causal_block_size": 5},
    "blocks of three": {"ar_step": 1, "causal_block_size": 3},
    "causal": {"ar_step": 1, "causal_block_size": 2, "causal_attention": True},
    "noise on the condition": {"addnoise_condition": 30},
}


def image_latent(path: str) -> Tensor:
    """A picture of the film's size through diffusers' own VAE."""
    vae = AutoencoderKLWan.from_pretrained(GOLDEN / "model" / "vae")
    pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1).float() / 127.5 - 1
    mean, std = (torch.tensor(v).view(-1, 1, 1, 1) for v in (vae.config.latents_mean, vae.config.latents_std))
    with torch.no_grad():
        latent: Tensor = (vae.encode(pixels[None, :, None]).latent_dist.mode()[0] - mean) / std
    return latent


def denoised(sampler: Any) -> list[bool]:
    """For each latent frame behind the prefix: whether anything of it differs from its noise."""
    window = sampler.window
    return [
        not torch.equal(sampler.latents[:, frame], sampler.noise[:, frame])
        for frame in range(window.prefix_latents, window.latents)
    ]


@pytest.mark.parametrize(("mode", "frames"), [*((mode, 21) for mode in MODES), ("blocks of five", 25)])
def test_defect_1_the_image_survives_every_mode(film: Film, samplers: list[Any], mode: str, frames: int) -> None:
    list(film(**ONE_WINDOW, **MODES[mode], image=FIRST, num_frames=frames, base_num_frames=25))
    (sampler,) = samplers
    assert torch.equal(sampler.latents[:, :1], image_latent(FIRST))
    assert denoised(sampler) == [True] * ((frames - 1) // 4)


@pytest.mark.parametrize("mode", ["sync", "blocks of five", "causal"])
def test_defect_1_the_end_frame_survives_too(film: Film, samplers: list[Any], mode: str) -> None:
    list(film(**ONE_WINDOW, **MODES[mode], image=FIRST, end_image=LAST, num_frames=17, base_num_frames=21))
    (sampler,) = samplers
    assert torch.equal(sampler.latents[:, :1], image_latent(FIRST))
    assert torch.equal(sampler.latents[:, -1:], image_latent(LAST))
    assert sampler.latents.shape[1] == 6
    assert denoised(sampler) == [True] * 4


@pytest.mark.parametrize(("mode", "frames"), [("sync", 17), ("sync", 24), ("blocks of three", 21)])
def test_defect_2_a_long_film_with_an_end_frame_has_the_frames_asked_for(
    film: Film, frames_of: Frames, samplers: list[Any], tmp_path: Path, mode: str, frames: int
) -> None:
    done = list(film(**MODES[mode], end_image=LAST, num_frames=frames))[-1]
    assert isinstance(done, FilmDone)
    assert len(samplers) > 1
    assert done.frames == len(frames_of(tmp_path / "film.mkv")) == frames
    assert [sampler.window.end_frame for sampler in samplers] == [False] * (len(samplers) - 1) + [True]
    assert all(all(denoised(sampler)) for sampler in samplers)


@pytest.mark.parametrize("block", [5, 7])
def test_defect_2_no_tail_of_noise_where_blocks_do_not_divide_the_window(
    film: Film, samplers: list[Any], block: int
) -> None:
    small = {"resolution": "32x32", "inference_steps": 2, "num_frames": 121, "base_num_frames": 121}
    list(film(**small, ar_step=1, causal_block_size=block))
    (sampler,) = samplers
    assert denoised(sampler) == [True] * 31
    assert not torch.isnan(sampler.latents).any()


@pytest.mark.parametrize("frames", [14, 17, 19])
def test_defect_3_no_frame_is_lost_at_any_length(film: Film, frames_of: Frames, tmp_path: Path, frames: int) -> None:
    small = {"resolution": "32x32", "inference_steps": 1}
    list(film(**small, num_frames=frames, overlap_history=9))
    assert len(frames_of(tmp_path / "film.mkv")) == frames


@pytest.mark.parametrize("overlap", [6, 13, 17])
def test_defect_3_an_overlap_that_cannot_work_is_refused(overlap: int, capsys: pytest.CaptureFixture[str]) -> None:
    error = refusal(["--overlap-history", str(overlap), "--base-num-frames", "13", "--num-frames", "33"], capsys)
    assert error["code"] == "plan-overlap-history"
    assert "--overlap-history" in error["hint"]


def test_defect_7_a_seed_is_a_film(film: Film, samplers: list[Any], tmp_path: Path) -> None:
    for global_seed, name in ((1, "once.mkv"), (2, "again.mkv")):
        torch.manual_seed(global_seed)
        list(film(tmp_path / name, addnoise_condition=40))
    first, second = samplers[:2], samplers[2:]
    for sampler, other in zip(first, second, strict=True):
        assert torch.equal(sampler.latents, other.latents)
    list(film(tmp_path / "other.mkv", addnoise_condition=40, seed=8))
    assert not torch.equal(samplers[4].latents, first[0].latents)


def test_defect_7_noise_on_the_condition_does_not_shift_the_noise_of_windows(
    film: Film, samplers: list[Any], tmp_path: Path
) -> None:
    for addnoise in (0, 40):
        list(film(tmp_path / f"{addnoise}.mkv", addnoise_condition=addnoise))
    behind = samplers[1].window.prefix_latents
    assert torch.equal(samplers[0].noise, samplers[2].noise)
    assert torch.equal(samplers[1].noise[:, behind:], samplers[3].noise[:, behind:])
    assert not torch.equal(samplers[1].latents, samplers[3].latents)


def refusal(options: list[str], capsys: pytest.CaptureFixture[str], model: Path = GOLDEN / "model") -> dict[str, str]:
    """The error of a command line that must end with exit code 2, one envelope on stdout and nothing rendered."""
    line = ["generate", "a red ball", "--model", str(model), "--resolution", "32x32", "--device", "cpu"]
    assert main([*line, *options, "--json"]) == 2
    error: dict[str, str] = json.loads(capsys.readouterr().out)["error"]
    assert error["hint"]
    return error


def spoil_tensors(model: Path) -> str:
    weights = model / "transformer/diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    del tensors["blocks.1.attn1.to_q.weight"]
    save_file(tensors, weights, metadata={"format": "pt"})
    return "blocks.1.attn1.to_q.weight"


def lose_a_shard(model: Path) -> str:
    weights = model / "transformer/diffusion_pytorch_model.safetensors"
    shard = "diffusion_pytorch_model-00001-of-00002.safetensors"
    index = {"weight_map": dict.fromkeys(load_file(weights), shard)}
    weights.rename(weights.with_name("elsewhere"))
    weights.with_name(f"{weights.name}.index.json").write_text(json.dumps(index))
    return shard


def truncate(model: Path) -> str:
    weights = model / "vae/diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    return weights.name


def take_another_family(model: Path) -> str:
    index = model / "model_index.json"
    index.write_text(index.read_text().replace("SkyReelsV2DiffusionForcingPipeline", "WanPipeline"))
    return "WanPipeline"


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (spoil_tensors, "model-tensors"),
        (lose_a_shard, "model-incomplete"),
        (truncate, "model-truncated"),
        (take_another_family, "model-family"),
    ],
)
def test_defect_8_a_wrong_model_is_an_error_that_names_what_is_wrong(
    damage: Callable[[Path], str], code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Path(shutil.copytree(GOLDEN / "model", tmp_path / "ball"))
    named = damage(model)
    error = refusal(["-o", str(tmp_path / "film.mp4")], capsys, model)
    assert error["code"] == code
    assert named in error["message"]
    assert not (tmp_path / "film.mp4").exists()


def test_defect_8_a_mistyped_model_and_the_wrong_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal([], capsys, GOLDEN / "modle")["code"] == "model-not-found"
    error = refusal(["--image", FIRST], capsys, GOLDEN / "model_t2v")
    assert error["code"] == "model-family"
    assert "--image needs a DF model" in error["message"]


@pytest.mark.parametrize("prompt", ["ein Ball " * 900, "一个红球在水面上滚动", '/../..\\?*:|"<>', "🎈🎈", "CON"])
def test_defect_9_the_name_is_known_to_work_before_the_render(
    prompt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["generate", prompt, "--model", str(GOLDEN / "model"), "--resolution", "32x32"]
    assert main([*line, "--outdir", str(tmp_path), "--dry-run", "--json"]) == 0
    output = Path(json.loads(capsys.readouterr().out)["data"]["output"])
    assert output.parent == tmp_path
    for suffix in ("", ".json", ".skyreels"):
        output.with_name(output.name + suffix).touch()


def test_defect_9_a_prompt_in_any_script_becomes_a_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompt = "赤いボールが「水」の上を、転がる = " + "長" * 300
    line = ["generate", prompt, "--model", str(GOLDEN / "model"), "--resolution", "32x32", "--num-frames", "5"]
    line += ["--inference-steps", "1", "--guidance-scale", "1", "--device", "cpu", "--dtype", "float32"]
    assert main([*line, "--outdir", str(tmp_path), "--json"]) == 0
    output = Path(json.loads(capsys.readouterr().out)["data"]["output"])
    assert open_video(output).frames == 5
    assert json.loads(read_comment(output) or "")["recipe"]["prompt"] == prompt
