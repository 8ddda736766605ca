"""What kind of text a token is."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from enum import StrEnum

from tokbench.adapters import Tokenizer, find_reference_tokenizer
from tokbench.adapters.huggingface import HuggingFaceTokenizer


class TokenClass(StrEnum):
    """The kinds of tokens; each token is of the first that fits, from top to bottom."""

    SPECIAL = "special"
    UNUSED = "unused"
    """An id that stands for nothing: a hole in the numbering, a piece marked as unused."""
    PARTIAL = "partial character"
    LADDER = "whitespace ladder"
    """One white-space character, once or repeated."""
    INDENTATION = "indentation"
    """Several white-space characters: line feeds, then spaces or tabs."""
    WHOLE_WORD = "whole word"
    """A word start whose letters are a word of the texts at hand."""
    WORD_START = "word start"
    """Holds a letter or a mark, and begins with the space before a word."""
    CONTINUATION = "continuation"
    """Holds a letter or a mark, and no space before it."""
    DIGITS = "digits"
    PUNCTUATION = "punctuation"
    """Punctuation and symbols."""
    CONTROL = "control"
    """Control and format characters, private use, unassigned code points."""


def trim(word: str) -> str:
    """A word without what stands around its letters, marks and digits."""
    return word.strip("".join({c for c in word if unicodedata.category(c)[0] not in "LMN"}))


def list_words(texts: Iterable[str]) -> frozenset[str]:
    """The words of texts between white space, without the punctuation around them."""
    return frozenset(trimmed for text in texts for word in text.split() if (trimmed := trim(word)))


def continuation_ids(tokenizer: Tokenizer, words: Collection[str]) -> frozenset[int] | None:
    """The ids that are marked as continuations (`##ing`); None where a space before a word marks its start.

    Where the end of a word is marked instead (`cat</w>`), any token may continue one: all are continuations but those
    that end a word and are one of `words`.
    """
    reference = find_reference_tokenizer(tokenizer)
    if not isinstance(reference, HuggingFaceTokenizer) or not reference.notation.marks_words:
        return None
    notation, vocabulary = reference.notation, reference.tokenizer.get_vocab()
    if notation.end:
        whole = {number for token, number in vocabulary.items() if token.endswith(notation.end)}
        return frozenset(
            number
            for token, number in vocabulary.items()
            if number not in whole or trim(token.removesuffix(notation.end)) not in words
        )
    return frozenset(number for token, number in vocabulary.items() if token.startswith(notation.continuing))


def classify_text(text: str, *, starts_word: bool, words: Collection[str]) -> TokenClass:
    """The class of a token that is whole characters."""
    if text.isspace():
        return TokenClass.LADDER if len(set(text)) == 1 else TokenClass.INDENTATION
    kinds = {unicodedata.category(character)[0] for character in text}
    if kinds & {"L", "M"}:
        if not starts_word:
            return TokenClass.CONTINUATION
        return TokenClass.WHOLE_WORD if trim(text.strip()) in words else TokenClass.WORD_START
    if "N" in kinds:
        return TokenClass.DIGITS
    return TokenClass.PUNCTUATION if kinds & {"P", "S"} else TokenClass.CONTROL
