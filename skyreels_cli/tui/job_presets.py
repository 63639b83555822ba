"""Recipes of jobs and films as presets: kept in the user's folder, or as a code to paste."""

from __future__ import annotations

from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.queue.job import JobSummary
from skyreels_cli.queue.store import Store
from skyreels_cli.recipe.presets.find import own_folder
from skyreels_cli.recipe.presets.load import LoadedPreset, PresetLayer
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.presets.read import PresetText
from skyreels_cli.recipe.presets.store import free_name, place_of, save_preset
from skyreels_cli.recipe.presets.yaml_text import YamlText
from skyreels_cli.recipe.sharing.code import to_code
from skyreels_cli.recipe.sharing.film import preset_of
from skyreels_cli.recipe.sharing.incoming import look_at
from skyreels_cli.recipe.sharing.portable import Portable, make_portable

WORDS_OF_NAME = 5


def save_as_preset(store: Store, job: JobSummary) -> str:
    """Keep a job's recipe under a name made of its prompt; returns what was done."""
    portable = _portable(store, job)
    folder = own_folder()
    name = _unused(free_name("-".join(job.prompt.split()[:WORDS_OF_NAME]).lower(), f"job-{job.id}"), folder)
    save_preset(portable.preset, name, folder, files=portable.contents())
    return f"job {job.id} is the preset {name}"


def save_film_as_preset(film: Path) -> str:
    """Keep the recipe that a film carries; returns what was done."""
    folder = own_folder()
    found = look_at(str(film), folder)
    name = _unused(found.name, folder)
    found.save(name, folder, overwrite=False)
    missing = f", without {', '.join(found.missing)}" if found.missing else ""
    return f"{film.name} is the preset {name}{missing}"


def code_of_job(store: Store, job: JobSummary) -> str:
    """The share code of a job's recipe; UsageError `preset-has-files` if it starts from pictures."""
    portable = _portable(store, job)
    if portable.files:
        message = f"job {job.id} starts from {', '.join(sorted(portable.files))}, which a code cannot hold"
        raise UsageError("preset-has-files", message, "save it as a preset (m), then export that as .skypreset")
    return to_code(portable.preset)


def _portable(store: Store, job: JobSummary) -> Portable:
    values = preset_of(store.job(job.id).recipe)
    text = PresetText(Preset.model_validate(values), f"job {job.id}", YamlText(values))
    return make_portable(LoadedPreset((PresetLayer(text, None),)))


def _unused(name: str, folder: Path) -> str:
    """The name, numbered if there is a preset of that name."""
    numbered = (name, *(f"{name}-{number}" for number in range(2, 1000)))
    return next((free for free in numbered if not place_of(free, folder).exists()), name)
