"""Texts that tokenizers are known to lose, generated from Python's Unicode data."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from tokbench.adapters import Tokenizer

_PER_CATEGORY = 24
_SAMPLED = 200
_LONGEST_RUN = 64
ZWJ = "\u200d"
MARKERS = (
    "\u2581",
    "a\u2581b",
    "\u0120a",
    "\u010a",
    "##a",
    "a@@ b",
    "a</w>",
    "<0x0A>",
    "<unk>",
    "\ufffd",
    "\ufffd\ufffd",
)
"""Notations for spaces, line feeds, continuations, bytes and unknown text in vocabularies."""


@dataclass(frozen=True)
class Probe:
    """A text, and the class of texts it represents."""

    kind: str
    text: str


def sample(characters: Sequence[str], size: int) -> Sequence[str]:
    """Return at most `size` characters, evenly spaced, including the first."""
    return characters[:: max(1, -(-len(characters) // size))]


@cache
def characters_by_category() -> dict[str, list[str]]:
    """Group all code points except surrogates by general category."""
    found: dict[str, list[str]] = {}
    for point in range(0x110000):
        found.setdefault(unicodedata.category(chr(point)), []).append(chr(point))
    del found["Cs"]
    return found


@cache
def general_probes() -> tuple[Probe, ...]:
    """Return the probes that are the same for every tokenizer."""
    return tuple(
        Probe(kind, text)
        for kind, texts in (
            ("plain", _plain()),
            ("white space", _white_space()),
            ("control characters", _framed("Cc", "Cf")),
            ("general categories", _categories()),
            ("canonical forms", _canonical()),
            ("compatibility characters", _compatibility()),
            ("case", _case()),
            ("emoji", _emoji()),
            ("markers", MARKERS),
            ("edges of Unicode", ("\x00", "\ufeffa", "a\ufeff", "\ufffe", "\uffff", "\ue000", "\U0010ffff", "\u034f")),
        )
        for text in texts
    )


def list_notations(tokenizer: Tokenizer) -> list[str]:
    """List the texts that the vocabulary treats apart from ordinary text.

    Except white space.
    """
    return [text for text in tokenizer.reserved_texts() if text.strip()]


def list_probes(tokenizer: Tokenizer) -> tuple[Probe, ...]:
    """List the general probes, and the tokenizer's special tokens as plain text."""
    own = (text for notation in list_notations(tokenizer) for text in (notation, f"a {notation} b", f"a{notation}b"))
    return (*general_probes(), *(Probe("special tokens", text) for text in own))


def _plain() -> Iterator[str]:
    yield from ("a", "A", "1", "a b", "Hello, world!", "3.14", "don't", "a, b. c? d!", "f(x)[0] = {1: 'a'}")


def _white_space() -> Iterator[str]:
    for point in range(0x110000):
        if (c := chr(point)).isspace():
            yield from (c, f"a{c}b", f"a{c}{c}b", f"{c}a", f"a{c}")
    yield from ("a\r\nb", "\r\n\r\n", "a\n\n b", "a \n b", "\t\t a", " \t a")
    for n in range(2, _LONGEST_RUN + 1):
        yield from (f"a{' ' * n}b", f"{' ' * n}a", f"a\n{' ' * n}b", f"a{chr(9) * n}b", f"a{chr(10) * n}b")


def _framed(*categories: str) -> Iterator[str]:
    yield from (f"a{c}b" for category in categories for c in characters_by_category()[category])


def _categories() -> Iterator[str]:
    for characters in characters_by_category().values():
        yield from (f"a{c}b" for c in sample(characters, _PER_CATEGORY))


def _canonical() -> Iterator[str]:
    """Yield characters that a canonical normal form changes, and their decompositions."""
    assigned = (c for kind, chars in characters_by_category().items() if kind[0] != "C" for c in chars)
    changed = [c for c in assigned if unicodedata.normalize("NFD", c) != c]
    for c in sample(changed, _SAMPLED):
        yield from (c, unicodedata.normalize("NFD", c))
    single = [c for c in changed if unicodedata.normalize("NFC", c) != c]
    yield from sample(single, _SAMPLED)
    yield from ("q\u0307\u0323", "q\u0323\u0307", "e\u0301\u0323", "\u1100\u1161\u11a8", "\uac00\u11a8")


def _compatibility() -> Iterator[str]:
    """Yield characters that only a compatibility normal form changes."""
    assigned = (c for kind, chars in characters_by_category().items() if kind[0] != "C" for c in chars)
    changed = [c for c in assigned if unicodedata.normalize("NFKD", c) != unicodedata.normalize("NFD", c)]
    yield from (f"a{c}b" for c in sample(changed, _SAMPLED))


def _case() -> Iterator[str]:
    """Yield letters whose upper case is longer, and words in several cases."""
    yield from (c for c in characters_by_category()["Ll"] if len(c.upper()) > 1)
    yield from ("İstanbul", "word", "Word", "WORD", "ﬁnd", "naïve café")


def _emoji() -> Iterator[str]:
    man, woman, girl = "\U0001f468", "\U0001f469", "\U0001f467"
    yield ZWJ.join((man, woman, girl))
    yield from (f"{man}\U0001f3fd", ZWJ.join((f"{woman}\U0001f3ff", "\U0001f680")), "1\ufe0f\u20e3")
    yield from ("\u2764", "\u2764\ufe0f", "\u2764\ufe0e")
    yield from ("\U0001f1e9\U0001f1ea", f"क्{ZWJ}ष", "क्\u200cष", "\u200b", "\U0001f3f4\U000e0067\U000e0062\U000e007f")
