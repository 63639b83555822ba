"""`skyreels preset`: what each command prints, writes and refuses."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.cli import preset_change, preset_share
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.recipe.presets.find import shipped_folder

from .conftest import Ran

Run = Callable[..., Ran]

SHIPPED = sorted(path.stem for path in shipped_folder().glob("*.yaml"))
RAIN = "# wet\nname: rain\nprompt: a street\nseed: 7\nextends: 10s-sync\n"


@pytest.fixture
def mine(home: Path) -> Path:
    """A preset of the user's own."""
    folder = home / "presets"
    folder.mkdir(parents=True)
    (folder / "rain.yaml").write_text(RAIN)
    return folder / "rain.yaml"


def answering(monkeypatch: pytest.MonkeyPatch, *answers: bool) -> list[str]:
    """Somebody sits there and answers; returns what was asked."""
    asked: list[str] = []
    replies = iter(answers)

    def confirm(question: str, **kwargs: object) -> bool:
        asked.append(question)
        return next(replies)

    for module in (preset_change, preset_share):
        monkeypatch.setattr(module, "interactive", lambda out: True)
        monkeypatch.setattr(module.typer, "confirm", confirm)
    return asked


class TestLooking:
    def test_alone_it_lists(self, run: Run) -> None:
        assert run("preset", "-q").out.split() == SHIPPED
        assert run("preset", "--json").envelope["command"] == "preset list"

    def test_a_projects_own_come_first(self, run: Run, mine: Path) -> None:
        Path("presets").mkdir()
        Path("presets/draft.yaml").write_text("title: ours\n")
        listed = {each["name"]: each for each in run("preset", "list", "--json").envelope["data"]["presets"]}
        assert (listed["draft"]["origin"], listed["draft"]["title"]) == ("project", "ours")
        assert listed["rain"]["origin"] == "user"
        assert run("preset", "path", "draft").out == "presets/draft.yaml\n"

    def test_show_is_yaml_that_can_be_used(self, run: Run, mine: Path) -> None:
        Path("shown.yaml").write_text(run("preset", "show", "rain").out)
        assert "num_frames: 257" in Path("shown.yaml").read_text().splitlines()
        assert run("preset", "diff", "shown.yaml", "rain", "-q").out == "the same\n"

    def test_origins(self, run: Run, mine: Path) -> None:
        values = run("preset", "show", "rain", "--origin", "--json").envelope["data"]["values"]
        assert values["seed"] == {"value": 7, "origin": f"{mine}:4"}
        assert values["ar_step"] == {"value": 0, "origin": f"{shipped_folder() / '10s-sync.yaml'}:12"}

    def test_diff(self, run: Run, mine: Path) -> None:
        found = run("preset", "diff", "rain", "10s-sync", "--json").envelope["data"]["differences"]
        assert {"key": "seed", "a": 7, "b": None} in found
        assert "num_frames" not in [each["key"] for each in found]

    def test_validate(self, run: Run, mine: Path) -> None:
        assert run("preset", "validate", "rain", "draft").out == "rain: valid\ndraft: valid\n"
        Path("bad.yaml").write_text("seed: 1\nfsp: 24\n")
        ran = run("preset", "validate", "bad.yaml")
        assert ran.status == 2
        assert 'bad.yaml:2: fsp: unknown key; did you mean "fps"?' in ran.err
        Path("needy.yaml").write_text("requires: {plugins: {foo: skyreels-foo>=1}}\n")
        ran = run("preset", "validate", "needy.yaml")
        assert ran.status == 0
        assert "needs the plugin foo" in ran.err

    def test_schema(self, run: Run) -> None:
        assert json.loads(run("preset", "schema").out)["title"] == "skyreels preset"

    def test_path(self, run: Run, mine: Path, home: Path) -> None:
        assert run("preset", "path").out == f"{home / 'presets'}\n"
        assert run("preset", "path", "rain").out == f"{mine}\n"


class TestSharing:
    def test_a_code_goes_round(self, run: Run, mine: Path) -> None:
        code = run("preset", "export", "rain", "--code").out.strip()
        ran = run("preset", "import", f"look: “{code[:60]}\n{code[60:]}”", "--name", "wet")
        assert (ran.status, ran.out) == (0, "wet: skyreels generate --preset wet …\n")
        assert "it sets: prompt a street" in ran.err
        assert run("preset", "diff", "rain", "wet", "-q").out == "name\n"

    def test_yaml_goes_round_by_stdin(self, run: Run, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = run("preset", "export", "rain").out
        assert "wet" not in text
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert run("preset", "import", "-", "--name", "wet", "-q").out == "wet\n"

    def test_comments_arrive(self, run: Run, mine: Path) -> None:
        Path("theirs.yaml").write_text("# for the night\nseed: 5  # prime\n")
        run("preset", "import", "theirs.yaml")
        assert mine.with_name("theirs.yaml").read_text().startswith("# for the night\nseed: 5  # prime\n")

    def test_pictures_need_an_archive(self, run: Run) -> None:
        Path("a.png").write_bytes(b"picture")
        Path("rain.yaml").write_text("prompt: a\nimage: a.png\n")
        for line in (["--code"], ["--qr"], [], ["-o", "out.yaml"]):
            ran = run("preset", "export", "rain.yaml", *line, "--json")
            assert (ran.status, ran.envelope["error"]["code"]) == (2, "preset-has-files")
        assert run("preset", "export", "rain.yaml", "-o", "out.skypreset").out == "out.skypreset\n"
        assert run("preset", "export", "rain.yaml", "-o", "out.skypreset").status == 2
        assert run("preset", "export", "rain.yaml", "-o", "out.skypreset", "--overwrite").status == 0
        data = run("preset", "import", "out.skypreset", "--json").envelope["data"]
        assert data["files"] == {"a.png": 7}
        assert Path(data["path"]).with_suffix("").joinpath("a.png").read_bytes() == b"picture"

    def test_a_film_is_a_preset(self, run: Run, home: Path) -> None:
        comment = json.dumps({"recipe": {"schema": 1, "prompt": "a ball", "seed": 7, "image": "/home/anna/first.png"}})
        coding = film_coding("h264", 7)
        with VideoEncoder(Path("ball.mp4"), width=32, height=32, fps=24, coding=coding, comment=comment) as encoder:
            encoder.write(np.zeros((2, 32, 32, 3), np.uint8))
        assert run("preset", "show", "ball.mp4", "--json").envelope["data"]["seed"] == 7
        ran = run("preset", "import", "ball.mp4")
        assert "without the file first.png, which did not come along" in ran.err
        assert "anna" not in (home / "presets" / "ball.yaml").read_text()

    def test_dry_run_writes_nothing(self, run: Run, home: Path) -> None:
        Path("theirs.yaml").write_text("seed: 5\n")
        assert run("preset", "import", "theirs.yaml", "--dry-run", "--json").envelope["data"]["imported"] is False
        assert not (home / "presets").exists()

    def test_a_clash_asks_or_wants_a_word(self, run: Run, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("rain.yaml").write_text("seed: 5\n")
        ran = run("preset", "import", "rain.yaml", "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "preset-exists")
        asked = answering(monkeypatch, False)
        assert run("preset", "import", "rain.yaml").status == 2
        answering(monkeypatch, True, False)
        assert run("preset", "import", "rain.yaml").status == 130
        assert mine.read_text() == RAIN
        answering(monkeypatch, True, True)
        assert run("preset", "import", "rain.yaml").status == 0
        assert asked == ["rain.yaml is there already. Replace it?"]
        assert mine.read_text() == "seed: 5\nschema: 1\nname: rain\n"

    def test_qr(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "100")
        drawn = run("preset", "export", "draft", "--qr").out.splitlines()
        assert set("".join(drawn)) <= set("█▀▄ ")
        assert len(drawn) - len(drawn[0]) // 2 in (1, 2)  # two rows of squares in a line
        monkeypatch.setenv("COLUMNS", "30")
        assert run("preset", "export", "draft", "--qr").status == 2

    def test_what_is_missing_is_told_first(self, run: Run) -> None:
        Path("needy.yaml").write_text("prompt: a\nrequires: {plugins: {foo: skyreels-foo>=1}}\n")
        ran = run("preset", "import", "needy.yaml")
        assert ran.status == 0
        assert "it needs the plugin foo of skyreels-foo>=1, which is not installed" in ran.err
        ran = run("generate", "--preset", "needy", "--dry-run", "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (5, "plugin-not-found")
        assert ran.envelope["error"]["hint"].endswith("'skyreels-foo>=1'")


class TestChanging:
    def edit(self, monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
        """An editor that writes one text after the other."""
        following = iter(texts)
        monkeypatch.setattr(preset_change, "open_editor", lambda file: file.write_text(next(following)))

    def test_edit(self, run: Run, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.edit(monkeypatch, RAIN.replace("7", "8"))
        assert run("preset", "edit", "rain").out == f"{mine}\n"
        assert mine.read_text() == RAIN.replace("7", "8")

    def test_a_mistake_replaces_nothing(self, run: Run, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.edit(monkeypatch, "seed: x\n")
        ran = run("preset", "edit", "rain")
        assert ran.status == 2
        assert ":1: seed: 'x' should be a valid integer" in ran.err
        assert mine.read_text() == RAIN
        self.edit(monkeypatch, "seed: x\n", "seed: 9\n")
        assert answering(monkeypatch, True) == []
        assert run("preset", "edit", "rain").status == 0
        assert mine.read_text() == "seed: 9\n"

    def test_a_shipped_one_becomes_ones_own(self, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.edit(monkeypatch, "seed: 9\n")
        assert run("preset", "edit", "draft").out == f"{home / 'presets' / 'draft.yaml'}\n"
        assert run("preset", "show", "draft", "--json").envelope["data"] == {"schema": 1, "seed": 9}

    def test_an_editor_that_is_not_there(self, run: Run, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VISUAL", "no-such-editor --wait")
        assert run("preset", "edit", "rain", "-q").status == 2
        assert run("preset", "edit", "rain", "--no-input").status == 2

    def test_rename_and_remove(self, run: Run, mine: Path) -> None:
        assert run("preset", "rename", "rain", "drizzle").out == f"{mine.with_name('drizzle.yaml')}\n"
        assert not mine.exists()
        assert run("preset", "remove", "drizzle").status == 0
        assert list(mine.parent.iterdir()) == []

    def test_removing_asks(self, run: Run, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = answering(monkeypatch, False, True)
        assert run("preset", "remove", "rain").status == 130
        assert run("preset", "remove", "rain").status == 0
        assert asked == [f"Delete {mine}?"] * 2

    @pytest.mark.parametrize("line", [["remove", "draft"], ["rename", "draft", "x"]])
    def test_shipped_ones_stay(self, run: Run, line: list[str]) -> None:
        ran = run("preset", *line, "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "preset-shipped")


class TestUsing:
    def test_several_the_last_wins_and_words_win_over_all(self, generate: Run) -> None:
        presets = ("--preset", "10s-sync", "--preset", "draft")
        data = generate("a", *presets, "--camera", "dolly-in", "--dry-run", "--explain", "--json").envelope["data"]
        assert data["recipe"]["num_frames"] == 49
        assert data["recipe"]["prompt"] == "a. The camera dollies in."
        assert data["recipe"]["addnoise_condition"] == 20
        assert data["explain"]["num_frames"] == "preset draft"
        assert data["explain"]["addnoise_condition"] == "preset 10s-sync"

    def test_a_code_in_place_of_a_name(self, run: Run, generate: Run) -> None:
        code = run("preset", "export", "draft", "--code").out.strip()
        data = generate("a", "--preset", code, "--dry-run", "--explain", "--json").envelope["data"]
        assert data["recipe"]["inference_steps"] == 12
        assert data["explain"]["inference_steps"] == "preset draft"

    def test_for_another_model(self, generate: Run) -> None:
        Path("big.yaml").write_text("requires: {model: df-14b-720p}\n")
        ran = generate("a", "--preset", "big.yaml", "--dry-run", "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "preset-requires")

    def test_a_camera_word_that_is_none(self, generate: Run) -> None:
        ran = generate("a", "--camera", "fly", "--dry-run", "--json")
        assert (ran.status, ran.envelope["error"]["code"]) == (2, "bad-value")

    def test_prompt_and_preset_from_stdin(self, generate: Run) -> None:
        assert generate("-", "--preset", "-", "--dry-run").status == 2
