"""Random changes of single words: typing errors and errors of character recognition."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from random import Random

LEAST = 4
"""Letters of the shortest word that gets a typing error."""

_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Scripts that do not separate words with spaces: Thai, Lao, Tibetan, Burmese, Khmer, Han and kana."""

CONFUSIONS = (
    *(("rn", "m"), ("m", "rn"), ("cl", "d"), ("d", "cl"), ("vv", "w"), ("w", "vv"), ("li", "h"), ("ri", "n")),
    *(("l", "1"), ("I", "l"), ("i", "l"), ("O", "0"), ("o", "0"), ("S", "5"), ("B", "8"), ("e", "c"), ("h", "b")),
    *(("0", "O"), ("1", "l"), ("5", "S"), ("8", "B")),
)
"""What recognition of Latin print takes for something else."""

_BY_FIRST = {seen[0]: [pair for pair in CONFUSIONS if pair[0][0] == seen[0]] for seen, _ in CONFUSIONS}
_LATIN_WORD = re.compile("[0-9A-Za-z]+")


def draw(random: Random, number: int) -> int:
    """Draw a number from 0 to `number` - 1, the same in every version of Python."""
    return int(random.random() * number)


def split_letters(text: str) -> list[str]:
    """Split a text into characters with the marks that follow them.

    >>> split_letters("e\\u0301a")
    ['é', 'a']
    """
    letters: list[str] = []
    for character in text:
        if letters and unicodedata.category(character).startswith("M"):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def is_letter(letter: str) -> bool:
    """Return whether a character, with its marks, is a letter of a script that separates words with spaces."""
    return letter[0].isalpha() and not _UNSPACED.match(letter)


def mistype(text: str, random: Random) -> str:
    """Put one typing error into each word of at least four letters."""
    written: list[str] = []
    word: list[str] = []
    for letter in [*split_letters(text), ""]:
        if letter and is_letter(letter):
            word.append(letter)
            continue
        written += mistype_word(word, random) if len(word) >= LEAST else word
        written.append(letter)
        word = []
    return "".join(written)


def mistype_word(word: list[str], random: Random) -> list[str]:
    """Swap two neighbouring letters, leave one out or double one, each equally likely."""
    kind = draw(random, 3)
    if kind == 0:
        at = draw(random, len(word) - 1)
        return [*word[:at], word[at + 1], word[at], *word[at + 2 :]]
    at = draw(random, len(word))
    return [*word[:at], *([] if kind == 1 else [word[at]] * 2), *word[at + 1 :]]


def misread(text: str, random: Random) -> str:
    """Replace one place of each Latin word by what recognition takes it for, where there is such a place."""
    return _LATIN_WORD.sub(lambda found: misread_word(found[0], random), text)


def misread_word(word: str, random: Random) -> str:
    """Replace one place of a word, drawn from all that can be confused."""
    starts = ((at, pair) for at, first in enumerate(word) for pair in _BY_FIRST.get(first, ()))
    places = [(at, *pair) for at, pair in starts if word.startswith(pair[0], at)]
    if not places:
        return word
    at, seen, taken = places[draw(random, len(places))]
    return word[:at] + taken + word[at + len(seen) :]


Change = Callable[[str, Random], str]
"""A perturbation: a text, and the random numbers of this text."""
