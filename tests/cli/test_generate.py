from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import MODEL, FakeFilm, Ran

Run = Callable[..., Ran]
LINE = ("a red ball", "--num-frames", "17", "--seed", "7")


def test_envelope_holds_the_film(generate: Run) -> None:
    ran = generate(*LINE, "-o", "ball.mp4", "--json")
    assert ran.status == 0
    assert len(ran.out.splitlines()) == 1
    envelope = ran.envelope
    assert list(envelope) == ["skyreels", "command", "ok", "data", "error"]
    assert (envelope["skyreels"], envelope["command"], envelope["ok"], envelope["error"]) == (
        1,
        "generate",
        True,
        None,
    )
    recipe = envelope["data"].pop("recipe")
    assert envelope["data"] == {
        "output": "ball.mp4",
        "frames": 17,
        "fps": 24,
        "width": 80,
        "height": 48,
        "duration_s": 17 / 24,
        "seed": 7,
        "windows": 1,
        "steps": 30,
        "model": str(MODEL),
        "elapsed_s": 83.0,
        "peak_memory_bytes": 8_100_000_000,
    }
    assert recipe["prompt"] == "a red ball"


def test_events_come_first_and_the_envelope_last(generate: Run) -> None:
    lines = [json.loads(line) for line in generate(*LINE, "--events").out.splitlines()]
    assert [line.get("event") for line in lines] == [
        "stage_started",
        "window_started",
        "step_done",
        "frames_ready",
        "window_done",
        "film_done",
        None,
    ]
    assert lines[2]["seconds"] == 1.5
    assert lines[-1]["ok"] is True


def test_quiet_prints_the_path_and_nothing_else(generate: Run) -> None:
    ran = generate(*LINE, "-o", "ball.mp4", "-q")
    assert (ran.status, ran.out, ran.err) == (0, "ball.mp4\n", "")


def test_a_person_gets_the_path_on_stdout_and_the_story_on_stderr(generate: Run) -> None:
    ran = generate(*LINE, "-o", "ball.mp4")
    assert ran.out == "ball.mp4\n"
    assert ran.err.splitlines() == [
        "loading transformer…",
        "window 1/1  frames 1–17  30 steps  1.50 s/step  peak 8.1 GB",
        "17 frames, 80×48, 0.7 s, seed 7, rendered in 1:23, peak 8.1 GB",
    ]


def test_without_a_name_the_prompt_names_the_film(generate: Run) -> None:
    ran = generate(*LINE, "-q")
    assert ran.out.rstrip().endswith("_a-red-ball_7.mp4")
    assert Path(ran.out.rstrip()).read_bytes() == b"film"


def test_the_prompt_can_come_from_stdin(generate: Run, film: FakeFilm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfa blue\nsquare\n")))
    assert generate("-", "--num-frames", "17").status == 0
    assert film.recipes[0].prompt == "a blue\nsquare"


def test_underscores_in_names_but_not_in_values(generate: Run, film: FakeFilm) -> None:
    ran = generate(
        "--prompt", "snake_case", "--num_frames=17", "--causal_block_size", "1", "--negative_prompt", "--a_b"
    )
    assert ran.status == 0, ran.err
    recipe = film.recipes[0]
    assert (recipe.prompt, recipe.num_frames, recipe.negative_prompt) == ("snake_case", 17, "--a_b")


def test_the_untyped_does_not_override_a_preset(generate: Run, film: FakeFilm, tmp_path: Path) -> None:
    preset = tmp_path / "mine.yaml"
    preset.write_text(
        "guidance_scale: 3.5\nnum_frames: 9\nfps: 16\ncausal_attention: true\nquality: 2\nprompt: from it\n"
    )
    assert generate("--preset", str(preset), "--fps", "12").status == 0
    recipe = film.recipes[0]
    assert (recipe.guidance_scale, recipe.num_frames, recipe.causal_attention) == (3.5, 9, True)
    assert (recipe.quality, recipe.prompt, recipe.fps) == (2, "from it", 12)
    assert generate("--preset", str(preset), "--no-causal-attention").status == 0
    assert film.recipes[1].causal_attention is False


def test_both_ways_to_say_the_length(generate: Run, film: FakeFilm) -> None:
    ran = generate("x", "--num-frames", "17", "--duration", "1s", "--json")
    assert ran.status == 2
    assert ran.envelope["error"]["code"] == "usage"
    assert "--num-frames and --duration" in ran.envelope["error"]["message"]
    assert generate("x", "--duration", "0.5s").status == 0
    assert film.recipes[0].num_frames == 12


def test_both_ways_to_give_the_prompt(generate: Run) -> None:
    assert generate("x", "--prompt", "y").status == 2


def test_settings_place_the_work_and_flags_win(
    generate: Run, film: FakeFilm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKYREELS_DEVICE", "cpu")
    monkeypatch.setenv("SKYREELS_OFFLOAD", "stream")
    monkeypatch.setenv("SKYREELS_OUTDIR", str(tmp_path))
    ran = generate(*LINE, "--offload", "none", "-q")
    assert film.placements[0].device == "cpu"
    assert film.placements[0].offload == "none"
    assert Path(ran.out).parent == tmp_path


def test_a_bare_offload_is_the_references_switch(generate: Run, film: FakeFilm) -> None:
    assert generate("x", "--offload", "--num_frames", "17").status == 0
    assert generate("x", "--num-frames", "17", "--offload").status == 0
    assert [placement.offload for placement in film.placements] == ["model", "model"]


def test_keep_work_and_overwrite_reach_the_film(generate: Run, film: FakeFilm) -> None:
    Path("ball.mp4").write_bytes(b"old")
    assert generate(*LINE, "-o", "ball.mp4", "--overwrite", "--keep-work").status == 0
    assert [(each.keep_work, each.overwrite) for each in film.renderings] == [(True, True)]


class TestModel:
    def test_the_bundled_one_is_used_and_said_so(
        self, run: Run, film: FakeFilm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("skyreels_cli.order.intake.bundled_models", lambda: {"toy": MODEL})
        monkeypatch.setattr("skyreels_cli.hub.open.bundled_models", lambda: {"toy": MODEL})
        ran = run("generate", *LINE, "--resolution", "80x48")
        assert ran.status == 0, ran.err
        assert ran.err.splitlines()[0] == (
            "no model chosen: using the bundled demo model 'toy' (--model chooses another)"
        )
        assert film.recipes[0].model == "toy"

    def test_the_configured_one_comes_before_it(
        self, run: Run, film: FakeFilm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SKYREELS_MODEL", str(MODEL))
        assert run("generate", *LINE, "--resolution", "80x48").status == 0
        assert film.recipes[0].model == str(MODEL)

    def test_none_at_all(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("skyreels_cli.order.intake.bundled_models", dict)
        ran = run("generate", *LINE, "--json")
        assert ran.status == 2
        assert ran.envelope["error"]["code"] == "no-model"
        assert ran.envelope["error"]["hint"] == "--model df-1.3b-540p"


class TestDryRun:
    LINE = ("x", "--num-frames", "40", "--base-num-frames", "17", "--overlap-history", "5", "--ar-step", "2")

    def test_as_data(self, generate: Run, film: FakeFilm) -> None:
        ran = generate(*self.LINE, "--dry-run", "--json")
        data = ran.envelope["data"]
        assert (data["frames"], len(data["windows"]), data["trim_frames"]) == (40, 3, 1)
        assert [window["blocks"] for window in data["windows"]] == [[1] * 5] * 3
        assert data["estimates"]["memory"]["basis"]
        assert data["recipe"]["num_frames"] == 40
        assert film.recipes == []
        assert list(Path().iterdir()) == []

    def test_for_a_person(self, generate: Run) -> None:
        lines = generate(*self.LINE, "--dry-run", "-o", "x.mp4").out.splitlines()
        assert lines[0] == "40 frames, 80×48, 24 fps, 1.7 s → x.mp4"
        assert [line.split() for line in lines[3:6]] == [
            ["1/3", "1–17", "5", "0", "38", "0", "1", "1", "1", "1", "1"],
            ["2/3", "18–29", "5", "2", "34", "0", "1r", "1r", "1", "1", "1"],
            ["3/3", "30–40", "5", "2", "34", "1", "1r", "1r", "1", "1", "1"],
        ]
        assert max(map(len, lines)) <= 80

    def test_explain_names_the_source_of_each_value(self, generate: Run, tmp_path: Path, film: FakeFilm) -> None:
        preset = tmp_path / "mine.yaml"
        preset.write_text("guidance_scale: 3.5\nduration: 1s\n")
        ran = generate("x", "--preset", str(preset), "--fps", "12", "--explain", "--json")
        why = ran.envelope["data"]["explain"]
        assert why["fps"] == "typed"
        assert why["guidance_scale"] == f"preset {preset}"
        assert why["num_frames"] == f"preset {preset} (duration)"
        assert why["shift"] == "default of DF models"
        assert why["seed"] == "drawn at random"
        assert why["join"] == "default"
        assert film.recipes == []


class TestFailure:
    def test_out_of_memory_names_the_flags_that_help(self, generate: Run, film: FakeFilm) -> None:
        film.fails_with = type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried …")
        ran = generate(*LINE, "--json")
        assert ran.status == 4
        assert ran.envelope["error"]["code"] == "out-of-memory"
        for flag in ("--offload", "--dtype", "--resolution", "--base-num-frames"):
            assert flag in ran.envelope["error"]["hint"]

    def test_interrupt_closes_the_film_and_exits_130(self, generate: Run, film: FakeFilm) -> None:
        film.fails_with = KeyboardInterrupt()
        ran = generate(*LINE, "--json")
        assert ran.status == 130
        assert film.closed
        assert ran.envelope["error"] == {
            "code": "interrupted",
            "message": "interrupted before the film was begun",
            "hint": None,
        }

    def test_an_interrupted_film_says_how_it_goes_on(self, generate: Run, film: FakeFilm) -> None:
        film.fails_with = KeyboardInterrupt()
        Path("red ball.mp4.skyreels").mkdir()
        ran = generate(*LINE, "-o", "red ball.mp4")
        assert ran.status == 130
        assert ran.err.splitlines()[-2:] == [
            "error: interrupted; what is done lies in red ball.mp4.skyreels",
            "hint: skyreels resume 'red ball.mp4'",
        ]

    def test_interrupt_while_printing_closes_the_film(
        self, generate: Run, film: FakeFilm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*args: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("skyreels_cli.output.Output.event", interrupted)
        assert generate(*LINE).status == 130
        assert film.closed

    def test_a_bug_is_no_usage_error(self, generate: Run, film: FakeFilm) -> None:
        film.fails_with = ValueError("shapes differ")
        ran = generate(*LINE, "--json")
        assert ran.status == 1
        assert ran.envelope["error"] == {
            "code": "internal",
            "message": "internal error: ValueError: shapes differ",
            "hint": "run the same command with --debug and report what it prints",
        }
        assert "Traceback" not in ran.err

    def test_debug_shows_where(self, generate: Run, film: FakeFilm) -> None:
        film.fails_with = ValueError("shapes differ")
        assert "in render" in generate(*LINE, "--debug").err

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            (["--resolution", "81x48"], "plan-resolution"),
            (["--overlap-history", "97"], "plan-overlap-history"),
            (["--image", "gone.png"], "image-not-found"),
            (["--image", "broken.png"], "image-unreadable"),
            (["--model", "empty"], "model-not-a-folder"),
            (["--codec", "ffv1", "-o", "x.mp4"], "codec-container"),
            (["-o", "taken.mp4"], "output-exists"),
            (["-o", "empty"], "codec-container"),
            (["--fps", "0"], "bad-value"),
            (["--device", "gpu"], "bad-setting"),
            (["--preset", "none-such"], "preset-not-found"),
        ],
    )
    def test_bad_input_is_found_before_rendering(
        self, generate: Run, film: FakeFilm, options: list[str], code: str
    ) -> None:
        Path("broken.png").write_bytes(b"no picture")
        Path("taken.mp4").write_bytes(b"")
        Path("empty").mkdir()
        ran = generate("x", *options, "--json")
        assert ran.status == 2, ran.out
        assert ran.envelope["error"]["code"] == code
        assert ran.envelope["error"]["hint"]
        assert ran.err.startswith("error: ")
        assert film.recipes == []

    def test_a_disk_that_is_too_small(self, generate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
        assert generate(*LINE, "--json").envelope["error"]["code"] == "disk-too-small"
