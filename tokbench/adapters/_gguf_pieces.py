"""Rebuild SentencePiece models and BERT's WordPiece from GGUF files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from tokbench.adapters._encoding import EncodedBatch, Spans
from tokbench.adapters._gguf_vocabulary import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    Vocabulary,
    read_scores,
)
from tokbench.adapters._hf_pipelines import add_tokens
from tokbench.adapters.huggingface import HuggingFaceTokenizer
from tokbench.adapters.sentencepiece import SentencePieceTokenizer
from tokbench.catalog.sources import Asset
from tokbench.errors import MissingExtraError, TokbenchError

_SPACE = "\u2581"
_LONGEST_WORD = 1 << 30


class GgufSentencePiece(SentencePieceTokenizer):
    """A SentencePiece model as llama.cpp runs it.

    User-defined tokens are split out of a text first, longest first; the text between them is encoded like a separate
    text, with the leading space that the model asks for.
    """

    def __init__(self, asset: Asset, vocabulary: Vocabulary, model: bytes) -> None:
        super().__init__(asset, model)
        self.defined = {token: number for number, token in vocabulary.select(USER_DEFINED).items()}
        longest_first = sorted(self.defined, key=lambda token: -len(token.encode()))
        self.patterns = [re.compile(re.escape(token)) for token in longest_first]
        self.any_defined = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        if asset.entry is None or asset.entry.vocab_base is None:
            self.vocab_base = vocabulary.base

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts on one thread."""
        prepared = self.prepare(texts)
        if self.any_defined is None or not any(map(self.any_defined.search, prepared)):
            return super().encode_batch(texts)
        return EncodedBatch.from_lists([self.encode_parts(text) for text in prepared])

    def encode_parts(self, text: str) -> list[int]:
        """Encode a text that may contain user-defined tokens."""
        ids: list[int] = []
        for part in self.partition(text):
            if isinstance(part, int):
                ids.append(part)
            else:
                ids.extend(self.processor.encode(part))
        return ids

    def partition(self, text: str) -> list[int | str]:
        """Split a text into user-defined tokens (ids) and the non-empty texts between."""
        parts: list[int | str] = [text] if text else []
        for pattern in self.patterns:
            if pattern.search(text):
                parts = [piece for part in parts for piece in self.cut(part, pattern)]
        return parts

    def cut(self, part: int | str, pattern: re.Pattern[str]) -> Iterator[int | str]:
        """Split one part at each occurrence of one token."""
        if isinstance(part, int):
            yield part
            return
        at = 0
        for match in pattern.finditer(part):
            if match.start() > at:
                yield part[at : match.start()]
            yield self.defined[match[0]]
            at = match.end()
        if at < len(part):
            yield part[at:]

    def piece_bytes(self, piece: int) -> bytes | None:
        """Return the bytes of one piece.

        User-defined tokens are written as they appear in text.
        """
        token = self.pieces[piece]
        return token.encode() if self.defined.get(token) == piece else super().piece_bytes(piece)

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Return the span of each token in its text.

        Return None if the library does not see whole texts.
        """
        if self.any_defined is not None and any(map(self.any_defined.search, texts)):
            return None
        return super().spans(texts)


def build_sentencepiece(asset: Asset, vocabulary: Vocabulary) -> GgufSentencePiece:
    """Build a SentencePiece model, BPE (`llama`) or unigram (`t5`)."""
    try:
        from sentencepiece import sentencepiece_model_pb2
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "protobuf", "gguf", f"rebuilding the SentencePiece model of {vocabulary.path}"
        ) from error
    unigram = vocabulary.get("model", "") == "t5"
    unknown = vocabulary.get("unknown_token_id", 2 if unigram else 0)
    if not 0 <= unknown < len(vocabulary.tokens):
        raise TokbenchError(f"{vocabulary.path}: there is no row {unknown} for the unknown token", "download it again")
    model: Any = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]  # made at run time
    scores = read_scores(vocabulary.path, vocabulary.fields, len(vocabulary.tokens))
    # The library has one unknown piece; llama.cpp reads neither other unknown pieces nor control pieces from text.
    # User-defined ones are found before the library sees a text. Unused pieces are found by llama.cpp's unigram.
    as_library = {UNKNOWN: CONTROL, USER_DEFINED: CONTROL, UNUSED: NORMAL if unigram else UNUSED}
    for number, (token, kind) in enumerate(zip(vocabulary.tokens, vocabulary.types, strict=True)):
        piece_type = UNKNOWN if number == unknown else as_library.get(kind, kind)
        model.pieces.add(piece=token or f"[PAD{number}]", score=scores[number], type=piece_type or NORMAL)
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM if unigram else model.trainer_spec.BPE
    model.trainer_spec.byte_fallback = BYTE in vocabulary.types
    model.trainer_spec.unk_id = unknown
    _set_normalizer(model.normalizer_spec, vocabulary, unigram=unigram)
    return GgufSentencePiece(asset, vocabulary, model.SerializeToString())


def _set_normalizer(settings: Any, vocabulary: Vocabulary, *, unigram: bool) -> None:
    prefix = vocabulary.get("add_space_prefix", not unigram)
    settings.name = "identity"
    settings.escape_whitespaces = True
    settings.add_dummy_prefix = prefix
    settings.remove_extra_whitespaces = False
    if unigram:
        merged = vocabulary.get("remove_extra_whitespaces", False)
        if prefix and not merged:
            raise TokbenchError(
                f"{vocabulary.path}: unigram that adds a leading space and keeps runs of spaces is not supported here",
                "give its tokenizer.json or tokenizer.model instead",
            )
        settings.add_dummy_prefix = settings.remove_extra_whitespaces = merged
        settings.precompiled_charsmap = (
            vocabulary.get("precompiled_charsmap", np.array([], np.uint8)).astype(np.uint8).tobytes()
        )


_SIGNS = r"[\p{P}$+<=>^`|~]"
_IDEOGRAPHS = (
    "[\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f\U0002b920-\U0002ceaf"
    "\uf900-\ufaff\U0002f800-\U0002fa1f]"
)
_DROPPED = r"[\p{Cc}\p{Cf}\p{Co}\uFFFD&&[^\s]]"
_FIRST_SYLLABLE, _SYLLABLES, _FIRST_LEAD, _LEADS = 0xAC00, 588, 0x1100, 19


def build_wordpiece(asset: Asset, vocabulary: Vocabulary) -> HuggingFaceTokenizer:
    """Build BERT's WordPiece (`bert`), with the text preparation of llama.cpp.

    In the file, pieces that start a word are preceded by U+2581, and all others continue one; vocab.txt is the reverse,
    with `##` before the latter.
    """
    special = set(vocabulary.list_ids(CONTROL, UNKNOWN, USER_DEFINED))
    unknown = vocabulary.get("unknown_token_id", 100)
    if not 0 <= unknown < len(vocabulary.tokens):
        raise TokbenchError(f"{vocabulary.path}: there is no row {unknown} for the unknown token", "download it again")
    names: dict[str, int] = {}
    for number, token in enumerate(vocabulary.tokens):
        begins = token.startswith(_SPACE)
        plain = number in special or number == unknown or vocabulary.types[number] == UNUSED
        names[token if plain else token.removeprefix(_SPACE) if begins else f"##{token}"] = number
    name = vocabulary.tokens[unknown]
    pipeline = Tokenizer(models.WordPiece(names, unk_token=name, max_input_chars_per_word=_LONGEST_WORD))
    lowercase = vocabulary.get("normalizer.lowercase", True)
    pipeline.normalizer = _list_bert_rules(lowercase, vocabulary.get("normalizer.strip_accents", lowercase))
    pipeline.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(_SIGNS), "isolated"),
            pre_tokenizers.Split(Regex(_IDEOGRAPHS), "isolated"),
        ]
    )
    pipeline.decoder = decoders.WordPiece(cleanup=False)
    return finish(asset, vocabulary, pipeline)


def _list_bert_rules(lowercase: bool, strip_accents: bool) -> normalizers.Normalizer:
    """List normalisers.

    llama.cpp keeps only the first of a canonical decomposition, even of a Hangul syllable.
    """
    rules: list[normalizers.Normalizer] = [normalizers.Replace(Regex(_DROPPED), "")]
    if strip_accents:
        for lead in range(_LEADS):
            first = _FIRST_SYLLABLE + lead * _SYLLABLES
            syllables = f"[{chr(first)}-{chr(first + _SYLLABLES - 1)}]"
            rules.append(normalizers.Replace(Regex(syllables), chr(_FIRST_LEAD + lead)))
        rules += [normalizers.NFD(), normalizers.Replace(Regex(r"\p{M}"), "")]
    if lowercase:
        rules += [normalizers.Replace("\u0130", "i"), normalizers.Lowercase()]
    return normalizers.Sequence(rules)


def finish(asset: Asset, vocabulary: Vocabulary, pipeline: Tokenizer) -> HuggingFaceTokenizer:
    """Build the tokenizer of a pipeline whose model has all rows.

    Special and user-defined tokens are told apart.
    """
    added = {
        number: AddedToken(token, normalized=False, special=vocabulary.types[number] != USER_DEFINED)
        for number, token in vocabulary.select(CONTROL, UNKNOWN, USER_DEFINED).items()
    }
    add_tokens(pipeline, added, str(vocabulary.path))
    tokenizer = HuggingFaceTokenizer(asset, pipeline)
    entry = asset.entry
    if entry is None or entry.vocab_base is None:
        tokenizer.vocab_base = vocabulary.base
    if entry is None or entry.vocab_total is None:
        tokenizer.vocab_total = len(vocabulary.tokens)
    return tokenizer
