"""How a film's texts came about, if a prompt enhancer wrote them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Enhancement(BaseModel):
    """A record: whoever renders the recipe again takes the texts that it holds, and asks nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str = Field(description="what the person wrote")
    provider: str
    model: str | None = Field(None, description="the language model that wrote the texts")
    options: dict[str, Any] = Field({}, description="the provider's, as far as they were set")
    instruction: str | None = Field(None, description="version and hash of what the language model was told")
    seed: int = 0
    pending: bool = Field(False, description="the texts are written when the film begins")
