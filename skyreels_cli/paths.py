"""Paths as people type them, expanded and checked, and the folders in which the program keeps its own things."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from skyreels_cli.errors import UsageError

APP = "skyreels"


def home() -> Path:
    """The account's home folder, or UsageError `no-home` (containers and services have accounts without one)."""
    try:
        return Path.home()
    except RuntimeError:
        message = "this account has no home folder: set SKYREELS_HOME to a folder that may be written to"
        raise UsageError("no-home", message, "export SKYREELS_HOME=/var/tmp/skyreels") from None


def expanded(path: Path | str) -> Path:
    """The path with `~` expanded, as relative as it was.

    Raises UsageError: `no-home` for a `~` that means nothing, `no-folder` if the working folder is gone, `bad-name` if
    the name is no text, for it goes into JSON, the queue and the film.
    """
    given = Path(path)
    if given.parts[:1] == ("~",):
        home()
    try:
        found = given.expanduser()
        require_text(str(found.absolute()))
    except RuntimeError:
        raise UsageError("no-home", f"{given.parts[0]} is nobody's home folder", "write the path in full") from None
    except FileNotFoundError:
        raise UsageError("no-folder", "the folder that you are in has been deleted", 'cd "$HOME"') from None
    return found


def absolute(path: Path | str) -> Path:
    """The path from the root, with `~` expanded; raises what `expanded` raises."""
    return expanded(path).absolute()


def require_text(name: str) -> None:
    """Raise UsageError `bad-name` if a name is no text, or one that this system's file names cannot hold."""
    try:
        name.encode("utf-8")
        usable = b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        shown = ascii(name.encode("utf-8", "surrogateescape"))[2:-1]
        hint = "write it in UTF-8, and rename files that are not"
        raise UsageError("bad-name", f"'{shown}' is no text in the encoding of this terminal", hint)


@dataclass(frozen=True)
class Folders:
    """The program's folders on this machine; `SKYREELS_HOME` puts all of them into one."""

    config: Path
    presets: Path
    queue: Path
    models: Path
    retakes: Path
    catalogue: Path
    cache: Path

    @property
    def config_file(self) -> Path:
        """The settings file; it need not exist."""
        return self.config / "config.yaml"


def folders() -> Folders:
    """The folders in `SKYREELS_HOME` if it is set, else the platform's."""
    chosen = os.environ.get("SKYREELS_HOME")
    if chosen:
        config = state = absolute(chosen)
        cache = config / "cache"
    else:
        import platformdirs

        home()
        config, state = platformdirs.user_config_path(APP), platformdirs.user_state_path(APP)
        cache = platformdirs.user_cache_path(APP)
    return Folders(
        config=config,
        presets=config / "presets",
        queue=state / "queue",
        models=state / "models",
        retakes=state / "retakes",
        catalogue=config / "catalogue",
        cache=cache,
    )
