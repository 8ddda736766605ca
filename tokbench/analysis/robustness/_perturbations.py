"""The perturbations: what people, programs and scanners do to a text that means the same to a reader."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tokbench._shared.registry import closest
from tokbench.analysis.robustness._typos import Change, misread, mistype
from tokbench.errors import TokbenchError

_WORD_START = re.compile(r"(?<!\S)([^\w\s]*)(\w)")
_MARKS = re.compile("[\u0300-\u036f]+")
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_BOLD = {ord("A") + i: 0x1D400 + i for i in range(26)} | {ord("a") + i: 0x1D41A + i for i in range(26)}
_LATIN, _CYRILLIC = "ABCEHIJKMOPSTXaceijopsxy", "АВСЕНІЈКМОРЅТХасеіјорѕху"
_GREEK = {"Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O"}
_GREEK |= {"Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X", "ο": "o"}
_LOOKALIKES = str.maketrans(dict(zip(_LATIN + _CYRILLIC, _CYRILLIC + _LATIN, strict=True)) | _GREEK)

_NOT_USED = Random(0)  # noqa: S311


@dataclass(frozen=True)
class Perturbation:
    """A way to write the same text differently.

    name: as in options and results.
    title: the header in tables.
    definition: what exactly is changed.
    change: returns the changed text; draws from the random numbers of the text if it is random.
    random: whether it is.
    """

    name: str
    title: str
    definition: str
    change: Change
    random: bool = False


def write_upper(text: str, random: Random) -> str:
    """Return the text in upper case."""
    return text.upper()


def write_title(text: str, random: Random) -> str:
    """Return the text with a capital at the start of each word."""
    return _WORD_START.sub(lambda found: found[1] + found[2].title(), text)


def double_spaces(text: str, random: Random) -> str:
    """Write two spaces for each."""
    return text.replace(" ", "  ")


def harden_spaces(text: str, random: Random) -> str:
    """Write no-break spaces for spaces."""
    return text.replace(" ", "\u00a0")


def widen(text: str, random: Random) -> str:
    """Write ASCII characters in full width."""
    return text.translate(_FULL_WIDTH)


def embolden(text: str, random: Random) -> str:
    """Write ASCII letters as mathematical bold."""
    return text.translate(_BOLD)


def separate(text: str, random: Random) -> str:
    """Put zero-width spaces between characters."""
    return "\u200b".join(text)


def join(text: str, random: Random) -> str:
    """Put zero-width joiners between characters."""
    return "\u200d".join(text)


def decompose(text: str, random: Random) -> str:
    """Return the canonical decomposition."""
    return unicodedata.normalize("NFD", text)


def drop_diacritics(text: str, random: Random) -> str:
    """Remove combining diacritical marks."""
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text)))


def disguise(text: str, random: Random) -> str:
    """Write letters of another script that look the same."""
    return text.translate(_LOOKALIKES)


_LISTED = (
    Perturbation("upper", "upper case", "full upper-case mapping of Unicode (str.upper)", write_upper),
    Perturbation(
        "title",
        "title case",
        "the first letter after white space, punctuation in between left out, in title case; the others as they are",
        write_title,
    ),
    Perturbation(
        "typo",
        "typos",
        "in each word of at least 4 letters one error, equally likely: two neighbouring letters swapped, one left out, "
        "or one doubled; a word is a run of letters, each with its marks, of scripts that separate words with spaces",
        mistype,
        random=True,
    ),
    Perturbation("double_space", "double spaces", "two spaces for each U+0020", double_spaces),
    Perturbation("nbsp", "NBSP", "U+00A0 for each U+0020", harden_spaces),
    Perturbation("full_width", "full width", "U+FF01 to U+FF5E for U+0021 to U+007E; spaces remain as they are", widen),
    Perturbation("bold", "bold", "mathematical bold letters, U+1D400 to U+1D433, for A to Z and a to z", embolden),
    Perturbation("zero_width_space", "zero-width space", "U+200B between every two code points", separate),
    Perturbation("zero_width_joiner", "zero-width joiner", "U+200D between every two code points", join),
    Perturbation("nfd", "NFD", "canonical decomposition (NFD)", decompose),
    Perturbation(
        "no_diacritics",
        "no diacritics",
        "NFD, U+0300 to U+036F removed, then NFC; letters that do not decompose, such as đ and ø, remain",
        drop_diacritics,
    ),
    Perturbation(
        "homoglyphs",
        "homoglyphs",
        "Cyrillic letters for Latin ones that look the same, Latin letters for Cyrillic and Greek ones",
        disguise,
    ),
    Perturbation(
        "ocr",
        "OCR errors",
        "in each run of ASCII letters and digits one place, drawn from those that print confuses (rn and m, l and 1, "
        "O and 0, cl and d, ...), replaced by its counterpart",
        misread,
        random=True,
    ),
)

PERTURBATIONS: Mapping[str, Perturbation] = {one.name: one for one in _LISTED}
"""All perturbations, by name."""


def choose_perturbations(names: Sequence[str] | None) -> tuple[Perturbation, ...]:
    """Return the perturbations of these names, each once, in the order given; all without names.

    Raises TokbenchError, naming the nearest match, for an unknown one.
    """
    chosen = []
    for name in dict.fromkeys(PERTURBATIONS if names is None else names):
        if name not in PERTURBATIONS:
            near = closest(name, list(PERTURBATIONS))
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(PERTURBATIONS)}"
            raise TokbenchError(f"no perturbation is called {name!r}", hint)
        chosen.append(PERTURBATIONS[name])
    return tuple(chosen)


def perturb(perturbation: Perturbation, text: str, seed: int = 0) -> str:
    """Return the perturbed text.

    Random numbers follow from the seed, the name of the perturbation and the text alone, so that a text is changed in
    the same way in every corpus.
    """
    if not perturbation.random:
        return perturbation.change(text, _NOT_USED)
    digest = hashlib.blake2b(f"{seed} {perturbation.name} {text}".encode(), digest_size=8).digest()
    return perturbation.change(text, Random(int.from_bytes(digest, "little")))  # noqa: S311
