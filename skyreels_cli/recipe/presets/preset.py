"""A preset: a draft that has a name, an author and needs of its own, as a file, a code or a film holds it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from skyreels_cli.recipe.schema import Draft

NAME = re.compile(r"[^\W_][\w.+-]{0,63}")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""File names that Windows keeps for devices."""


def _name(name: str) -> str:
    """A name that is a file's name on every system and a word on every command line."""
    if not NAME.fullmatch(name) or name.endswith(".") or RESERVED.fullmatch(name):
        raise ValueError("should be up to 64 letters, digits, dots and hyphens, and begin with a letter or digit")
    return name


def _versions(text: str) -> str:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # 10 ms, and few presets require anything

    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError("should be a range of versions, such as >=0.2,<1") from None
    return text


def _package(text: str) -> str:
    """A package and its versions; one that names where it is fetched from could be anything."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise ValueError("should be a package and its versions, such as skyreels-foo>=1.2") from None
    if requirement.url or requirement.extras or requirement.marker:
        raise ValueError("should be a package and its versions, such as skyreels-foo>=1.2, and nothing else")
    return text


PresetName = Annotated[str, AfterValidator(_name)]
Line = Annotated[str, Field(max_length=200)]


class Requires(BaseModel):
    """What a preset cannot do without."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skyreels: Annotated[str, AfterValidator(_versions)] | None = Field(None, description="versions of this program")
    plugins: dict[PresetName, Annotated[str, AfterValidator(_package)]] = Field(
        {}, max_length=32, description="by name, the package that brings it: skyreels-foo>=1.2"
    )
    model: Line | None = Field(None, description="the only model that it is made for")
    lora: dict[Line, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(
        {}, max_length=32, description="SHA-256 of LoRA files, by file name"
    )


class Preset(Draft):
    """What a preset file may say: everything that a draft may, and what it is about."""

    name: PresetName | None = Field(None, description="what it is called; a file is called so too")
    title: Line | None = Field(None, description="one line for lists")
    description: Annotated[str, Field(max_length=4000)] | None = Field(None, description="what it does, when to use it")
    author: Line | None = None
    licence: Line | None = Field(None, description="SPDX name, such as CC-BY-4.0")
    tags: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=32)] | None = None
    thumbnail: Line | None = Field(None, description="a small picture beside the preset")
    requires: Requires | None = None
    extends: Line | None = Field(None, description="a preset whose values hold where this one says nothing")

    @property
    def draft(self) -> Draft:
        """What it says about films."""
        return Draft.model_validate({name: getattr(self, name) for name in Draft.model_fields})

    def plain(self) -> dict[str, Any]:
        """All that is said, as JSON has it: `schema` first, nothing that is unset."""
        said = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return {"schema": self.schema_version, **{key: said[key] for key in KEYS if key in said}}


ABOUT = tuple(name for name in Preset.model_fields if name not in Draft.model_fields)
"""Keys that say what a preset is about, in the order in which they are written."""

KEYS = (*ABOUT, *(name for name in Draft.model_fields if name != "schema_version"))
