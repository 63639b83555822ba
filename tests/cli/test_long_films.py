"""Shots, films without end and further takes, as they are asked for on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import FakeFilm, Ran

Run = Callable[..., Ran]

STORY = """\
shots:
- prompt: a red ball
  num_frames: 17
- prompt: snow
  duration: 0.5s
  seed: 4
  cut: true
"""


class TestShots:
    @pytest.fixture
    def story(self, run: Run) -> Path:
        path = Path("story.yaml")
        path.write_text(STORY)
        return path

    def test_they_reach_the_film(self, generate: Run, film: FakeFilm, story: Path) -> None:
        ran = generate("--shots", str(story), "--seed", "7", "-q")
        assert ran.status == 0, ran.err
        (recipe,) = film.recipes
        told = [(shot.prompt, shot.num_frames, shot.seed, shot.cut) for shot in recipe.story]
        assert told == [("a red ball", 17, None, False), ("snow", 12, 4, True)]
        assert (recipe.num_frames, recipe.prompt, recipe.seed) == (29, "a red ball", 7)
        assert ran.out.rstrip().endswith("_a-red-ball_7.mp4")

    def test_dry_run_tells_them_apart(self, generate: Run, story: Path) -> None:
        lines = generate("--shots", str(story), "--dry-run").out.splitlines()
        assert [line.split()[-1] for line in lines[2:5]] == ["shot", "1", "2"]
        data = generate("--shots", str(story), "--dry-run", "--json").envelope["data"]
        assert [window["shot"] for window in data["windows"]] == [0, 1]

    def test_explain_names_them(self, generate: Run, story: Path) -> None:
        why = generate("--shots", str(story), "--explain", "--json").envelope["data"]["explain"]
        assert why["num_frames"] == why["prompt"] == "typed (shots)"

    @pytest.mark.parametrize(
        ("text", "more", "code"),
        [
            (None, [], "shots-not-found"),
            ("- prompt: a\n", [], "bad-preset"),
            (STORY, ["--num-frames", "9"], "shots-length"),
            (STORY.replace("17", "16").replace("cut: true", "cut: false"), ["--join", "latents"], "plan-shots"),
        ],
    )
    def test_mistakes(self, generate: Run, film: FakeFilm, text: str | None, more: list[str], code: str) -> None:
        if text:
            Path("story.yaml").write_text(text)
        ran = generate("--shots", "story.yaml", *more, "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, code)
        assert ran.envelope["error"]["hint"]
        assert film.recipes == []


class TestEndless:
    def test_dry_run(self, generate: Run) -> None:
        ran = generate("x", "--duration", "inf", "--dry-run", "-o", "x.mp4")
        assert ran.out.splitlines()[0] == "endless, 80×48, 24 fps → x.mp4"
        assert generate("x", "--duration", "inf", "--dry-run", "-q").out == "endless frames in endless windows\n"
        data = generate("x", "--duration", "inf", "--dry-run", "--json").envelope["data"]
        assert (data["frames"], data["duration_s"], data["total_rows"]) == (None, None, None)

    def test_one_ctrl_c_ends_it(self, generate: Run, film: FakeFilm) -> None:
        film.presses = {2: 1}
        ran = generate("x", "--duration", "inf", "-o", "x.mp4")
        assert ran.status == 0, ran.err
        assert ran.err.splitlines()[2:6] == [
            "window 1  frames 1–97  30 steps  1.50 s/step  peak 8.1 GB",
            "window 2  frames 98–177  30 steps  1.50 s/step  peak 8.1 GB",
            "the film ends with this window; Ctrl-C again stops now and leaves it resumable",
            "window 3  frames 178–257  30 steps  1.50 s/step  peak 8.1 GB",
        ]

    def test_two_leave_it_resumable(self, generate: Run, film: FakeFilm) -> None:
        film.presses = {2: 2}
        Path("x.mp4.skyreels").mkdir()
        ran = generate("x", "--duration", "inf", "-o", "x.mp4", "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (130, "interrupted")
        assert ran.envelope["error"]["hint"] == "skyreels resume x.mp4"
        assert film.closed
        assert not Path("x.mp4").exists()

    def test_it_has_no_last_frame(self, generate: Run) -> None:
        from .conftest import MODEL

        image = str(MODEL.parent / "last.png")
        ran = generate("x", "--duration", "inf", "--end-image", image, "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "plan-endless")


class TestAnotherTake:
    @pytest.fixture
    def begun(self, generate: Run, film: FakeFilm) -> Path:
        """A film of three windows of which two are on disk."""
        line = ("x", "--num-frames", "29", "--base-num-frames", "13", "--overlap-history", "5", "--seed", "1")
        data = generate(*line, "--dry-run", "--json").envelope["data"]
        folder = Path("x.mp4.skyreels")
        folder.mkdir()
        (folder / "film.json").write_text(json.dumps({"recipe": data["recipe"]}))
        for window in (0, 1):
            (folder / f"w000{window}.json").write_text("{}")
            (folder / f"w000{window}.mp4").write_text(f"piece {window}")
        return folder

    def test_windows_are_set_aside_and_the_film_goes_on(self, run: Run, film: FakeFilm, begun: Path) -> None:
        ran = run("resume", "x.mp4", "--from-window", "2", "--seed", "9", "--prompt", "snow")
        assert ran.status == 0, ran.err
        assert (begun / "takes/1/w0001.mp4").read_text() == "piece 1"
        assert ran.err.splitlines()[0] == f"the old take is kept in {(begun / 'takes/1').absolute()}"
        assert [reroll.model_dump() for reroll in film.recipes[0].rerolls] == [
            {"window": 1, "seed": 9, "prompt": "snow"}
        ]
        assert json.loads((begun / "film.json").read_text())["recipe"]["rerolls"] == [
            {"window": 1, "seed": 9, "prompt": "snow"}
        ]

    def test_the_same_command_again_knows_of_it(self, run: Run, generate: Run, film: FakeFilm, begun: Path) -> None:
        run("resume", "x.mp4", "--from-window", "2", "--seed", "9")
        Path("x.mp4").unlink()
        generate("x", "--num-frames", "29", "--base-num-frames", "13", "--overlap-history", "5", "-o", "x.mp4")
        assert film.recipes[0] == film.recipes[1]

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            (["--seed", "9"], "usage"),
            (["--prompt", "snow"], "usage"),
            (["--from-window", "4", "--seed", "9"], "plan-rerolls"),
            (["--from-window", "0", "--seed", "9"], "usage"),
            (["--from-window", "1", "--seed", str(2**63)], "usage"),
        ],
    )
    def test_mistakes_change_nothing(
        self, run: Run, film: FakeFilm, begun: Path, options: list[str], code: str
    ) -> None:
        before = (begun / "film.json").read_text()
        ran = run("resume", "x.mp4", *options, "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, code)
        assert (begun / "film.json").read_text() == before
        assert (begun / "w0001.mp4").exists()
        assert film.recipes == []

    def test_a_window_that_is_not_finished(self, run: Run, begun: Path) -> None:
        (begun / "w0001.json").unlink()
        ran = run("resume", "x.mp4", "--from-window", "3", "--seed", "9", "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "reroll-window")
