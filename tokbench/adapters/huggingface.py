"""Hugging Face's tokenizers: tokenizer.json, vocab.json and merges, vocab.txt."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import chain, takewhile
from string import ascii_lowercase
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import tokenizers

from tokbench.adapters._cost import Cost
from tokbench.adapters._encoding import EncodedBatch, Indices, Spans, TokenTable
from tokbench.adapters._failures import explain_bare
from tokbench.adapters._hf_pipelines import build_from_json, build_from_merges, build_from_wordpiece
from tokbench.adapters._notation import UTF8_BYTES, Notation, find_prefix, find_spaces
from tokbench.adapters._notation import flatten as flatten
from tokbench.adapters._notation import printable_bytes as printable_bytes
from tokbench.adapters._reference import LoadedTokenizer, check_format
from tokbench.adapters._stages import Stage, View
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

REFERENCE_FOR = frozenset({"tokenizer.json", "vocab+merges", "wordpiece"})
SIDE_WORK = "the masks, types and words of each token (no offsets)"
RUNS = {"tokenizer.json": Cost(load=0.24, encode=0.59), "vocab+merges": Cost(load=0.3, encode=0.57)}

_SENTINEL = re.compile(r"<extra_id_\d+>")
_ADDED = re.compile(r'"added_tokens"\s*:\s*(?=\[)')


class UnigramSettings(msgspec.Struct):
    """A unigram model without its pieces: as Python objects, a quarter of a million of them take 100 MB."""

    unk_id: int | None
    byte_fallback: bool = False


class HuggingFaceTokenizer(LoadedTokenizer):
    """A pipeline of `tokenizers`: normaliser, pre-tokeniser, model and decoder."""

    def __init__(self, asset: Asset, tokenizer: tokenizers.Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        tokenizer.post_processor = None
        self.tokenizer = tokenizer
        if isinstance(tokenizer.model, tokenizers.models.BPE):
            tokenizer.model.dropout = None  # for training only: ids must not be random
        self.added = tokenizer.get_added_tokens_decoder()
        self.moved = find_moved(asset, tokenizer)
        model_size = tokenizer.get_vocab_size(with_added_tokens=False)
        highest = find_highest(asset, tokenizer, model_size)
        base = model_size - self.count_afterwards(asset, highest)
        total = 1 + max(highest, max(self.added, default=0), max(self.moved, default=0))
        super().__init__(asset, "tokenizers", "encode_batch_fast", base=base, total=total)
        self.before = self.after = None  # the pipeline has its own normaliser and decoder
        self.unk_id = self.find_unknown()
        self.prefix = None if any(map(self.is_shared, self.added)) else find_prefix(self.parts, self.notation)

    @cached_property
    def parts(self) -> dict[str, Any]:
        """Configuration of each part of the pipeline but the model, as in tokenizer.json."""
        pipeline = self.tokenizer
        parts = {
            "normalizer": pipeline.normalizer,
            "pre_tokenizer": pipeline.pre_tokenizer,
            "decoder": pipeline.decoder,
        }
        return {name: json.loads(part.__getstate__()) for name, part in parts.items() if part is not None}

    def kinds(self, part: str) -> set[str]:
        """Return the types of steps in one part of the pipeline, with sequences expanded."""
        return {step["type"] for step in flatten(self.parts.get(part))}

    @property
    def byte_level(self) -> bool:
        """Whether text is converted to GPT-2's alphabet before the model sees it."""
        return "ByteLevel" in self.kinds("normalizer") | self.kinds("pre_tokenizer")

    @cached_property
    def notation(self) -> Notation:
        """Notation of the model's tokens."""
        model = self.tokenizer.model
        continuing = end = None
        if isinstance(model, tokenizers.models.BPE | tokenizers.models.WordPiece):
            continuing = model.continuing_subword_prefix
        if isinstance(model, tokenizers.models.BPE):
            end = model.end_of_word_suffix
        return Notation(
            printable_bytes() if self.byte_level else None,
            self.byte_fallback,
            find_spaces(self.parts),
            continuing or "",
            end or "",
        )

    def is_shared(self, added: int) -> bool:
        """Return whether an added token has an id that the model, with holes, also uses."""
        return self.tokenizer.model.id_to_token(added) not in (None, self.added[added].content)

    def count_afterwards(self, asset: Asset, highest: int) -> int:
        """Count the tokens that were added to the model's vocabulary after training.

        These are T5's sentinels, and in byte-level BPE the added tokens if they include ordinary text, which no merge
        makes (Command R). Pieces of a SentencePiece model that are also listed as added tokens (Gemma's `<unused99>`)
        are its own, and so are special tokens at the end of a vocabulary (`<|endoftext|>`, `<mask>`). A GGUF file does
        not distinguish them, so all are counted.
        """
        piece = self.tokenizer.model.id_to_token
        closing = list(takewhile(lambda i: i in self.added and piece(i) is not None, range(highest, -1, -1)))
        if isinstance(self.tokenizer.model, tokenizers.models.Unigram):
            return sum(1 for _ in takewhile(lambda i: _SENTINEL.fullmatch(self.added[i].content), closing))
        everything = asset.format == "gguf" or (self.byte_level and not all(self.added[i].special for i in closing))
        return len(closing) if everything else 0

    def find_unknown(self) -> int | None:
        """Find the id for unknown text; None if byte tokens leave nothing unknown."""
        model = self.tokenizer.model
        if isinstance(model, tokenizers.models.Unigram):
            unk_id = self.unigram.unk_id
            unknown = None if unk_id is None else self.tokenizer.id_to_token(unk_id)
        else:
            unknown = model.unk_token
        if unknown is None or self.has_every_byte():
            return None
        return self.tokenizer.token_to_id(unknown)

    def has_every_byte(self) -> bool:
        """Return whether each byte of UTF-8 has a token, so that no text is unknown."""
        known = self.tokenizer.model.token_to_id
        if self.byte_level:
            needed = (character for character, byte in printable_bytes().items() if byte in UTF8_BYTES)
        elif self.byte_fallback:
            needed = (f"<0x{byte:02X}>" for byte in UTF8_BYTES)
        else:
            return False
        return all(known(token) is not None for token in needed)

    @cached_property
    def unigram(self) -> UnigramSettings:
        """Settings of a unigram model, which the library exposes only in serialised form."""
        return msgspec.json.decode(self.tokenizer.model.__getstate__(), type=UnigramSettings)

    @property
    def byte_fallback(self) -> bool:
        """Whether unknown characters become pieces such as `<0xE4>`."""
        model = self.tokenizer.model
        if isinstance(model, tokenizers.models.Unigram):
            return self.unigram.byte_fallback
        return isinstance(model, tokenizers.models.BPE) and bool(model.byte_fallback)

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts; the library returns lists, which are joined at once."""
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return EncodedBatch.from_lists([encoding.ids for encoding in encodings])

    def encode_located(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts; spans are kept if the bytes of the ids may not tell where these lie."""
        if self.prefix is not None and self.unk_id is None:
            return self.encode_batch(texts)
        encodings = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        batch = EncodedBatch.from_lists([encoding.ids for encoding in encodings])

        def locate(which: Indices) -> Spans:
            return read_spans([encodings[i] for i in which.tolist()])

        return EncodedBatch(batch.ids, batch.offsets, locate)

    def encode_with_special(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts, reading special tokens in them.

        It must not be called while another thread is encoding.
        """
        self.tokenizer.encode_special_tokens = False
        try:
            return self.encode_batch(texts)
        finally:
            self.tokenizer.encode_special_tokens = True

    def count_batch(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Count the tokens per text without copying the ids out of the library."""
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return np.fromiter(map(len, encodings), np.int64, len(encodings))

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Decode each sequence of ids, including special tokens."""
        lists = [ids.tolist() for ids in batch]
        return self.tokenizer.decode_batch(lists, skip_special_tokens=False)

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Return the span of each token in its text, tracked through normalisation."""
        return read_spans(self.tokenizer.encode_batch(list(texts), add_special_tokens=False))

    def read_special_tokens(self) -> dict[int, str | None]:
        """Return special added tokens, the unknown token, and ids the engine never gives."""
        special: dict[int, str | None] = {n: token.content for n, token in self.added.items() if token.special}
        special |= self.moved
        if self.unk_id is not None:
            special[self.unk_id] = self.tokenizer.id_to_token(self.unk_id)
        return special

    def read_reserved_texts(self) -> frozenset[str]:
        """Return the texts of added tokens."""
        return frozenset(token.content for token in self.added.values() if token.content)

    def engine_stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the steps that the pipeline has, then the model."""
        normalizer, pre_tokenizer = self.tokenizer.normalizer, self.tokenizer.pre_tokenizer
        normalize = str if normalizer is None else normalizer.normalize_str
        stages: list[tuple[Stage, View]] = []
        if normalizer is not None:
            stages.append((Stage.NORMALIZER, normalize))
        if pre_tokenizer is not None:
            split = pre_tokenizer.pre_tokenize_str
            stages.append((Stage.PRE_TOKENIZER, lambda text: [piece for piece, _ in split(normalize(text))]))
        return [*stages, (Stage.MODEL, self.encode)]

    def read_table(self) -> TokenTable:
        """Return the bytes of each token, with its notation undone.

        An added token that is also a piece of the model is written as the model writes it: U+2581 twice is two spaces.
        """
        undo = self.notation.undo
        tokens = {
            number: undo(token)
            for token, number in self.tokenizer.get_vocab(with_added_tokens=False).items()
            if number != self.unk_id
        }
        for number, added in self.added.items():
            if self.is_shared(number):
                continue
            if added.special or number == self.unk_id:
                tokens.pop(number, None)
            elif number not in tokens:
                tokens[number] = added.content.encode()
        return TokenTable.from_mapping(tokens, self.vocab_total)


def read_spans(encodings: Sequence[tokenizers.Encoding]) -> Spans:
    """Return the ids of texts, and where they lie."""
    batch = EncodedBatch.from_lists([encoding.ids for encoding in encodings])
    flat = chain.from_iterable(chain.from_iterable(encoding.offsets for encoding in encodings))
    bounds = np.fromiter(flat, np.int64, 2 * len(batch.ids))
    return Spans(batch, bounds[::2], bounds[1::2])


def find_highest(asset: Asset, tokenizer: tokenizers.Tokenizer, size: int) -> int:
    """Find the highest id of the model's `size` tokens; ids may have holes.

    The vocabularies of the catalogue have none.
    """
    model = tokenizer.model
    dense = isinstance(model, tokenizers.models.Unigram) or (asset.entry and asset.entry.vocab_total)
    if dense or all(model.id_to_token(number) is not None for number in range(size)):
        return size - 1
    return max(tokenizer.get_vocab(with_added_tokens=False).values())


def find_moved(asset: Asset, tokenizer: tokenizers.Tokenizer) -> dict[int, str]:
    """Return added tokens with another id in the library, by their id in the file.

    The library numbers added tokens consecutively from the size of the vocabulary, whatever the file says: a model has
    rows for both ids.
    """
    if asset.format != "tokenizer.json" or not asset.files or (asset.entry and asset.entry.vocab_total):
        return {}
    text = asset.files[0].read_text(encoding="utf-8")
    match = _ADDED.search(text)
    listed = json.JSONDecoder().raw_decode(text, match.end())[0] if match else []
    return {token["id"]: token["content"] for token in listed if tokenizer.token_to_id(token["content"]) != token["id"]}


def check_alphabet(asset: Asset, tokenizer: tokenizers.Tokenizer) -> None:
    """Raise TokbenchError unless vocab.json and merges.txt are byte-level BPE."""
    known = tokenizer.model.token_to_id
    if any(known(f"{letter}</w>") is not None for letter in ascii_lowercase):
        reason = "its tokens mark the end of a word with </w>"
    elif known("\u0120") is None:
        reason = "it has no token for a space, U+0120"
    else:
        return
    raise TokbenchError(
        f"{asset.files[0]}: the vocabulary is not in the byte alphabet of GPT-2 ({reason})",
        "give its tokenizer.json, which states the notation",
    )


BUILDERS = {
    "tokenizer.json": build_from_json,
    "vocab+merges": build_from_merges,
    "wordpiece": build_from_wordpiece,
}


def load(asset: Asset) -> HuggingFaceTokenizer:
    """Load a tokenizer.json, vocab.json and merges.txt, or a vocab.txt."""
    check_format(asset, "huggingface", REFERENCE_FOR)

    def explain(error: Exception) -> TokbenchError:
        return TokbenchError(f"{asset.files[0]}: tokenizers cannot load it ({error})", "download it again")

    with explain_bare(explain):
        tokenizer = BUILDERS[asset.format](asset)
    if asset.format == "vocab+merges":
        check_alphabet(asset, tokenizer)
    return HuggingFaceTokenizer(asset, tokenizer)
