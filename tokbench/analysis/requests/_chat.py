"""What a chat template adds to the contents of messages, by number of turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from tokbench._shared.hashes import sha256_of
from tokbench._shared.pipes import refuse_special
from tokbench.adapters import Tokenizer
from tokbench.adapters._special_tokens import find_settings
from tokbench.catalog.chat_templates import render_conversations
from tokbench.catalog.companions import CONFIG
from tokbench.corpora import Corpus
from tokbench.errors import EngineError, TokbenchError

TURNS = (1, 2, 4, 8)
"""Numbers of turns, each a message of the user and an answer."""

TEMPLATE = "chat_template.jinja"
LARGEST = 1 << 20
"""Bytes of the largest template."""

SCHEMA = {
    "tokenizer": pl.String,
    "lang": pl.String,
    "turns": pl.Int64,
    "tokens_contents": pl.Int64,
    "tokens_rendered": pl.Int64,
    "overhead": pl.Int64,
}

Conversation = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class ChatTemplate:
    """A chat template.

    source: the file and key that it comes from.
    sha256: of the file.
    tokens: texts of special tokens that it may name, such as bos_token.
    """

    text: str
    source: str
    sha256: str
    tokens: Mapping[str, str] = field(default_factory=dict)


def find_template(tokenizer: Tokenizer, path: Path | None = None) -> ChatTemplate | None:
    """Find the chat template of a tokenizer; None if no file has one.

    path: a file to read instead. Otherwise chat_template.jinja beside the tokenizer's files comes before the key
    `chat_template` of tokenizer_config.json, of which the one called `default` is taken if there are several.

    Raises TokbenchError for a template that is no text, or too large.
    """
    companions = find_settings(tokenizer)
    files = tokenizer.asset.files
    beside = files[0].parent / TEMPLATE if files else None
    chosen = path or (beside if beside is not None and beside.is_file() else None)
    if chosen is not None:
        return ChatTemplate(read_template(chosen), chosen.name, sha256_of(chosen), companions.attributes)
    text = pick_default(companions.settings.get("chat_template"))
    if text is None:
        return None
    config = next(file for file in companions.files if file.name == CONFIG)
    if len(text) > LARGEST:
        raise TokbenchError(f"{config}: chat_template is too large", "give another file by --chat-template")
    return ChatTemplate(text, f"{CONFIG}, chat_template", sha256_of(config), companions.attributes)


def pick_default(value: Any) -> str | None:
    """Return a template, or the one called `default` of a list; None for anything else."""
    if isinstance(value, list):
        named = (one for one in value if isinstance(one, dict) and one.get("name") == "default")
        value = next(named, {}).get("template")
    return value if isinstance(value, str) and value else None


def read_template(path: Path) -> str:
    """Read a template file; TokbenchError if it is no UTF-8 text or too large."""
    refuse_special(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise TokbenchError(f"{path} is too large for a chat template", "give the template itself")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise TokbenchError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise TokbenchError(f"{path} is not UTF-8 at byte {error.start}", "give a chat template") from error


def measure_chat(
    tokenizers: Sequence[Tokenizer], corpus: Corpus, templates: Mapping[str, ChatTemplate | None]
) -> pl.DataFrame:
    """Count what templates add: by tokenizer, language and number of turns, then over all languages (lang is null).

    The messages are the first texts of a language, without white space around them, user and assistant in turn;
    languages with too few texts are left out, and so are tokenizers without a template. There is no generation prompt.

    tokens_contents: of all contents, each encoded alone.
    tokens_rendered: of the rendered conversation, in which the texts of special tokens are those tokens.
    overhead: the difference; over all languages, sums. Null if the engine reads no special tokens from text.

    Raises TokbenchError for a template that cannot be rendered, MissingExtraError without Jinja.
    """
    conversations = dict(list_conversations(corpus))
    rows: list[tuple[object, ...]] = []
    for tokenizer in tokenizers:
        template = templates[tokenizer.name]
        if template is None or not conversations:
            continue
        rendered = render_conversations(template.text, template.tokens, list(conversations.values()), template.source)
        totals: dict[int, list[int]] = {}
        for ((lang, turns), messages), text in zip(conversations.items(), rendered, strict=True):
            inside = int(tokenizer.count_batch([message["content"] for message in messages]).sum())
            whole = count_rendered(tokenizer, text)
            rows.append((tokenizer.name, lang, turns, inside, whole, None if whole is None else whole - inside))
            if whole is not None:
                before = totals.get(turns, [0, 0])
                totals[turns] = [before[0] + inside, before[1] + whole]
        rows += [(tokenizer.name, None, turns, a, b, b - a) for turns, (a, b) in totals.items()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def count_rendered(tokenizer: Tokenizer, text: str) -> int | None:
    """Count the tokens of a text in which special tokens are written out; None if the engine does not read them."""
    if not any(tokenizer.special_tokens().values()):
        return tokenizer.count(text)
    try:
        return int(tokenizer.encode_with_special([text]).counts[0])
    except EngineError:
        raise
    except TokbenchError:
        return None


def list_conversations(corpus: Corpus) -> Iterator[tuple[tuple[str, int], Conversation]]:
    """Yield a conversation per language and number of turns."""
    for lang in corpus.languages:
        texts = [text.strip() for text in corpus.texts(lang)[: 2 * max(TURNS)]]
        for turns in TURNS:
            if len(texts) >= 2 * turns:
                yield (
                    (lang, turns),
                    [
                        {"role": ("user", "assistant")[place % 2], "content": text}
                        for place, text in enumerate(texts[: 2 * turns])
                    ],
                )
