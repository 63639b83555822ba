"""The enhancer that runs a chat model on this machine, by transformers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, TextStreamer

from skyreels_cli.errors import PluginError, RetryableError, SkyreelsError, UsageError, first_line
from skyreels_cli.model.memory import pick_device
from skyreels_cli.plugins.protocols import Writing, WritingTask
from skyreels_cli.settings import load_settings
from skyreels_enhance.plugin import QwenOptions
from skyreels_enhance.sizes import WeightStorage, cached_sizes, choose_size

# English takes 1.3 tokens a word; a model that goes on for longer does not find its end.
TOKENS_PER_WORD = 2
SPARE_TOKENS = 64
GIGABYTE = 1e9


@dataclass(frozen=True)
class ModelSource:
    """Where a model's files are: a folder or repository, and the file's name if there is one; `name` is for recipes."""

    place: str
    gguf_file: str | None
    name: str

    @property
    def arguments(self) -> dict[str, Any]:
        """What transformers' loaders take."""
        return {"gguf_file": self.gguf_file} if self.gguf_file else {}


class Qwen:
    """Loads its model with the first task, and keeps it for those that follow."""

    def __init__(self, options: QwenOptions, model: str | None) -> None:
        self._options = options
        self._asked_for = model or load_settings().enhancer_model
        self._chat: Chat | None = None

    def write(self, task: WritingTask, show: Callable[[str], object]) -> Writing:
        """Write with the task's seed: the same on the same machine."""
        chat = self._chat = self._chat or self._load()
        torch.manual_seed(task.seed)
        image = task.image if chat.sees else None
        text = chat.answer(task, image, self._options.temperature, show)
        return Writing(text, chat.name, saw_image=image is not None)

    def _load(self) -> Chat:
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        device = pick_device(self._options.device)
        storages = _storages(self._options.storage, device)
        if self._asked_for:
            source, storage = find_source(self._asked_for), storages[0]
        else:
            free = _free_gigabytes(device)
            size, storage = choose_size(free, storages, on_cpu=device.type == "cpu", cached=cached_sizes())
            source = find_source(size.repo)
        try:
            return Chat(source, storage, device)
        except (OSError, ValueError, KeyError) as error:
            raise _not_loaded(source, error) from error


class Chat:
    """A chat model with its tokenizer or, if it sees pictures, its processor."""

    def __init__(self, source: ModelSource, storage: WeightStorage, device: torch.device) -> None:
        config = AutoConfig.from_pretrained(source.place, **source.arguments)
        self.sees = hasattr(config, "vision_config")
        self.name = source.name
        loader = transformers.AutoProcessor if self.sees else AutoTokenizer
        self._reader: Any = loader.from_pretrained(source.place, **source.arguments)
        self._tokenizer = self._reader.tokenizer if self.sees else self._reader
        if not self._reader.chat_template:
            raise UsageError(
                "enhancer-model", f"{source.name} has no chat template: it is no chat model", "--provider rules"
            )
        models: Any = transformers.AutoModelForImageTextToText if self.sees else AutoModelForCausalLM
        how: dict[str, Any] = {"dtype": torch.float32 if source.gguf_file and device.type == "cpu" else "auto"}
        if source.gguf_file and device.type != "cpu":
            how["dtype"] = torch.bfloat16
        if storage != "full":
            how["quantization_config"] = _quantised(storage)
            how["device_map"] = {"": device}
        model = models.from_pretrained(source.place, **source.arguments, **how)
        self._model = (model if storage != "full" else model.to(device)).eval()

    @torch.inference_mode()
    def answer(self, task: WritingTask, image: str | None, temperature: float, show: Callable[[str], object]) -> str:
        """The model's answer, up to its end mark or as many tokens as the task's words can take."""
        inputs = self._encode(task.messages, image).to(self._model.device)
        most = task.shots * task.max_words * TOKENS_PER_WORD + SPARE_TOKENS
        sampling = {"do_sample": True, "temperature": temperature, "top_p": 0.9, "top_k": 0} if temperature else {}
        made = self._model.generate(
            **inputs,
            max_new_tokens=most,
            pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
            streamer=Shown(self._tokenizer, show),
            **(sampling or {"do_sample": False}),
        )
        new = made[0, inputs["input_ids"].shape[1] :]
        return str(self._tokenizer.decode(new, skip_special_tokens=True))

    def _encode(self, messages: tuple[dict[str, str], ...], image: str | None) -> Any:
        try:
            return self._apply(_with_picture(messages, image) if self.sees else list(messages))
        except Exception as refused:
            if "system" not in str(refused).lower():
                raise
            return self._apply(_without_system(messages))  # Gemma's template, for one, takes no system message

    def _apply(self, messages: list[Any]) -> Any:
        return self._reader.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )


class Shown(TextStreamer):
    """Hands on text as soon as its words are complete."""

    def __init__(self, tokenizer: Any, show: Callable[[str], object]) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._show = show

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        """The next piece."""
        if text:
            self._show(text)


def find_source(model: str) -> ModelSource:
    """A folder, a GGUF file, a Hugging Face repository, or `repository:file.gguf`.

    Raises UsageError `enhancer-model` if it looks like a path and nothing is there.
    """
    path = Path(model).expanduser()
    if path.suffix.lower() == ".gguf" and path.is_file():
        return ModelSource(str(path.parent), path.name, path.name)
    if path.is_dir():
        return ModelSource(str(path), None, path.resolve().name)
    repo, _, file = model.partition(":")
    if repo.count("/") == 1 and not model.startswith((".", "/", "~")) and (not file or file.endswith(".gguf")):
        return ModelSource(repo, file or None, model)
    message = f"there is no language model {model}: neither a folder, a .gguf file nor a repository OWNER/NAME"
    raise UsageError("enhancer-model", message, "--model Qwen/Qwen2.5-1.5B-Instruct")


def _storages(wanted: str, device: torch.device) -> tuple[WeightStorage, ...]:
    """How weights may be stored there; bitsandbytes' formats need it, and a CUDA device."""
    quantises = device.type == "cuda" and find_spec("bitsandbytes") is not None
    if wanted in ("8bit", "4bit") and not quantises:
        message = f"{wanted} weights need the package bitsandbytes and a CUDA device"
        raise PluginError("enhancer-extra", message, "pip install 'skyreels-cli[quantised]', or -O qwen.storage=full")
    known: dict[str, tuple[WeightStorage, ...]] = {"full": ("full",), "8bit": ("8bit",), "4bit": ("4bit",)}
    return known.get(wanted, ("full", "8bit", "4bit") if quantises else ("full",))


def _quantised(storage: WeightStorage) -> transformers.BitsAndBytesConfig:
    if storage == "8bit":
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )


def _free_gigabytes(device: torch.device) -> float:
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return float(free) / GIGABYTE


def _with_picture(messages: tuple[dict[str, str], ...], image: str | None) -> list[dict[str, Any]]:
    """The messages in parts, as processors want them, with the picture in the first one of the user."""
    parts = [
        {"role": message["role"], "content": [{"type": "text", "text": message["content"]}]} for message in messages
    ]
    if image:
        parts[1]["content"].insert(0, {"type": "image", "path": image})  # type: ignore[attr-defined]
    return parts


def _without_system(messages: tuple[dict[str, str], ...]) -> list[dict[str, str]]:
    """The same with the instruction in front of the first question."""
    system, user, *rest = messages
    return [{"role": "user", "content": f"{system['content']}\n\n{user['content']}"}, *rest]


def _not_loaded(source: ModelSource, error: Exception) -> SkyreelsError:
    """Which of two things is wrong: the network, or the model."""
    names = {kind.__name__ for kind in type(error).__mro__} | {
        kind.__name__ for kind in type(error.__cause__ or error).__mro__
    }
    if names & {"ConnectionError", "OfflineModeIsEnabled", "LocalEntryNotFoundError", "TimeoutException", "HTTPError"}:
        message = f"the language model {source.name} is not here, and Hugging Face cannot be reached"
        return RetryableError("enhancer-unreachable", message, "--model FOLDER, or --provider rules")
    message = f"the language model {source.name} cannot be loaded: {first_line(error)}"
    return UsageError("enhancer-model", message, "--model FOLDER|FILE.gguf|OWNER/NAME")
