"""TMX: one unit (`tu`) per segment, one variant (`tuv`) per language.

TMX is the exchange format of translation memories.
The text of a variant is that of its `seg`: markup of the original format (`bpt`, `ept`, `it`, `ph`, `ut`, and
`sub` inside them) is dropped, highlighted text (`hi`) is text. Tags are converted to BCP 47's usual case, since files
mix `EN-US` and `en-us`. If a unit has several variants of a language, the first is read. There are no options.

The file is parsed by defusedxml: entities are rejected, and nothing outside the file is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._content import refuse_compressed
from tokbench.corpora._languages import canonical_tag, choose_languages
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, text_series
from tokbench.corpora._utf8 import read_head
from tokbench.errors import MissingExtraError, TokbenchError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def claims(path: Path) -> bool:
    """Claim a .tmx file."""
    return path.is_file() and path.suffix.lower() == ".tmx"


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
    units = list(_units(path))
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
        name=path.stem,
        columns=[
            LanguageText(lang, text_series([first.get(lang) for first in firsts]), f"{path}, variants in {lang}")
            for lang in chosen
        ],
        left_out=left_out,
    )


def _units(path: Path) -> Iterator[list[tuple[str, str]]]:
    """Yield the variants of each unit as (language, text), in the order of the file."""
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, iterparse
    except ImportError:
        raise MissingExtraError("defusedxml", "tmx", "reading TMX") from None
    body: Any = None
    try:
        with path.open("rb") as file:
            for event, element in iterparse(file, events=("start", "end")):
                if element.tag == "body" and event == "start":
                    body = element
                elif element.tag == "tu" and event == "end":
                    yield [_variant(path, tuv) for tuv in element.iterfind("tuv")]
                    if body is not None:
                        body.clear()  # otherwise every unit of a large file stays in memory
    except ParseError as error:
        line, column = error.position
        raise TokbenchError(
            f"{path}:{line}: not valid XML: {str(error).partition(':')[0]} (column {column})", "fix the file"
        ) from None
    except DefusedXmlException as error:
        raise TokbenchError(f"{path} is rejected: {error}", "remove the entities from the file") from None
    except (LookupError, ValueError, RecursionError) as error:  # an unknown encoding, or texts nested too deeply
        nested = isinstance(error, RecursionError)
        raise TokbenchError(
            f"{path}: {'a text is nested too deeply' if nested else error}",
            "fix the file" if nested else "save the file as UTF-8",
        ) from None
    except OSError as error:
        raise TokbenchError(f"{path} cannot be read: {error.strerror}", "check its permissions") from error


def _variant(path: Path, tuv: Element) -> tuple[str, str]:
    lang = tuv.get(_XML_LANG) or tuv.get("lang")
    if not lang:
        raise TokbenchError(
            f"{path}: a variant names no language: {_text(tuv.find('seg'))[:40]!r}", "add xml:lang to its tuv"
        )
    return canonical_tag(lang), _text(tuv.find("seg"))


def _text(seg: Element | None) -> str:
    """Extract the text of a seg or hi, without the markup of the original format."""
    if seg is None:
        return ""
    parts = [seg.text or ""]
    for child in seg:
        if child.tag == "hi":
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
