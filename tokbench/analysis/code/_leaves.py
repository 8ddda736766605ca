"""Leaves of syntax trees, as arrays of places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokbench.analysis.code._grammars import load_parser
from tokbench.analysis.code._kinds import CODE, IN_LITERAL, LITERAL, OTHER, classify, is_comment, surround

if TYPE_CHECKING:
    from tree_sitter import Tree

_GAP_KINDS = {IN_LITERAL: LITERAL, CODE: OTHER}
_TELLING = 16  # bytes of a leaf that tell its kind

Leaf = tuple[int, int, int]
"""Start and end in bytes, and the index of the kind."""


@dataclass(frozen=True, eq=False)
class Leaves:
    """The syntax leaves of texts in one language, in order.

    text: which text, per leaf. starts, ends: in bytes of the text, without white space at the ends. kinds: indices of
    `KINDS`. errors: per text, whether the grammar does not accept it.
    """

    text: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int64]
    errors: npt.NDArray[np.bool_]


def parse_leaves(language: str, texts: Sequence[str]) -> Leaves:
    """Parse texts in a programming language; see `load_parser` for errors.

    What a node holds beside its parts, such as the words of a string around an escape, is a leaf too.
    """
    parser = load_parser(language)
    numbers: list[int] = []
    leaves: list[Leaf] = []
    errors = np.zeros(len(texts), np.bool_)
    for number, text in enumerate(texts):
        content = text.encode()
        tree = parser.parse(content)
        errors[number] = tree.root_node.has_error
        found = list(walk_leaves(tree, content))
        numbers += [number] * len(found)
        leaves += found
    starts, ends, kinds = np.array(leaves, np.int64).reshape(-1, 3).T
    return Leaves(np.array(numbers, np.int64), starts, ends, kinds, errors)


def walk_leaves(tree: Tree, content: bytes) -> Iterator[Leaf]:
    """Yield the leaves of a tree in order; those of white space alone are none."""
    cursor = tree.walk()
    around = [CODE]  # what surrounds the parts of each open node
    at = 0  # until where there are leaves
    while True:
        node = cursor.node
        assert node is not None
        start, end = node.start_byte, node.end_byte
        if start > at:
            yield from trim(content, at, start, _GAP_KINDS[around[-1]])
            at = start
        if not is_comment(node.type, node.is_named) and cursor.goto_first_child():
            around.append(surround(around[-1], node.type, node.is_named))
            continue
        if end > at:
            kind = classify(node.type, node.is_named, around[-1], content[start : min(end, start + _TELLING)].strip())
            yield from trim(content, at, end, kind)
            at = end
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            node = cursor.node
            assert node is not None
            if node.end_byte > at:
                yield from trim(content, at, node.end_byte, _GAP_KINDS[around[-1]])
                at = node.end_byte
            around.pop()


def trim(content: bytes, start: int, end: int, kind: int) -> Iterator[Leaf]:
    """Yield the leaf without the white space at its ends, nothing if that is all."""
    piece = content[start:end]
    inner = piece.strip()
    if inner:
        first = start + piece.index(inner)
        yield first, first + len(inner), kind
