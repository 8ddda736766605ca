"""TMX: one unit (`tu`) per segment, one variant (`tuv`) per language.

TMX is the exchange format of translation memories.
The text of a variant is that of its `seg`: markup of the original format (`bpt`, `ept`, `it`, `ph`, `ut`, and
`sub` inside them) is dropped, highlighted text (`hi`) is text. Tags are converted to BCP 47's usual case, since files
mix `EN-US` and `en-us`. If a unit has several variants of a language, the first is read. There are no options.

Entities are rejected, and nothing outside the file is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._content import refuse_compressed
from tokbench.corpora._inline import InlineText
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._languages import canonical_tag
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, text_series
from tokbench.corpora._storage import is_file, stem_of, suffix_of
from tokbench.corpora._utf8 import read_head
from tokbench.corpora._xml import XML_LANG, parse_xml
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """Claim a .tmx file."""
    return is_file(path) and suffix_of(path) == ".tmx"


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the variants of the requested languages.

    Raises TokbenchError with file and line for invalid TMX.
    """
    _, named = split_options(options, ())
    if named:
        raise TokbenchError(
            f"{path} names its languages itself, but {', '.join(named)} is given", "choose languages instead"
        )
    refuse_compressed(path, read_head(path, 8))
    units = _read_units(path)
    available = dict.fromkeys(lang for unit in units for lang, _ in unit)
    if not available:
        raise TokbenchError(f"{path} contains no translation unit", "check that it is a TMX file")
    chosen = choose_languages(list(available), languages, str(path))
    firsts = [dict(reversed(unit)) for unit in units]
    left_out = [
        LeftOut(f"{more} variants in {lang}", "their units have an earlier variant of this language")
        for lang in chosen
        if (
            more := sum(
                sum(tag == lang for tag, _ in unit) - 1
                for unit, first in zip(units, firsts, strict=True)
                if lang in first
            )
        )
    ]
    return RawCorpus(
        name=stem_of(path),
        columns=[
            LanguageText(lang, text_series([first.get(lang) for first in firsts]), f"{path}, variants in {lang}")
            for lang in chosen
        ],
        left_out=left_out,
    )


class _Units:
    """The variants of each unit as (language, text), gathered while a file is parsed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.units: list[list[tuple[str, str]]] = []
        self._open: list[str] = []
        self._lang: str | None = None
        self._said: str | None = None
        """The text of the first `seg` of a variant; None before it."""
        self._text = InlineText(lambda tag: tag != "hi")

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin a unit, a variant, its text, or an element in its text."""
        if self._text.is_open:
            self._text.begin(tag, attributes)
            return
        parent = self._open[-1] if self._open else None
        if tag == "tu":
            self.units.append([])
        elif tag == "tuv" and parent == "tu":
            self._lang, self._said = attributes.get(XML_LANG) or attributes.get("lang"), None
        elif tag == "seg" and parent == "tuv" and self._said is None:
            self._text.open()
            return
        self._open.append(tag)

    def end(self, tag: str) -> None:
        """End an element in a text, a text, or a variant."""
        if self._text.is_open:
            self._said = self._text.end()
            return
        self._open.pop()
        if tag == "tuv" and self._open[-1:] == ["tu"]:
            text = self._said or ""
            if not self._lang:
                raise TokbenchError(
                    f"{self.path}: a variant names no language: {text[:40]!r}", "add xml:lang to its tuv"
                )
            self.units[-1].append((canonical_tag(self._lang), text))

    def add_text(self, text: str) -> None:
        """Add a piece of text, if it belongs to a variant and is no markup."""
        self._text.add(text)


def _read_units(path: Path) -> list[list[tuple[str, str]]]:
    """Return the variants of each unit as (language, text), in the order of the file."""
    gathered = _Units(path)
    parse_xml(path, gathered)
    return gathered.units
