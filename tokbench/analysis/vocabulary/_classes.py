"""Classify tokens by the kind of text they hold."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from enum import StrEnum

from tokbench.adapters import Tokenizer, find_reference_tokenizer
from tokbench.adapters.huggingface import HuggingFaceTokenizer


class TokenClass(StrEnum):
    """The classes of tokens, in order of precedence."""

    SPECIAL = "special"
    UNUSED = "unused"
    """An id without content: a hole in the numbering, or a piece marked as unused."""
    PARTIAL = "partial character"
    LADDER = "whitespace ladder"
    """One white-space character, once or repeated."""
    INDENTATION = "indentation"
    """Several white-space characters: line feeds, then spaces or tabs."""
    WHOLE_WORD = "whole word"
    """A word start whose letters form a word of the given texts."""
    WORD_START = "word start"
    """Contains a letter or a mark, and begins with the space before a word."""
    CONTINUATION = "continuation"
    """Contains a letter or a mark, without a leading space."""
    DIGITS = "digits"
    PUNCTUATION = "punctuation"
    """Punctuation and symbols."""
    CONTROL = "control"
    """Control and format characters, private use, unassigned code points."""


def trim(word: str) -> str:
    """Strip everything around a word's letters, marks and digits."""
    if word.isalpha():
        return word
    return word.strip("".join({c for c in word if unicodedata.category(c)[0] not in "LMN"}))


def list_words(texts: Iterable[str]) -> frozenset[str]:
    """Collect the words of texts, without surrounding punctuation.

    Words are separated by white space.
    """
    words: set[str] = set()
    for text in texts:
        words.update(text.split())
    return frozenset(filter(None, map(trim, words)))


def continuation_ids(tokenizer: Tokenizer, words: Collection[str]) -> frozenset[int] | None:
    """Return the ids marked as continuations (`##ing`).

    None if a leading space marks word starts.

    If the vocabulary marks word ends instead (`cat</w>`), any token may continue a word: all ids are continuations
    except those that end a word and are one of `words`.
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
    """Classify a token that consists of whole characters."""
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
