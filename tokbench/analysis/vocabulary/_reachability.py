"""Find tokens that no text produces.

Each token's own text is encoded, alone and in context.

After Land & Bartolo 2024 (arXiv 2405.05417). They decode a token after one fixed character and encode that text; here a
token is reachable if any context produces it, because an id that occurs in the encoding of any text is reachable by
definition. With a single context, a token that merges with that very character would be called unreachable.
"""

from __future__ import annotations

import codecs
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from tokbench.adapters import Tokenizer
from tokbench.errors import EngineError

Ids = npt.NDArray[np.int32]

CONTEXTS = (
    *(("«", ""), ("a", ""), ("A", ""), (" ", ""), ("\n", ""), ("1", ""), (".", ""), ("中", ""), ("ა", "")),
    *(("", "a"), ("", " a"), ("", "\n"), ("", "1"), ("", "."), ("", "中"), ("«", "«"), ("a", "a"), ("a ", "")),
)
"""Text before and after a token's text, tried if the text alone does not produce the token."""

_LEADS = {0: b"", 1: b"\xc2", 2: b"\xe1", 3: b"\xf1"}
"""A lead byte that accepts any continuation bytes, by their number."""


class Reach(StrEnum):
    """What a token's text encodes to."""

    REACHABLE = "reachable"
    SINGLE = "single"
    """Unreachable: its text encodes to one other token."""
    MULTI = "multi"
    """Unreachable: its text encodes to several tokens (or none)."""
    UNDECODABLE = "undecodable"
    """Not whole characters, so there is no text to encode."""
    IMPOSSIBLE = "impossible"
    """Not whole characters, and its bytes occur in no valid UTF-8."""


def occurs_in_utf8(content: bytes) -> bool:
    r"""Return whether the bytes can occur anywhere in valid UTF-8.

    >>> occurs_in_utf8(b"\xa0\xe4"), occurs_in_utf8(b"\xc0")
    (True, False)
    """
    trailing = len(content) - len(content.lstrip(bytes(range(0x80, 0xC0))))
    # Python's decoder waits for a third byte before it rejects the surrogates, b"\xed\xa0" onwards.
    if trailing not in _LEADS or (content[-2:-1] == b"\xed" and content[-1] >= 0xA0):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(_LEADS[trailing] + content)
    except UnicodeDecodeError:
        return False
    return True


def classify_reach(tokenizer: Tokenizer) -> dict[int, Reach]:
    """Return the reach of each id that has bytes: special tokens, holes and empty tokens are left out.

    A token that begins with the engine's prefix (SentencePiece's space) is encoded without it.
    """
    table = tokenizer.token_table()
    reach: dict[int, Reach] = {}
    texts: dict[int, str] = {}
    for number, content in table.items():
        if not content:
            continue
        if table.partial[number]:
            reach[number] = Reach.UNDECODABLE if occurs_in_utf8(content) else Reach.IMPOSSIBLE
        else:
            reach[number] = Reach.REACHABLE
            texts[number] = content.decode()
    return reach | _find_unreachable(tokenizer, texts)


def count_unreachable_alone(tokenizer: Tokenizer) -> int:
    """Count the tokens of whole characters whose text, encoded alone, is not this one token.

    The definition without context, which calls more tokens unreachable than there are: it says so of every token that
    the tokenizer never writes at the start of a text.
    """
    table, prefix = tokenizer.token_table(), (tokenizer.prefix or b"").decode()
    texts = {
        n: content.decode().removeprefix(prefix) for n, content in table.items() if content and not table.partial[n]
    }
    found = _encode(tokenizer, texts)
    return sum(found[n].tolist() != [n] if n in found else True for n in texts)


def _find_unreachable(tokenizer: Tokenizer, texts: dict[int, str]) -> dict[int, Reach]:
    prefix = (tokenizer.prefix or b"").decode()
    alone = {n: text.removeprefix(prefix) for n, text in texts.items() if text.startswith(prefix)}
    left = dict(texts)
    for number, ids in _encode(tokenizer, alone).items():
        if number in ids:
            del left[number]
    kinds = {n: _count_alone(tokenizer, n, text, alone) for n, text in left.items()} if left else {}
    for before, after in CONTEXTS:
        framed = {n: before + text + after for n, text in left.items()}
        for number, ids in _encode(tokenizer, framed).items():
            if number in ids:
                del left[number], kinds[number]
    return kinds


def _encode(tokenizer: Tokenizer, texts: dict[int, str]) -> dict[int, Ids]:
    """Encode texts, leaving out those that the engine rejects: they produce no token."""
    if not texts:
        return {}
    try:
        return dict(zip(texts, tokenizer.encode_batch(list(texts.values())), strict=True))
    except EngineError:
        if len(texts) == 1:
            return {}
    half = len(texts) // 2
    pairs = list(texts.items())
    return _encode(tokenizer, dict(pairs[:half])) | _encode(tokenizer, dict(pairs[half:]))


def _count_alone(tokenizer: Tokenizer, number: int, text: str, alone: dict[int, str]) -> Reach:
    """Return whether a token's text encodes to one token or several.

    If the text cannot come first, it is encoded after a quotation mark.
    """
    if number in alone:
        count = len(_encode(tokenizer, {number: alone[number]}).get(number, ()))
    else:
        found = _encode(tokenizer, {0: "«", 1: "«" + text})
        if len(found) < 2:
            return Reach.MULTI
        mark, whole = found[0], found[1]
        shared = min(len(mark), len(whole))
        same = mark[:shared] == whole[:shared]
        count = len(whole) - (shared if same.all() else int(np.argmin(same)))
    return Reach.SINGLE if count == 1 else Reach.MULTI
