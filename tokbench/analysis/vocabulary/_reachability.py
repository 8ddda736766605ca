"""Which tokens no text brings about: each is encoded from its own text, alone and between other characters.

After Land & Bartolo 2024 (arXiv 2405.05417). Theirs decodes a token behind one fixed character and encodes that text;
here a token counts as reached when any context brings it about, because an id that occurs in the encoding of any text
is reachable by definition. One context alone calls a token unreachable that merges with that very character.
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
"""What stands before and after a token's text where the text alone does not give the token."""

_LEADS = {0: b"", 1: b"\xc2", 2: b"\xe1", 3: b"\xf1"}
"""The first byte of a character that takes any so many continuation bytes."""


class Reach(StrEnum):
    """What becomes of the text of a token when it is encoded."""

    REACHABLE = "reachable"
    SINGLE = "single"
    """Unreachable: its text becomes one other token."""
    MULTI = "multi"
    """Unreachable: its text becomes several tokens (or none)."""
    UNDECODABLE = "undecodable"
    """Not whole characters: it has no text of its own to encode."""
    IMPOSSIBLE = "impossible"
    """Not whole characters, and its bytes are a part of no valid UTF-8."""


def occurs_in_utf8(content: bytes) -> bool:
    r"""Whether bytes may stand anywhere in valid UTF-8.

    >>> occurs_in_utf8(b"\xa0\xe4"), occurs_in_utf8(b"\xc0")
    (True, False)
    """
    trailing = len(content) - len(content.lstrip(bytes(range(0x80, 0xC0))))
    # Python's decoder waits for a third byte before it refuses the surrogates, b"\xed\xa0" onwards.
    if trailing not in _LEADS or (content[-2:-1] == b"\xed" and content[-1] >= 0xA0):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(_LEADS[trailing] + content)
    except UnicodeDecodeError:
        return False
    return True


def classify_reach(tokenizer: Tokenizer) -> list[Reach | None]:
    """The reach of each id, None for special tokens, holes and tokens of no bytes.

    A token that begins with what the engine puts before a text (SentencePiece's space) is encoded without it.
    """
    table = tokenizer.token_table()
    tokens = [table[i] for i in range(len(table))]
    reach: list[Reach | None] = [None] * len(tokens)
    texts: dict[int, str] = {}
    for number, content in enumerate(tokens):
        if not content:
            continue
        if table.partial[number]:
            reach[number] = Reach.UNDECODABLE if occurs_in_utf8(content) else Reach.IMPOSSIBLE
        else:
            reach[number] = Reach.REACHABLE
            texts[number] = content.decode()
    for number, kind in _find_unreachable(tokenizer, texts).items():
        reach[number] = kind
    return reach


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
    """The ids of the texts, without those texts that the engine gives up on: they bring no token about."""
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
    """Whether the text of a token becomes one token or several; behind a quotation mark where it cannot stand first."""
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
