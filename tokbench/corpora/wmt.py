"""WMT sets in XML: documents with a source and references in other languages (`newstest2021.en-zh.xml`).

A language is that of `src` or `ref`; with several references of a language, the first translator's is read. Outputs of
systems (`hyp`) are not. Segments are those with the same number in the same document. There are no options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._content import HEAD_BYTES, recognize_head
from tokbench.corpora._inline import InlineText
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._languages import canonical_tag
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, document_frame, text_series
from tokbench.corpora._storage import is_file, stem_of, suffix_of
from tokbench.corpora._utf8 import read_head
from tokbench.corpora._xml import parse_xml
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """Claim a .xml file that starts like a WMT set."""
    if not is_file(path) or suffix_of(path) != ".xml":
        return False
    content = recognize_head(read_head(path, HEAD_BYTES))
    return content is not None and content.reader == "wmt"


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the requested languages; TokbenchError with file and line for invalid XML."""
    _, named = split_options(options, ())
    if named:
        raise TokbenchError(
            f"{path} names its languages itself, but {', '.join(named)} is given", "choose languages instead"
        )
    segments = _Segments(path)
    parse_xml(path, segments)
    available = list(dict.fromkeys(lang for texts in segments.texts.values() for lang in texts))
    if not available:
        raise TokbenchError(f"{path} contains no segment", "check that it is a WMT set")
    chosen = choose_languages(available, languages, str(path))
    rows = segments.texts
    return RawCorpus(
        name=stem_of(path),
        columns=[
            LanguageText(lang, text_series([texts.get(lang) for texts in rows.values()]), f"{path}, segments in {lang}")
            for lang in chosen
        ],
        documents=document_frame([document for document, _ in rows]),
        left_out=[LeftOut(what, why) for what, why in sorted(segments.left_out.items())],
    )


class _Segments:
    """The texts of each segment by language, gathered while a file is parsed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.texts: dict[tuple[str, str], dict[str, str]] = {}
        self.left_out: dict[str, str] = {}
        self._document = ""
        self._documents = 0
        self._lang: str | None = None
        self._translators: dict[str, str] = {}
        self._text = InlineText(lambda _: False)
        self._number = ""
        self._count = 0

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin a document, a source or reference, a segment, or an element in one."""
        if self._text.is_open:
            self._text.begin(tag, attributes)
        elif tag == "doc":
            self._documents += 1
            self._document = attributes.get("id") or attributes.get("docid") or f"document {self._documents}"
        elif tag in ("src", "ref"):
            self._lang, self._count = self._choose(tag, attributes), 0
        elif tag == "hyp":
            self._lang = None
            self.left_out["outputs of systems"] = "they are not references"
        elif tag == "seg" and self._lang is not None:
            self._count += 1
            self._number = attributes.get("id") or str(self._count)
            self._text.open()

    def _choose(self, tag: str, attributes: Mapping[str, str]) -> str | None:
        """Return the language of a source or a reference that is read, None for one that is not."""
        lang = attributes.get("lang")
        if not lang:
            raise TokbenchError(f"{self.path}: a {tag} of {self._document!r} names no language", "add lang to it")
        lang, translator = canonical_tag(lang), "source" if tag == "src" else attributes.get("translator", "")
        if self._translators.setdefault(lang, translator) != translator:
            self.left_out[f"references in {lang} by {translator or 'another translator'}"] = "another one is read"
            return None
        return lang

    def end(self, tag: str) -> None:
        """End a segment, or an element in one, or a source or reference."""
        if self._text.is_open:
            text = self._text.end()
            if text is not None and self._lang is not None:
                self.texts.setdefault((self._document, self._number), {}).setdefault(self._lang, text)
        elif tag in ("src", "ref", "hyp"):
            self._lang = None

    def add_text(self, text: str) -> None:
        """Add a piece of text, if it belongs to a segment."""
        self._text.add(text)
