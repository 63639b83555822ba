"""A film that is asked for at the command line, in the form or through the queue is the same order, or same error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer.main
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyreels_cli.cli.app import app
from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.order.intake import decide, take_up
from skyreels_cli.order.order import Order
from skyreels_cli.order.request import Request
from skyreels_cli.output import Output
from skyreels_cli.queue.new_job import new_job
from skyreels_cli.queue.store import Store
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.tui.proposal import FormStart, request_of

MODEL = str(Path(__file__).parents[1] / "golden" / "model")
LORA = str(Path(__file__).parents[1] / "golden" / "layouts" / "lora_kohya.safetensors")
PICTURE = str(Path(__file__).parents[1] / "golden" / "first.png")

# What a person may say of each field, mistakes included; 97 frames at 80x48 are planned in a millisecond.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "negative_prompt": st.sampled_from(["people", "blurry, cars"]),
    "resolution": st.sampled_from(["80x48", "64x64", "96x48", "81x48", "huge"]),
    "aspect": st.sampled_from(["16:9", "9:16", "1:1"]),
    "num_frames": st.sampled_from([1, 17, 40, 97, 200, 0]),
    "duration": st.sampled_from(["1s", "2.5", "10s", "soon"]),
    "fps": st.sampled_from([16, 24, 30]),
    "image": st.sampled_from([PICTURE, "/there/is/none.png"]),
    "end_image": st.just(PICTURE),
    "inference_steps": st.sampled_from([3, 30]),
    "guidance_scale": st.sampled_from([1.0, 6.0]),
    "shift": st.sampled_from([3.0, 8.0]),
    "scheduler": st.sampled_from(["unipc", "euler", "unipcc"]),
    "ar_step": st.sampled_from([0, 2, 5]),
    "causal_block_size": st.sampled_from([1, 3]),
    "base_num_frames": st.sampled_from([17, 33, 97, 18]),
    "overlap_history": st.sampled_from([5, 17, 6]),
    "addnoise_condition": st.sampled_from([0, 20, "auto", "much"]),
    "join": st.sampled_from(["pixels", "latents"]),
    "color_match": st.sampled_from(["off", "anchor"]),
    "causal_attention": st.booleans(),
    "frame_sink": st.booleans(),
    "latent_anchor": st.sampled_from([0.0, 0.5, 2.0]),
    "history_guidance": st.sampled_from([1.0, 1.5]),
    "cache": st.sampled_from(["teacache", "blockcache", "none"]),
    "dtype": st.sampled_from(["bfloat16", "float32"]),
    "weights_dtype": st.sampled_from(["file", "fp8"]),
    "base": st.just(MODEL),
    "lora": st.sampled_from([LORA, f"{LORA}:0.5", "/there/is/none.safetensors", f"{LORA}:strong"]),
    "codec": st.sampled_from(["h264", "ffv1"]),
    "quality": st.sampled_from([5.0, 11.0]),
    "gpus": st.sampled_from([1, 2]),
    "parallel": st.sampled_from(["cfg", "context"]),
    "teacache.threshold": st.sampled_from([0.1, "much"]),
}
SAID = st.lists(st.sampled_from(sorted(FIELDS)), max_size=7, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: FIELDS[name] for name in names})
)


class Asked(Exception):
    """Stands in for the render: the order that a command line came to."""

    def __init__(self, order: Order) -> None:
        super().__init__()
        self.order = order


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """`generate` stops with its order in hand."""

    def stop(rendering: Rendering, *_: object) -> None:
        assert isinstance(rendering, Order)
        raise Asked(rendering)

    monkeypatch.setattr("skyreels_cli.cli.generate.render_film", stop)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "queue")
    yield store
    store.database.close()


def words_of(said: dict[str, Any], output: Path) -> list[str]:
    """The command line that says this."""
    words = ["generate", "a ball", "--model", MODEL, "--seed", "7", "-o", str(output), "--no-input"]
    for name, value in said.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words += [f"--{option}" if value else f"--no-{option}"]
        else:
            words += ["-O", f"{name}={value}"] if "." in name else [f"--{option}", str(value)]
    return words


def typed_at_the_command_line(said: dict[str, Any], output: Path) -> Order | str:
    out = Output()
    out.turn_on(quiet=True)
    try:
        command = typer.main.get_command(app)
        command.main(words_of(said, output), prog_name="skyreels", standalone_mode=False, obj=out)
    except Asked as asked:
        return asked.order
    except SkyreelsError as error:
        return told(error)
    except Exception as error:  # noqa: BLE001 - Typer's own checks of numbers and choices
        return f"usage: {error}"
    raise AssertionError("the command neither rendered nor failed")


def typed_into_the_form(said: dict[str, Any], output: Path) -> tuple[Request, Order] | str:
    fields = {"prompt": "a ball", "model": MODEL, "seed": "7", "output": str(output)}
    try:
        request = request_of(FormStart({}, {}), {**fields, **{name: str(value) for name, value in said.items()}})
        return request, decide(request)
    except SkyreelsError as error:
        return told(error)


def queued_and_taken_up(order: Order, request: Request, store: Store) -> Rendering:
    """What the renderer makes of the order once it was a row of the queue."""
    job = store.add(replace(new_job(order, request), output_is_default=True))  # the queue has one job a name
    said = json.loads(json.dumps(store.assets.resolve(job.current_recipe)))
    placement = Placement(**{"device": "auto", "offload": "auto", "attention": "auto", **job.placement})
    return take_up(Recipe.model_validate(said), placement, job.output_path)


def told(error: SkyreelsError) -> str:
    """An error as all doors tell it; the command line spells a field as its flag."""
    message = error.message.replace("-", "_").replace("'", "")  # a form holds text: '11.0'
    for spelling in ("__", "_O ", "options."):
        message = message.removeprefix(spelling)
    return f"{error.code}: {message}"


def where_assets_lie(recipe: Recipe, by: dict[str, str]) -> Recipe:
    """The recipe with other paths of its pictures."""
    pictures = {"image": recipe.image, "end_image": recipe.end_image}
    return recipe.model_copy(update={name: by[path] for name, path in pictures.items() if path})


@pytest.mark.usefixtures("stopped")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=SAID)
def test_three_doors_give_the_same_order_or_the_same_error(tmp_path: Path, store: Store, said: dict[str, Any]) -> None:
    output = tmp_path / "film.mkv"
    typed = typed_at_the_command_line(said, output)
    formed = typed_into_the_form(said, output)
    if isinstance(formed, str):
        assert isinstance(typed, str), f"the form refuses what the command line takes: {formed}"
        assert typed == formed or typed.startswith("usage: ")
        return
    request, order = formed
    assert not isinstance(typed, str)
    assert replace(typed, placement=order.placement, way=None) == order
    queued = queued_and_taken_up(order, request, store)
    pictures = {str(copy): PICTURE for copy in store.assets.folder.rglob("*.png")}
    assert where_assets_lie(queued.recipe, pictures) == order.recipe
    assert (queued.plan, queued.facts) == (order.plan, order.facts)
    # What leaves the device is decided when a film's turn comes: for the command line that is now.
    assert order.placement.offload == "auto"
    assert queued.placement == replace(typed.placement, device="auto")
