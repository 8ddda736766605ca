"""Crusoe's fastokens: byte-level BPE of Hugging Face files and of tiktoken's, ids as one flat array.

Its pipelines lack the pre-tokeniser Punctuation, which is here said as the split that it is.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers.pre_tokenizers import Punctuation

from tokbench.adapters import huggingface, tiktoken
from tokbench.adapters._batch import EncodedBatch
from tokbench.adapters._build import describe_merges, read_object
from tokbench.adapters._engine import EngineTokenizer
from tokbench.adapters._loaded import check_format, text_rules
from tokbench.assets import Asset
from tokbench.errors import MissingExtraError, TokbenchError

if TYPE_CHECKING:
    import fastokens

REFERENCE_FOR: frozenset[str] = frozenset()
SIDE_WORK = "nothing"
LIBRARY = "fastokens"
RUNS = {"tokenizer.json": 200_000, "vocab+merges": 1_000_000, "tiktoken": 32_000_000}

_THREADS = "FASTOKENS_BPE_THREADS"
_BEHAVIORS = {
    "Contiguous": ("+", "Isolated"),
    "Isolated": ("", "Isolated"),
    "MergedWithPrevious": ("", "MergedWithPrevious"),
    "MergedWithNext": ("", "MergedWithNext"),
}
"""How Punctuation is said as Split: what follows the class of its characters, and the behaviour."""


@cache
def find_punctuation() -> str:
    """The class of what tokenizers takes for punctuation: asked of it, as it has a version of Unicode of its own."""
    split = Punctuation().pre_tokenize_str
    candidates = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c))[0] in "PS"]
    found = [f"\\x{{{ord(c):X}}}" for c in candidates if len(split(f"a{c}b")) > 1]
    return f"[{''.join(found)}]"


def restate(step: dict[str, Any]) -> dict[str, Any]:
    """A pre-tokeniser of tokenizer.json in the steps that fastokens has."""
    if step["type"] == "Sequence":
        return {**step, "pretokenizers": [restate(inner) for inner in step["pretokenizers"]]}
    if step["type"] == "Punctuation":
        wanted = step.get("behavior", "Isolated")
        if wanted not in _BEHAVIORS:
            raise ValueError(f"punctuation that is {wanted}")
        repeated, behavior = _BEHAVIORS[wanted]
        pattern = f"{find_punctuation()}{repeated}"
        return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": False}
    return step


def build_from_json(asset: Asset) -> fastokens.Tokenizer:
    """A tokenizer.json: the file itself, or restated where it holds a step that fastokens lacks."""
    from fastokens import Tokenizer

    path = asset.files[0]
    if b'"Punctuation"' not in path.read_bytes():
        return Tokenizer.from_file(str(path))
    document = read_object(path)
    return Tokenizer.from_json_str(json.dumps({**document, "pre_tokenizer": restate(document["pre_tokenizer"])}))


def build_from_merges(asset: Asset) -> fastokens.Tokenizer:
    """vocab.json and merges.txt, as the tokenizer.json that they are half of."""
    from fastokens import Tokenizer

    return Tokenizer.from_json_str(json.dumps(describe_merges(asset)))


def build_from_ranks(asset: Asset) -> fastokens.Tokenizer:
    """A rank file, split by the pattern of its catalogue entry."""
    from fastokens import Tokenizer

    if asset.entry is None or asset.entry.pattern is None:
        raise TokbenchError(f"{asset.files[0]}: a file of ranks does not say how text is split", "name its entry")
    return Tokenizer.from_tiktoken(str(asset.files[0]), pattern=asset.entry.pattern, special_tokens={})


BUILDERS: Mapping[str, Callable[[Asset], fastokens.Tokenizer]] = {
    "tokenizer.json": build_from_json,
    "vocab+merges": build_from_merges,
    "tiktoken": build_from_ranks,
}


class FastokensTokenizer(EngineTokenizer):
    """Byte-level BPE as fastokens runs it."""

    def __init__(self, asset: Asset, tokenizer: fastokens.Tokenizer) -> None:
        reference = tiktoken.load if asset.format == "tiktoken" else huggingface.load
        super().__init__(asset, f"{LIBRARY}=={version(LIBRARY)}", "encode_batch_flat", reference)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.before = text_rules(asset)[0] if asset.format == "tiktoken" else None

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text; the library fills two buffers, without a Python object per token."""
        prepared = list(texts) if self.before is None else [self.before(text) for text in texts]
        ids, offsets = self.tokenizer.encode_batch_flat(prepared, split_special_tokens=True)
        return EncodedBatch(np.frombuffer(ids, np.int32), np.frombuffer(offsets, np.int64))


def load(asset: Asset) -> FastokensTokenizer:
    """The tokenizer of a tokenizer.json, of vocab.json and merges.txt, or of a rank file.

    Raises TokbenchError for what fastokens cannot run.
    """
    check_format(asset, LIBRARY, RUNS.keys())
    # Its own threads would hide what one thread does, and the work is spread over threads by the caller.
    os.environ.setdefault(_THREADS, "1")
    try:
        import fastokens  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("fastokens", "fast", f"running {asset.name} on fastokens") from error
    try:
        tokenizer = BUILDERS[asset.format](asset)
    except ValueError as error:
        raise TokbenchError(f"{asset.files[0]}: fastokens cannot run it ({error})", "use its own engine") from error
    return FastokensTokenizer(asset, tokenizer)
