"""Several takes of one film in the queue: alike but for their seeds, and for their names where one was given."""

from __future__ import annotations

from dataclasses import replace

from skyreels_cli.cli.options import FilmOptions
from skyreels_cli.errors import UsageError


def takes_of(film: FilmOptions, seeds: str | None, takes: int | None) -> list[FilmOptions]:
    """The film once for each seed, under names of their own; UsageError `usage` where the seeds make no sense."""
    if seeds is None and takes is None:
        return [film]
    if film.recipe.seed is not None or (seeds is not None and takes is not None):
        raise UsageError("usage", "--seed, --seeds and --takes exclude each other", "--seeds 1,2,3")
    numbers = _seed_numbers(seeds) if seeds is not None else [_new_seed() for _ in range(takes or 1)]
    return [_take(film, seed) for seed in numbers]


def _seed_numbers(said: str) -> list[int]:
    numbers = [word.strip() for word in said.split(",")]
    if not all(word.isdecimal() for word in numbers) or len(set(numbers)) < len(numbers):
        raise UsageError("usage", f"--seeds {said}: different whole numbers, with commas between", "--seeds 1,2,3")
    return [int(word) for word in numbers]


def _new_seed() -> int:
    from skyreels_cli.recipe.complete import draw_seed

    return draw_seed()


def _take(film: FilmOptions, seed: int) -> FilmOptions:
    output = film.file.output
    file = replace(film.file, output=output.with_stem(f"{output.stem}_{seed}") if output else None)
    return replace(film, recipe=replace(film.recipe, seed=seed), file=file)
