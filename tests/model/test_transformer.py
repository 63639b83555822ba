"""Our forward against diffusers' own, and the tensors that it must never build."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import SkyReelsV2Transformer3DModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.hub.weights import weights_spec
from skyreels_cli.model import tokens as module
from skyreels_cli.model.loading import load_transformer
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.transformer import Transformer

from .conftest import GOLDEN, Twins

CPU = torch.device("cpu")


def their_velocity(
    theirs: SkyReelsV2Transformer3DModel, latents: Tensor, times: Tensor, text: Tensor, fps: int = 24, block: int = 1
) -> Tensor:
    """Diffusers' forward, whose block size is in its config and whose mask comes with any above 1."""
    theirs._set_ar_attention(block)
    forcing = times.ndim == 2
    fps_class = [0 if fps == 16 else 1]
    velocity: Tensor = theirs(latents, times, text, enable_diffusion_forcing=forcing, fps=fps_class, return_dict=False)[
        0
    ]
    return velocity


def blocks_of(frames: int, size: int) -> list[tuple[int, int]] | None:
    return [(start, start + size) for start in range(0, frames, size)] if size > 1 else None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 9),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)),
    block=st.integers(1, 3),
    mode=st.sampled_from(["sync", "async", "t2v"]),
    fps=st.sampled_from([16, 24]),
    config=st.fixed_dictionaries(
        {
            "num_attention_heads": st.integers(1, 3),
            "attention_head_dim": st.sampled_from([8, 12, 24]),
            "inject_sample_info": st.booleans(),
            "cross_attn_norm": st.booleans(),
        }
    ),
    slice_tokens=st.sampled_from([1, 7, 1024]),
)
def test_forward_is_diffusers_own(
    twins: Twins,
    seed: int,
    size: tuple[int, int, int],
    block: int,
    mode: str,
    fps: int,
    config: dict[str, Any],
    slice_tokens: int,
) -> None:
    theirs, ours = twins(seed, **config)
    rows, columns, blocks = size
    frames = blocks * block
    latents, text = torch.randn(1, 16, frames, 2 * rows, 2 * columns), torch.randn(1, 512, 20)
    times = {
        "sync": torch.full((1, frames), 613),
        "async": torch.randint(0, 1000, (1, frames)),
        "t2v": torch.tensor([871]),
    }[mode]
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(module.SLICE_TOKENS, "cpu", slice_tokens)
        expected = their_velocity(theirs, latents, times, text, fps, block)
        context = TextContext(text)
        for _ in range(2):  # the second time with the prompt's keys from the first
            found = ours(latents, times, context, fps=fps, causal_blocks=blocks_of(frames, block))
            assert (found - expected).abs().max() <= 1e-5


def test_per_frame_modulation_is_what_every_token_of_the_frame_would_get(twins: Twins) -> None:
    _, ours = twins(inject_sample_info=True)
    times = torch.tensor([[999, 613, 0]])
    with torch.no_grad():
        head, modulation = ours._time_embedding(times, 24, 3, torch.float32)
        for frame, time in enumerate(times[0]):
            alone = ours._time_embedding(time.view(1, 1), 24, 1, torch.float32)
            assert torch.allclose(head[:, frame], alone[0][:, 0], atol=1e-6)
            assert torch.allclose(modulation[:, frame], alone[1][:, 0], atol=1e-6)
    assert modulation.shape == (1, 3, 6, 24)


def test_fps_class_matters_only_where_the_model_knows_it(twins: Twins) -> None:
    latents, times, text = torch.randn(1, 16, 2, 4, 4), torch.tensor([[500, 500]]), torch.randn(1, 512, 20)
    for knows in (True, False):
        _, ours = twins(inject_sample_info=knows)
        with torch.no_grad():
            at = {fps: ours(latents, times, TextContext(text), fps=fps) for fps in (16, 24, 30)}
        assert torch.equal(at[24], at[30])
        assert torch.equal(at[16], at[24]) is not knows


def test_bfloat16_is_as_near_to_the_truth_as_diffusers(facts: ModelFacts) -> None:
    weights = facts.folder / "transformer"
    theirs = SkyReelsV2Transformer3DModel.from_pretrained(weights, torch_dtype=torch.bfloat16).eval()
    exact = SkyReelsV2Transformer3DModel.from_pretrained(weights).eval()
    ours = load_transformer(weights_spec(facts, "bfloat16"), CPU)
    dtypes = {name: parameter.dtype for name, parameter in theirs.named_parameters()}
    assert {name: parameter.dtype for name, parameter in ours.named_parameters()} == dtypes
    assert set(dtypes.values()) == {torch.bfloat16, torch.float32}
    generator = torch.Generator().manual_seed(5)
    latents, text = (torch.randn(s, generator=generator) for s in ((1, 16, 6, 6, 10), (1, 512, 32)))
    for times in (torch.full((1, 6), 613), torch.tensor([[0, 0, 400, 400, 999, 999]])):
        with torch.no_grad():
            truth = their_velocity(exact, latents, times, text)
            half = latents.bfloat16(), times, text.bfloat16()
            their_error = their_velocity(theirs, *half).float() - truth
            our_error = ours(half[0], times, TextContext(half[2]), fps=24).float() - truth
        assert our_error.square().mean().sqrt() <= 1.1 * their_error.square().mean().sqrt()
        # Two roundings of the same number to 8 bits are at most one step of the largest apart, a few layers deep.
        assert (our_error - their_error).abs().max() <= 4 * 2**-8 * truth.abs().max()


class LargestTensor(TorchDispatchMode):
    """Remembers the most elements that any tensor had that an operation gave back (views count as what they show)."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.numel())
        return result


@pytest.mark.parametrize("block", [1, 2])
def test_defect_5_no_modulation_per_token_and_no_mask(twins: Twins, block: int) -> None:
    theirs, ours = twins(num_attention_heads=2, attention_head_dim=32, ffn_dim=80, inject_sample_info=True)
    frames, rows, columns, width = 6, 16, 16, 64
    tokens = frames * rows * columns
    latents, text = torch.randn(1, 16, frames, 2 * rows, 2 * columns), torch.randn(1, 512, 20)
    times = torch.randint(0, 1000, (1, frames))
    with torch.no_grad():
        with LargestTensor() as in_ours:
            ours(latents, times, TextContext(text), fps=24, causal_blocks=blocks_of(frames, block))
        with LargestTensor() as in_theirs:
            their_velocity(theirs, latents, times, text, block=block)
    # Queries, keys and values are the largest; the feed-forward's hidden layer exists for a slice of tokens.
    assert in_ours.elements <= max(tokens * width, module.SLICE_TOKENS["cpu"] * 80)
    assert in_theirs.elements == (tokens**2 if block > 1 else 6 * tokens * width)


def test_parameters_have_diffusers_names_so_that_its_loaders_work(twins: Twins) -> None:
    theirs, ours = twins(inject_sample_info=True)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert isinstance(ours, Transformer)
    assert dict(ours.config).items() >= {k: v for k, v in dict(theirs.config).items() if k[0] != "_"}.items()


def test_image_to_video_is_diffusers_own_arithmetic() -> None:
    folder = GOLDEN / "i2v_clip/model"
    theirs = SkyReelsV2Transformer3DModel.from_pretrained(folder / "transformer").eval()
    ours = load_transformer(weights_spec(open_folder(folder, "i2v"), "float32"), CPU)
    generator = torch.Generator().manual_seed(3)
    shapes = ((1, 36, 3, 4, 6), (1, 512, 32), (1, 257, 32))
    latents, text, image = (torch.randn(shape, generator=generator) for shape in shapes)
    with torch.no_grad():
        expected = theirs(latents, torch.tensor([613]), text, image, return_dict=False)[0]
        velocity = ours(latents, torch.tensor([613]), TextContext(text, image))
        without = ours(latents, torch.tensor([613]), TextContext(text))
    assert (velocity - expected).abs().max() <= 1e-5
    assert (without - expected).abs().max() > 0.1
