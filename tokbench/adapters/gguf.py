"""Vocabularies in GGUF files (llama.cpp): rebuilt for the engine that defines their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken, models

from tokbench.adapters._build import add_tokens, byte_level_pipeline
from tokbench.adapters._loaded import check_format
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters.huggingface import HuggingFaceTokenizer
from tokbench.adapters.sentencepiece import SentencePieceTokenizer
from tokbench.assets import Asset
from tokbench.catalog import CATALOG
from tokbench.errors import MissingExtraError, TokbenchError

REFERENCE_FOR = frozenset({"gguf"})

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""Token types of the format (`tokenizer.ggml.token_type`)."""

_DIGIT = r"\p{N}"


@dataclass(frozen=True)
class Split:
    """How a pre-tokeniser of llama.cpp, known by name, prepares text."""

    patterns: tuple[str, ...] = ()
    like: str | None = None
    """The catalogue entry that holds the pattern."""
    normalizer: str | None = None
    ignore_merges: bool = False


SPLITS = {
    "gpt-2": Split(),
    "mpt": Split(normalizer="NFC"),
    "olmo": Split(normalizer="NFC"),
    "starcoder": Split((_DIGIT,)),
    "refact": Split((_DIGIT,)),
    "smollm": Split((_DIGIT,)),
    "command-r": Split((_DIGIT,), normalizer="NFC"),
    "llama-bpe": Split(like="llama3", ignore_merges=True),
    "qwen2": Split(like="qwen2.5", normalizer="NFC"),
    "gpt-4o": Split(like="o200k_base"),
}
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def read_fields(asset: Asset) -> dict[str, Any]:
    """The metadata of a GGUF file: lists, numbers and strings by key."""
    try:
        from gguf import GGUFReader
    except ModuleNotFoundError as error:
        raise MissingExtraError("gguf", "gguf", f"reading {asset.files[0].name}") from error
    try:
        reader = GGUFReader(asset.files[0])
        return {key: field.contents() for key, field in reader.fields.items() if key.startswith("tokenizer.")}
    except (ValueError, IndexError, KeyError) as error:
        raise TokbenchError(f"{asset.files[0]}: not a readable GGUF file ({error})", "get the file again") from error


def build_byte_level(asset: Asset, fields: dict[str, Any]) -> Tokenizer:
    """Byte-level BPE from tokens and merges; padding tokens are left out, as no text holds them."""
    name = fields.get("tokenizer.ggml.pre", "default")
    if name not in SPLITS:
        raise TokbenchError(
            f"{asset.files[0]}: how the pre-tokeniser {name!r} splits text is not known here",
            f"known: {', '.join(SPLITS)}; give the tokenizer.json instead",
        )
    split = SPLITS[name]
    typed = list(enumerate(zip(fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"], strict=True)))
    added = {
        number: AddedToken(token, normalized=False, special=kind == CONTROL)
        for number, (token, kind) in typed
        if kind in (CONTROL, USER_DEFINED)
    }
    vocab = {token: number for number, (token, kind) in typed if kind in (NORMAL, CONTROL)}
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"]]
    model = models.BPE(vocab, merges, ignore_merges=split.ignore_merges)
    if split.like is not None:
        pattern = CATALOG[split.like].pattern
        patterns = [pattern] if pattern else []
    else:
        patterns = [*split.patterns, GPT2_PATTERN] if split.patterns else []
    pipeline = byte_level_pipeline(model, patterns, split.normalizer)
    add_tokens(pipeline, added, str(asset.files[0]))
    return HuggingFaceTokenizer(asset, pipeline)


def build_sentencepiece(asset: Asset, fields: dict[str, Any]) -> Tokenizer:
    """A SentencePiece BPE model from pieces and scores."""
    try:
        from sentencepiece import sentencepiece_model_pb2
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "protobuf", "gguf", f"rebuilding the SentencePiece model of {asset.files[0]}"
        ) from error
    model: Any = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]  # made at run time
    kinds = fields["tokenizer.ggml.token_type"]
    scores = fields["tokenizer.ggml.scores"]
    for piece, score, kind in zip(fields["tokenizer.ggml.tokens"], scores, kinds, strict=True):
        model.pieces.add(piece=piece, score=score, type=kind)
    model.trainer_spec.model_type = model.trainer_spec.BPE
    model.trainer_spec.byte_fallback = BYTE in kinds
    model.trainer_spec.unk_id = fields.get("tokenizer.ggml.unknown_token_id", 0)
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = fields.get("tokenizer.ggml.add_space_prefix", True)
    model.normalizer_spec.remove_extra_whitespaces = fields.get("tokenizer.ggml.remove_extra_whitespaces", False)
    model.normalizer_spec.escape_whitespaces = True
    return SentencePieceTokenizer(asset, model.SerializeToString())


def load(asset: Asset) -> Tokenizer:
    """The tokenizer of a GGUF file; the weights, where it has any, are not read."""
    check_format(asset, "gguf", REFERENCE_FOR)
    fields = read_fields(asset)
    algorithm = fields.get("tokenizer.ggml.model")
    if algorithm in ("gpt2", "llama"):
        build = build_byte_level if algorithm == "gpt2" else build_sentencepiece
        try:
            return build(asset, fields)
        except KeyError as error:
            raise TokbenchError(f"{asset.files[0]}: there is no field {error}", "get the file again") from error
        except Exception as error:
            # tokenizers raises the bare class for a vocabulary it cannot build.
            if type(error) not in (Exception, ValueError):
                raise
            raise TokbenchError(f"{asset.files[0]}: damaged vocabulary ({error})", "get the file again") from error
    raise TokbenchError(
        f"{asset.files[0]}: a GGUF vocabulary of the kind {algorithm!r} cannot be read here",
        "give its tokenizer.json or tokenizer.model instead",
    )
