"""Vocabularies that others were extended from, recognised by a sample of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LEAST_SHARE = 0.9
"""Share of a sample that an extended vocabulary has: some drop tokens of the original, such as numbers (Qwen)."""


@dataclass(frozen=True)
class Origin:
    """A vocabulary that others were extended from.

    name: in the catalogue. merges: how many it has. sample: every (merges / 40)th of the tokens that these make.
    """

    name: str
    merges: int
    sample: tuple[bytes, ...]


def find_origin(made: Sequence[bytes]) -> Origin | None:
    """Return the vocabulary that another one, with more merges, begins with; None if there is none.

    made: the tokens that merges make, in their order.

    Nine tenths of the sample must be there, in the same order. Vocabularies trained apart share up to 35 of the 40
    tokens, but about half of the neighbours among them are in the other order.
    """
    at = {token: place for place, token in enumerate(made)}
    for origin in ORIGINS:
        places = [at[token] for token in origin.sample if token in at]
        ordered = all(before < after for before, after in pairwise(places))
        if len(places) >= LEAST_SHARE * len(origin.sample) and ordered and len(made) > origin.merges:
            return origin
    return None


ORIGINS = (
    Origin(
        "r50k_base",
        50_000,
        (
            *(b"ium", b" opportun", b"aven", b" decre", b" developers", b" Person", b" Prince", b" mit", b"Open"),
            *(b" controlling", b" pale", b"det", b" Hebrew", b" verbal", b" zombies", b"ramid", b" Investigation"),
            *(b"\xe6\x88", b" wholesale", b"Atl", b"rescent", b"OUP", b"iom", b"sid", b" voyage", b"NM", b"bags"),
            *(b"orsi", b" amber", b" Farmer", b" repairing", b" equivalents", b" Petty", b" Macro", b" triumphant"),
            *(b" Inform", b"kson", b" Upton", b" offsets", b" gazed"),
        ),
    ),
    Origin(
        "cl100k_base",
        100_000,
        (
            *(b" Ass", b"/or", b"010", b" artist", b"Short", b"shire", b" debut", b" WE", b" texts", b"_factory"),
            *(b" EVEN", b" obligations", b" Led", b"tick", b" fifteen", b" <$", b';"\n', b"(glm", b" Cleaning"),
            *(b"(phone", b"chemistry", b"usterity", b"trust", b"Mul", b".Persistent", b".pointer", b" etree"),
            *(b" fences", b"_smooth", b"xmlns", b" !!}", b" Erect", b" bullpen", b" Occupational", b" THEME"),
            *(b" harming", b" pedestal", b" Manny", b"appearance", b" Conveyor"),
        ),
    ),
)
"""GPT-2's, which MOSS and p50k_base extend, and that of GPT-4, which Qwen and Llama 3 extend."""
