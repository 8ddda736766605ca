"""Google's SentencePiece: BPE and unigram models in protocol buffers, with byte fallback where they have it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tokbench.adapters._batch import EncodedBatch, Spans, TokenTable
from tokbench.adapters._loaded import LoadedTokenizer, check_format
from tokbench.adapters._stages import Stage, View
from tokbench.assets import Asset
from tokbench.errors import TokbenchError

REFERENCE_FOR = frozenset({"sentencepiece"})
SIDE_WORK = "nothing"

_SPACE = "\u2581"


class SentencePieceTokenizer(LoadedTokenizer):
    """A SentencePiece model, as the library itself runs it."""

    def __init__(self, asset: Asset, model: bytes) -> None:
        import sentencepiece

        self.processor = processor = sentencepiece.SentencePieceProcessor()
        try:
            processor.load_from_serialized_proto(model)
            self.pieces: list[str] = processor.id_to_piece(list(range(processor.get_piece_size())))
        except (RuntimeError, OSError, UnicodeDecodeError) as error:
            raise TokbenchError(
                f"{asset.files[0]}: SentencePiece cannot load it ({error})", "get the file again"
            ) from error
        size = len(self.pieces)
        super().__init__(asset, "sentencepiece", "encode_as_numpy", base=size, total=size)
        self.unk_id = None if self.has_byte_fallback() else int(processor.unk_id())
        # The dummy prefix is not in the Python interface: it shows in how a letter is normalised.
        self.prefix = b" " if processor.normalize("a").startswith(_SPACE) else b""

    def has_byte_fallback(self) -> bool:
        """Whether every byte has a piece, so that no text is unknown."""
        # Such models have pieces for all bytes; a piece that is not there has the id of the unknown one.
        return bool(self.processor.is_byte(self.processor.piece_to_id("<0x00>")))

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text, on one thread."""
        return EncodedBatch.from_arrays(self.processor.encode_as_numpy(list(self.prepare(texts)), num_threads=1))

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """The text of each sequence of ids; ids beyond the pieces, which some models add, have no text."""
        size = len(self.pieces)
        lists = [ids[ids < size].tolist() for ids in batch]
        return self.restore([str(self.processor.decode(ids)) if ids else "" for ids in lists])

    def read_table(self) -> TokenTable:
        """The bytes of each piece; control and unknown pieces have none."""
        return TokenTable.from_tokens(
            self.piece_bytes(piece) if piece < len(self.pieces) else None for piece in range(self.vocab_total)
        )

    def piece_bytes(self, piece: int) -> bytes | None:
        """The bytes of one piece: the space marker is a space, `<0xE4>` is one byte."""
        processor = self.processor
        if processor.is_control(piece) or processor.is_unknown(piece) or processor.is_unused(piece):
            return None
        text = self.pieces[piece]
        if text.startswith("<0x") and processor.is_byte(piece):
            return bytes([int(text[3:-1], 16)])
        return self.restore([text.replace(_SPACE, " ")])[0].encode()

    def read_special_tokens(self) -> dict[int, str | None]:
        """Return the control and unknown pieces."""
        kinds = (self.processor.is_control, self.processor.is_unknown)
        return {i: piece for i, piece in enumerate(self.pieces) if any(kind(i) for kind in kinds)}

    def read_reserved_texts(self) -> frozenset[str]:
        """Return the pieces that are written like special ones, byte pieces among them."""
        return frozenset(piece for piece in self.pieces if piece.startswith("<") and piece.endswith(">"))

    def engine_stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the normaliser, then the model."""
        return [
            (Stage.NORMALIZER, lambda text: self.processor.normalize(self.prepare([text])[0])),
            (Stage.MODEL, self.encode_one),
        ]

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Where each token lies in its text; None where the text is rewritten before SentencePiece sees it."""
        if self.before is not None:
            return None
        found = [self.processor.encode_as_offset_mapping(text) for text in texts]
        batch = EncodedBatch.from_lists([text["ids"] for text in found])
        bounds = [bound for text in found for bound in text["offsets"]]
        starts, ends = np.array(bounds, np.int64).reshape(-1, 2).T
        return Spans(batch, starts, ends)


def load(asset: Asset) -> SentencePieceTokenizer:
    """The tokenizer of a SentencePiece model file."""
    check_format(asset, "sentencepiece", REFERENCE_FOR)
    return SentencePieceTokenizer(asset, asset.files[0].read_bytes())
