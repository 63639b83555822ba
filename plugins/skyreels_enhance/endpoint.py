"""The enhancer that asks an OpenAI-compatible endpoint; nobody but this file touches the key."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from skyreels_cli.errors import PluginError, RetryableError, SkyreelsError, UsageError, first_line
from skyreels_cli.order.enhance.answer import CONTROL
from skyreels_cli.plugins.protocols import Writing, WritingTask
from skyreels_cli.settings import load_settings
from skyreels_enhance.plugin import OpenAIOptions

if TYPE_CHECKING:
    from openai import AsyncOpenAI

HOSTED: Final = "https://api.openai.com/v1"
MOST_CHARACTERS: Final = 40_000
"""Of an answer that does not end; all of it would be cut off anyway."""
PICTURE_PIXELS: Final = 1024
"""Longer side of a picture that is sent: more costs tokens and shows no more."""
KEY_LIKE: Final = re.compile(r"\b(?:sk|pk|key|Bearer)[-_ ][\w\-*.]{6,}", re.IGNORECASE)


class Endpoint:
    """Asks one endpoint; address, model and key come from the settings, else from OpenAI's own variables."""

    def __init__(self, options: OpenAIOptions, model: str | None) -> None:
        settings = load_settings()
        own = settings.enhancer_url
        self._options = options
        self._url = own or os.environ.get("OPENAI_BASE_URL") or HOSTED
        secret = settings.enhancer_key.get_secret_value() if settings.enhancer_key else ""
        # A key of OpenAI's goes to OpenAI or where OpenAI's own variable says, and to no other address.
        self._key = secret or ("" if own else os.environ.get("OPENAI_API_KEY", ""))
        self._model = model or settings.enhancer_model
        self._place = urlsplit(self._url).hostname or "the endpoint"
        if self._url == HOSTED and not self._key:
            message = "prompt enhancer openai: neither an address nor a key is set"
            raise UsageError("enhancer-address", message, "SKYREELS_ENHANCER_URL=http://localhost:11434/v1")

    def write(self, task: WritingTask, show: Callable[[str], object]) -> Writing:
        """Ask, within the time that the options give."""
        try:
            return asyncio.run(asyncio.wait_for(self._ask(task, show), self._options.timeout))
        except SkyreelsError:
            raise
        except ImportError:
            hint = "pip install 'skyreels-cli[openai]'"
            raise PluginError("enhancer-extra", "prompt enhancer openai needs the package openai", hint) from None
        except TimeoutError:
            message = f"{self._place} gave no whole answer within {self._options.timeout:g} s"
            hint = f"-O openai.timeout={self._options.timeout * 3:g}"
            raise RetryableError("enhancer-timeout", message, hint) from None
        except Exception as error:  # noqa: BLE001 - of the client, its HTTP library and its parsers; no chain may show a key
            raise self._explained(error) from None

    async def _ask(self, task: WritingTask, show: Callable[[str], object]) -> Writing:
        from openai import AsyncOpenAI, BadRequestError

        async with AsyncOpenAI(
            base_url=self._url,
            api_key=self._key or "none",
            max_retries=self._options.retries,
            timeout=self._options.timeout,
        ) as client:
            model = self._model or await self._first_model(client)
            wishes = {"temperature": self._options.temperature, "seed": task.seed}
            pictures = [task.image, None] if task.image else [None]
            # Endpoints refuse with 400 what they do not know: first the wishes are dropped, then the picture.
            attempts = [(picture, extra) for picture in pictures for extra in (wishes, {})]
            for number, (picture, extra) in enumerate(attempts):
                request = {"model": model, "messages": _messages(task, picture), **extra}
                try:
                    text = await _answer(client, request, show)
                except BadRequestError:
                    if number == len(attempts) - 1:
                        raise
                else:
                    return Writing(text, _public(model), saw_image=picture is not None)
        raise AssertionError("the last attempt answers or raises")

    async def _first_model(self, client: AsyncOpenAI) -> str:
        """The model of an endpoint that has hardly more than one, as local ones do."""
        if self._url == HOSTED:
            raise UsageError("enhancer-model", "which of OpenAI's models shall write?", "--model gpt-4o-mini")
        models = (await client.models.list()).data
        if not models:
            raise UsageError("enhancer-model", f"{self._place} offers no model", "load one there, or --provider rules")
        return models[0].id

    def _explained(self, error: Exception) -> SkyreelsError:
        """One line, and whether trying again can help."""
        status = getattr(error, "status_code", None)
        said = self._hidden(_server_words(error) or first_line(error))
        if status in (401, 403):
            message = f"{self._place} {'refused the' if self._key else 'wants a'} key ({status})"
            return UsageError("enhancer-key", message, "SKYREELS_ENHANCER_KEY=… (or enhancer_key in config.yaml)")
        if status == 404:
            message = f"{self._place} knows no model {self._model!r}, or has another address: {said}"
            return UsageError("enhancer-model", message, "skyreels config show")
        if status is not None:
            message = f"{self._place} failed ({status}): {said}"
            if status < 500 and status not in (408, 409, 429):
                return UsageError("enhancer-refused", message, "--model NAME, or --provider rules")
            return RetryableError("enhancer-busy", message, "try again later, or --provider rules")
        if isinstance(error, ValueError | AttributeError | TypeError):
            message = f"{self._place} sent no answer of the kind that OpenAI's endpoints send: {said}"
            return RetryableError("enhancer-answer", message, "does the address end with /v1? or --provider rules")
        message = f"{self._place} cannot be reached: {said}"
        return RetryableError("enhancer-unreachable", message, "is it running? or --provider rules")

    def _hidden(self, text: str) -> str:
        """A server's words without the key, or what looks like one, and without what a terminal would obey."""
        text = text.replace(self._key, "***") if self._key else text
        return KEY_LIKE.sub("***", CONTROL.sub("", text))[:200]


async def _answer(client: AsyncOpenAI, request: Mapping[str, Any], show: Callable[[str], object]) -> str:
    """The text, as it comes; asked for in one piece where an endpoint does not stream."""
    text, chunks = "", 0
    stream = await client.chat.completions.create(**request, stream=True)
    async for chunk in stream:
        chunks += 1
        piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
        if piece:
            text += piece
            show(piece)
        if len(text) > MOST_CHARACTERS:
            await stream.close()
            break
    if chunks:
        return text[:MOST_CHARACTERS]
    whole = await client.chat.completions.create(**request)
    text = (whole.choices[0].message.content or "") if whole.choices else ""
    show(text)
    return text[:MOST_CHARACTERS]


def _messages(task: WritingTask, picture: str | None) -> list[dict[str, Any]]:
    """The task's messages, with the picture in the first one of the user."""
    messages: list[dict[str, Any]] = [dict(message) for message in task.messages]
    if picture:
        parts = [{"type": "text", "text": messages[1]["content"]}]
        messages[1]["content"] = [*parts, {"type": "image_url", "image_url": {"url": _data_url(picture)}}]
    return messages


def _data_url(file: str) -> str:
    """A picture as a JPEG within the message, without what its file says about camera and place."""
    from PIL import Image, ImageOps

    with Image.open(file) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    upright.thumbnail((PICTURE_PIXELS, PICTURE_PIXELS))
    packed = io.BytesIO()
    upright.save(packed, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}"


def _server_words(error: Exception) -> str:
    """What the server says in the `error.message` of its answer."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, Mapping) else {}
    said = inner.get("message") if isinstance(inner, Mapping) else inner
    return said if isinstance(said, str) else ""


def _public(model: str) -> str:
    """A model's name without the folder in which an endpoint has it."""
    path = PurePath(model)
    return path.name if path.is_absolute() or "\\" in model else model
