"""The counting APIs of closed models: a text is sent, the number of its tokens comes back.

Plain HTTP: each API is one request, and the official SDKs would add dozens of packages to send it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from tokbench._shared.visible_text import reveal
from tokbench.catalog.network import Answer, post
from tokbench.catalog.waiting import read_wait
from tokbench.errors import TokbenchError, UnavailableError

NO_IDS = "a counting API gives no ids"
"""Why everything that needs ids or bytes of tokens is null."""

MOST_TOKENS = 2**31 - 1
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_KEY = re.compile(r"[!-~]{1,1000}")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost):[0-9]{1,5}")
_SHOWN = 200  # characters of a server's message
_QUOTED = 4  # characters from which on a text in a message is a quotation
_AGAIN = frozenset({408, 429})


@dataclass(frozen=True)
class Provider:
    """A provider's counting API.

    address: where it is; variable: the environment variable that names a server on this machine in its place.
    keys: the environment variables that may hold the key, in the order in which they are looked up.
    authorize: the headers that carry a key. write: path and document of a request for a model and a text.
    field: the field of the answer that holds the number of tokens.
    """

    name: str
    address: str
    variable: str
    keys: tuple[str, ...]
    call: str
    authorize: Callable[[str], Mapping[str, str]]
    write: Callable[[str, str], tuple[str, Mapping[str, Any]]]
    field: str


def _write_anthropic(model: str, text: str) -> tuple[str, Mapping[str, Any]]:
    return "/v1/messages/count_tokens", {"model": model, "messages": [{"role": "user", "content": text}]}


def _write_gemini(model: str, text: str) -> tuple[str, Mapping[str, Any]]:
    return f"/v1beta/models/{quote(model)}:countTokens", {"contents": [{"parts": [{"text": text}]}]}


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            Provider(
                "anthropic",
                "https://api.anthropic.com",
                "TOKBENCH_ANTHROPIC_URL",
                ("ANTHROPIC_API_KEY",),
                "count_tokens",
                lambda key: {"x-api-key": key, "anthropic-version": "2023-06-01"},
                _write_anthropic,
                "input_tokens",
            ),
            Provider(
                "gemini",
                "https://generativelanguage.googleapis.com",
                "TOKBENCH_GEMINI_URL",
                ("GOOGLE_API_KEY", "GEMINI_API_KEY"),  # the order of Google's SDK
                "countTokens",
                lambda key: {"x-goog-api-key": key},
                _write_gemini,
                "totalTokens",
            ),
        )
    }
)


@dataclass(frozen=True)
class CountingModel:
    """A model whose provider counts tokens: `anthropic:MODEL` or `gemini:MODEL`."""

    provider: Provider
    model: str

    @property
    def name(self) -> str:
        """The label in tables."""
        return f"{self.provider.name}:{self.model}"

    @property
    def address(self) -> str:
        """Return the address of the API.

        Raises TokbenchError if the variable that replaces it names anything but a server on this machine.
        """
        replaced = os.environ.get(self.provider.variable)
        if not replaced:
            return self.provider.address
        if not _LOOPBACK.fullmatch(replaced):
            raise TokbenchError(
                f"{self.provider.variable} names a server other than http://127.0.0.1:PORT",
                "texts and keys are sent only to the provider, or to this machine",
            )
        return replaced

    @property
    def host(self) -> str:
        """The host that texts are sent to."""
        return urlsplit(self.address).netloc

    def read_key(self) -> str:
        """Return the provider's key from the environment; UnavailableError without one that can be sent."""
        keys = self.provider.keys
        found = next((name for name in keys if os.environ.get(name)), None)
        if found is None:
            raise UnavailableError(f"{self.name} needs a key", f"set {' or '.join(sorted(keys))}")
        key = os.environ[found].strip()
        if not _KEY.fullmatch(key):
            raise UnavailableError(f"{found} is not a key: it has spaces or other odd characters", "set it again")
        return key


def is_counting_model(argument: object) -> bool:
    """Return whether an argument names a model of a counting API.

    >>> is_counting_model("anthropic:claude-x"), is_counting_model("hf:org/name")
    (True, False)
    """
    return isinstance(argument, str) and ":" in argument and argument.partition(":")[0] in PROVIDERS


def parse_counting_model(argument: str) -> CountingModel:
    """Parse `PROVIDER:MODEL`; TokbenchError for anything that cannot be the name of a model."""
    provider, _, model = argument.partition(":")
    if provider not in PROVIDERS or not _MODEL.fullmatch(model):
        raise TokbenchError(
            f"{argument[:80]!r} does not name a model of a counting API",
            f"use {' or '.join(f'{name}:MODEL' for name in PROVIDERS)}, in letters, digits, dots and dashes",
        )
    return CountingModel(PROVIDERS[provider], model)


def refuse_counting_model(argument: str) -> TokbenchError:
    """Build the error for a command that needs ids."""
    model = parse_counting_model(argument)
    return TokbenchError(f"{model.name}: {NO_IDS}", "use it with: tokbench compare, or tokbench cost")


@dataclass(frozen=True)
class Refusal:
    """An answer without a number of tokens, after which the same request may be sent again.

    wait: seconds that the server asks to wait; None if it names none.
    """

    reason: str
    wait: float | None


def request_count(model: CountingModel, key: str, text: str) -> int | Refusal:
    """Send one text and return the number of tokens that the API gives.

    Raises UnavailableError if asking again would not help. No error shows the key or the text.
    """
    path, document = model.provider.write(model.model, text)
    headers = {**model.provider.authorize(key), "Content-Type": "application/json"}
    try:
        answer = post(f"{model.address}{path}", headers, json.dumps(document).encode(), f"a request to {model.host}")
    except UnavailableError as error:
        return Refusal(error.message, None)
    if answer.status == 200:
        return read_count(model, answer)
    reason = f"status {answer.status}{_read_message(answer, key, text)}"
    if answer.status in _AGAIN or answer.status >= 500:
        return Refusal(f"{model.host} answered with {reason}", read_wait(answer.headers))
    hint = {401: "check the key", 403: "check the key", 404: "check the name of the model"}.get(answer.status)
    raise UnavailableError(f"{model.name} cannot be counted: {model.host} answered with {reason}", hint)


def read_count(model: CountingModel, answer: Answer) -> int:
    """Return the number of tokens in an answer; UnavailableError if it is not what the API sends."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    count = document.get(model.provider.field) if isinstance(document, dict) else None
    if type(count) is not int or not 0 <= count <= MOST_TOKENS:
        raise UnavailableError(
            f"{model.name} cannot be counted: the answer of {model.host} holds no {model.provider.field}",
            "if this network has a login page, log in and try again",
        )
    return count


def _read_message(answer: Answer, key: str, text: str) -> str:
    """Return the server's message as the end of a sentence, without the key and the text."""
    try:
        message = json.loads(answer.body)["error"]["message"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""
    if not isinstance(message, str) or not message.strip():
        return ""
    hidden = message.replace(key, "[key]")
    clean = " ".join((hidden.replace(text, "[text]") if len(text) >= _QUOTED else hidden).split())
    return f" ({reveal(clean[:_SHOWN])})"
