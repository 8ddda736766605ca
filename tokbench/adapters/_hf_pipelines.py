"""Build pipelines of `tokenizers` for files with only a vocabulary."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import AddedToken, Encoding, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from tokbench._shared.files import read_json_object
from tokbench.adapters._encoding import EncodedBatch, Spans
from tokbench.catalog import companions as beside
from tokbench.catalog.companions import Companions
from tokbench.catalog.entries import CATALOG
from tokbench.catalog.sources import Asset
from tokbench.catalog.tokenizer_classes import BERT_CLASSES, GPT2_CLASSES, read, restate_settings
from tokbench.errors import TokbenchError

PATTERN_OF_CLASS = {"Qwen2Tokenizer": "qwen2.5", "Qwen3_5Tokenizer": "qwen3.5"}
"""Catalogue entries with the split pattern of tokenizer classes that have one of their own."""


_GENERIC_CLASSES = frozenset({"PreTrainedTokenizer", "TokenizersBackend"})

BERT_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""The special tokens of every BERT, which vocab.txt does not distinguish from others."""


def byte_level_pipeline(
    model: models.BPE,
    patterns: Sequence[str] = (),
    normalizer: str | None = None,
    *,
    add_prefix_space: bool = False,
) -> Tokenizer:
    """Build byte-level BPE after splitting by each pattern in turn.

    Without patterns, GPT-2's own pattern is used.
    """
    pipeline = Tokenizer(model)
    if normalizer == "NFC":
        pipeline.normalizer = normalizers.NFC()
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, use_regex=not patterns)
    pipeline.pre_tokenizer = pre_tokenizers.Sequence([*splits, byte_level])
    pipeline.decoder = decoders.ByteLevel()
    return pipeline


def add_tokens(pipeline: Tokenizer, added: Mapping[int, AddedToken], source: str) -> None:
    """Add tokens in the order of their ids.

    Raises TokbenchError if the library would number them differently.
    """
    for number, token in sorted(added.items()):
        if token.special:
            pipeline.add_special_tokens([token])
        else:
            pipeline.add_tokens([token])
        if pipeline.token_to_id(token.content) != number:
            raise TokbenchError(
                f"{source}: the added token {token.content!r} has the id {number}, but the vocabulary ends before it",
                "the files do not belong together: download them again from one source",
            )


def find_next_id(pipeline: Tokenizer) -> int:
    """Return the id that the library gives to the next added token.

    The library counts tokens and ignores gaps in their ids.
    """
    size = int(pipeline.get_vocab_size(with_added_tokens=False))
    highest = max(pipeline.get_added_tokens_decoder(), default=-1)
    return highest + 1 if highest >= size else size


def make_added_tokens(tokens: Mapping[int, beside.AddedToken]) -> dict[int, AddedToken]:
    """Convert added tokens to those of the library."""
    return {number: AddedToken(token.content, **token.flags) for number, token in tokens.items()}


def class_of(companions: Companions) -> str:
    """Return the class that reads a vocab.json with merges.txt.

    It is GPT-2's if none is named.
    """
    return companions.class_name or "GPT2Tokenizer"


def pattern_of(asset: Asset, companions: Companions) -> str | None:
    """Return the split pattern of a vocab.json with merges.txt.

    It is the catalogue's, or that of the configured class.
    """
    if asset.entry is not None:
        return asset.entry.pattern
    name = class_of(companions)
    if name in GPT2_CLASSES:
        return None
    if name in PATTERN_OF_CLASS:
        return CATALOG[PATTERN_OF_CLASS[name]].pattern
    raise companions.refuse(
        "tokenizer_class", "the files do not say how this class splits text", "give its tokenizer.json instead"
    )


@dataclass(frozen=True)
class Merges:
    """The content of vocab.json, merges.txt and companions, by catalogue rules."""

    vocab: Path
    merges: Path
    pattern: str | None
    normalizer: str | None
    add_prefix_space: bool
    companions: Companions

    def number_added(self, vocab: Mapping[str, int]) -> dict[int, beside.AddedToken]:
        """Return the added tokens by id."""
        return self.companions.number(vocab, len(vocab))


def read_merges(asset: Asset) -> Merges:
    """Read the parts of a byte-level BPE in vocab.json and merges.txt."""
    companions = read(asset.files)
    normalizer = asset.entry.normalizer if asset.entry else None
    pattern = pattern_of(asset, companions)
    if asset.entry is None and pattern is not None:
        normalizer = CATALOG[PATTERN_OF_CLASS[class_of(companions)]].normalizer
    add_prefix_space = companions.flag("add_prefix_space") or False
    return Merges(asset.files[0], asset.files[1], pattern, normalizer, add_prefix_space, companions)


def build_from_merges(asset: Asset) -> Tokenizer:
    """Build byte-level BPE from vocab.json, merges.txt and companion files."""
    parts = read_merges(asset)
    model = models.BPE.from_file(str(parts.vocab), str(parts.merges))
    patterns = [parts.pattern] if parts.pattern else []
    pipeline = byte_level_pipeline(model, patterns, parts.normalizer, add_prefix_space=parts.add_prefix_space)
    add_tokens(pipeline, make_added_tokens(parts.number_added(pipeline.get_vocab())), str(parts.vocab.parent))
    return pipeline


def describe_merges(asset: Asset) -> dict[str, Any]:
    """Build the tokenizer.json equivalent to vocab.json, merges.txt and companions."""
    parts = read_merges(asset)
    vocab = read_json_object(parts.vocab)
    lines = parts.merges.read_text(encoding="utf-8").split("\n")
    byte_level = {"type": "ByteLevel", "add_prefix_space": parts.add_prefix_space, "trim_offsets": True}
    split = {"type": "Split", "pattern": {"Regex": parts.pattern}, "behavior": "Isolated", "invert": False}
    steps = [split, byte_level | {"use_regex": False}] if parts.pattern else [byte_level | {"use_regex": True}]
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": token.content, **token.flags}
            for number, token in sorted(parts.number_added(vocab).items())
        ],
        "normalizer": {"type": parts.normalizer} if parts.normalizer else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
        "decoder": byte_level | {"use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": vocab,
            "merges": [line.rstrip("\r") for line in lines if line.strip() and not line.startswith("#version")],
        },
    }


def build_from_wordpiece(asset: Asset) -> Tokenizer:
    """Build BERT's WordPiece from vocab.txt.

    Text is cleaned, ideographs are separated, and words are matched greedily, longest first.
    The settings are those of tokenizer_config.json. If nothing says whether text is lower-cased, a vocabulary without
    any upper-case letter is taken to belong to a lower-casing model.
    """
    companions = read(asset.files)
    name = companions.class_name
    if name is not None and name not in BERT_CLASSES | _GENERIC_CLASSES:
        raise companions.refuse(
            "tokenizer_class", "it is not known to read text as BERT does", "give its tokenizer.json instead"
        )
    unknown = companions.attributes.get("unk_token", "[UNK]")
    model = models.WordPiece.from_file(str(asset.files[0]), unk_token=unknown)
    pipeline = Tokenizer(model)
    known = pipeline.get_vocab()
    if unknown not in known:
        raise TokbenchError(
            f"{companions.where.get(unknown, asset.files[0])}: the unknown token {unknown!r} is not in "
            f"{asset.files[0].name}",
            "the files do not belong together: download them again from one source",
        )
    lowercase = companions.flag("do_lower_case")
    if lowercase is None:
        lowercase = name in BERT_CLASSES or is_lowercase(known)
    ideographs = companions.flag("tokenize_chinese_chars")
    pipeline.normalizer = normalizers.BertNormalizer(
        handle_chinese_chars=ideographs is not False,
        strip_accents=companions.flag("strip_accents"),
        lowercase=lowercase,
    )
    pipeline.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pipeline.decoder = decoders.WordPiece(cleanup=False)
    if name is None:
        pipeline.add_special_tokens([token for token in BERT_SPECIAL if token in known])
    added = companions.number(known, find_next_id(pipeline))
    add_tokens(pipeline, make_added_tokens(added), str(asset.files[0].parent))
    return pipeline


def is_lowercase(vocabulary: Iterable[str]) -> bool:
    """Return whether no token of a vocabulary, except in brackets, is upper-case."""
    return all(token == token.lower() for token in vocabulary if not (token.startswith("[") and token.endswith("]")))


def build_from_json(asset: Asset) -> Tokenizer:
    """Build a tokenizer.json, with its companion files if they count."""
    if len(asset.files) == 1:
        return Tokenizer.from_file(str(asset.files[0]))
    companions = read(asset.files)
    document = read_json_object(asset.files[0])
    pipeline = Tokenizer.from_str(json.dumps(restate_settings(document, companions)))
    known = pipeline.get_vocab(with_added_tokens=True)
    present = {token.content for token in pipeline.get_added_tokens_decoder().values()}
    numbered = companions.number(known, find_next_id(pipeline))
    decides = companions.numbered if "added_tokens_decoder" in companions.settings else {}
    new = {number: token for number, token in numbered.items() if token.content not in present or number in decides}
    add_tokens(pipeline, make_added_tokens(new), str(asset.files[0].parent))
    return pipeline


def read_spans(encodings: Sequence[Encoding]) -> Spans:
    """Return the ids of texts, and where they lie."""
    batch = EncodedBatch.from_lists([encoding.ids for encoding in encodings])
    flat = chain.from_iterable(chain.from_iterable(encoding.offsets for encoding in encodings))
    bounds = np.fromiter(flat, np.int64, 2 * len(batch.ids))
    return Spans(batch, bounds[::2], bounds[1::2])
