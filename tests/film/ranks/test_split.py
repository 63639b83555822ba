"""Which films several GPUs may share, and how it is put into words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.errors import PluginError, UsageError
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.ranks import split as module
from skyreels_cli.film.ranks.split import check_split, describe_split
from skyreels_cli.film.render import render
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.plugins.entries import Entry, find_entries
from skyreels_cli.plugins.manager import Plugins
from skyreels_cli.plugins.specs import CacheSpec
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft, Recipe
from tests.film.conftest import GOLDEN, SMALL

FACTS = open_folder(GOLDEN / "model", "golden")
NAIVE = """
from skyreels_cli.plugins.specs import CacheSpec, hookimpl

SKYREELS_API = 1


@hookimpl
def skyreels_register_caches():
    return [CacheSpec("naive", "Decides by its own tokens.", "naive_plugin:Naive")]
"""


def rendering(recipe: Recipe, placement: Placement, output: Path = Path("film.mkv")) -> Rendering:
    plan = make_plan(recipe, FACTS)
    return Rendering(recipe=recipe, facts=FACTS, plan=plan, placement=placement, output=output)


def recipe_of(**changes: Any) -> Recipe:
    return complete(Draft.model_validate({**SMALL, "guidance_scale": 3.0, **changes}), FACTS)


def check(placement: Placement, **changes: Any) -> str | None:
    film = rendering(recipe_of(**changes), placement)
    check_split(film.recipe, film.plan, film.facts, placement)
    return describe_split(film.recipe, film.plan, film.facts, placement)


def test_in_words() -> None:
    assert check(Placement()) is None
    assert check(Placement(gpus=2)) == "2 GPUs by cfg-context: 2 branches"
    assert check(Placement(gpus=4)) == "4 GPUs by cfg-context: 2 branches × 2 shares"
    assert check(Placement(gpus=2, parallel="context")) == "2 GPUs by context: 2 shares"


@pytest.mark.parametrize(
    ("placement", "changes", "code"),
    [
        (Placement(parallel="context"), {}, "gpus-unsaid"),
        (Placement(gpus=3), {}, "gpus-indivisible"),
        (Placement(gpus=2), {"cache": "dbcache"}, "cache-alone"),
    ],
)
def test_what_is_refused(placement: Placement, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as raised:
        check(placement, **changes)
    assert raised.value.code == code


def test_an_unknown_backend_is_told_before_the_missing_number() -> None:
    with pytest.raises(PluginError) as raised:
        check(Placement(parallel="gone"))
    assert raised.value.code == "plugin-not-found"


def test_a_cache_that_does_not_say_that_it_agrees_starts_no_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CacheSpec("naive", "", "a:b").agrees is False
    (tmp_path / "naive_plugin.py").write_text(NAIVE)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = Plugins([*find_entries(), Entry("naive", "naive_plugin", "skyreels-naive", "1")])
    monkeypatch.setattr(module, "plugins", lambda: known)
    film = rendering(recipe_of(), Placement(device="cpu", gpus=2), tmp_path / "film.mkv")
    film = Rendering(**{**vars(film), "recipe": film.recipe.model_copy(update={"cache": "naive"})})
    with pytest.raises(UsageError) as raised:
        next(render(film))
    assert (raised.value.code, raised.value.hint) == ("cache-alone", "--gpus 1, or another --cache")
