"""The bundled model obeys its prompts, windows, prefixes and end frames: a few films of the program, scored.

The figures that count (n of 20 to 100) are the benchmark's; here a broken engine or bundle must show.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from skyreels_tiny import weights_path
from skyreels_tiny.meaning import Meaning
from skyreels_tiny.scoring import background_names, direction, look, score

pytestmark = pytest.mark.skipif(not weights_path().exists(), reason="no bundle has been exported yet")


def test_films_show_what_their_prompts_ask_for(score_tiny: ModuleType, program: Any) -> None:
    shares = score_tiny.single(program, 0.05)
    assert shares["n"] == 5
    assert shares["background"] == 1.0
    assert min(shares["colour"], shares["shape"], shares["direction"]) >= 0.8
    assert shares["roles swapped"] == 0.0


def test_one_seed_with_two_prompts_makes_two_films(program: Any) -> None:
    right = look(program.film("a red circle moves to the right over a white background", 3))
    left = look(program.film("a red circle moves to the left over a white background", 3))
    assert right is not None
    assert left is not None
    assert (direction(right), direction(left)) == ("right", "left")


def test_one_prompt_with_several_seeds_places_its_object_differently(score_tiny: ModuleType, program: Any) -> None:
    spread = score_tiny.seeds(program, 0.5)
    assert (spread["n"], spread["seen"]) == (4, 4)
    assert spread["spread px"] > 5


def test_a_given_picture_goes_on_and_a_given_end_is_reached(score_tiny: ModuleType, program: Any) -> None:
    assert score_tiny.image(program, 0.07)["object"] == 1.0
    assert score_tiny.end(program, 0.07)["psnr"] > 22


def test_the_object_of_a_long_film_is_there_in_its_last_window(program: Any) -> None:
    film = program.film("a green square stays still over a black background", 1, num_frames=97)
    assert len(film) == 97
    asked = Meaning("single", (("square", "green"),), ("black",), "still")
    assert score(film[-16:], asked)["object"]
    assert background_names(film[-16:]) == ("black",)
    assert np.ptp([frame.mean() for frame in film]) < 20
