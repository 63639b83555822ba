"""What a window is given besides its texts: its noise, the end of the film so far, and pictures."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from skyreels_cli.film.loaded_model import FittedPicture, LoadedModel, read_picture
from skyreels_cli.model.family import Conditioned, Given
from skyreels_cli.plan.plan import Window
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.shots import Shot


def condition(
    noise: Tensor, window: Window, shot: Shot, recipe: Recipe, prefix: Tensor | None, model: LoadedModel, vae: Any
) -> Conditioned:
    """A window or turn before its first row, as the model's family makes it of the `noise` `(c, f, h, w)`.

    `prefix` `(c, p, h, w)` are the latents that come before it; `vae` is only needed where there are pictures.
    """
    image = _picture(shot.image, recipe) if window.fresh else None
    end_image = _picture(shot.end_image, recipe) if window.end_frame else None
    given = Given(
        window=window,
        noise=noise,
        vae=vae,
        prefix=prefix,
        image=read_picture(image) if image else None,
        end_image=read_picture(end_image) if end_image else None,
        image_features=model.image_features(image) if image else None,
    )
    return model.family.condition(given)


def pictures(recipe: Recipe) -> list[FittedPicture]:
    """The images from which shots of a film start."""
    found = (_picture(shot.image, recipe) for shot in recipe.story)
    return [picture for picture in found if picture]


def _picture(path: str | None, recipe: Recipe) -> FittedPicture | None:
    return (path, recipe.width, recipe.height) if path else None
