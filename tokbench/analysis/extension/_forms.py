"""The content of a tokenizer.json for a BPE tokenizer that can be extended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench.adapters import Tokenizer
from tokbench.adapters.huggingface import HuggingFaceTokenizer
from tokbench.adapters.sentencepiece import SentencePieceTokenizer
from tokbench.adapters.tiktoken import TiktokenTokenizer
from tokbench.analysis.extension._rank_forms import convert_ranks
from tokbench.analysis.sweep._merged_tokens import Document, read_document
from tokbench.catalog.sentencepiece_pieces import BYTE, CONTROL, NORMAL, UNKNOWN, Piece, is_bpe, read_pieces
from tokbench.errors import TokbenchError

SPACE = "\u2581"


def build_form(tokenizer: Tokenizer) -> Document:
    """Return the content of a tokenizer.json that gives the ids of a tokenizer.

    Its added tokens are in the vocabulary of the model too, so that they keep their ids when tokens are appended.
    Raises TokbenchError for anything but BPE of a Hugging Face file, a rank file or a SentencePiece model.
    """
    if isinstance(tokenizer, SentencePieceTokenizer):
        return _convert_pieces(tokenizer)
    if isinstance(tokenizer, TiktokenTokenizer):
        return convert_ranks(tokenizer)
    if not isinstance(tokenizer, HuggingFaceTokenizer):
        raise refuse_extending(tokenizer, f"files of the format {tokenizer.asset.format} cannot be extended")
    kind = type(tokenizer.tokenizer.model).__name__
    if kind != "BPE":
        raise refuse_extending(tokenizer, f"it is {kind}, which has no merges to continue")
    document = _read_file(tokenizer)
    model = document["model"]
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        raise refuse_extending(tokenizer, "its tokens mark the inside or the end of words")
    _keep_added(tokenizer, document)
    return document


def refuse_extending(tokenizer: Tokenizer, reason: str) -> TokbenchError:
    """Build the error for a tokenizer that cannot be extended."""
    return TokbenchError(
        f"{tokenizer.name} cannot be extended: {reason}",
        "give a tokenizer.json of BPE, a rank file, or a SentencePiece BPE model",
    )


def _read_file(tokenizer: HuggingFaceTokenizer) -> Document:
    """Read the file itself where there is one, which also has what tokenizers does after encoding."""
    files = tokenizer.asset.files
    if tokenizer.asset.format == "tokenizer.json" and len(files) == 1:
        document = dict(read_json_object(files[0]))
        document["model"] = document["model"] | {"type": "BPE", "dropout": None}
        return document | {"truncation": None, "padding": None}
    return read_document(tokenizer)


def _keep_added(tokenizer: HuggingFaceTokenizer, document: Document) -> None:
    """Write added tokens into the vocabulary, under the ids that the library gives them."""
    vocab = document["model"]["vocab"]
    taken = {number: token for token, number in vocab.items()}
    for number, token in tokenizer.added.items():
        if taken.get(number, token.content) != token.content:
            raise refuse_extending(tokenizer, f"two of its tokens have the id {number}")
        vocab[token.content] = number
    numbers = {token.content: number for number, token in tokenizer.added.items()}
    document["added_tokens"] = [
        token | {"id": numbers.get(token["content"], token["id"])} for token in document.get("added_tokens") or []
    ]


def _convert_pieces(tokenizer: SentencePieceTokenizer) -> Document:
    """Write a SentencePiece BPE model as tokenizer.json, with a merge for each way to make a piece of two."""
    model = tokenizer.model
    if not is_bpe(model):
        raise refuse_extending(tokenizer, "it is a unigram model, which has no merges to continue")
    if tokenizer.added or tokenizer.before is not None:
        raise refuse_extending(tokenizer, "its companion files change how the model reads text")
    if not tokenizer.keeps_text():
        raise refuse_extending(tokenizer, "its model normalises text in a way that a tokenizer.json cannot express")
    files = tokenizer.asset.files
    pieces = read_pieces(files[0] if files else tokenizer.name, model)
    strange = [piece for piece in pieces if piece.kind not in (NORMAL, UNKNOWN, CONTROL, BYTE)]
    if strange:
        raise refuse_extending(tokenizer, f"its piece {strange[0].text!r} is matched before merging, or unused")
    steps: list[Mapping[str, Any]] = [{"type": "Prepend", "prepend": SPACE}] if tokenizer.prefix else []
    steps.append({"type": "Replace", "pattern": {"String": " "}, "content": SPACE})
    back: list[Mapping[str, Any]] = [
        {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if tokenizer.prefix:
        back.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            _describe_special(number, piece) for number, piece in enumerate(pieces) if piece.kind in (UNKNOWN, CONTROL)
        ],
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": back},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": next((piece.text for piece in pieces if piece.kind == UNKNOWN), None),
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": any(piece.kind == BYTE for piece in pieces),
            "ignore_merges": False,
            "vocab": {piece.text: number for number, piece in enumerate(pieces)},
            "merges": list_merges(pieces),
        },
    }


def _describe_special(number: int, piece: Piece) -> Document:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": piece.text, **flags, "special": True}


def list_merges(pieces: Sequence[Piece]) -> list[list[str]]:
    """List the merges of a SentencePiece BPE model: by the score of what they make, then by the pieces they join."""
    normal = {piece.text: (-piece.score, number) for number, piece in enumerate(pieces) if piece.kind == NORMAL}
    found = []
    for text, rank in normal.items():
        for cut in range(1, len(text)):
            left, right = text[:cut], text[cut:]
            if left in normal and right in normal:
                found.append((rank, normal[left], normal[right], left, right))
    return [[left, right] for *_, left, right in sorted(found)]


def write_form(document: Document) -> str:
    """Write a form as the text of a tokenizer.json."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
