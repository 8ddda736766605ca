"""Notation of the tokens of a Hugging Face vocabulary, and their bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokbench.catalog.byte_level import printable_bytes as printable_bytes

_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")

UTF8_BYTES = frozenset(range(256)) - {0xC0, 0xC1, *range(0xF5, 0x100)}
"""The bytes that occur in UTF-8."""

Part = dict[str, Any]


def flatten(part: Part | None) -> list[Part]:
    """List the steps of a part of the pipeline, with sequences expanded."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        inner = next(value for key, value in part.items() if key != "type")
        return [step for sub in inner for step in flatten(sub)]
    return [part]


@dataclass(frozen=True)
class Notation:
    """The notation of a vocabulary, as its model and the steps around it define it.

    alphabet: the byte of each character, if text is converted to GPT-2's alphabet before the model sees it.
    byte_pieces: whether `<0xE4>` is the byte E4.
    spaces: replacements of a space.
    continuing: prefix of a token that continues a word (`##`).
    end: suffix of a token that ends a word (`</w>`).
    """

    alphabet: Mapping[str, int] | None = None
    byte_pieces: bool = False
    spaces: tuple[str, ...] = ()
    continuing: str = ""
    end: str = ""

    @property
    def marks_words(self) -> bool:
        """Whether tokens mark their position in a word, so that they contain no spaces."""
        return bool(self.continuing or self.end)

    def undo(self, token: str) -> bytes:
        r"""Return the bytes that a token of the model represents.

        >>> Notation(spaces=("\u2581",)).undo("\u2581the"), Notation(end="</w>").undo("cat</w>")
        (b' the', b'cat')
        """
        text = token
        if self.marks_words:  # a token that is only the mark is text
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
    """Return what a pipeline writes for a space.

    It is Metaspace's replacement, or that of a `Replace` of one space.
    """
    steps = [step for part in parts.values() for step in flatten(part)]
    replacements = {step["replacement"]: None for step in steps if step["type"] == "Metaspace"}
    for step in flatten(parts.get("normalizer")):
        if step["type"] == "Replace" and step["pattern"].get("String") == " " and step["content"].strip():
            replacements[step["content"]] = None
    for step in flatten(parts.get("decoder")):
        if step["type"] == "Replace" and step["content"] == " " and step["pattern"].get("String"):
            replacements[step["pattern"]["String"]] = None
    return tuple(replacements)


def find_prefix(parts: Mapping[str, Part], notation: Notation) -> bytes | None:
    """Return what precedes a text in the joined bytes of its ids.

    Return None if the decoder returns something else.
    """
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
        # A space that ByteLevel adds before a text is not removed again: the prefix is unknown.
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
"""Decoders that join tokens with nothing between them."""
