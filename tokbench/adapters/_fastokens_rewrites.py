"""Pre-tokenisers of tokenizer.json in the steps that fastokens has, and those that it runs fast.

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
"""How Punctuation is said as Split: what follows the class of its characters, and the behaviour."""

_IDEOGRAPHS = 0x20000
"""Where the planes of ideographs begin: neither they nor the planes above hold punctuation."""

_DROPOUT = re.compile(r'"dropout"\s*:\s*[0-9]+(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)')
"""A dropout other than null: a fraction, which no id of a token called `dropout` is."""

_THREE_DIGITS = {"type": "Split", "pattern": {"Regex": "[0-9][0-9][0-9]"}, "behavior": "Isolated", "invert": False}


GPT2_SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
DIGITS_APART = r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"
"""GPT-2's pattern after a cut around each digit: white space before a digit is at the end of its text."""


@cache
def find_punctuation() -> str:
    """What tokenizers takes for punctuation, as ranges: asked of it, as it has a version of Unicode of its own."""
    candidates = [c for c in range(_IDEOGRAPHS) if not 0xD800 <= c < 0xE000]
    pieces = Punctuation("isolated").pre_tokenize_str("a".join(map(chr, candidates)))
    found = [ord(piece) for piece, _ in pieces if len(piece) == 1 and piece != "a"]
    ranges: list[tuple[int, int]] = []
    for code in found:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return "".join(f"\\x{{{first:X}}}-\\x{{{last:X}}}" for first, last in ranges)


def split_by(pattern: str, behavior: str = "Isolated") -> Step:
    """The step that splits text by a pattern."""
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": False}


def restate_punctuation(step: Step) -> Step:
    """Punctuation as the Split that it is; ValueError for a behaviour that is not known here."""
    wanted = step.get("behavior", "Isolated")
    if wanted not in _BEHAVIORS:
        raise ValueError(f"punctuation that is {wanted}")
    repeated, behavior = _BEHAVIORS[wanted]
    return split_by(f"[{find_punctuation()}]{repeated}", behavior)


def keeps_digits_apart(merges: list[Any]) -> bool:
    """Whether no merge joins a numeric character with another one, of the alphabet of byte-level BPE."""
    numeric = "".join(c for c in printable_bytes() if unicodedata.category(c)[0] == "N")
    joined = "\n".join("".join(merge) if isinstance(merge, list) else merge.replace(" ", "") for merge in merges)
    return re.search(f"[{numeric}][^{numeric}\n]|[^{numeric}\n][{numeric}]", joined) is None


def fuse_digits(steps: list[Step]) -> list[Step]:
    """Digits one by one, then GPT-2's pattern (Command R, StarCoder, SmolLM), as one Split; other steps as they are."""
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
    """Falcon's chain, or its first two steps, as one Split before ByteLevel; other steps as they are.

    Punctuation cuts first, so GPT-2's pattern sees the end of its text before punctuation, and no contractions.
    Digits cuts what ByteLevel wrote, even within characters: nothing where no merge crosses such a cut. Between the
    digits, those of ASCII are cut by threes from the left of their run.
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
    """A pre-tokeniser in the steps that fastokens has; a sequence of one is that one."""
    fused = fuse_digits(fuse(flatten(part), merges))
    steps = [restate_punctuation(s) if s["type"] == "Punctuation" else s for s in fused]
    return steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps}


def read_members(text: str) -> Iterator[tuple[str, Any, int, int]]:
    """The members of a JSON object one by one, with where the value starts and ends; ValueError where it is none.

    Each is parsed when it is asked for: what stands before a vocabulary can be had without it.
    """
    decoder = json.JSONDecoder()
    skip = re.compile(r"[\s,:{]*").match
    place = 0
    while (found := skip(text, place)) and text[found.end() : found.end() + 1] not in ("", "}"):
        name, place = decoder.raw_decode(text, found.end())
        after = skip_colon(text, place)
        value, place = decoder.raw_decode(text, after)
        yield name, value, after, place


def skip_colon(text: str, place: int) -> int:
    """Where the value of a member starts whose name ends at a place; ValueError where no colon follows."""
    found = re.compile(r"\s*:\s*").match(text, place)
    if found is None:
        raise ValueError(f"a colon is missing at character {place}")
    return found.end()


def restate_json(text: str) -> str:
    """A tokenizer.json whose pre-tokeniser fastokens has, and runs fast if it can be said so; the rest as it is."""
    steps, start, end = find_restatement(text)
    return text[:start] + steps + text[end:]


def find_restatement(text: str) -> tuple[str, int, int]:
    """The pre-tokeniser of a tokenizer.json restated, and where it stands; nothing for the start if it may stay."""
    members = read_members(text)
    part, start, end = next(((value, a, b) for name, value, a, b in members if name == "pre_tokenizer"), (None, 0, 0))
    kinds = [step["type"] for step in flatten(part)]
    if part is None or ("Punctuation" not in kinds and kinds[:1] != ["Digits"] and len(kinds) > 1):
        return "", 0, 0
    fusible = kinds[:2] == ["Punctuation", "ByteLevel"] and len(kinds) > 2
    model: Step = next((value for name, value, _, _ in members if name == "model"), {}) if fusible else {}
    return json.dumps(restate(part, model.get("merges", []))), start, end


def recall_json(asset: Asset) -> str:
    """The file of an asset as `restate_json` gives it; what that finds in a long list of merges is kept."""
    text = _DROPOUT.sub('"dropout":null', asset.files[0].read_bytes().decode())
    place = cache_path("restated", asset.sha256, version("tokenizers"))
    kept = read_arrays(place, frozenset({"steps", "bounds"}))
    if kept is None:
        steps, start, end = find_restatement(text)
        write_arrays(place, {"steps": np.frombuffer(steps.encode(), np.uint8), "bounds": np.array([start, end])})
    else:
        steps, (start, end) = kept["steps"].tobytes().decode(), kept["bounds"].tolist()
    return text[:start] + steps + text[end:]
