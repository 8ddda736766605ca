"""Pipelines of `tokenizers` for files that hold a vocabulary but not the pipeline around it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from tokbench.assets import Asset
from tokbench.catalog import CATALOG
from tokbench.errors import TokbenchError

GPT2_CLASSES = frozenset({"GPT2Tokenizer", "CodeGenTokenizer", "RobertaTokenizer", "BartTokenizer", "OPTTokenizer"})
PATTERN_OF_CLASS = {"Qwen2Tokenizer": "qwen2.5", "Qwen3_5Tokenizer": "qwen3.5"}
"""Tokenizer classes that split by a pattern of their own, and the catalogue entry that holds it."""


BERT_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""The special tokens of every BERT, which vocab.txt does not tell from the others."""


def byte_level_pipeline(model: models.BPE, patterns: Sequence[str] = (), normalizer: str | None = None) -> Tokenizer:
    """Byte-level BPE after splitting by each pattern in turn; GPT-2's own pattern where none is given."""
    pipeline = Tokenizer(model)
    if normalizer == "NFC":
        pipeline.normalizer = normalizers.NFC()
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not patterns)
    pipeline.pre_tokenizer = pre_tokenizers.Sequence([*splits, byte_level])
    pipeline.decoder = decoders.ByteLevel()
    return pipeline


def add_tokens(pipeline: Tokenizer, added: Mapping[int, AddedToken], source: str) -> None:
    """Add tokens in the order of their ids.

    Raises TokbenchError where the library would number them otherwise.
    """
    for number, token in sorted(added.items()):
        if token.special:
            pipeline.add_special_tokens([token])
        else:
            pipeline.add_tokens([token])
        if pipeline.token_to_id(token.content) != number:
            raise TokbenchError(
                f"{source}: the added token {token.content!r} has the id {number}, but the vocabulary ends before",
                "the files do not belong together",
            )


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object; TokbenchError with line and column where it does not parse."""
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise TokbenchError(f"{path}: not valid JSON ({error})", "get the file again") from error
    if not isinstance(document, dict):
        raise TokbenchError(f"{path}: expected a JSON object", "get the file again")
    return document


def pattern_of(asset: Asset, config: Mapping[str, Any]) -> str | None:
    """The split pattern of a vocab.json with merges.txt: the catalogue's, or that of the class in the configuration."""
    if asset.entry is not None:
        return asset.entry.pattern
    name = str(config.get("tokenizer_class", "GPT2Tokenizer")).removesuffix("Fast")
    if name in GPT2_CLASSES:
        return None
    if name in PATTERN_OF_CLASS:
        return CATALOG[PATTERN_OF_CLASS[name]].pattern
    raise TokbenchError(
        f"{asset.files[0].parent}: the files do not say how the class {name} splits text",
        "give its tokenizer.json instead",
    )


@dataclass(frozen=True)
class Merges:
    """What vocab.json, merges.txt and the files beside them say, by the rules of the catalogue."""

    vocab: Path
    merges: Path
    pattern: str | None
    normalizer: str | None
    added: Mapping[int, AddedToken]


def read_merges(asset: Asset) -> Merges:
    """The parts of a byte-level BPE in vocab.json and merges.txt."""
    by_name = {path.name: path for path in asset.files}
    config = read_object(by_name["tokenizer_config.json"]) if "tokenizer_config.json" in by_name else {}
    normalizer = asset.entry.normalizer if asset.entry else None
    pattern = pattern_of(asset, config)
    if normalizer is None and asset.entry is None and pattern is not None:
        normalizer = CATALOG[PATTERN_OF_CLASS[str(config["tokenizer_class"]).removesuffix("Fast")]].normalizer
    added: dict[int, AddedToken] = {}
    if "added_tokens.json" in by_name:
        added |= {
            int(number): AddedToken(content, normalized=False)
            for content, number in read_object(by_name["added_tokens.json"]).items()
        }
    for number, token in config.get("added_tokens_decoder", {}).items():
        added[int(number)] = AddedToken(
            token["content"],
            single_word=token["single_word"],
            lstrip=token["lstrip"],
            rstrip=token["rstrip"],
            normalized=token["normalized"],
            special=token["special"],
        )
    return Merges(asset.files[0], asset.files[1], pattern, normalizer, added)


def build_from_merges(asset: Asset) -> Tokenizer:
    """Byte-level BPE from vocab.json and merges.txt, with the added tokens of the files beside them."""
    parts = read_merges(asset)
    model = models.BPE.from_file(str(parts.vocab), str(parts.merges))
    pipeline = byte_level_pipeline(model, [parts.pattern] if parts.pattern else [], parts.normalizer)
    known = pipeline.get_vocab()
    add_tokens(pipeline, {n: t for n, t in parts.added.items() if known.get(t.content) != n}, str(parts.vocab.parent))
    return pipeline


def describe_merges(asset: Asset) -> dict[str, Any]:
    """The tokenizer.json that says what vocab.json, merges.txt and the files beside them say."""
    parts = read_merges(asset)
    vocab = read_object(parts.vocab)
    lines = parts.merges.read_text(encoding="utf-8").split("\n")
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    split = {"type": "Split", "pattern": {"Regex": parts.pattern}, "behavior": "Isolated", "invert": False}
    steps = [split, byte_level | {"use_regex": False}] if parts.pattern else [byte_level | {"use_regex": True}]
    return {
        "version": "1.0",
        "added_tokens": [
            {
                "id": number,
                "content": token.content,
                "single_word": token.single_word,
                "lstrip": token.lstrip,
                "rstrip": token.rstrip,
                "normalized": token.normalized,
                "special": token.special,
            }
            for number, token in sorted(parts.added.items())
            if vocab.get(token.content) != number
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
    """BERT's WordPiece from vocab.txt: cleaned text, ideographs apart, greedy longest match within words.

    A vocabulary without any upper-case letter belongs to a lower-casing model.
    """
    model = models.WordPiece.from_file(str(asset.files[0]), unk_token="[UNK]")  # noqa: S106 - not a password
    pipeline = Tokenizer(model)
    plain = (token for token in pipeline.get_vocab() if not (token.startswith("[") and token.endswith("]")))
    lowercase = all(token == token.lower() for token in plain)
    pipeline.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    pipeline.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pipeline.decoder = decoders.WordPiece(cleanup=False)
    pipeline.add_special_tokens([token for token in BERT_SPECIAL if pipeline.token_to_id(token) is not None])
    return pipeline
