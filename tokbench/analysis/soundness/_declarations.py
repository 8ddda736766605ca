"""What the files of a tokenizer declare: Unicode form, grouping of digits, dropout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench.adapters.huggingface import flatten
from tokbench.adapters.tiktoken import TiktokenTokenizer
from tokbench.analysis.soundness._subject import Subject
from tokbench.catalog.sentencepiece_settings import read_settings

FORMS = ("NFC", "NFD", "NFKC", "NFKD")
_FORM_OF_RULE = {"nfkc": "NFKC", "nmt_nfkc": "NFKC", "nfkc_cf": "NFKC", "nmt_nfkc_cf": "NFKC"}
_FOLDING = ("nfkc_cf", "nmt_nfkc_cf")
_DIGIT = r"(?:\\p\{(?:N|Nd)\}|\\d|\[0-9\]|\[\\p\{N\}\])"
_GROUP = re.compile(rf"((?:{_DIGIT})+)(?:\{{1,(\d)\}}\+?|(?![*+{{]))")
_RUN = re.compile(_DIGIT + r"[+*]")


@dataclass(frozen=True)
class Form:
    """A declared Unicode form.

    name: NFC, NFD, NFKC or NFKD; None if none is declared, or its rules have no name.
    where: what declares it. folds: whether case is folded too. precompiled: whether there are rules without a name.
    """

    name: str | None
    where: str
    folds: bool = False
    precompiled: bool = False


def find_form(subject: Subject) -> Form:
    """Return the Unicode form that the files, or the catalogue for them, declare."""
    entry = subject.tokenizer.asset.entry
    if subject.pipeline is not None:
        steps = flatten(subject.pipeline.parts.get("normalizer"))
        kinds = [step["type"] for step in steps]
        folds = "Lowercase" in kinds or any(step.get("lowercase") for step in steps)
        named = [kind for kind in kinds if kind in FORMS]
        accents = any(step["type"] == "BertNormalizer" and _strips_accents(step) for step in steps)
        if named:
            return Form(named[-1], "its normaliser", folds or accents)
        if "Precompiled" in kinds or accents or "StripAccents" in kinds:
            return Form(None, "its normaliser", folds, precompiled=True)
    if subject.model is not None:
        name = read_settings(subject.model.model).rule
        if name in _FORM_OF_RULE:
            return Form(_FORM_OF_RULE[name], f"its rule {name}", name in _FOLDING)
        if name == "user_defined":
            return Form(None, "its own rules", precompiled=True)
    if entry is not None and entry.normalizer is not None:
        return Form(entry.normalizer, f"the catalogue entry {entry.name}")
    return Form(None, "nothing")


def _strips_accents(step: dict[str, Any]) -> bool:
    strips = step.get("strip_accents")
    return bool(step.get("lowercase") if strips is None else strips)


@dataclass(frozen=True)
class Grouping:
    """The longest run of digits that one token may hold, and what declares it."""

    digits: int
    where: str


def find_grouping(subject: Subject) -> Grouping | None:
    """Return the declared grouping of digits; None if runs of digits are not cut."""
    if subject.model is not None:
        return Grouping(1, "split_digits of its trainer") if read_settings(subject.model.model).split_digits else None
    if subject.pipeline is not None:
        steps = flatten(subject.pipeline.parts.get("pre_tokenizer"))
        if any(step["type"] == "Digits" and step["individual_digits"] for step in steps):
            return Grouping(1, "its step Digits")
    groups = [group for pattern in list_patterns(subject) if (group := read_group(pattern)) is not None]
    return Grouping(min(groups), "its pattern") if groups else None


def list_patterns(subject: Subject) -> Iterator[str]:
    """Yield the patterns that split text."""
    if isinstance(subject.reference, TiktokenTokenizer):
        yield subject.reference.file.pattern
    if subject.pipeline is not None:
        for step in flatten(subject.pipeline.parts.get("pre_tokenizer")):
            pattern = step.get("pattern")
            if step["type"] == "Split" and isinstance(pattern, dict) and "Regex" in pattern:
                yield pattern["Regex"]


def read_group(pattern: str) -> int | None:
    r"""Return how many digits a pattern keeps together at most; None if it states no limit.

    >>> read_group(r" ?\p{L}+|\p{N}{1,3}|\s+"), read_group(r"\p{N}| ?[^\s\p{N}]+"), read_group(r" ?\p{N}+")
    (3, 1, None)
    >>> read_group("[0-9][0-9][0-9]")
    3
    """
    outside = re.sub(r"\[\^[^\]]*\][+*?]*", "", pattern)
    if _RUN.search(outside):
        return None
    found = _GROUP.search(outside)
    if found is None:
        return None
    return int(found[2]) if found[2] else len(re.findall(_DIGIT, found[1]))


def find_dropout(subject: Subject) -> float | None:
    """Return the share of merges that the file asks to leave out at random; None if there is none."""
    asset = subject.tokenizer.asset
    if asset.format != "tokenizer.json" or not asset.files:
        return None
    share = read_json_object(asset.files[0])["model"].get("dropout")
    return float(share) or None if isinstance(share, int | float) else None
