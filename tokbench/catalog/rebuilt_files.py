"""Write vocabularies as the files they were published in."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from tokbench.catalog._entry_types import Rebuilt
from tokbench.catalog.byte_level import printable_bytes
from tokbench.catalog.rank_lines import format_ranks


def write_ranks(tokens: Sequence[bytes], rebuilt: Rebuilt) -> bytes:
    """Write a rank file: the ids are the ranks."""
    numbers = range(rebuilt.first, rebuilt.end)
    return format_ranks((tokens[number], number) for number in numbers)


def write_tekken(tokens: Sequence[bytes], rebuilt: Rebuilt) -> bytes:
    """Write the parts of a tekken.json that are read: sizes, pattern, and the ranks after the special tokens."""
    ranks = enumerate(tokens[rebuilt.first :])
    return json.dumps(
        {
            "config": {
                "pattern": rebuilt.pattern,
                "default_vocab_size": rebuilt.end,
                "default_num_special_tokens": rebuilt.first,
            },
            "vocab": [{"rank": rank, "token_bytes": base64.b64encode(token).decode()} for rank, token in ranks],
        }
    ).encode()


# ---- tokenizer.json of GPT-NeoX


def write_neox(tokens: Sequence[bytes], rebuilt: Rebuilt) -> bytes:
    """Write the tokenizer.json of GPT-NeoX: byte-level BPE after NFC, with runs of spaces as added tokens."""
    special = {0: "<|endoftext|>", 1: "<|padding|>"}
    letters = {byte: letter for letter, byte in printable_bytes().items()}
    vocab = {text: number for number, text in special.items()}
    vocab |= {"".join(letters[byte] for byte in tokens[n]): n for n in range(rebuilt.first, rebuilt.end)}
    spaces = {number: " " * (50278 - number) for number in range(50254, 50277)}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_add_token(number, text, number in special) for number, text in {**special, **spaces}.items()],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": byte_level,
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "vocab": vocab,
            "merges": [" ".join(pair) for pair in derive_merges(vocab, rebuilt.first)],
        },
    }
    return json.dumps(document, indent=2).encode()


def _add_token(number: int, text: str, special: bool) -> Mapping[str, object]:
    matching = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": not special}
    return {"id": number, "special": special, "content": text, **matching}


def derive_merges(vocab: Mapping[str, int], first: int) -> Iterator[tuple[str, str]]:
    """Yield the merge that makes each token of several characters, in the order of ids from `first`.

    It joins the two parts that the merges of all smaller ids leave of the token. Raises ValueError if there is no such
    merge.

    >>> list(derive_merges({"a": 0, "b": 1, "ab": 2, "aba": 3}, 0))
    [('a', 'b'), ('ab', 'a')]
    """
    for token, number in vocab.items():
        if number < first or len(token) == 1:
            continue
        halves = ((token[:at], token[at:]) for at in range(1, len(token)))
        pairs = [pair for pair in halves if max(vocab.get(pair[0], number), vocab.get(pair[1], number)) < number]
        if len(pairs) > 1:
            parts = _merge_below(token, vocab, number)
            pairs = [(parts[0], parts[1])] if len(parts) == 2 else []
        if not pairs:
            raise ValueError(f"no merge makes {token!r}")
        yield pairs[0]


def _merge_below(token: str, vocab: Mapping[str, int], limit: int) -> list[str]:
    """Apply the merges whose results have ids below `limit`, the smallest first."""
    parts = list(token)
    joined = [vocab.get(left + right, limit) for left, right in pairwise(parts)]
    while joined and (smallest := min(joined)) < limit:
        at = joined.index(smallest)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
        del joined[at]
        if at:
            joined[at - 1] = vocab.get(parts[at - 1] + parts[at], limit)
        if at < len(joined):
            joined[at] = vocab.get(parts[at] + parts[at + 1], limit)
    return parts


# ---- SentencePiece models

# Field numbers of sentencepiece_model.proto.
_TRAINER = {
    "input": 1,
    "model_prefix": 2,
    "model_type": 3,
    "vocab_size": 4,
    "self_test_sample_size": 6,
    "input_format": 7,
    "character_coverage": 10,
    "input_sentence_size": 11,
    "seed_sentencepiece_size": 14,
    "shrinking_factor": 15,
    "num_threads": 16,
    "num_sub_iterations": 17,
    "max_sentence_length": 18,
    "shuffle_input_sentence": 19,
    "max_sentencepiece_length": 20,
    "split_by_unicode_script": 21,
    "split_by_whitespace": 22,
    "split_by_number": 23,
    "treat_whitespace_as_suffix": 24,
    "split_digits": 25,
    "allow_whitespace_only_pieces": 26,
    "vocabulary_output_piece_score": 32,
    "hard_vocab_limit": 33,
    "use_all_vocab": 34,
    "byte_fallback": 35,
    "required_chars": 36,
    "unk_id": 40,
    "bos_id": 41,
    "eos_id": 42,
    "pad_id": 43,
    "unk_surface": 44,
    "unk_piece": 45,
    "bos_piece": 46,
    "eos_piece": 47,
    "pad_piece": 48,
    "train_extremely_large_corpus": 49,
    "enable_differential_privacy": 50,
    "differential_privacy_noise_level": 51,
    "differential_privacy_clipping_threshold": 52,
    "seed_sentencepieces_file": 53,
}
_NORMALIZER = {
    "name": 1,
    "precompiled_charsmap": 2,
    "add_dummy_prefix": 3,
    "remove_extra_whitespaces": 4,
    "escape_whitespaces": 5,
    "normalization_rule_tsv": 6,
}
_UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 2, 3, 4, 6
_LAST_CHOICE = -1e9  # the score of spaces alone


def write_sentencepiece(tokens: Sequence[bytes], rebuilt: Rebuilt) -> bytes:
    """Write a SentencePiece BPE model with byte tokens: pieces, then how it was trained and how it normalises.

    The score of a piece is minus its distance from the first piece after the byte tokens.
    """
    trainer, first_byte = dict(rebuilt.trainer), rebuilt.first
    named = {trainer[f"{one}_id"]: str(trainer[f"{one}_piece"]) for one in ("unk", "bos", "eos", "pad")}
    chosen = {number for start, end in rebuilt.user_defined for number in range(start, end)}
    pieces: list[bytes] = []
    for number, token in enumerate(tokens):
        kind: int | None = None
        score = 0.0
        if number in named:
            text, kind = named[number], _UNKNOWN if number == trainer["unk_id"] else _CONTROL
        elif first_byte <= number < first_byte + 256:
            text, kind = f"<0x{number - first_byte:02X}>", _BYTE
        else:
            text = token.decode().replace(" ", "\u2581")
            if number in chosen:
                kind = _USER_DEFINED
            else:
                score = float(first_byte + 256 - number) if text.strip("\u2581") else _LAST_CHOICE
        pieces.append(_field(1, _field(1, text) + _field(2, score) + (b"" if kind is None else _field(3, kind))))
    after = (2, _TRAINER, trainer), (3, _NORMALIZER, dict(rebuilt.normalizer))
    return b"".join([*pieces, *(_field(number, _message(fields, values)) for number, fields, values in after)])


def _message(numbers: Mapping[str, int], values: Mapping[str, str | int | float]) -> bytes:
    return b"".join(_field(number, values[name]) for name, number in numbers.items() if name in values)


def _field(number: int, value: str | bytes | float) -> bytes:
    """Encode a field of a protocol buffer; its wire type follows from the type of the value."""
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value % (1 << 64))
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


WRITERS: Mapping[str, Callable[[Sequence[bytes], Rebuilt], bytes]] = {
    "ranks": write_ranks,
    "tekken": write_tekken,
    "neox": write_neox,
    "sentencepiece": write_sentencepiece,
}
