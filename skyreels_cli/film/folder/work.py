"""An unfinished film is a folder: what film it is, files for each finished window, and the last checkpoint.

Every file is written beside and renamed, and counts only once a JSON record names it with its checksum, so a process
may be killed at any moment. `<output>.skyreels/` holds:

    film.json                 the manifest: recipe, model, libraries
    w0003.mp4, w0003.safetensors, w0003.json
                              frames of window 3, the history that window 4 needs, and the record that makes both count
    checkpoint-*.safetensors, checkpoint.json
                              the window in progress
    preview.mp4               the film so far
    overwrite                 empty: the film may replace a file of its name
    sidecar.json              `<output>.json` just before it is renamed
    takes/1/                  windows that were made again (`film.folder.takes`), as they were before
"""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from skyreels_cli.errors import UsageError
from skyreels_cli.film.folder.durable import remove_partials, replacing, sha256, write_json
from skyreels_cli.film.folder.manifest import MANIFEST, read_manifest, read_record
from skyreels_cli.film.folder.process import HOLDER, describe_holder, holder_record
from skyreels_cli.film.folder.tensor_tree import load_tree, save_tree

LOCK, TAKES, REPLACES = "lock", "takes", "overwrite"


class WorkFolder:
    """The folder of one film, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / LOCK, timeout=0)

    def __enter__(self) -> Self:
        """Make the folder ours, or raise `film-busy` naming the process that has it; a dead one holds nothing."""
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout as error:
            holder = describe_holder(self.path / HOLDER)
            raise UsageError(
                "film-busy", f"{self.path} is being worked on by {holder}", "wait for it, or stop it"
            ) from error
        remove_partials(self.path)
        write_json(self.path / HOLDER, holder_record())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let another process have the film; if it failed before it began, nothing is left of it."""
        if error is not None and self.manifest is None:
            self.discard()
        (self.path / HOLDER).unlink(missing_ok=True)
        self._lock.release()

    @property
    def manifest(self) -> dict[str, Any] | None:
        """What the film is, if it was begun."""
        return read_manifest(self.path)

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Say what the film is."""
        write_json(self.path / MANIFEST, manifest)

    def piece(self, window: int, suffix: str) -> Path:
        """The encoded frames of a window."""
        return self.path / f"w{window:04}{suffix}"

    @property
    def sidecar(self) -> Path:
        """Where `<output>.json` is written before it is renamed: a process that is killed leaves nothing outside."""
        return self.path / "sidecar.json"

    @property
    def may_replace(self) -> bool:
        """Whether the finished film may replace a file of its name: allowed once, it need not be said again."""
        return (self.path / REPLACES).exists()

    def allow_replacing(self) -> None:
        """Let the finished film take the place of whatever has its name."""
        (self.path / REPLACES).touch()

    def commit_window(self, window: int, piece: Path, history: Any, record: dict[str, Any]) -> None:
        """Make a window count: its piece is complete, `history` is what the next one needs of the film so far."""
        tensors = self.path / f"w{window:04}.safetensors"
        with replacing(tensors) as partial:
            save_tree(partial, history)
        files = {file.name: sha256(file) for file in (piece, tensors)}
        write_json(self.path / f"w{window:04}.json", {**record, "files": files})
        self.drop_checkpoint()

    def adopt_window(self, window: int, piece: Path, kept: Path) -> None:
        """Make a window count whose history and record lie in another folder, with a piece that lies here."""
        tensors = self.path / f"w{window:04}.safetensors"
        shutil.copy2(kept / tensors.name, tensors)
        files = {file.name: sha256(file) for file in (piece, tensors)}
        write_json(
            self.path / f"w{window:04}.json", {**(read_record(kept / f"w{window:04}.json") or {}), "files": files}
        )

    def recorded_windows(self) -> list[int]:
        """Windows that have a record, in order."""
        return sorted(int(path.stem[1:]) for path in self.path.glob("w[0-9]*.json"))

    def window_files(self, window: int) -> list[Path]:
        """What a finished window has on disk, the record that makes it count first."""
        return sorted(self.path.glob(f"w{window:04}.*"), key=lambda file: file.suffix != ".json")

    def window_record(self, window: int) -> dict[str, Any] | None:
        """The record of a finished window; None if there is none or one of its files is damaged."""
        return self.record(f"w{window:04}.json")

    def record(self, name: str) -> dict[str, Any] | None:
        """A record by its name; None if there is none or one of the files that it vouches for is damaged."""
        record = read_record(self.path / name)
        return record if record and self._intact(record["files"]) else None

    def looks(self) -> list[dict[str, float]]:
        """How each finished window looks (a `Look`), in order."""
        records = (read_record(self.path / f"w{window:04}.json") or {} for window in self.recorded_windows())
        return [record.get("look", {}) for record in records]

    def history(self, window: int) -> Any:
        """What a finished window has left to the next one."""
        return load_tree(self.path / f"w{window:04}.safetensors")

    def write_checkpoint(self, window: int, row: int, state: Any) -> None:
        """Keep the state of the window in progress after a row."""
        path = self.path / f"checkpoint-{window:04}-{row:04}.safetensors"
        with replacing(path) as partial:
            save_tree(partial, state)
        write_json(self.path / "checkpoint.json", {"window": window, "row": row, "files": {path.name: sha256(path)}})
        self.drop_checkpoint(keep=path.name)

    def checkpoint(self, window: int) -> Any | None:
        """State of a window in progress, if a good checkpoint of it exists."""
        record = read_record(self.path / "checkpoint.json")
        if not record or record["window"] != window or not self._intact(record["files"]):
            return None
        return load_tree(self.path / next(iter(record["files"])))

    def drop_checkpoint(self, keep: str | None = None) -> None:
        """Forget the window in progress, but for the checkpoint file to `keep`."""
        if keep is None:
            (self.path / "checkpoint.json").unlink(missing_ok=True)
        for old in self.path.glob("checkpoint-*.safetensors"):
            if old.name != keep:
                old.unlink(missing_ok=True)

    @property
    def has_takes(self) -> bool:
        """Whether earlier takes of windows lie here, which nobody has thrown away yet."""
        return (self.path / TAKES).is_dir()

    def clear(self) -> None:
        """Forget what was done: all files but the lock, the manifest last."""
        for entry in sorted(self.path.iterdir(), key=lambda entry: entry.name == MANIFEST):
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name not in (LOCK, HOLDER):
                entry.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the folder, manifest before lock, so that a half-removed one is still known for what it is."""
        self.clear()
        (self.path / HOLDER).unlink(missing_ok=True)
        self._lock.release()
        (self.path / LOCK).unlink(missing_ok=True)
        self.path.rmdir()

    def _intact(self, files: dict[str, str]) -> bool:
        return all((self.path / name).is_file() and sha256(self.path / name) == sha for name, sha in files.items())
