"""Settings of this machine (device, folders, default model); what to render is said by recipes only.

Importing this module takes 170 ms (pydantic-settings), so commands import it when they run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.paths import folders

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap

ENV_PREFIX = "SKYREELS_"

Secret = Annotated[SecretStr, BeforeValidator(str)]  # a key of nothing but digits is no number


def _paths(said: Any) -> Any:
    """Paths in one text, as in `PATH`, one after the other."""
    return [part for part in said.split(os.pathsep) if part] if isinstance(said, str) else said


UserPath = Annotated[Path, AfterValidator(Path.expanduser)]


class Settings(BaseSettings):
    """Machine settings; strongest first: typed flags, `SKYREELS_*` variables, config.yaml, these defaults."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    model: str | None = Field(None, description="the model where neither a flag nor a preset names one")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cuda, cuda:1, mps or cpu")
    offload: Literal["auto", "none", "model", "stream"] = Field("auto", description="auto, none, model or stream")
    attention: Literal["auto", "sdpa", "flash", "cudnn", "efficient", "math", "flash3", "flash4"] = Field(
        "auto", description="auto, sdpa, flash, cudnn, efficient, math, flash3 or flash4"
    )
    compile: bool = Field(False, description="whether torch compiles the transformer's layers: true or false")
    gpus: int = Field(1, ge=1, description="on how many GPUs a film is made, from `device` on")
    calibrate: bool = Field(True, description="whether to measure how fast a film will be: true or false")
    parallel: str | None = Field(None, description="the name of a parallel backend for several GPUs")
    outdir: UserPath = Field(Path(), description="the folder for films without a name of their own")
    film_folders: Annotated[tuple[UserPath, ...], NoDecode, BeforeValidator(_paths)] = Field(
        (), description="more folders in which `skyreels films` looks: a list; in a variable as in PATH"
    )
    retake_days: float = Field(30, ge=0, description="for how many days the end of a film can be made again; 0: never")
    retake_mb: float = Field(2000, ge=0, description="how many megabytes that may take, for all films together")
    pictures: bool = Field(True, description="whether frames are drawn in the terminal: true or false")
    enhancer: str | None = Field(None, description="the prompt enhancer where none is named")
    enhancer_model: str | None = Field(None, description="the language model of prompt enhancers")
    enhancer_url: str | None = Field(
        None, pattern=r"^https?://", description="the address of an OpenAI-compatible endpoint (http://…/v1)"
    )
    enhancer_key: Secret | None = Field(None, description="the key of that endpoint; better in the environment")
    presets_dir: UserPath = Field(default_factory=lambda: folders().presets, description="the folder of your presets")
    on_finished: str | None = Field(
        None, description="a shell command for each finished job; it is told SKYREELS_JOB, SKYREELS_OUTPUT …"
    )
    on_failed: str | None = Field(None, description="a shell command for each job that failed")
    webhook: str | None = Field(
        None, pattern=r"^https?://", description="a URL to which finished and failed jobs are posted as JSON"
    )
    bell: bool = Field(True, description="whether the queue's worker rings when a job ends: true or false")

    keys: dict[str, str] = Field(
        default_factory=dict, description="keys of the dashboard by action, as in `{pause: z, new: ctrl+n}`"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave `.env` and secret files out: a stray file in the working folder must not change a render."""
        return init_settings, env_settings, ConfigFile(settings_cls)


class ConfigFile(PydanticBaseSettingsSource):
    """config.yaml as YAML 1.2 (the library's own source reads 1.1, where `no` is false and `16:9` is 969)."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """One field's value; the base class requires this method."""
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All keys of the file; unknown ones too, so that they are refused."""
        return dict(_config())


def load_settings(**flags: Any) -> Settings:
    """The settings: typed flags (None = not typed) win over the environment, and that over the config file.

    Raises UsageError naming the flag, the variable or the file and line at fault.
    """
    typed = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**typed)
    except ValidationError as invalid:
        problem = invalid.errors()[0]
        name = str(problem["loc"][0])
        where = origin(name, typed)
        if problem["type"] == "extra_forbidden":
            message = f"{where}: there is no setting {name!r}{did_you_mean(name, Settings.model_fields)}"
            raise UsageError("bad-config", message, f"edit {where}") from None
        message = f"{where}: {problem['input']!r} does not suit {name}"
        hint = f"{name} is {Settings.model_fields[name].description}"
        edit = f"edit {where}; " if where.startswith(str(folders().config_file)) else ""
        raise UsageError("bad-setting", message, f"{edit}{hint}") from None


def setting_named(name: str) -> str:
    """The setting of that name, with - or _; UsageError `no-setting` if there is none."""
    known = name.replace("-", "_")
    if known not in Settings.model_fields:
        near = did_you_mean(known, Settings.model_fields)
        raise UsageError("no-setting", f"there is no setting {name!r}{near}", "skyreels config show")
    return known


def change_setting(name: str, said: str | None) -> Path:
    """Write a setting to config.yaml, or take it out, and leave all else in it as it is; returns the file.

    Raises UsageError `bad-setting` for a value that does not suit, before anything is written.
    """
    from ruamel.yaml import YAML

    file, config = folders().config_file, _config()
    if said is None:
        config.pop(name, None)
    else:
        value = YAML(typ="safe").load(said)
        load_settings(**{name: value})
        config[name] = value
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        if config:
            YAML().dump(config, stream)
    partial.replace(file)
    return file


def origin(name: str, typed: Mapping[str, Any]) -> str:
    """Where a setting's value comes from: a flag, a variable, a line of config.yaml, or `default`."""
    if name in typed:
        return f"--{name.replace('_', '-')}"
    variable = ENV_PREFIX + name.upper()
    if os.environ.get(variable):
        return variable
    config = _config()
    if name in config:
        return f"{folders().config_file}:{config.lc.key(name)[0] + 1}"
    return "default"


def _config() -> CommentedMap:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import MarkedYAMLError

    file = folders().config_file
    edit = f"${{EDITOR:-vi}} {quote(str(file))}"
    try:
        content = YAML().load(file) if file.is_file() else None
    except MarkedYAMLError as broken:
        line = f":{broken.problem_mark.line + 1}" if broken.problem_mark else ""
        raise UsageError("bad-config", f"{file}{line}: {broken.problem}", edit) from None
    except (OSError, UnicodeDecodeError) as unreadable:
        raise UsageError("bad-config", f"{file} cannot be read", f"ls -l {quote(str(file))}") from unreadable
    if content is None:
        return CommentedMap()
    if not isinstance(content, CommentedMap):
        raise UsageError("bad-config", f"{file}:1: expected `name: value` lines", edit)
    return content
