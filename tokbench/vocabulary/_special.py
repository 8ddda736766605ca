"""Which ids are special tokens, and which are holes: the token table knows bytes for neither."""

from __future__ import annotations

from collections.abc import Mapping

from tokbench.adapters import Tokenizer
from tokbench.adapters.bytes import ByteTokenizer
from tokbench.adapters.huggingface import HuggingFaceTokenizer
from tokbench.adapters.sentencepiece import SentencePieceTokenizer
from tokbench.adapters.tiktoken import TiktokenTokenizer


def list_special(tokenizer: Tokenizer) -> Mapping[int, str | None]:
    """The ids of special tokens (control, unknown, reserved by the format) with their texts, None where none is known.

    Tokens that were added but are plain text (GPT-NeoX's runs of spaces) are not special.
    """
    entry = tokenizer.asset.entry
    named: dict[int, str | None] = {number: text for text, number in entry.special_tokens.items()} if entry else {}
    if isinstance(tokenizer, HuggingFaceTokenizer):
        named |= _special_of_pipeline(tokenizer)
    elif isinstance(tokenizer, SentencePieceTokenizer):
        processor = tokenizer.processor
        kinds = (processor.is_control, processor.is_unknown)
        named |= {i: piece for i, piece in enumerate(tokenizer.pieces) if any(kind(i) for kind in kinds)}
        named |= {number: token.content for number, token in tokenizer.added.items() if token.special}
    elif isinstance(tokenizer, TiktokenTokenizer):
        named |= dict.fromkeys(range(tokenizer.file.shift))
        named |= {number: text for text, number in tokenizer.file.special.items()}
    elif isinstance(tokenizer, ByteTokenizer):
        named |= dict.fromkeys(range(tokenizer.first))
    known = tokenizer.token_table().known
    return {number: text for number, text in sorted(named.items()) if number < len(known) and not known[number]}


def _special_of_pipeline(tokenizer: HuggingFaceTokenizer) -> dict[int, str | None]:
    found: dict[int, str | None] = {n: token.content for n, token in tokenizer.added.items() if token.special}
    if tokenizer.unk_id is not None:
        found[tokenizer.unk_id] = tokenizer.tokenizer.id_to_token(tokenizer.unk_id)
    return found


def list_notations(tokenizer: Tokenizer) -> list[str]:
    """The texts of special tokens, and the pieces of the vocabulary that are written like one: `<n>`, `<0x0A>`."""
    texts = {text for text in list_special(tokenizer).values() if text}
    if isinstance(tokenizer, SentencePieceTokenizer):
        texts |= {piece for piece in tokenizer.pieces if piece.startswith("<") and piece.endswith(">")}
    elif isinstance(tokenizer, HuggingFaceTokenizer):
        texts |= {token.content for token in tokenizer.added.values() if token.content.strip()}
    return sorted(texts)
