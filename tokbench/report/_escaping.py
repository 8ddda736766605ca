"""Escaping, one function per format.

For anything a vocabulary, file name or corpus may contain.
"""

from __future__ import annotations

import html
import re
import unicodedata

from tokbench._shared.visible_text import reveal as reveal
from tokbench._shared.visible_text import reveal_bytes as reveal_bytes

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    '"': "''{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "–": "--",
    "†": r"\textdagger{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "−": "$-$",
    "\N{NO-BREAK SPACE}": "~",
}
# A bracket alone is not a link; what follows it makes it one.
_MARKDOWN = re.compile(r"([\\`*|~$]|\](?=[(\[:])|\[(?=\^))")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_LIGATURE = re.compile(r"([-,])(?=\1)")
_LINE_START = re.compile(r"^([#>\[]|[-+=](?=\s|$|[-=])|\d+(?=[.)](?:\s|$)))")


def escape_html(text: str) -> str:
    """Escape text for an element or a quoted attribute."""
    return html.escape(reveal(text))


def escape_markdown(text: str) -> str:
    """Escape text for a cell or line of GitHub Markdown.

    The result contains no markup, link, mention, or row or column separator.
    """
    text = _MARKDOWN.sub(r"\\\1", reveal(text))
    text = _UNDERSCORE.sub(r"\\_", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark, entity in (("://", "&#58;//"), ("@", "&#64;"), ("www.", "www&#46;")):
        text = text.replace(mark, entity)
    return _LINE_START.sub(lambda found: f"{found[0]}&#8203;" if found[0].isdigit() else f"\\{found[0]}", text)


def escape_latex(text: str) -> str:
    """Escape text for LaTeX, whatever the engine and its fonts.

    Letters that every font has are kept; others become their code points.
    """
    written = "".join(map(_write_latex, reveal(text)))
    # Doubled, they form a ligature; at the start of a row, a bracket or star would belong to the preceding row.
    written = _LIGATURE.sub(r"\1{}", written)
    return f"{{{written[0]}}}{written[1:]}" if written[:1] in ("[", "*") else written


def _write_latex(character: str) -> str:
    if character in _LATEX:
        return _LATEX[character]
    if character.isascii():
        return character
    if character <= "ÿ" and unicodedata.normalize("NFD", character)[0].isascii():
        return character
    return escape_latex(character.encode("unicode_escape").decode())
