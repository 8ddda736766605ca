"""Where the tokens of texts start and end, in bytes of the texts.

Positions are those of the texts joined with one line feed after each, so that every position of every text, its end
included, has a number of its own and flags of positions are one array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tokbench.adapters import EncodedBatch, Spans, Tokenizer, offsets_of
from tokbench.measurement.round_trip import compare_bytes
from tokbench.measurement.words import LanguageTexts

Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]

WHITE = np.frombuffer(b" \t\n\r\x0b\x0c", np.uint8)
"""The bytes of white space."""

_SPACE = 0x20


@dataclass(frozen=True, eq=False)
class JoinedTexts:
    """Texts joined with one line feed after each.

    data: their bytes. offsets: where each text starts, and the end of all; int64 of length n + 1.
    """

    texts: Sequence[str]
    data: npt.NDArray[np.uint8]
    offsets: Positions

    @classmethod
    def join(cls, texts: Sequence[str]) -> JoinedTexts:
        """Join texts."""
        encoded = [text.encode() for text in texts]
        sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
        return cls(texts, np.frombuffer(b"\n".join([*encoded, b""]), np.uint8), offsets_of(sizes + 1))

    @property
    def sizes(self) -> Positions:
        """Bytes per text."""
        return np.diff(self.offsets) - 1


@dataclass(frozen=True, eq=False)
class TokenPlaces:
    """The places of the tokens of texts.

    known: flags of the texts whose tokens have places, (texts,); the others have none below.
    tokens: number of tokens per text, of unknown places too.
    starts, ends: positions in the joined texts, ascending. Of tokens that share a character, and whose bytes do not
        say how, only the places outside are listed.
    """

    joined: JoinedTexts
    known: Flags
    tokens: Positions
    starts: Positions
    ends: Positions

    @cached_property
    def end_flags(self) -> Flags:
        """Flags of the positions at which a token ends."""
        flags = np.zeros(len(self.joined.data) + 1, np.bool_)
        flags[self.ends] = True
        return flags

    @cached_property
    def start_flags(self) -> Flags:
        """Flags of the positions at which a token starts; of one with a space before more, also after the space."""
        flags = np.zeros(len(self.joined.data) + 1, np.bool_)
        flags[self.starts] = True
        longer = self.starts[self.ends - self.starts > 1]
        flags[longer[self.joined.data[longer] == _SPACE] + 1] = True
        return flags

    def trim(self) -> tuple[Flags, Flags]:
        """Return flags of the positions at which a token starts, and ends, without the white space at its ends."""
        starts, ends = (np.zeros(len(self.joined.data) + 1, np.bool_) for _ in range(2))
        solid = np.flatnonzero(~np.isin(self.joined.data, WHITE))
        first, last = np.searchsorted(solid, self.starts), np.searchsorted(solid, self.ends)
        filled = last > first
        starts[solid[first[filled]]] = True
        ends[solid[last[filled] - 1] + 1] = True
        return starts, ends


def place_tokens(tokenizer: Tokenizer, joined: JoinedTexts) -> TokenPlaces:
    """Place the tokens of texts by the bytes of their ids, or by the spans of the engine.

    Spans are used for texts that their ids do not spell (normalised text, unknown characters). Texts are unknown if the
    engine gives no spans either.
    """
    batch = tokenizer.encode_batch(joined.texts)
    known, starts, ends = _place_by_bytes(tokenizer, joined, batch)
    rest = np.flatnonzero(~known)
    spans = tokenizer.spans([joined.texts[i] for i in rest.tolist()]) if len(rest) else None
    if spans is not None:
        more_starts, more_ends = _place_by_spans(joined, rest, spans)
        starts, ends = np.concatenate([starts, more_starts]), np.concatenate([ends, more_ends])
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], ends[order]
        known = np.ones_like(known)
    return TokenPlaces(joined, known, batch.counts, starts, ends)


def _place_by_bytes(
    tokenizer: Tokenizer, joined: JoinedTexts, batch: EncodedBatch
) -> tuple[Flags, Positions, Positions]:
    """Return flags of the texts that the ids spell, and the starts and ends of their tokens."""
    prefix, table = tokenizer.prefix or b"", tokenizer.token_table()
    bounds = table.bounds(batch.indices)
    texts = LanguageTexts.read(joined.texts, with_words=False)
    exact, _ = compare_bytes(batch, table, prefix, texts, words=False)
    first = np.repeat(joined.offsets[:-1], batch.counts)
    shift = first - np.repeat(bounds[batch.offsets[:-1]] + len(prefix), batch.counts)
    chosen = np.repeat(exact, batch.counts)
    # What the engine puts before a text ends at its start.
    return exact, np.maximum(bounds[:-1] + shift, first)[chosen], np.maximum(bounds[1:] + shift, first)[chosen]


def _place_by_spans(joined: JoinedTexts, which: Positions, spans: Spans) -> tuple[Positions, Positions]:
    """Return the places of tokens of some texts, from spans in characters.

    Neighbours that share a character are one place.
    """
    batch = spans.batch
    if not len(batch.ids):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    points = np.frombuffer("\n".join([*(joined.texts[i] for i in which.tolist()), ""]).encode("utf-32-le"), np.uint32)
    widths = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
    byte_at = offsets_of(widths)  # of the chosen texts, joined in the same way
    chars = np.fromiter((len(joined.texts[i]) + 1 for i in which.tolist()), np.int64, len(which))
    base = offsets_of(chars)[:-1]
    move = np.repeat(joined.offsets[which] - byte_at[base], batch.counts)
    first = np.repeat(base, batch.counts)
    starts = np.maximum.accumulate(byte_at[spans.starts + first] + move)
    ends = np.maximum.accumulate(byte_at[spans.ends + first] + move)
    # A token that starts before the one before it ends belongs to the same place.
    apart = np.ones(len(starts), np.bool_)
    apart[1:] = starts[1:] >= ends[:-1]
    opening = np.flatnonzero(apart)
    return starts[opening], ends[np.append(opening[1:] - 1, len(ends) - 1)]


def count_flags(flags: Flags) -> Positions:
    """Return how many flags lie before each position, so that a difference counts those of a range."""
    return offsets_of(flags.astype(np.int64))
