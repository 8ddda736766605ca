"""XML by expat, with entities refused and no other file opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn, Protocol
from xml.parsers import expat

from tokbench.corpora._storage import open_binary
from tokbench.errors import TokbenchError

XML_LANG = "http://www.w3.org/XML/1998/namespace}lang"
"""The attribute `xml:lang`: names in a namespace are written `namespace}name`."""

DEEPEST = 1000
"""Deepest nesting of elements; a file with more is refused."""

_BLOCK = 1 << 18


class Handler(Protocol):
    """Receiver of the content of a file, in document order."""

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Handle the start of an element."""
        ...

    def end(self, tag: str) -> None:
        """Handle the end of an element."""
        ...

    def add_text(self, text: str) -> None:
        """Handle a piece of text in the innermost element."""
        ...


def parse_xml(path: Path, handler: Handler) -> None:
    """Parse a file from beginning to end.

    Raises TokbenchError, with the line, for invalid XML, any entity other than XML's own, elements nested too
    deeply, and an unknown encoding.
    """
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    depth = 0

    def begin(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise TokbenchError(
                f"{path}:{parser.CurrentLineNumber}: a text is nested too deeply, in more than {DEEPEST} elements",
                "fix the file",
            )
        handler.begin(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(tag)

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = handler.add_text
    _refuse_entities(path, parser)
    try:
        with open_binary(path) as file:
            while block := file.read(_BLOCK):
                parser.Parse(block, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise TokbenchError(
            f"{path}:{error.lineno}: not valid XML: {reason} (column {error.offset})", "fix the file"
        ) from None
    except (LookupError, ValueError) as error:  # of the encoding
        raise TokbenchError(f"{path}: {error}", "save the file as UTF-8") from None


def _refuse_entities(path: Path, parser: expat.XMLParserType) -> None:
    """Refuse what could grow without bound, name another file, or be left out of a text."""

    def refuse(name: str | None) -> NoReturn:
        raise TokbenchError(
            f"{path}:{parser.CurrentLineNumber} is rejected: it uses the entity {name!r}",
            "remove the entities from the file",
        )

    handlers: dict[str, Callable[..., object]] = {
        "EntityDeclHandler": lambda name, *_: refuse(name),
        "SkippedEntityHandler": lambda name, *_: refuse(name),
        "ExternalEntityRefHandler": lambda context, *_: refuse(context),
    }
    for attribute, function in handlers.items():
        setattr(parser, attribute, function)
