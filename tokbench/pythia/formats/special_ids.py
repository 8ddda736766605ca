"""The ids with which texts of a checkpoint begin and end, as its own files give them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench._shared.visible_text import reveal
from tokbench.catalog.companions import Companions, find_companions
from tokbench.catalog.gguf_header import read_header
from tokbench.catalog.tokenizer_classes import read as read_companions
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import Checkpoint

END_OF_TEXT = "<|endoftext|>"

PLACEHOLDERS = "tokbench.placeholders"
"""Metadata key of a GGUF file whose tokens have made-up names, since it runs on ids."""

_PAIRED = ("BertProcessing", "RobertaProcessing")
_BEGINNING_SPLITS = frozenset(
    {"llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "tekken", "chameleon"}
)
"""Names of llama.cpp for how text is split, whose texts get a beginning where the file does not say."""


@dataclass(frozen=True)
class SpecialIds:
    """Ids beside those of a text; by default GPT-NeoX's.

    prefix: what the first token of a text is predicted from: the beginning of a text, or else its end, as the LM
        Evaluation Harness chooses it. name: of the prefix, in signatures.
    ends: what ends a text that is generated.
    before, after: what the tokenizer's files add to every text.
    """

    prefix: int = 0
    name: str = "endoftext"
    ends: tuple[int, ...] = (0,)
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    def wrap(self, ids: Sequence[int]) -> list[int]:
        """Return the ids of a text with those that the tokenizer adds."""
        return [*self.before, *ids, *self.after]


GPT_NEOX = SpecialIds()


def read_special_ids(checkpoint: Checkpoint) -> SpecialIds:
    """Read the ids with which texts of a checkpoint begin and end.

    Of a folder: the tokens that the tokenizer's files name, else the ids in config.json. Of a GGUF file: its metadata.

    Raises TokbenchError if there are none, or if the model has no row for one.
    """
    if checkpoint.format == "gguf":
        found = _read_gguf(checkpoint.path)
    elif checkpoint.format == "ctranslate2":
        found = _read_ctranslate2(checkpoint.path)
    else:
        found = _read_folder(checkpoint)
    rows = checkpoint.architecture.vocab_rows
    strange = [number for number in (found.prefix, *found.ends, *found.before, *found.after) if number >= rows]
    if strange:
        raise TokbenchError(
            f"{checkpoint.name}: the special token {strange[0]} is beyond the {rows} rows of the model",
            "the tokenizer does not belong to the model: remove it or replace it",
        )
    return found


def _choose(
    source: Path | str, begin: int | None, end: int | None, ends: Sequence[int], text: Mapping[int, str], added: Added
) -> SpecialIds:
    prefix = begin if begin is not None else end if end is not None else next(iter(ends), None)
    if prefix is None:
        raise TokbenchError(
            f"{source}: no file names the token that begins or ends a text",
            "add bos_token_id or eos_token_id to config.json",
        )
    stops = dict.fromkeys([*ends, *([] if end is None else [end])])
    name = "endoftext" if text.get(prefix, END_OF_TEXT if prefix == 0 else None) == END_OF_TEXT else str(prefix)
    return SpecialIds(prefix, name, tuple(stops), added.before, added.after)


@dataclass(frozen=True)
class Added:
    """Ids that are added to every text."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


# ---- folders of Hugging Face


def _read_folder(checkpoint: Checkpoint) -> SpecialIds:
    config_path = checkpoint.path / "config.json"
    config = _read_text_settings(read_json_object(config_path))
    settings = checkpoint.path / "generation_config.json"
    generation = read_json_object(settings) if settings.is_file() else {}
    begin, ends = _read_id(config, "bos_token_id", config_path), _read_ids(config, "eos_token_id", config_path)
    ends = _read_ids(generation, "eos_token_id", settings) or ends
    if checkpoint.tokenizer is None:
        return _choose(checkpoint.path, begin, None, ends, {}, Added())
    document = read_json_object(checkpoint.tokenizer)
    companions = read_companions(find_companions(checkpoint.tokenizer))
    known = _list_tokens(document, companions)
    named = {key: known.get(companions.attributes.get(f"{key}_token", "")) for key in ("bos", "eos")}
    if named["bos"] is not None or named["eos"] is not None:
        begin = named["bos"]
    added = _read_added(document, companions, named, checkpoint.tokenizer)
    texts = {number: token for token, number in known.items()}
    return _choose(checkpoint.path, begin, named["eos"], ends, texts, added)


def _read_text_settings(config: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = config.get("text_config")
    return config | inner if isinstance(inner, dict) and isinstance(config, dict) else config


def _read_ids(settings: Mapping[str, Any], key: str, source: Path) -> list[int]:
    value = settings.get(key)
    numbers = value if isinstance(value, list) else [] if value is None else [value]
    for number in numbers:
        if type(number) is not int or number < 0:
            shown = reveal(repr(value))[:60]
            raise TokbenchError(f"{source}: {key} is {shown}, expected an id or a list", "download the file again")
    return list(numbers)


def _read_id(settings: Mapping[str, Any], key: str, source: Path) -> int | None:
    return next(iter(_read_ids(settings, key, source)), None)


def _list_tokens(document: Mapping[str, Any], companions: Companions) -> dict[str, int]:
    vocab = (document.get("model") or {}).get("vocab") or {}
    known = {piece[0]: number for number, piece in enumerate(vocab)} if isinstance(vocab, list) else dict(vocab)
    known |= {token["content"]: token["id"] for token in document.get("added_tokens") or []}
    return known | {token.content: number for number, token in companions.numbered.items()}


def _read_added(
    document: Mapping[str, Any], companions: Companions, named: Mapping[str, int | None], source: Path
) -> Added:
    """Return what is added to every text: by `add_bos_token` and `add_eos_token`, or else by the post-processor."""
    flags = {key: companions.flag(f"add_{key}_token") for key in named}
    if any(flag is not None for flag in flags.values()):
        found = {key: (number,) if flags[key] and number is not None else () for key, number in named.items()}
        return Added(found["bos"], found["eos"])
    processor = document.get("post_processor")
    try:
        return Added() if processor is None else _read_processor(processor)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise TokbenchError(
            f"{source}: post_processor is of an unknown form", "check the file, or download it again"
        ) from error


def _read_processor(processor: Mapping[str, Any]) -> Added:
    kind = processor["type"]
    if kind == "Sequence":
        steps = [_read_processor(step) for step in processor["processors"]]
        before = [number for step in reversed(steps) for number in step.before]
        return Added(tuple(before), tuple(number for step in steps for number in step.after))
    if kind == "ByteLevel":
        return Added()
    if kind in _PAIRED:
        return Added((processor["cls"][1],), (processor["sep"][1],))
    if kind != "TemplateProcessing":
        raise ValueError(kind)
    sides: dict[bool, list[int]] = {True: [], False: []}
    early = True
    for piece in processor["single"]:
        if "SpecialToken" in piece:
            sides[early] += processor["special_tokens"][piece["SpecialToken"]["id"]]["ids"]
        else:
            early = False
    return Added(tuple(sides[True]), tuple(sides[False]))


# ---- GGUF files and CTranslate2 folders


def _read_gguf(path: Path) -> SpecialIds:
    fields = read_header(path).fields

    def read(key: str) -> int | None:
        value = fields.get(f"tokenizer.ggml.{key}")
        # Files have 2^32 - 1 for a token that they lack.
        return value if type(value) is int and 0 <= value < (1 << 31) else None

    begin, end = read("bos_token_id"), read("eos_token_id")
    ends = [number for key in ("eos", "eot", "eom") if (number := read(f"{key}_token_id")) is not None]
    tokens = fields.get("tokenizer.ggml.tokens")
    texts = dict(enumerate(tokens)) if isinstance(tokens, list) else {}
    adds = {key: fields.get(f"tokenizer.ggml.add_{key}_token") for key in ("bos", "eos")}
    if adds["bos"] is None:
        model, pre = fields.get("tokenizer.ggml.model"), fields.get("tokenizer.ggml.pre")
        adds["bos"] = model == "llama" or pre in _BEGINNING_SPLITS
    before = (begin,) if adds["bos"] and begin is not None else ()
    after = (end,) if adds["eos"] and end is not None else ()
    return _choose(path, begin, end, ends, texts, Added(before, after))


def has_vocabulary(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint is a GGUF file with a vocabulary, which is not one of the names that we make up."""
    if checkpoint.format != "gguf":
        return False
    fields = read_header(checkpoint.path).fields
    return "tokenizer.ggml.tokens" in fields and not fields.get(PLACEHOLDERS)


def _read_ctranslate2(folder: Path) -> SpecialIds:
    path = folder / "vocabulary.json"
    try:
        tokens = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TokbenchError(f"{path}: not a readable list of tokens", "convert the model again") from error
    if not isinstance(tokens, list):
        raise TokbenchError(f"{path}: not a readable list of tokens", "convert the model again")
    config = read_json_object(folder / "config.json")
    named = [config.get(key) for key in ("bos_token", "eos_token")]
    begin, end = (tokens.index(token) if token in tokens else None for token in named)
    return _choose(folder, begin, end, [], dict(enumerate(tokens)), Added())
