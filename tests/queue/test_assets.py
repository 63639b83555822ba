from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.queue.assets import Assets, asset_keys
from skyreels_cli.queue.store import Store

from .conftest import new_job

SHA256 = hashlib.sha256(b"pixels").hexdigest()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "first.png"
    file.write_bytes(b"pixels")
    return file


def test_files_are_copied_in_under_their_hash(tmp_path: Path, picture: Path) -> None:
    assets = Assets(tmp_path / "assets")
    draft = {"prompt": "a ball", "image": str(picture), "shots": [{"prompt": "b", "end_image": str(picture)}]}
    stored = assets.take_in(draft)
    key = f"{SHA256}/first.png"
    assert stored == {
        "prompt": "a ball",
        "image": f"asset:{key}",
        "shots": [{"prompt": "b", "end_image": f"asset:{key}"}],
    }
    assert asset_keys(stored) == {key}
    picture.unlink()
    resolved = assets.resolve(stored)
    assert resolved["image"] == resolved["shots"][0]["end_image"] == str(tmp_path / "assets" / key)
    assert Path(resolved["image"]).read_bytes() == b"pixels"
    assert assets.take_in(stored) == stored
    assert [path.name for path in assets.folder.iterdir()] == [SHA256]


def test_a_job_names_the_copy(store: Store, films: Path, picture: Path) -> None:
    job = store.add(new_job(films / "a.mp4", image=str(picture)))
    assert job.draft["image"] == job.recipe["image"] == f"asset:{SHA256}/first.png"
    assert store.assets.resolve(job.recipe)["image"] == str(store.assets.folder / SHA256 / "first.png")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assets = Assets(tmp_path / "assets")
    with pytest.raises(UsageError, match=r"there is no file .*gone\.png"):
        assets.take_in({"image": str(tmp_path / "gone.png")})


def test_unpacking_checks_the_content(tmp_path: Path) -> None:
    assets = Assets(tmp_path / "assets")
    assets.unpack(io.BytesIO(b"pixels"), SHA256, "first.png")
    assert assets.path(f"{SHA256}/first.png").read_bytes() == b"pixels"
    with pytest.raises(ValueError, match=r"other\.png is damaged"):
        assets.unpack(io.BytesIO(b"pixel"), SHA256, "other.png")
    assert [path.name for path in assets.folder.rglob("*.*")] == ["first.png"]
