"""The merges of a Hugging Face BPE pipeline, and the pipeline with the first of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokbench.adapters.huggingface import HuggingFaceTokenizer

Document = dict[str, Any]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Made:
    """What merges make.

    order: the tokens, in the order of the first merge that makes each.
    merges: all merges in their order. Files converted from SentencePiece have several for a token.
    fault: why this is no order of training; None if it may be one.
    """

    order: tuple[str, ...]
    merges: tuple[Pair, ...]
    fault: str | None


def read_document(tokenizer: HuggingFaceTokenizer) -> Document:
    """Return the pipeline of a tokenizer as the content of a tokenizer.json."""
    document: Document = json.loads(tokenizer.tokenizer.to_str())
    return document


def split_merge(merge: Any) -> Pair:
    """Return the two parts of a merge, in either notation of the format."""
    left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
    return left, right


def list_made(document: Mapping[str, Any]) -> Made:
    """List the tokens that merges make. Added tokens are none of them."""
    model = document["model"]
    added = {token["content"] for token in document["added_tokens"]}
    merges = tuple(map(split_merge, model["merges"]))
    prefix = len(model.get("continuing_subword_prefix") or "")
    makers: dict[str, list[Pair]] = {}
    for left, right in merges:
        token = left + right[prefix:]
        if token not in added:
            makers.setdefault(token, []).append((left, right))
    return Made(tuple(makers), merges, _find_fault(model["vocab"], makers))


def _find_fault(vocab: Mapping[str, int], makers: Mapping[str, list[Pair]]) -> str | None:
    """Return why the merges are in no order of training: each token is made of earlier ones."""
    known = vocab.keys() - makers.keys()
    for number, (token, pairs) in enumerate(makers.items(), 1):
        if not any(left in known and right in known for left, right in pairs):
            return f"its merge {number:,} makes {token!r} of a token that only a later merge makes"
        known.add(token)
    return None if makers else "it has no merges"


def cut_document(document: Document, made: Made, count: int) -> str:
    """Return the JSON of the pipeline with the first `count` tokens that merges make; ids have no holes."""
    model = document["model"]
    dropped = frozenset(made.order[count:])
    kept = sorted((number, token) for token, number in model["vocab"].items() if token not in dropped)
    vocab = {token: number for number, (_, token) in enumerate(kept)}
    prefix = len(model.get("continuing_subword_prefix") or "")
    merges = [
        [left, right]
        for left, right in made.merges
        if left in vocab and right in vocab and left + right[prefix:] in vocab
    ]
    added = [token | {"id": vocab.get(token["content"], token["id"])} for token in document["added_tokens"]]
    cut = model | {"vocab": vocab, "merges": merges}
    return json.dumps(document | {"model": cut, "added_tokens": added, "post_processor": None})
