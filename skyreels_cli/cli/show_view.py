"""A film, an unfinished film or a preset on one screen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from skyreels_cli.cli.moment import how_long_ago
from skyreels_cli.output import byte_size, clock
from skyreels_cli.recipe.rerolls import shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.cli.show_subject import Subject

ShownLine = tuple[str, str]

SHOWN_PROMPT = 600
SAMPLING = {"inference_steps": "{} steps", "scheduler": "{}", "guidance_scale": "guidance {}", "shift": "shift {}"}
# What may hold windows to those before, and its value where nothing does.
HELD = {
    "addnoise_condition": 0,
    "history_guidance": 1.0,
    "latent_anchor": 0.0,
    "frame_sink": False,
    "color_match": "off",
}
DRIFTS = ("luma", "saturation", "contrast", "sharpness")
DRIFT_WIDTH = 24


def subject_view(subject: Subject) -> RenderableType:
    """Draw a line for each thing that is known, the most telling first."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, text in _lines(subject):
        table.add_row(name, text)
    return table


def _lines(subject: Subject) -> Iterator[ShownLine]:
    data = subject.data
    if "values" in data:
        yield "preset", subject.name if len(subject.name) <= SHOWN_PROMPT else f"{subject.name[:60]}…"
        yield from ((name, _word(shown(name, value))) for name, value in data["values"].items())
        return
    recipe = data["recipe"]
    yield from _words(recipe)
    yield "film", f"{subject.film or subject.name}{_size(data)}"
    yield from _length(data)
    yield from _made(data)
    yield from _model(data)
    yield from _sampling(recipe)
    yield from _windows(data)
    yield from _drift(data.get("looks") or ())
    yield from _notes(data)


def _words(recipe: Mapping[str, Any]) -> Iterator[ShownLine]:
    shots = [shot for shot in recipe.get("shots") or () if isinstance(shot, Mapping)]
    if shots:
        yield from ((f"shot {number}", _cut(str(shot.get("prompt")))) for number, shot in enumerate(shots, 1))
    elif recipe.get("prompt"):
        yield "prompt", _cut(str(recipe["prompt"]))
    if recipe.get("negative_prompt"):
        yield "without", _cut(str(recipe["negative_prompt"]))
    for field in ("image", "end_image", "video"):
        if recipe.get(field):
            yield field.replace("_", " "), str(recipe[field])


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_PROMPT else f"{text[:SHOWN_PROMPT]}…"


def _size(data: Mapping[str, Any]) -> str:
    size = data.get("video", {}).get("bytes") or data.get("film", {}).get("bytes")
    return f"  ({byte_size(size)})" if size else ""


def _length(data: Mapping[str, Any]) -> Iterator[ShownLine]:
    video = data.get("video")
    if video:
        size = f"{video['width']}×{video['height']}"
        sound = ", with sound" if video["has_audio"] else ""
        length = f"{video['frames']} frames, {video['duration_s']:.1f} s at {video['fps']:g} fps"
        yield "length", f"{length}, {size}, {video['codec']}{sound}"
    elif "film" in data:
        film = data["film"]
        total = "endless" if film["frames"] is None else f"{film['frames']} frames"
        yield "length", f"{total} at {film['fps']:g} fps, {film['width']}×{film['height']}"


def _made(data: Mapping[str, Any]) -> Iterator[ShownLine]:
    result, film = data.get("result") or {}, data.get("film")
    if film:
        windows = film["windows"] or "…"
        yield "so far", f"{film['windows_done']} of {windows} windows, {_moment(film['made'])}"
        yield "go on", film["resume"] or "it is being rendered just now"
        return
    took = f"rendered in {clock(result['elapsed_s'])}" if result.get("elapsed_s") else ""
    peak = f"peak {byte_size(result['peak_memory_bytes'])}" if result.get("peak_memory_bytes") else ""
    when = _moment(result["finished_at"]) if result.get("finished_at") else ""
    if said := ", ".join(filter(None, (when, took, peak))):
        yield "made", said


def _moment(seconds: float) -> str:
    when = datetime.fromtimestamp(seconds).astimezone()
    return f"{when:%d %b %Y %H:%M} ({how_long_ago(when, datetime.now().astimezone())})"


def _model(data: Mapping[str, Any]) -> Iterator[ShownLine]:
    recipe = data["recipe"]
    loras = [f"LoRA {lora}" if isinstance(lora, str) else f"LoRA {_word(lora)}" for lora in recipe.get("lora") or ()]
    weights = recipe.get("weights_dtype")
    said = [recipe.get("model"), recipe.get("dtype"), weights if weights != "file" else None, *loras]
    if any(said):
        yield "model", ", ".join(str(word) for word in said if word)


def _sampling(recipe: Mapping[str, Any]) -> Iterator[ShownLine]:
    words = [form.format(recipe[name]) for name, form in SAMPLING.items() if recipe.get(name) is not None]
    if recipe.get("ar_step"):
        words.append(f"async {recipe['ar_step']} by {recipe.get('causal_block_size', 1)}")
    words += [f"cache {recipe['cache']}"] if recipe.get("cache") else []
    if words:
        yield "steps", ", ".join(words)
    if recipe.get("seed") is not None:
        yield "seed", seeds(recipe)


def seeds(recipe: Mapping[str, Any]) -> str:
    """The seed that was used, and those of windows that were made again: `7, from window 2 on 9`."""
    again = [reroll for reroll in recipe.get("rerolls") or () if reroll.get("seed") is not None]
    words = [f"from window {reroll['window'] + 1} on {reroll['seed']}" for reroll in again]
    return ", ".join([str(recipe["seed"]), *words])


def _windows(data: Mapping[str, Any]) -> Iterator[ShownLine]:
    recipe, plan = data["recipe"], data.get("plan") or {}
    count = sum(window.get("count", 1) for window in plan.get("windows") or ())
    if count > 1:
        overlap = f"overlapping by {recipe.get('overlap_history')}, joined as {recipe.get('join')}"
        held = (
            f", {name.replace('_', ' ')} {recipe[name]}".removesuffix(" True")
            for name, off in HELD.items()
            if recipe.get(name, off) != off
        )
        yield "windows", f"{count} of {recipe.get('base_num_frames')} frames, {overlap}{''.join(held)}"


def _drift(looks: Sequence[Mapping[str, float]]) -> Iterator[ShownLine]:
    """How the windows' look wanders off from the first one's, in per cent of the whole scale."""
    from skyreels_cli.media.drawing import curve

    known = [look for look in looks if all(name in look for name in DRIFTS)]
    if len(known) < 2:
        return
    for label, name in zip(("drift", "", "", ""), DRIFTS, strict=True):
        values = [100 * (look[name] - known[0][name]) for look in known]
        span = max(2.0, *map(abs, values))
        yield label, f"{name:<11}{values[-1]:+z5.1f} %  {curve(values, DRIFT_WIDTH, -span, span)}"


def _notes(data: Mapping[str, Any]) -> Iterator[ShownLine]:
    if data.get("tags"):
        yield "tags", " ".join(f"#{tag}" for tag in data["tags"])
    if data.get("unknown_words"):
        yield "not known", f"{', '.join(data['unknown_words'])} (words that mean nothing to this model)"
    libraries = [f"{name} {number}" for name, number in (data.get("libraries") or {}).items()]
    if data.get("version"):
        yield "by", ", ".join([f"skyreels {data['version']}", *libraries])


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
