"""The requests of the page, read from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from tokbench.errors import TokbenchError

MOST_PIECES = 20_000
MOST_MESSAGES = 100
MOST_NAMES = 64
ROLES = ("system", "user", "assistant", "tool")

Template = Literal["own", "chatml"]


@dataclass(frozen=True)
class Message:
    """A message of a conversation."""

    role: str
    content: str


@dataclass(frozen=True)
class Question:
    """A request of the page.

    text: the text to encode; ignored if there are messages.
    second: a text to compare with; may be empty.
    tokenizers: names.
    reference: the tokenizer from which differences are marked; None for the first.
    model: the name of a model, None for no cost.
    pieces: number of pieces to show.
    special: whether the texts of special tokens become those tokens; they do in messages.
    messages: a conversation to encode. template: how it is written as text.
    ids: whether to return all ids.
    """

    text: str
    second: str = ""
    tokenizers: tuple[str, ...] = ()
    reference: str | None = None
    model: str | None = None
    pieces: int = 1000
    special: bool = False
    messages: tuple[Message, ...] = ()
    template: Template = "own"
    ids: bool = False

    @classmethod
    def read(cls, document: Any) -> Question:
        """Parse a question from JSON; TokbenchError if it is invalid."""
        if not isinstance(document, dict):
            raise TokbenchError("the request must be a JSON object")
        fields: Mapping[str, Any] = document
        names = fields.get("tokenizers", [])
        if not _is_texts(names) or len(names) > MOST_NAMES:
            raise TokbenchError(f"tokenizers must be a list of up to {MOST_NAMES} names")
        if len(set(names)) < len(names):
            raise TokbenchError("tokenizers must name each tokenizer once")
        ids = _read_flag(fields, "ids")
        if ids and len(names) > 1:
            raise TokbenchError("ids are those of one tokenizer", "ask for one at a time")
        template = fields.get("template", "own")
        if template not in ("own", "chatml"):
            raise TokbenchError("template must be own or chatml")
        return cls(
            text=_read_text(fields, "text"),
            second=_read_text(fields, "second"),
            tokenizers=tuple(names),
            reference=_read_name(fields, "reference"),
            model=_read_name(fields, "model"),
            pieces=_read_pieces(fields),
            special=_read_flag(fields, "special"),
            messages=_read_messages(fields.get("messages", [])),
            template=template,
            ids=ids,
        )


def _is_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _read_text(fields: Mapping[str, Any], name: str) -> str:
    text = fields.get(name, "")
    if not isinstance(text, str):
        raise TokbenchError(f"{name} must be a string")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise TokbenchError(f"{name} contains a lone surrogate, which is not a character", "remove it")
    return text


def _read_name(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise TokbenchError(f"{name} must be a name")
    return value or None


def _read_flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise TokbenchError(f"{name} must be true or false")
    return value


def _read_pieces(fields: Mapping[str, Any]) -> int:
    pieces = fields.get("pieces", 1000)
    if not isinstance(pieces, int) or isinstance(pieces, bool) or not 0 <= pieces <= MOST_PIECES:
        raise TokbenchError(f"pieces must be an integer from 0 to {MOST_PIECES}")
    return pieces


def _read_messages(value: Any) -> tuple[Message, ...]:
    if not isinstance(value, list) or len(value) > MOST_MESSAGES:
        raise TokbenchError(f"messages must be a list of up to {MOST_MESSAGES}")
    messages = []
    for one in value:
        if not isinstance(one, dict) or one.get("role") not in ROLES:
            raise TokbenchError(f"a message needs a role ({', '.join(ROLES)}) and content")
        messages.append(Message(one["role"], _read_text(one, "content")))
    return tuple(messages)
