"""XLIFF 1.0 to 2.x: a source and a target per unit (`trans-unit`) or segment.

Mark-up of the original format (`bpt`, `ept`, `ph`, `it`, `x`, `ut`) is dropped; the text in `g`, `mrk` and `pc` is
text. Proposals (`alt-trans`), notes and skeletons are not read, nor are units that say `translate="no"`. A unit without
a target is missing in that language. The options `source=LANG` and `target=LANG` are for files that do not say their
languages. The rules for entities are those of TMX.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._content import HEAD_BYTES, refuse_compressed
from tokbench.corpora._inline import InlineText
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._languages import canonical_tag
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, text_series
from tokbench.corpora._storage import is_file, stem_of, suffix_of
from tokbench.corpora._utf8 import read_head
from tokbench.corpora._xml import XML_LANG, parse_xml
from tokbench.errors import TokbenchError

_HIDDEN = frozenset({"bpt", "ept", "it", "ph", "ut", "x", "bx", "ex", "sc", "ec", "sm", "em"})
_SKIPPED = frozenset({"alt-trans", "note", "notes", "skl", "skeleton", "header", "seg-source", "matches", "glossary"})


def claims(path: Path) -> bool:
    """Claim a .xlf, .xliff, .sdlxliff or .mxliff file."""
    return is_file(path) and suffix_of(path) in {".xlf", ".xliff", ".sdlxliff", ".mxliff"}


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the requested languages; TokbenchError with file and line for invalid XLIFF."""
    settings, named = split_options(options, ("source", "target"))
    if named:
        raise TokbenchError(
            f"{path} names its languages itself, but {', '.join(named)} is given", "choose languages instead"
        )
    refuse_compressed(path, read_head(path, HEAD_BYTES))
    units = _Units(path, settings)
    parse_xml(path, units)
    available = list(dict.fromkeys(lang for unit in units.units for lang in unit))
    if not available:
        raise TokbenchError(f"{path} contains no unit of translation", "check that it is an XLIFF file")
    chosen = choose_languages(available, languages, str(path))
    left_out = [LeftOut(f"{units.untranslated} units", 'they say translate="no"')] if units.untranslated else []
    return RawCorpus(
        name=stem_of(path),
        columns=[
            LanguageText(lang, text_series([unit.get(lang) for unit in units.units]), f"{path}, units in {lang}")
            for lang in chosen
        ],
        left_out=left_out,
    )


class _Units:
    """The texts of each unit by language, gathered while a file is parsed."""

    def __init__(self, path: Path, settings: Mapping[str, str]) -> None:
        self.path = path
        self._settings = settings
        self.units: list[dict[str, str]] = []
        self.untranslated = 0
        self._languages: dict[str, str | None] = {"source": None, "target": None}
        """Of the file; an element may have another."""
        self._lang: str | None = None
        """Of the source or target that is open."""
        self._text = InlineText(_HIDDEN.__contains__)
        self._role = ""
        self._skipped = 0
        """How many elements are open from the first that is skipped on."""
        self._unit_skipped = False
        self._in_unit = False

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin a file, a unit, a source or target, or an element in one."""
        name = tag.rpartition("}")[2]
        if self._text.is_open:
            self._text.begin(name, attributes)
        elif self._skipped or name in _SKIPPED:
            self._skipped += 1
        elif name in ("xliff", "file"):
            self._find_languages(attributes)
        elif name in ("trans-unit", "unit"):
            self._unit_skipped = attributes.get("translate") == "no"
            self.untranslated += self._unit_skipped
            self._in_unit = name == "trans-unit"
            self._start_unit()
        elif name == "segment":
            self._in_unit = True
            self._start_unit()
        elif name in self._languages and self._in_unit and not self._unit_skipped:
            self._role = name
            self._lang = attributes.get(XML_LANG) or self._languages[name]
            self._text.open()

    def _start_unit(self) -> None:
        if self._in_unit and not self._unit_skipped:
            self.units.append({})

    def _find_languages(self, attributes: Mapping[str, str]) -> None:
        for role, old, new in (("source", "source-language", "srcLang"), ("target", "target-language", "trgLang")):
            said = attributes.get(new) or attributes.get(old)
            self._languages[role] = said or self._languages[role]

    def end(self, tag: str) -> None:
        """End a text, a unit, or an element in a text."""
        name = tag.rpartition("}")[2]
        if self._text.is_open:
            text = self._text.end()
            if text is not None:
                self._add(text)
        elif self._skipped:
            self._skipped -= 1
        elif name in ("trans-unit", "segment"):
            self._in_unit = False

    def _add(self, text: str) -> None:
        lang = self._settings.get(self._role) or self._lang
        if not lang:
            if not text.strip():
                return
            example = "en" if self._role == "source" else "de"
            raise TokbenchError(
                f"{self.path}: a {self._role} names no language: {text[:40]!r}",
                f"give it, such as {self.path}:{self._role}={example}",
            )
        self.units[-1].setdefault(canonical_tag(lang), text)

    def add_text(self, text: str) -> None:
        """Add a piece of text, if it belongs to a source or a target."""
        self._text.add(text)
