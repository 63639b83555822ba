"""Registers the prompt enhancers; imports neither torch nor a client of anything."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import EnhancerSpec, hookimpl

SKYREELS_API = 1

StorageChoice = Literal["auto", "full", "8bit", "4bit"]


class OpenAIOptions(Options):
    """How an endpoint is asked; where it is and its key are settings of the machine."""

    temperature: float = Field(0.7, ge=0, le=2, description="0 always takes the likeliest word.")
    timeout: float = Field(120, gt=0, le=3600, description="Seconds for one answer, retries included.")
    retries: int = Field(2, ge=0, le=10, description="How often a busy or failing endpoint is asked again.")


class QwenOptions(Options):
    """How a language model runs on this machine."""

    temperature: float = Field(0.7, ge=0, le=2, description="0 always takes the likeliest word.")
    storage: StorageChoice = Field("auto", description="full, 8bit or 4bit weights (the latter need bitsandbytes).")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cuda, cuda:1, mps or cpu.")


@hookimpl
def skyreels_register_prompt_enhancers() -> tuple[EnhancerSpec, ...]:
    """Register `openai`, `qwen` and `rules`: in this order they are chosen where none is named."""
    here = "skyreels_enhance"
    return (
        EnhancerSpec(
            "openai",
            "Asks an OpenAI-compatible endpoint (Ollama, llama.cpp, vLLM, LM Studio, hosted); sees pictures.",
            f"{here}.endpoint:Endpoint",
            OpenAIOptions,
            ready=f"{here}.ready:endpoint_is_set",
        ),
        EnhancerSpec(
            "qwen",
            "Runs Qwen2.5-Instruct, or any chat model in a folder, a repository or a GGUF file, on this machine.",
            f"{here}.qwen:Qwen",
            QwenOptions,
            ready=f"{here}.ready:model_is_here",
        ),
        EnhancerSpec(
            "rules",
            "Completes the prompt from a vocabulary: no model, at once, offline.",
            f"{here}.rules:Rules",
            own_process=False,
            ready=f"{here}.ready:always",
        ),
    )
