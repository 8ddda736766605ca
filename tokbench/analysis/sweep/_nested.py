"""Smaller vocabularies inside a BPE vocabulary: its first merges."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from tokbench.adapters import Tokenizer
from tokbench.adapters.huggingface import HuggingFaceTokenizer
from tokbench.adapters.sentencepiece import SentencePieceTokenizer
from tokbench.adapters.tiktoken import TiktokenTokenizer
from tokbench.analysis.sweep._merged_tokens import cut_document, list_made, read_document
from tokbench.analysis.sweep._origins import find_origin
from tokbench.catalog.byte_level import printable_bytes
from tokbench.catalog.sentencepiece_pieces import NORMAL, Piece, is_bpe, leave_out, read_pieces
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

_SPACE = "\u2581"
ANOTHER = "give a tokenizer of byte-level BPE, a rank file or a SentencePiece BPE model"


@dataclass(frozen=True, eq=False)
class Nested:
    """A vocabulary that can be cut to its first merges.

    fixed: ids that no merge makes: bytes or characters, special and added tokens, holes.
    made: tokens that merges make.
    build: returns the tokenizer with the first n of these tokens, whose ids have no holes.
    """

    tokenizer: Tokenizer
    fixed: int
    made: int
    build: Callable[[int], Tokenizer]

    @property
    def size(self) -> int:
        """Return the number of all ids."""
        return self.fixed + self.made

    def cut(self, size: int) -> Tokenizer:
        """Return the tokenizer that training to `size` ids would have given, the whole one for its own size.

        Ids are in the order of the whole vocabulary, without holes. Raises TokbenchError for a size out of bounds.
        """
        if not self.fixed < size <= self.size:
            raise TokbenchError(
                f"{self.tokenizer.name} has no vocabulary of {size:,} ids: {self.fixed:,} are bytes, characters and "
                f"special tokens, which no merge makes, and it has {self.size:,} in all",
                f"give sizes from {self.fixed + 1:,} to {self.size:,}",
            )
        return self.tokenizer if size == self.size else self.build(size - self.fixed)


def nest(tokenizer: Tokenizer) -> Nested:
    """Return the vocabularies inside that of a tokenizer.

    Raises TokbenchError, with the reason, if a smaller one is not what training to its size would have given: for
    anything but BPE, and for merges that were appended to another vocabulary's.
    """
    if isinstance(tokenizer, HuggingFaceTokenizer):
        return _nest_merges(tokenizer)
    if isinstance(tokenizer, TiktokenTokenizer):
        return _nest_ranks(tokenizer)
    if isinstance(tokenizer, SentencePieceTokenizer):
        return _nest_pieces(tokenizer)
    raise refuse_nesting(tokenizer, f"it is no BPE ({tokenizer.asset.format}), so its tokens have no order")


def refuse_nesting(tokenizer: Tokenizer, reason: str, hint: str = ANOTHER) -> TokbenchError:
    """Build the error for a vocabulary that holds no smaller ones."""
    return TokbenchError(f"{tokenizer.name} holds no smaller vocabularies: {reason}", hint)


def label_cut(tokenizer: Tokenizer, made: int) -> Asset:
    """Describe a cut vocabulary, which has no files."""
    asset = tokenizer.asset
    digest = hashlib.sha256(f"{asset.sha256} first {made}".encode()).hexdigest()
    rules = asset.entry and replace(asset.entry.without_facts(), name=asset.entry.name)
    return Asset(f"{tokenizer.name}, first {made:,} merges", asset.format, (), digest, asset.origin, rules)


def _check_origin(tokenizer: Tokenizer, made: list[bytes]) -> None:
    origin = find_origin(made)
    if origin is not None:
        raise refuse_nesting(
            tokenizer,
            f"its merges are those of {origin.name}, with {len(made) - origin.merges:,} more appended, "
            "which training to a larger size would not have given",
            f"sweep {origin.name} instead",
        )


def _nest_merges(tokenizer: HuggingFaceTokenizer) -> Nested:
    from tokenizers import Tokenizer as Pipeline

    document = read_document(tokenizer)
    if document["model"]["type"] != "BPE":
        raise refuse_nesting(tokenizer, f"it is {document['model']['type']}, not BPE, so its tokens have no order")
    made = list_made(document)
    fault = made.fault
    if fault is not None:
        raise refuse_nesting(tokenizer, fault, "give the file that its training wrote")
    if tokenizer.byte_level:
        byte_of = printable_bytes()
        _check_origin(tokenizer, [bytes(byte_of.get(c, 0) for c in token) for token in made.order])

    def build(count: int) -> Tokenizer:
        text = cut_document(document, made, count)
        return HuggingFaceTokenizer(replace(label_cut(tokenizer, count), entry=None), Pipeline.from_str(text))

    return Nested(tokenizer, tokenizer.vocab_total - len(made.order), len(made.order), build)


def _nest_ranks(tokenizer: TiktokenTokenizer) -> Nested:
    file = tokenizer.file
    ordered = sorted(file.ranks.items(), key=lambda item: item[1])
    made = [token for token, _ in ordered if len(token) > 1]
    _check_origin(tokenizer, made)

    def build(count: int) -> Tokenizer:
        dropped = set(made[count:])
        kept = [token for token, _ in ordered if token not in dropped]
        ranks = {token: rank for rank, token in enumerate(kept)}
        special = {text: file.shift + len(kept) + i for i, text in enumerate(file.special)} if not file.shift else {}
        return TiktokenTokenizer(label_cut(tokenizer, count), replace(file, ranks=ranks, total=None, special=special))

    return Nested(tokenizer, tokenizer.vocab_total - len(made), len(made), build)


def _is_made(piece: Piece) -> bool:
    """Return whether merges make a piece: characters are always there, and runs of spaces are put there."""
    return piece.kind == NORMAL and len(piece.text) > 1 and bool(piece.text.strip(_SPACE))


def _nest_pieces(tokenizer: SentencePieceTokenizer) -> Nested:
    model = tokenizer.model
    if not is_bpe(model):
        raise refuse_nesting(tokenizer, "it is a unigram model, whose smaller vocabularies are pruned, not cut")
    files = tokenizer.asset.files
    path = files[0] if files else tokenizer.name
    made = [piece for piece in read_pieces(path, model) if _is_made(piece)]
    for before, after in pairwise(made):
        if not after.score < before.score:
            raise refuse_nesting(
                tokenizer,
                f"the score of its piece {after.text!r} is not below that of the one before, so pieces were appended",
                "give the model that was extended",
            )

    def build(count: int) -> Tokenizer:
        dropped = made[count:]
        added = {number - len(dropped): token for number, token in tokenizer.added.items()}
        asset = label_cut(tokenizer, count)
        return SentencePieceTokenizer(asset, leave_out(model, dropped), added, prefix_each=tokenizer.prefix_each)

    return Nested(tokenizer, tokenizer.vocab_total - len(made), len(made), build)
