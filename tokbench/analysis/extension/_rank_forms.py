"""A rank file as the content of a tokenizer.json, and the rank file of an extended vocabulary."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

import tiktoken
from tokenizers import AddedToken, models

from tokbench.adapters import Tokenizer
from tokbench.adapters._hf_pipelines import byte_level_pipeline
from tokbench.adapters.tiktoken import TiktokenTokenizer
from tokbench.analysis.sweep._merged_tokens import Document
from tokbench.catalog.byte_level import printable_bytes
from tokbench.catalog.rank_files import format_ranks
from tokbench.errors import TokbenchError

_PARTS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\{\d+(?:,\d*)?\})\+(?=\||$)|(\$)", re.DOTALL)
"""Escapes and classes, which stay as they are; a possessive number of times at the end of an alternative; the end."""


def convert_ranks(tokenizer: TiktokenTokenizer) -> Document:
    """Write ranks as tokenizer.json: tokens are taken whole, and made from any two whose texts make them.

    Raises TokbenchError for a pattern that the library of tokenizer.json reads otherwise.
    """
    character = {byte: shown for shown, byte in printable_bytes().items()}
    texts = {
        number: "".join(character[byte] for byte in token) for number, token in tokenizer.numbered().items() if token
    }
    vocab = {text: number for number, text in texts.items()}
    special = dict(tokenizer.file.special)
    double = sorted(special.keys() & vocab.keys())
    if double:
        raise TokbenchError(
            f"{tokenizer.name} cannot be extended: its special token {double[0]!r} is also written for other bytes",
            "give a tokenizer.json of BPE",
        )
    merges = [pair for number in sorted(texts) for pair in list_splits(texts[number], vocab)]
    normalizer = tokenizer.asset.entry.normalizer if tokenizer.asset.entry else None
    pattern = convert_pattern(tokenizer.file.pattern, tokenizer.name)
    pipeline = byte_level_pipeline(models.BPE(vocab | special, merges, ignore_merges=True), [pattern], normalizer)
    ordered = sorted(special, key=lambda text: special[text])
    pipeline.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in ordered])
    document: Document = json.loads(pipeline.to_str())
    return document


def list_splits(text: str, vocab: Mapping[str, int]) -> list[tuple[str, str]]:
    """List the pairs of tokens that make a text, by their ids.

    >>> list_splits("abc", {"a": 0, "b": 1, "c": 2, "ab": 4, "bc": 3})
    [('a', 'bc'), ('ab', 'c')]
    """
    pairs = [(text[:cut], text[cut:]) for cut in range(1, len(text)) if text[:cut] in vocab and text[cut:] in vocab]
    return sorted(pairs, key=lambda pair: (vocab[pair[0]], vocab[pair[1]]))


def convert_pattern(pattern: str, name: str) -> str:
    r"""Write a pattern of tiktoken for Oniguruma.

    There, `{1,3}+` is no possessive quantifier but a repetition of one, and `$` is the end of a line.

    >>> convert_pattern(r"\p{N}{1,3}+|[$+]+|\s++$", "x")
    '\\p{N}{1,3}|[$+]+|\\s++\\z'

    Raises TokbenchError for intersections of classes, which it reads otherwise.
    """
    if "&&" in pattern:
        raise TokbenchError(
            f"{name} cannot be extended: its pattern has an intersection of classes, which tokenizer.json lacks",
            "give a tokenizer.json of BPE",
        )
    return _PARTS.sub(lambda match: match[1] or (r"\z" if match[2] else match[0]), pattern)


def can_write_ranks(tokenizer: Tokenizer) -> bool:
    """Return whether an extended tokenizer can be written as a rank file, in which ids are ranks."""
    return isinstance(tokenizer, TiktokenTokenizer) and not tokenizer.file.shift


def require_ranks(tokenizer: Tokenizer) -> None:
    """Raise TokbenchError unless an extended tokenizer can be written as a rank file."""
    if not can_write_ranks(tokenizer):
        raise TokbenchError(f"{tokenizer.name} is no rank file, so that none can be written", "write a tokenizer.json")


def add_ranks(tokenizer: TiktokenTokenizer, first: int, texts: Sequence[str]) -> dict[bytes, int]:
    """Return the ranks of a tokenizer with those of new tokens: their ids, above those of its special tokens."""
    byte_of, shift = printable_bytes(), tokenizer.file.shift
    new = {bytes(byte_of[shown] for shown in text): first + place - shift for place, text in enumerate(texts)}
    return tokenizer.file.ranks | new


def write_ranks(tokenizer: Tokenizer, first: int, texts: Sequence[str]) -> bytes | None:
    """Return the content of the extended rank file, the lowest rank first; None where there is no such file."""
    if not isinstance(tokenizer, TiktokenTokenizer) or not can_write_ranks(tokenizer):
        return None
    return format_ranks(sorted(add_ranks(tokenizer, first, texts).items(), key=lambda item: item[1]))


def check_ranks(
    tokenizer: Tokenizer, first: int, new: Sequence[str], texts: Sequence[str], expected: Iterable[list[int]]
) -> None:
    """Raise TokbenchError if it is a rank file and tiktoken gives other ids with the new tokens than expected."""
    if not isinstance(tokenizer, TiktokenTokenizer):
        return
    file = tokenizer.file
    encoding = tiktoken.Encoding(
        "extended", pat_str=file.pattern, mergeable_ranks=add_ranks(tokenizer, first, new), special_tokens={}
    )
    for text, ids in zip(tokenizer.prepare(texts), expected, strict=True):
        if [rank + file.shift for rank in encoding.encode_ordinary(text)] != ids:
            raise TokbenchError(
                f"{tokenizer.name} cannot be extended: tiktoken and tokenizers merge the new tokens differently",
                "this is a case that tokbench does not know: please report it with the tokenizer's name",
            )
