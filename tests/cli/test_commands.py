from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.cli import checks
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder

from .conftest import Ran

Run = Callable[..., Ran]


class TestConfig:
    def test_show_tells_values_and_origins(self, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home.mkdir()
        (home / "config.yaml").write_text("device: cpu\n")
        monkeypatch.setenv("SKYREELS_MODEL", "tiny")
        settings = run("config", "show", "--json").envelope["data"]["settings"]
        assert settings["device"] == {"value": "cpu", "origin": f"{home / 'config.yaml'}:1"}
        assert settings["model"] == {"value": "tiny", "origin": "SKYREELS_MODEL"}
        assert settings["offload"] == {"value": "auto", "origin": "default"}

    def test_path(self, run: Run, home: Path) -> None:
        assert run("config", "path").out == f"{home / 'config.yaml'}\n"

    def test_schema_names_every_setting(self, run: Run) -> None:
        schema = json.loads(run("config", "schema").out)
        assert {"model", "device", "offload", "outdir"} <= set(schema["properties"])

    def test_a_broken_file_is_exit_2(self, run: Run, home: Path) -> None:
        home.mkdir()
        (home / "config.yaml").write_text("devise: cpu\n")
        assert run("config", "show").status == 2


class TestPreset:
    def test_list_has_the_shipped_and_the_users(self, run: Run, home: Path) -> None:
        (home / "presets").mkdir(parents=True)
        (home / "presets" / "mine.yaml").write_text("description: my own\nfps: 12\n")
        assert {"10s-sync", "30s-async", "draft", "mine"} < set(run("preset", "list", "-q").out.split())
        (mine,) = (
            each for each in run("preset", "list", "--json").envelope["data"]["presets"] if each["name"] == "mine"
        )
        assert (mine["name"], mine["origin"], mine["description"]) == ("mine", "user", "my own")

    def test_show(self, run: Run) -> None:
        data = run("preset", "show", "10s-sync", "--json").envelope["data"]
        assert (data["num_frames"], data["ar_step"], data["overlap_history"]) == (257, 0, 17)
        assert "num_frames: 257" in run("preset", "show", "10s-sync").out.splitlines()

    def test_show_of_none(self, run: Run) -> None:
        ran = run("preset", "show", "10s-snyc", "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "preset-not-found")


MADE = {"recipe": {"prompt": "a red ball; 50 %", "seed": 7}, "version": "0.1.0"}
TORCH = {"torch": "2.13.0", "cuda": [{"name": "H200", "memory": 150 * 10**9}], "mps": False, "threads": 2}


class TestShow:
    def film(self, path: Path, comment: str | None) -> Path:
        with VideoEncoder(path, width=80, height=48, fps=24, coding=film_coding("h264", 7), comment=comment) as encoder:
            encoder.write(np.zeros((3, 48, 80, 3), np.uint8))
        return path

    def test_a_film_carries_its_recipe(self, run: Run, tmp_path: Path) -> None:
        film = self.film(tmp_path / "ball.mp4", json.dumps(MADE))
        data = run("show", str(film), "--json").envelope["data"]
        assert data["recipe"] == MADE["recipe"]
        assert (data["video"]["frames"], data["video"]["width"], data["video"]["fps"]) == (3, 80, 24.0)
        assert "prompt  a red ball; 50 %" in run("show", str(film)).out

    def test_a_recipe_that_is_none_is_refused(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "dinner.json").write_text(json.dumps({"recipe": "two eggs"}))
        ran = run("show", str(tmp_path / "dinner.json"), "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "no-recipe")

    def test_show_tells_which_words_the_demo_model_did_not_know(self, run: Run, tmp_path: Path) -> None:
        sidecar = tmp_path / "film.mp4.json"
        shots = [{"prompt": "the swan meets a unicorn"}]
        sidecar.write_text(json.dumps({"recipe": {"prompt": "a swan and a cat", "model": "tiny", "shots": shots}}))
        data = run("show", str(sidecar), "--json").envelope["data"]
        assert data["unknown_words"] == ["cat", "meets", "unicorn"]

    def test_a_film_without_tags_has_it_beside(self, run: Run, tmp_path: Path) -> None:
        film = self.film(tmp_path / "ball.mp4", None)
        ran = run("show", str(film), "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "no-recipe")
        film.with_name("ball.mp4.json").write_text(json.dumps(MADE))
        assert run("show", str(film), "--json").envelope["data"]["recipe"]["seed"] == 7
        assert run("show", f"{film}.json", "--json").envelope["data"] == MADE

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("gone.mp4", "video-not-found"),
            ("notes.mp4", "video-unreadable"),
            ("gone.json", "sidecar-unreadable"),
        ],
    )
    def test_what_it_cannot_read(self, run: Run, name: str, code: str) -> None:
        Path("notes.mp4").write_text("no film")
        ran = run("show", name, "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, code)


class TestDoctor:
    def answer(self, monkeypatch: pytest.MonkeyPatch, outcome: str | Exception) -> None:
        """Let the child process that looks at torch print this, or fail like that."""

        def child(*args: object, **kwargs: object) -> subprocess.CompletedProcess[str]:
            if isinstance(outcome, Exception):
                raise outcome
            return subprocess.CompletedProcess([], 0, outcome, "")

        monkeypatch.setattr(checks, "_child", child)

    def test_a_healthy_machine(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer(monkeypatch, json.dumps(TORCH))
        ran = run("doctor", "--json")
        data = ran.envelope["data"]
        found = {check["name"]: check["found"] for check in data["checks"]}
        assert (ran.status, data["healthy"]) == (0, True)
        assert found["cuda:0"] == "H200, 150.0 GB"
        assert "diffusers" in found["libraries"]
        assert found["films"].startswith(str(Path.cwd()))

    def test_torch_that_cannot_be_imported(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        stderr = "Traceback …\nImportError: libcudart.so.13 is missing\n"
        self.answer(monkeypatch, subprocess.CalledProcessError(1, "python", "", stderr))
        ran = run("doctor")
        lines = [line.split(maxsplit=2) for line in ran.out.splitlines()]
        assert lines[0][:2] == ["✗", "torch"]
        assert lines[0][2].strip() == "cannot be imported: ImportError: libcudart.so.13 is missing"
        assert lines[1][:2] == ["→", "pip"]
        assert run("doctor", "-q").out == "unhealthy\n"

    def test_broken_settings_are_a_finding(self, run: Run, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self.answer(monkeypatch, json.dumps(TORCH))
        home.mkdir()
        (home / "config.yaml").write_text("devise: cpu\n")
        data = run("doctor", "--json").envelope["data"]
        settings = next(check for check in data["checks"] if check["name"] == "settings")
        assert (data["healthy"], settings["status"]) == (False, "problem")
        assert ":1: " in settings["found"]
