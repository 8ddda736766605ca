"""Kinds of syntax leaves: identifiers, keywords, operators, literals, delimiters, comments.

Grammars name their nodes freely, so that the kind follows from words in the names, from where a leaf is, and from its
text.
"""

from __future__ import annotations

import re
from functools import lru_cache

KINDS = ("identifier", "keyword", "operator", "literal", "delimiter", "comment", "other")
IDENTIFIER, KEYWORD, OPERATOR, LITERAL, DELIMITER, COMMENT, OTHER = range(len(KINDS))

CODE, IN_LITERAL = "code", "literal"
"""What surrounds a leaf."""

_COMMENT = re.compile("comment")
_FORMAT = re.compile("format_spec|format_clause")
_LITERAL = re.compile(
    r"str(?:ing)?(?:$|_)|(?:^|_)str_|char|number|integer|float|int_literal|literal|regex|rune|escape|heredoc"
    r"|extglob_pattern|symbol|text$|preproc_arg|^(?:true|false|null|nil|none|undefined|boolean)$"
)
_NOT_LITERAL = re.compile("interpolation|substitution|expansion|interpolated|identifier")
_KEYWORD = re.compile(
    r"_keyword$|_modifier$|_specifier$|_tag$|^(?:primitive|predefined|void|boolean|integral|cast)_type$"
)
_RESERVED = frozenset({"iota", "floating_point_type", "inferred_type"})
_CONSTANTS = frozenset(
    {"true", "false", "null", "nil", "none", "undefined", "NULL", "nullptr", "None", "True", "False"}
)
_QUOTE = re.compile(r"string_start|string_end|heredoc_(?:start|end|beginning)|interpolation_(?:start|brace)")
_DELIMITERS = frozenset({";", ",", ".", ":", "::", "@", "$", "#"})
_BRACKETS = frozenset("()[]{}\"'`")


@lru_cache(maxsize=1 << 12)
def surround(outside: str, node_type: str, named: bool) -> str:
    """Return what surrounds the parts of a node.

    outside: what surrounds the node itself. Code inside a literal (`${...}`) is code again.
    """
    if _FORMAT.search(node_type):
        return IN_LITERAL
    if _NOT_LITERAL.search(node_type):
        return CODE
    if _LITERAL.search(node_type):
        return IN_LITERAL
    return CODE if named else outside


@lru_cache(maxsize=1 << 14)
def classify(node_type: str, named: bool, around: str, text: bytes) -> int:
    """Return the kind of a leaf, as an index of `KINDS`.

    named: whether the grammar gives it a name, other than its text. around: what surrounds it.
    text: of the leaf, or its first bytes.
    """
    if is_comment(node_type, named):
        return COMMENT
    if named and _QUOTE.search(node_type):
        return DELIMITER
    if not any(byte >= 0x80 or chr(byte).isalnum() or byte == 0x5F for byte in text):
        return _classify_marks(node_type, named, around, text.decode())
    if named and _LITERAL.search(node_type) and not _NOT_LITERAL.search(node_type):
        return LITERAL
    return _classify_word(node_type, named, around, text)


@lru_cache(maxsize=1 << 12)
def is_comment(node_type: str, named: bool) -> bool:
    """Return whether a node is a comment, which is one leaf, whatever its parts."""
    return named and _COMMENT.search(node_type) is not None


def _classify_marks(node_type: str, named: bool, around: str, text: str) -> int:
    """Return the kind of a leaf without letters and digits."""
    if named and _LITERAL.search(node_type) and not _NOT_LITERAL.search(node_type):
        return LITERAL
    if not _BRACKETS.isdisjoint(text) or text in _DELIMITERS:
        return DELIMITER
    return LITERAL if named and around == IN_LITERAL else OPERATOR


def _classify_word(node_type: str, named: bool, around: str, text: bytes) -> int:
    """Return the kind of a leaf with letters or digits that is neither a comment nor named as a literal."""
    if not named:
        if not _BRACKETS.isdisjoint(node_type):  # `R"` of C++
            return DELIMITER
        return LITERAL if node_type in _CONSTANTS else KEYWORD
    if node_type.encode() == text or _KEYWORD.search(node_type) or node_type in _RESERVED:
        return KEYWORD
    return LITERAL if around == IN_LITERAL and "identifier" not in node_type and "name" not in node_type else IDENTIFIER
