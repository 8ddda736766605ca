"""Find what a tokenizer loses and why, with minimal examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import NamedTuple

from tokbench.adapters import Stage, Tokenizer
from tokbench.analysis.roundtrip._probes import list_notations, list_probes
from tokbench.analysis.roundtrip._shrinking import shrink
from tokbench.analysis.roundtrip._stages import TextClass, classify_text, find_stage

FREQUENT = 5
"""How many of the most frequent failing strings are reported."""
NEUTRAL = "x"
"""Replaces a known failing string while a text is searched for others."""


class Cause(NamedTuple):
    """A class of text, and the stage that loses it."""

    text_class: TextClass
    stage: Stage


@dataclass(frozen=True)
class Breakage:
    """One cause of loss: how many segments and probes it breaks, with examples.

    strings: number of distinct minimal failing strings.
    smallest: the shortest of them (by code points, then in code point order).
    decoded: what `smallest` decodes to.
    frequent: those that break the most segments (probes, if no segment breaks), most frequent first, each with what it
        decodes to.
    """

    text_class: TextClass
    stage: Stage
    segments: int
    probes: int
    strings: int
    smallest: str
    decoded: str
    frequent: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RoundTrip:
    """The result of round trips of segments and probes.

    breakages: the causes of loss, worst first. A segment may break for several causes.
    """

    tokenizer: str
    engine: str
    sha256: str
    segments: int
    lossy_segments: int
    probes: int
    lossy_probes: int
    breakages: tuple[Breakage, ...]

    @property
    def lossless(self) -> bool:
        """Return whether every segment and every probe came back exactly."""
        return not (self.lossy_segments or self.lossy_probes)


def inspect_round_trip(tokenizer: Tokenizer, texts: Iterable[str] = (), *, probes: bool = True) -> RoundTrip:
    """Encode and decode texts, and explain each that comes back changed.

    texts: valid Unicode.
    probes: also test the built-in probes.

    Only exact equality counts: a text that is equal only in a normal form has changed.
    """
    segments, broken = _split(tokenizer, texts)
    return explain_changed(tokenizer, broken, segments, probes=probes)


def explain_changed(tokenizer: Tokenizer, changed: Sequence[str], segments: int, *, probes: bool = True) -> RoundTrip:
    """Explain texts of which it is known that they come back changed.

    segments: how many texts were encoded and decoded to find them.
    probes: also test the built-in probes.
    """
    search = _Search(tokenizer, list_notations(tokenizer))
    tried, broken_probes = _split(tokenizer, [p.text for p in list_probes(tokenizer)] if probes else ())
    by_segment, by_probe = search.explain(changed), search.explain(broken_probes)
    breakages = [search.describe(cause, strings, by_segment, by_probe) for cause, strings in search.strings_by_cause()]
    return RoundTrip(
        tokenizer=tokenizer.name,
        engine=tokenizer.engine,
        sha256=tokenizer.asset.sha256,
        segments=segments,
        lossy_segments=len(changed),
        probes=tried,
        lossy_probes=len(broken_probes),
        breakages=tuple(sorted(breakages, key=lambda b: (-b.segments, -b.probes, b.text_class, b.stage))),
    )


_CHUNK = 10_000


def round_trip(tokenizer: Tokenizer, texts: Sequence[str]) -> list[str]:
    """Encode and decode texts with the tokenizer's engine."""
    return tokenizer.decode_batch(tokenizer.encode_batch(texts)) if texts else []


def list_changed(tokenizer: Tokenizer, texts: Iterable[str]) -> list[str]:
    """Return the texts that come back changed."""
    return _split(tokenizer, texts)[1]


def _split(tokenizer: Tokenizer, texts: Iterable[str]) -> tuple[int, list[str]]:
    """Return the number of texts, and those that come back changed."""
    count, broken = 0, []
    for chunk in _chunks(texts):
        count += len(chunk)
        broken += [text for text, back in zip(chunk, round_trip(tokenizer, chunk), strict=True) if back != text]
    return count, broken


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(texts)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk


@dataclass
class _Search:
    """The minimal failing strings found so far.

    Each with its cause and what it decodes to.
    """

    tokenizer: Tokenizer
    notations: Sequence[str]
    causes: dict[str, Cause] = field(default_factory=dict)
    decoded: dict[str, str] = field(default_factory=dict)

    def strings_by_cause(self) -> Iterator[tuple[Cause, list[str]]]:
        """Yield each cause with its strings."""
        for cause in sorted(set(self.causes.values())):
            yield cause, [text for text, found in self.causes.items() if found == cause]

    def describe(
        self, cause: Cause, strings: Sequence[str], by_segment: list[set[str]], by_probe: list[set[str]]
    ) -> Breakage:
        """Summarise one cause, given the failing strings in each segment and each probe."""
        own = set(strings)
        hits = [[text & own for text in texts if text & own] for texts in (by_segment, by_probe)]
        often = Counter(string for text in (hits[0] or hits[1]) for string in sorted(text))
        least = min(strings, key=lambda text: (len(text), text))
        ranked = sorted(often, key=lambda text: (-often[text], text))[:FREQUENT]
        return Breakage(
            *cause,
            segments=len(hits[0]),
            probes=len(hits[1]),
            strings=len(strings),
            smallest=least,
            decoded=self.decoded[least],
            frequent=tuple((text, self.decoded[text]) for text in ranked),
        )

    def explain(self, texts: Sequence[str]) -> list[set[str]]:
        """Return the minimal failing strings in each of these failing texts.

        Single characters that fail are found first, in one batch, then pairs of neighbours. Texts that still fail with
        those replaced are shrunk one by one.
        """
        found: list[set[str]] = [set() for _ in texts]
        left = dict(enumerate(texts))
        for length in (1, 2):
            own = {number: set(_parts(texts[number], length)) for number in left}
            known = self._screen({p for n, text in left.items() for p in _parts(text, length) if p in own[n]})
            for number, text in left.items():
                left[number], hits = _replace(text, known & own[number], length)
                found[number] |= hits
            left = self._failing(left)
        for number, text in left.items():
            found[number] |= self._shrink_all(texts[number], text)
        return found

    def _failing(self, texts: dict[int, str]) -> dict[int, str]:
        backs = round_trip(self.tokenizer, list(texts.values()))
        return {n: text for (n, text), back in zip(texts.items(), backs, strict=True) if back != text}

    def _screen(self, parts: set[str]) -> set[str]:
        """Return the short strings that fail both alone and inside a word.

        Failing inside a word shows the cause.
        """
        known = set()
        for chunk in _chunks(sorted(parts)):
            framed = [f"{NEUTRAL}{part}{NEUTRAL}" for part in chunk]
            backs = (round_trip(self.tokenizer, chunk), round_trip(self.tokenizer, framed))
            for part, frame, back, inside in zip(chunk, framed, *backs, strict=True):
                if back != part and inside != frame:
                    known.add(part)
                    self._record(part, back, frame, inside)
        return known

    def _record(self, text: str, decoded: str, shown: str, shown_decoded: str) -> None:
        """Record a minimal failing string.

        shown: the text that shows the cause, decoding to `shown_decoded`.
        """
        if text not in self.causes:
            kind = classify_text(self.tokenizer, shown, shown_decoded, self.notations)
            self.causes[text] = Cause(kind, find_stage(self.tokenizer, shown, shown_decoded))
            self.decoded[text] = decoded

    def _shrink_all(self, original: str, text: str) -> set[str]:
        """Return the minimal failing strings of a text.

        Each is replaced before the next is searched.

        Strings that fail only because of a replacement (a word that is now unknown) are not part of the original and
        are left out.
        """
        found: set[str] = set()
        while True:
            smallest = shrink(text, lambda part: round_trip(self.tokenizer, [part]) != [part])
            if not _is_part(smallest, original):
                return found
            decoded = round_trip(self.tokenizer, [smallest])[0]
            self._record(smallest, decoded, smallest, decoded)
            found.add(smallest)
            rest = text.replace(smallest, _neutral(smallest)) if smallest else text
            if rest == text or round_trip(self.tokenizer, [rest]) == [rest]:
                return found
            text = rest


def _is_part(part: str, text: str) -> bool:
    """Return whether the characters of `part` occur in the text in order.

    Adjacent or not.
    """
    remaining = iter(text)
    return all(character in remaining for character in part)


def _neutral(part: str) -> str:
    """Return the replacement of a failing string.

    A space for white space, so that words do not run together.
    """
    return " " if part.isspace() and part != " " else NEUTRAL


def _parts(text: str, length: int) -> Iterable[str]:
    return text if length == 1 else map("".join, pairwise(text))


def _replace(text: str, known: Collection[str], length: int) -> tuple[str, set[str]]:
    """Replace each known string; also return those that occurred."""
    pieces, hits, at = [], set(), 0
    while at < len(text):
        part = text[at : at + length]
        if part in known:
            hits.add(part)
            pieces.append(_neutral(part))
            at += length
        else:
            pieces.append(text[at])
            at += 1
    return "".join(pieces), hits
