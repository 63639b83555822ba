"""`skyreels download` and `models` from the command line, with a hub on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.cli import fetching
from skyreels_cli.hub.download.record import records
from tests.cli.conftest import Ran
from tests.hub.download.conftest import GOLDEN, ORIGINAL, REPO, hub
from tests.loopback_hub import LoopbackHub

__all__ = ["hub"]  # a fixture

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
NAME = "df-1.3b-540p"
Run = Callable[..., Ran]


def test_a_dry_run_lists_files_and_fetches_nothing(hub: LoopbackHub, run: Run) -> None:
    ran = run("download", NAME, "--dry-run", "--json")
    (plan,) = ran.envelope["data"]["downloads"]
    assert (plan["repo"], plan["layout"], plan["revision"]) == (REPO, "diffusers", hub.commit(REPO))
    assert plan["missing_bytes"] == plan["bytes"] == sum(file["size"] for file in plan["files"])
    assert TRANSFORMER in {file["path"] for file in plan["files"]}
    assert (plan["estimated"], hub.asked.total()) == (False, 0)


def test_a_dry_run_without_network_takes_the_catalogue_s_sizes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    ran = run("download", "df-14b-540p", "--dry-run", "--json")
    (plan,) = ran.envelope["data"]["downloads"]
    assert (plan["estimated"], plan["bytes"]) == (True, 57_153_966_336 + 507_570_124 + 22_723_641_344)
    ran = run("download", "df-14b-540p")
    assert (ran.status, "HF_HUB_OFFLINE=0 skyreels download df-14b-540p" in ran.err) == (2, True)


def test_the_licence_is_shown_once(hub: LoopbackHub, run: Run, home: Path) -> None:
    first, second = run("download", NAME), run("download", NAME, "--layout", "original")
    assert (first.status, second.status) == (0, 0)
    assert "published under skywork-license" in first.err
    assert "published under" not in second.err
    assert json.loads((home / "models" / "licences.json").read_text())["skywork-license"]["repo"] == REPO
    assert first.out.strip() == str(next(record for record in records() if record.repo == REPO).folder)


def test_events_tell_of_each_file(hub: LoopbackHub, run: Run) -> None:
    lines = [json.loads(line) for line in run("download", NAME, "--events").out.splitlines()]
    done = {line["path"] for line in lines if line.get("event") == "file_done"}
    assert TRANSFORMER in done
    assert lines[-1]["data"]["downloads"][0]["complete"]


def test_verify_mends(hub: LoopbackHub, run: Run) -> None:
    run("download", NAME)
    file = next(records()).folder / TRANSFORMER
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    bad = run("models", "verify", NAME)
    assert (bad.status, f"hint: skyreels download {NAME} --verify" in bad.err) == (1, True)
    mended = run("download", NAME, "--verify", "--json")
    assert mended.envelope["data"]["downloads"][0]["mended"] == [TRANSFORMER]
    assert run("models", "verify", NAME).status == 0
    assert file.read_bytes() == (GOLDEN / "model" / TRANSFORMER).read_bytes()


def test_only_the_parts_of_a_base(hub: LoopbackHub, run: Run) -> None:
    ran = run("download", NAME, "--only", "vae", "--only", "text_encoder", "--json")
    assert ran.status == 0
    assert hub.served[TRANSFORMER] == 0
    stored = run("models", "list", "--json").envelope["data"]["models"]
    (base,) = [model for model in stored if model["name"] == NAME]
    assert (base["complete"], base["problem"]) == (False, "only its vae, text_encoder, for a --base")
    run("download", NAME)
    stored = run("models", "list", "--json").envelope["data"]["models"]
    assert [model["complete"] for model in stored if model["name"] == NAME] == [True]


MISTAKES: dict[str, tuple[list[str], str, str]] = {
    "nothing": ([], "usage", "skyreels download df-1.3b-540p"),
    "a slip": (["df-14b-540"], "model-not-found", "skyreels download --list"),
    "never released": (["df-5b-540p"], "model-never-released", "--model df-14b-540p"),
    "a part": ([NAME, "--only", "vea"], "usage", "--only vae"),
    "two into one": ([NAME, "df-14b-540p", "--to", "x"], "usage", "--to x df-1.3b-540p"),
    "a layout": ([NAME, "--source", "modelscope", "--layout", "diffusers"], "model-layout", "--layout original"),
}


@pytest.mark.parametrize(("words", "code", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(run: Run, words: list[str], code: str, hint: str) -> None:
    ran = run("download", *words, "--json")
    error = ran.envelope["error"]
    assert (ran.status, error["code"]) == (2, code)
    assert error["hint"].startswith(hint)


def test_generate_names_the_command_where_nobody_can_be_asked(run: Run) -> None:
    ran = run("generate", "x", "--model", "df-14b-540p")
    assert (ran.status, "hint: skyreels download df-14b-540p" in ran.err) == (2, True)


@pytest.mark.parametrize(("answer", "status"), [(True, 0), (False, 2)])
def test_generate_asks_in_a_terminal(
    hub: LoopbackHub, run: Run, monkeypatch: pytest.MonkeyPatch, answer: bool, status: int
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(fetching, "interactive", lambda out: True)
    monkeypatch.setattr(fetching.typer, "confirm", lambda *said, **options: asked.append(said) or answer)
    ran = run("generate", "x", "--model", NAME, "--resolution", "80x48")
    assert (ran.status, len(asked)) == (status, 1)
    assert "MB would come from" in ran.err


def test_models_path_show_and_remove(hub: LoopbackHub, run: Run, tmp_path: Path) -> None:
    run("download", NAME, "--to", str(tmp_path / "ball"))
    (tmp_path / "ball" / "mine.txt").write_text("mine")
    assert run("models", "path", REPO).out.strip() == str(tmp_path / "ball")
    about = run("models", "show", NAME, "--json").envelope["data"]
    assert about["here"][0]["path"] == str(tmp_path / "ball")
    assert about["repositories"]["original"] == {"hf": ORIGINAL, "modelscope": ORIGINAL}
    asked = run("models", "remove", NAME)
    assert (asked.status, f"skyreels models remove {NAME} --yes" in asked.err) == (2, True)
    removed = run("models", "remove", NAME, "--yes", "--json").envelope["data"]
    assert removed["freed_bytes"] > 1_600_000
    assert [file.name for file in (tmp_path / "ball").rglob("*")] == ["mine.txt"]
    assert run("models", "path", NAME).status == 2


def test_remove_from_the_cache_and_what_uses_it(hub: LoopbackHub, run: Run, home: Path) -> None:
    run("download", NAME)
    (home / "presets").mkdir()
    (home / "presets" / "night.yaml").write_text(f"schema: 1\nmodel: {NAME}\n")
    listed = run("models", "list", "--json").envelope["data"]["models"]
    (users,) = [model["used_by"] for model in listed if model["name"] == NAME]
    assert "preset night" in users
    ran = run("models", "remove", NAME, "--yes")
    assert "preset night" in ran.err
    assert not any((home / "models" / "huggingface").rglob("*.safetensors"))


def test_a_bundled_model_stays(run: Run) -> None:
    ran = run("models", "remove", "tiny", "--yes")
    assert (ran.status, "came with a package" in ran.err) == (2, True)


def test_killed_and_continued(hub: LoopbackHub, run: Run, home: Path) -> None:
    """`kill -9` in the middle of a file: nothing is taken for a model, and the next run fetches what is lacking."""
    hub.bytes_per_second = 400_000
    code = (
        "import sys; from huggingface_hub import constants; constants.DOWNLOAD_CHUNK_SIZE = 16384\n"
        f"from skyreels_cli.cli.main import main; sys.exit(main(['download', '{NAME}']))"
    )
    told = {"HF_ENDPOINT": hub.address, "SKYREELS_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment = {**os.environ, **told}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while hub.served[TRANSFORMER] < 150_000 and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    time.sleep(0.1)
    assert run("generate", "x", "--model", NAME).status == 2
    before, hub.bytes_per_second = hub.served[TRANSFORMER], None
    assert run("download", NAME).status == 0
    size = (GOLDEN / "model" / TRANSFORMER).stat().st_size
    assert hub.served[TRANSFORMER] - before < size - 100_000
    assert run("models", "verify", NAME).status == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_full_disk(hub: LoopbackHub, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        early = run("download", NAME, "--to", str(small / "ball"))
        assert (early.status, "MB free" in early.err) == (2, True)
        monkeypatch.setattr("skyreels_cli.hub.download.planned.free_bytes", lambda folder: 10**12)
        late = run("download", NAME, "--to", str(small / "ball"), "--json")
        assert (late.status, late.envelope["error"]["code"]) == (1, "disk-full")
        subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
        assert run("download", NAME, "--to", str(small / "ball")).status == 0
        assert run("models", "verify", NAME).status == 0
    finally:
        subprocess.run(["umount", str(small)], check=False)
