"""Rewrite pre-tokenisers in steps that fastokens supports and runs fast.

It runs one Split, or none, before byte-level BPE several times faster than any other chain; it lacks Punctuation.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from tokenizers.pre_tokenizers import Punctuation

from tokbench._shared.cache import cache_path, read_arrays, write_arrays
from tokbench.adapters.huggingface import flatten, printable_bytes
from tokbench.catalog.sources import Asset

Step = dict[str, Any]

_BEHAVIORS = {
    "Contiguous": ("+", "Isolated"),
    "Isolated": ("", "Isolated"),
    "MergedWithPrevious": ("", "MergedWithPrevious"),
    "MergedWithNext": ("", "MergedWithNext"),
}
"""Punctuation expressed as Split: the suffix of its character class, and the behaviour."""

_IDEOGRAPHS = 0x20000
"""Start of the planes of ideographs: neither they nor the planes above contain punctuation."""

_DROPOUT = re.compile(r'"dropout"\s*:\s*[0-9]+(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)')
"""A dropout other than null: a fraction, unlike the id of a token called `dropout`."""

_THREE_DIGITS = {"type": "Split", "pattern": {"Regex": "[0-9][0-9][0-9]"}, "behavior": "Isolated", "invert": False}


GPT2_SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
DIGITS_APART = r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"
"""GPT-2's pattern after splitting around each digit: white space before a digit is at the end of its text."""


@cache
def find_punctuation() -> str:
    """Return the punctuation of tokenizers as ranges of code points.

    The library is asked, since it has its own version of Unicode.
    """
    candidates = [c for c in range(_IDEOGRAPHS) if not 0xD800 <= c < 0xE000]
    pieces = Punctuation("isolated").pre_tokenize_str("a".join(map(chr, candidates)))
    codes = [ord(piece) for piece, _ in pieces if len(piece) == 1 and piece != "a"]
    ranges: list[tuple[int, int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return "".join(f"\\x{{{first:X}}}-\\x{{{last:X}}}" for first, last in ranges)


def split_by(pattern: str, behavior: str = "Isolated") -> Step:
    """Return the step that splits text by a pattern."""
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": False}


def restate_punctuation(step: Step) -> Step:
    """Rewrite Punctuation as the equivalent Split.

    Raises ValueError for an unknown behaviour.
    """
    wanted = step.get("behavior", "Isolated")
    if wanted not in _BEHAVIORS:
        raise ValueError(f"unknown punctuation behaviour {wanted}")
    repeated, behavior = _BEHAVIORS[wanted]
    return split_by(f"[{find_punctuation()}]{repeated}", behavior)


def keeps_digits_apart(merges: list[Any]) -> bool:
    """Return whether no merge joins a numeric character with another one.

    The characters are those of the byte-level alphabet.
    """
    numeric = "".join(c for c in printable_bytes() if unicodedata.category(c)[0] == "N")
    joined = "\n".join("".join(merge) if isinstance(merge, list) else merge.replace(" ", "") for merge in merges)
    return re.search(f"[{numeric}][^{numeric}\n]|[^{numeric}\n][{numeric}]", joined) is None


def fuse_digits(steps: list[Step]) -> list[Step]:
    """Rewrite Digits before GPT-2's pattern as one Split; leave other steps.

    Command R, StarCoder and SmolLM have this chain.
    """
    kinds = [step["type"] for step in steps]
    if kinds[:1] != ["Digits"] or kinds[-1] != "ByteLevel" or not steps[0].get("individual_digits"):
        return steps
    level = steps[-1]
    by_level = kinds == ["Digits", "ByteLevel"] and level.get("use_regex", True)
    by_split = kinds == ["Digits", "Split", "ByteLevel"] and steps[1] == split_by(GPT2_SPLIT)
    if level.get("add_prefix_space") or not (by_level or (by_split and not level.get("use_regex", True))):
        return steps
    return [split_by(DIGITS_APART), {**level, "use_regex": False}]


def fuse(steps: list[Step], merges: list[Any]) -> list[Step]:
    """Rewrite Falcon's chain, or its first two steps, as one Split; leave others.

    Punctuation splits first, so GPT-2's pattern sees the end of its text before punctuation, and no contractions.
    Digits splits the output of ByteLevel, even within characters, which has no effect if no merge crosses such a split.
    Runs of ASCII digits are split into threes from the left.
    """
    kinds = [step["type"] for step in steps]
    if kinds[:2] != ["Punctuation", "ByteLevel"] or steps[0].get("behavior") != "Contiguous":
        return steps
    level, rest = steps[1], steps[2:]
    if level.get("add_prefix_space") or not level.get("use_regex", True):
        return steps
    by_threes = kinds[2:] == ["Digits", "Split"] and not rest[0]["individual_digits"] and rest[1] == _THREE_DIGITS
    if rest and not (by_threes and keeps_digits_apart(merges)):
        return steps
    p = find_punctuation()
    numbers = r"[0-9]{3}| ?(?:(?![0-9]{3})\p{N})+" if by_threes else r" ?\p{N}+"
    pattern = rf"[{p}]+|{numbers}| ?\p{{L}}+| ?[^\s\p{{L}}\p{{N}}{p}]+|\s+(?![^\s{p}])|\s+"
    return [split_by(pattern), {**level, "use_regex": False}]


def restate(part: Step, merges: list[Any]) -> Step:
    """Rewrite a pre-tokeniser in the steps that fastokens has.

    A sequence of one becomes that step.
    """
    fused = fuse_digits(fuse(flatten(part), merges))
    steps = [restate_punctuation(s) if s["type"] == "Punctuation" else s for s in fused]
    return steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps}


def read_members(text: str) -> Iterator[tuple[str, Any, int, int]]:
    """Yield the members of a JSON object with the start and end of each value.

    Raises ValueError if it is not an object.
    Each is parsed on demand, so that members before a vocabulary can be read without it.
    """
    decoder = json.JSONDecoder()
    skip = re.compile(r"[\s,:{]*").match
    at = 0
    while (gap := skip(text, at)) and text[gap.end() : gap.end() + 1] not in ("", "}"):
        name, at = decoder.raw_decode(text, gap.end())
        after = skip_colon(text, at)
        value, at = decoder.raw_decode(text, after)
        yield name, value, after, at


def skip_colon(text: str, at: int) -> int:
    """Return the start of the value of a member whose name ends at `at`.

    Raises ValueError if no colon follows.
    """
    colon = re.compile(r"\s*:\s*").match(text, at)
    if colon is None:
        raise ValueError(f"a colon is missing at character {at}")
    return colon.end()


def restate_json(text: str) -> str:
    """Rewrite the pre-tokeniser of a tokenizer.json for fastokens; keep the rest.

    Its fast steps are used if possible.
    """
    steps, start, end = find_restatement(text)
    return text[:start] + steps + text[end:]


def find_restatement(text: str) -> tuple[str, int, int]:
    """Return (rewritten pre-tokeniser, start, end) of a tokenizer.json.

    The first is empty and the others are 0 if it can stay.
    """
    members = read_members(text)
    part, start, end = next(((value, a, b) for name, value, a, b in members if name == "pre_tokenizer"), (None, 0, 0))
    kinds = [step["type"] for step in flatten(part)]
    if part is None or ("Punctuation" not in kinds and kinds[:1] != ["Digits"] and len(kinds) > 1):
        return "", 0, 0
    fusible = kinds[:2] == ["Punctuation", "ByteLevel"] and len(kinds) > 2
    model: Step = next((value for name, value, _, _ in members if name == "model"), {}) if fusible else {}
    return json.dumps(restate(part, model.get("merges", []))), start, end


def recall_json(asset: Asset) -> str:
    """Return the file of an asset as `restate_json` does.

    The search through a long list of merges is cached.
    """
    text = _DROPOUT.sub('"dropout":null', asset.files[0].read_bytes().decode())
    path = cache_path("restated", asset.sha256, version("tokenizers"))
    cached = read_arrays(path, frozenset({"steps", "bounds"}))
    if cached is None:
        steps, start, end = find_restatement(text)
        write_arrays(path, {"steps": np.frombuffer(steps.encode(), np.uint8), "bounds": np.array([start, end])})
    else:
        steps, (start, end) = cached["steps"].tobytes().decode(), cached["bounds"].tolist()
    return text[:start] + steps + text[end:]
