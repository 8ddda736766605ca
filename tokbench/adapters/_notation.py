"""How the tokens of a Hugging Face vocabulary are written, and the bytes of text that they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")

UTF8_BYTES = frozenset(range(256)) - {0xC0, 0xC1, *range(0xF5, 0x100)}
"""The bytes that occur in UTF-8."""

Part = dict[str, Any]


@cache
def printable_bytes() -> dict[str, int]:
    """The character that stands for each byte in byte-level BPE files (GPT-2's alphabet).

    Printable Latin-1 characters stand for themselves, the other bytes for U+0100 onwards in order.
    """
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in own]
    return {chr(b): b for b in own} | {chr(0x100 + i): b for i, b in enumerate(others)}


def flatten(part: Part | None) -> list[Part]:
    """The steps of a part of the pipeline, sequences opened."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        inner = next(value for key, value in part.items() if key != "type")
        return [step for sub in inner for step in flatten(sub)]
    return [part]


@dataclass(frozen=True)
class Notation:
    """The notation of a vocabulary, as its model and the steps around the model define it.

    alphabet: the byte of each character, where text is written in GPT-2's alphabet before the model sees it.
    byte_pieces: whether `<0xE4>` is the byte E4. spaces: what is written for a space. continuing: what precedes a
    token that continues a word (`##`). end: what follows a token that ends a word (`</w>`).
    """

    alphabet: Mapping[str, int] | None = None
    byte_pieces: bool = False
    spaces: tuple[str, ...] = ()
    continuing: str = ""
    end: str = ""

    @property
    def marks_words(self) -> bool:
        """Whether tokens are marked by their place in a word, so that spaces are not in them."""
        return bool(self.continuing or self.end)

    def undo(self, token: str) -> bytes:
        r"""Return the bytes that a token of the model stands for.

        >>> Notation(spaces=("\u2581",)).undo("\u2581the"), Notation(end="</w>").undo("cat</w>")
        (b' the', b'cat')
        """
        text = token
        if self.marks_words:  # a token that is the mark alone is text
            text = text.removeprefix(self.continuing) or text
            text = text.removesuffix(self.end) or text
        if self.alphabet is not None:
            codes = [*map(self.alphabet.get, text)]
            if None not in codes:
                return bytes(code for code in codes if code is not None)
        if self.byte_pieces and (byte := _BYTE_PIECE.fullmatch(token)):
            return bytes([int(byte[1], 16)])
        for space in self.spaces:
            text = text.replace(space, " ")
        return text.encode()


def find_spaces(parts: Mapping[str, Part]) -> tuple[str, ...]:
    """What a pipeline writes for a space: Metaspace's replacement, or that of a `Replace` of one space."""
    steps = [step for part in parts.values() for step in flatten(part)]
    found = {step["replacement"]: None for step in steps if step["type"] == "Metaspace"}
    for step in flatten(parts.get("normalizer")):
        if step["type"] == "Replace" and step["pattern"].get("String") == " " and step["content"].strip():
            found[step["content"]] = None
    for step in flatten(parts.get("decoder")):
        if step["type"] == "Replace" and step["content"] == " " and step["pattern"].get("String"):
            found[step["pattern"]["String"]] = None
    return tuple(found)


def find_prefix(parts: Mapping[str, Part], notation: Notation) -> bytes | None:
    """What precedes a text in the concatenated bytes of its ids, None where the decoder gives back something else."""
    decoder = flatten(parts.get("decoder"))
    before = [*flatten(parts.get("normalizer")), *flatten(parts.get("pre_tokenizer"))]
    kinds = {step["type"] for step in decoder}
    # Without a decoder, tokens are joined by spaces.
    if (
        not kinds
        or kinds - _JOINING
        or notation.marks_words
        or (notation.alphabet is not None) != ("ByteLevel" in kinds)
    ):
        return None
    if any(step["type"] == "Replace" and step["content"] != " " for step in decoder):
        return None
    if notation.alphabet is not None:
        # A space that ByteLevel puts before a text is not taken off again: nothing can be said.
        return None if any(step.get("add_prefix_space") for step in before) else b""
    adds = any(step["type"] == "Prepend" or step.get("prepend_scheme") in ("always", "first") for step in before)
    strips = any(
        step["type"] == "Strip" or (step["type"] == "Metaspace" and step["prepend_scheme"] != "never")
        for step in decoder
    )
    if adds != strips:
        return None
    return b" " if adds else b""


_JOINING = frozenset({"ByteLevel", "Metaspace", "Replace", "ByteFallback", "Fuse", "Strip"})
"""The decoders that join tokens without anything between them."""
