"""Google's SentencePiece: BPE and unigram, some with byte fallback.

Models are protocol buffers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tokbench.adapters._added_tokens import Cutter, Piece
from tokbench.adapters._encoding import EncodedBatch, Spans, TokenTable
from tokbench.adapters._reference import LoadedTokenizer, check_format, label_asset
from tokbench.adapters._stages import Stage, View
from tokbench.catalog.companions import AddedToken, Companions
from tokbench.catalog.sources import Asset
from tokbench.catalog.tokenizer_classes import check_sentencepiece, list_sentinels, read
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    import sentencepiece

REFERENCE_FOR = frozenset({"sentencepiece"})
SIDE_WORK = "nothing"

_SPACE = "\u2581"
_ERRORS = 2
"""The level of errors in the log of the library."""
_NO_TOKENS: Mapping[int, AddedToken] = MappingProxyType({})
_PROBE = " \ufb01  a "
"""Text that every normalisation rule except the identity changes: a ligature, outer spaces and a double space."""


def set_prefix(model: bytes, prefix: bool) -> bytes:
    """Set whether a model adds a space before each text.

    Of repeated fields in its normalizer (3) the last counts.
    """
    return model + (b"\x1a\x02\x18\x01" if prefix else b"\x1a\x02\x18\x00")


class Token(NamedTuple):
    """An id and the characters of its text that it covers."""

    number: int
    start: int
    end: int


class SentencePieceTokenizer(LoadedTokenizer):
    """A SentencePiece model, as the library itself runs it."""

    def __init__(
        self,
        asset: Asset,
        model: bytes,
        added: Mapping[int, AddedToken] = _NO_TOKENS,
        *,
        prefix_each: bool = False,
    ) -> None:
        """Load a serialised model.

        added: tokens beside the pieces; those that are not special are split out of text before the model sees it.
        prefix_each: add the model's dummy prefix after each added token too, not only before the text.
        """
        import sentencepiece

        self.model = model
        self.added = added
        self.prefix_each = prefix_each
        sentencepiece.set_min_log_level(_ERRORS)  # it warns of odd pieces on standard error
        self.processor = processor = sentencepiece.SentencePieceProcessor()
        try:
            processor.load_from_serialized_proto(model)
            self.pieces: list[str] = processor.id_to_piece(list(range(processor.get_piece_size())))
        except (RuntimeError, OSError, UnicodeDecodeError) as error:
            raise TokbenchError(
                f"{label_asset(asset)}: SentencePiece cannot load it ({error})", "download it again"
            ) from error
        size = len(self.pieces)
        total = max([size, *(1 + number for number in added)])
        super().__init__(asset, "sentencepiece", "encode_as_numpy", base=size, total=total)
        self.cutter = Cutter(added) if any(not token.special for token in added.values()) else None
        self.unk_id = None if self.has_byte_fallback() else int(processor.unk_id())
        # The Python interface does not expose the dummy prefix, but normalising a letter shows it.
        self.prefix = b" " if processor.normalize("a").startswith(_SPACE) else b""

    def keeps_text(self) -> bool:
        """Return whether text reaches the model unchanged, but for spaces as U+2581."""
        unchanged = ((self.prefix or b"").decode() + _PROBE).replace(" ", _SPACE)
        return str(self.processor.normalize(_PROBE)) == unchanged

    def has_byte_fallback(self) -> bool:
        """Return whether every byte has a piece, so that no text is unknown."""
        # Such models have pieces for all bytes; a missing piece has the id of the unknown one.
        return bool(self.processor.is_byte(self.processor.piece_to_id("<0x00>")))

    @cached_property
    def continuation(self) -> sentencepiece.SentencePieceProcessor:
        """Processor for the text after an added token."""
        import sentencepiece

        if self.prefix_each:
            return self.processor
        processor = sentencepiece.SentencePieceProcessor()
        processor.load_from_serialized_proto(set_prefix(self.model, False))
        return processor

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts on one thread; added tokens are split out first."""
        prepared = list(self.prepare(texts))
        if self.cutter is None:
            return EncodedBatch.from_arrays(self.processor.encode_as_numpy(prepared, num_threads=1))
        pairs = zip(prepared, self.cutter.cut(prepared), strict=True)
        return EncodedBatch.from_lists([self.encode_pieces(text, pieces) for text, pieces in pairs])

    def encode_pieces(self, text: str, pieces: Sequence[Piece]) -> list[int]:
        """Encode a text that was split at its added tokens."""
        ids: list[int] = []
        for number, start, end in pieces:
            processor = self.continuation if start else self.processor
            ids += processor.encode(text[start:end]) if number is None else [number]
        return ids

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Decode each sequence of ids.

        Ids beyond the pieces have the text of the added token, if any.
        """
        size = len(self.pieces)
        if not self.added:
            lists = [ids[ids < size].tolist() for ids in batch]
            return self.restore([str(self.processor.decode(ids)) if ids else "" for ids in lists])
        return self.restore([self.decode_pieces(ids.tolist()) for ids in batch])

    def decode_pieces(self, ids: Sequence[int]) -> str:
        """Decode ids that may include added tokens."""
        text, processor = "", self.processor
        size = len(self.pieces)
        for is_piece, run in groupby(ids, lambda number: number < size and number not in self.added):
            numbers = list(run)
            if is_piece:
                text += str(processor.decode(numbers))
            else:
                text += "".join(self.added[number].content for number in numbers if number in self.added)
            processor = self.continuation
        return text

    def read_table(self) -> TokenTable:
        """Return the bytes of each piece; control and unknown pieces have none."""
        return TokenTable.from_tokens(
            self.piece_bytes(piece) if piece < len(self.pieces) else self.added_bytes(piece)
            for piece in range(self.vocab_total)
        )

    def added_bytes(self, number: int) -> bytes | None:
        """Return the bytes of an added token; special ones have none."""
        token = self.added.get(number)
        return None if token is None or token.special else token.content.encode()

    def piece_bytes(self, piece: int) -> bytes | None:
        """Return the bytes of one piece: a space for the marker, one byte for `<0xE4>`."""
        processor = self.processor
        if piece in self.added:
            return self.added_bytes(piece)
        if processor.is_control(piece) or processor.is_unknown(piece) or processor.is_unused(piece):
            return None
        text = self.pieces[piece]
        if text.startswith("<0x") and processor.is_byte(piece):
            return bytes([int(text[3:-1], 16)])
        return self.restore([text.replace(_SPACE, " ")])[0].encode()

    def read_special_tokens(self) -> dict[int, str | None]:
        """Return the control and unknown pieces, and the added tokens that are special."""
        kinds = (self.processor.is_control, self.processor.is_unknown)
        pieces: dict[int, str | None] = {i: p for i, p in enumerate(self.pieces) if any(kind(i) for kind in kinds)}
        return pieces | {number: token.content for number, token in self.added.items() if token.special}

    def read_reserved_texts(self) -> frozenset[str]:
        """Return added tokens, and pieces written like special ones or bytes."""
        bracketed = (piece for piece in self.pieces if piece.startswith("<") and piece.endswith(">"))
        return frozenset(bracketed) | {token.content for token in self.added.values()}

    def engine_stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the normaliser, then the model."""
        return [
            (Stage.NORMALIZER, lambda text: self.processor.normalize(self.prepare([text])[0])),
            (Stage.MODEL, self.encode),
        ]

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Return the span of each token in its text.

        Return None if the text is rewritten before SentencePiece sees it.
        """
        if self.before is not None:
            return None
        cut = self.cutter.cut(texts) if self.cutter else [[Piece(None, 0, len(text))] for text in texts]
        tokens = [self.find_spans(text, pieces) for text, pieces in zip(texts, cut, strict=True)]
        batch = EncodedBatch.from_lists([[token.number for token in text] for text in tokens])
        bounds = [(token.start, token.end) for text in tokens for token in text]
        starts, ends = np.array(bounds, np.int64).reshape(-1, 2).T
        return Spans(batch, starts, ends)

    def find_spans(self, text: str, pieces: Sequence[Piece]) -> list[Token]:
        """Return the ids and spans of a text that was split at its added tokens."""
        tokens: list[Token] = []
        for number, start, end in pieces:
            if number is not None:
                tokens.append(Token(number, start, end))
                continue
            mapping = (self.continuation if start else self.processor).encode_as_offset_mapping(text[start:end])
            bounds = zip(mapping["ids"], mapping["offsets"], strict=True)
            tokens += [Token(piece, start + first, start + last) for piece, (first, last) in bounds]
        return tokens


def number_added(companions: Companions, pieces: Sequence[str]) -> dict[int, AddedToken]:
    """Return the added tokens of companion files by id.

    Control pieces stay as the model defines them.
    """
    sentinels = list_sentinels(companions)
    known = {piece: number for number, piece in enumerate([*pieces, *sentinels])}
    numbered = companions.number(known, len(known))
    special = {number: token for number, token in numbered.items() if token.special and number < len(pieces)}
    of_sentinels = {known[text]: AddedToken(text, normalized=False, special=True) for text in sentinels}
    return of_sentinels | {number: token for number, token in numbered.items() if number not in special}


def load(asset: Asset) -> SentencePieceTokenizer:
    """Load a SentencePiece model file, with the settings of the companion files."""
    check_format(asset, "sentencepiece", REFERENCE_FOR)
    model = asset.files[0].read_bytes()
    if len(asset.files) == 1:
        return SentencePieceTokenizer(asset, model)
    companions = read(asset.files)
    check_sentencepiece(companions)
    prefix = companions.flag("add_prefix_space")
    if prefix is not None:
        model = set_prefix(model, prefix)
    bare = SentencePieceTokenizer(asset, model)
    added = number_added(companions, bare.pieces)
    if not added:
        return bare
    loaded = SentencePieceTokenizer(asset, model, added, prefix_each=bool(companions.flag("legacy")))
    if loaded.cutter is not None and not bare.keeps_text():
        text = next(token.content for token in added.values() if not token.special)
        raise TokbenchError(
            f"{companions.where[text]}: the added token {text!r} is split out of text that {asset.files[0].name} "
            "rewrites, in an order that no file specifies",
            "give the tokenizer.json instead",
        )
    return loaded
