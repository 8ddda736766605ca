"""Vocabularies in GGUF files: the ids are those of llama.cpp, or the file is refused."""

from __future__ import annotations

import json
import random
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from helpers import made
from helpers.data import needs_data
from helpers.vectors import read_vector
from tokbench import TokbenchError, load_tokenizer
from tokbench.adapters._gguf_splits import SPLITS
from tokbench.adapters._hard_texts import common_texts
from tokbench.adapters.huggingface import printable_bytes

pytest.importorskip("gguf")
from helpers import llama_cpp

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
SPACE = "\u2581"
BYTES = list(printable_bytes())
COMPANIONS = "aZ1.'$ \n\r"
ALPHABET = (
    "abzAZ  \n\r\t\u00a0\u3000\u2028\u0085\x1c'’sStTlLdD019१½Ⅷ.,!?$+<=>^~|`#%&*()[]{}_-/\\\"@:;…。，、“”éÀßāЖжΣσς"
    "אبमा्งากཀ中文々あア한글ᄒ\u0301\u0345😀👍🏽\u200d\u200b\ufe0f€©™°√\u180eªʰǅƻ"
)
runs_llama_cpp = pytest.mark.skipif(find_spec("xllamacpp") is None, reason="not installed: xllamacpp")


def list_texts() -> list[str]:
    """Every third of the common texts, and texts drawn from characters at which pre-tokenisers split."""
    draw = random.Random(12)
    drawn = ["".join(draw.choices(ALPHABET, k=draw.randint(1, 30))) for _ in range(200)]
    return [*common_texts()[::3], *drawn]


def make_pairs() -> tuple[list[str], list[str]]:
    """Tokens and merges of a BPE that joins each byte with what often stands beside it, so that each split shows."""
    beside = [symbol for symbol, byte in printable_bytes().items() if chr(byte) in COMPANIONS]
    pairs = dict.fromkeys((first, second) for first in BYTES for second in beside)
    pairs |= dict.fromkeys((first, second) for first in beside for second in BYTES)
    return list(dict.fromkeys([*BYTES, *map("".join, pairs)])), [f"{first} {second}" for first, second in pairs]


def write_pairs(path: Path, pre: str, added: dict[str, int] | None = None, kind: str = "gpt2") -> Path:
    tokens, merges = make_pairs()
    types = [NORMAL] * len(tokens) + list((added or {}).values())
    return llama_cpp.write(path, kind, [*tokens, *(added or {})], types, pre=pre, merges=merges)


def read_pieces(folder: Path, kind: str = "bpe") -> tuple[list[str], list[int], list[float]]:
    model = sentencepiece.SentencePieceProcessor(
        model_file=str(made.make_sentencepiece(folder, kind=kind, byte_fallback=kind == "bpe"))
    )
    size = range(model.get_piece_size())
    types = [
        UNKNOWN if model.is_unknown(i) else CONTROL if model.is_control(i) else BYTE if model.is_byte(i) else NORMAL
        for i in size
    ]
    return [model.id_to_piece(i) for i in size], types, [model.get_score(i) for i in size]


def differ(path: Path, texts: list[str]) -> list[tuple[str, list[int], list[int]]]:
    ours = [ids.tolist() for ids in load_tokenizer(path).encode_batch(texts)]
    return [
        (text, found, wanted)
        for text, found, wanted in zip(texts, ours, llama_cpp.encode(path, texts), strict=True)
        if found != wanted
    ]


# ---- llama.cpp itself


FIRST_NAMES = list({split: name for name, split in reversed(SPLITS.items()) if split.byte_level}.values())


@runs_llama_cpp
@pytest.mark.parametrize("name", sorted(FIRST_NAMES))
def test_each_pre_tokeniser_splits_as_llama_cpp_does(tmp_path: Path, name: str) -> None:
    assert not differ(write_pairs(tmp_path / "pairs.gguf", name), list_texts())


@runs_llama_cpp
def test_user_defined_tokens_are_read_from_text(tmp_path: Path) -> None:
    added = {"<|x|>": CONTROL, "  ": USER_DEFINED, "     ": USER_DEFINED, "€": USER_DEFINED, "<|im_end|>": USER_DEFINED}
    path = write_pairs(tmp_path / "added.gguf", "command-r", added)
    texts = [*list_texts(), "a  b", "€ 5€", "<|x|><|im_end|>", "x" + " " * 13 + "y"]
    assert not differ(path, texts)
    tokenizer = load_tokenizer(path)
    first = len(make_pairs()[0])
    assert (tokenizer.vocab_base, tokenizer.vocab_total) == (first, first + 5)
    assert tokenizer.encode_batch(["        €"]).ids.tolist()[0] == first + 2
    assert first + 4 not in tokenizer.encode_batch(["<|im_end|>"]).ids  # ends generation, so never read from text


@runs_llama_cpp
def test_a_byte_without_a_token_parts_its_neighbours(tmp_path: Path) -> None:
    tokens, merges = make_pairs()
    symbol = next(symbol for symbol, byte in printable_bytes().items() if byte == 0x1C)
    kept = [token for token in tokens if symbol not in token]
    path = llama_cpp.write(
        tmp_path / "missing.gguf",
        "gpt2",
        kept,
        [NORMAL] * len(kept),
        pre="gpt-2",
        merges=[merge for merge in merges if symbol not in merge],
    )
    assert not differ(path, [*list_texts(), ". \x1c.", "a\x1ca"])
    assert load_tokenizer(path).encode_batch([".\x1c."]).ids.tolist() == [kept.index(".")] * 2


@runs_llama_cpp
@pytest.mark.parametrize("prefix", [True, False])
def test_sentencepiece_with_user_defined_tokens(tmp_path: Path, prefix: bool) -> None:
    tokens, types, scores = read_pieces(tmp_path)
    added = {"<|x|>": CONTROL, "\n\n": USER_DEFINED, "fox j": USER_DEFINED, "   ": USER_DEFINED, "<s2>": UNKNOWN}
    path = llama_cpp.write(
        tmp_path / "pieces.gguf",
        "llama",
        [*tokens, *added, f"[PAD{len(tokens) + len(added)}]"],
        [*types, *added.values(), UNUSED],
        scores=[*scores, *[-1000.0] * len(added), -10000.0],
        fields={"add_space_prefix": prefix, "bos_token_id": 1, "eos_token_id": 2},
    )
    assert not differ(path, [*list_texts(), *made.TEXTS, "the fox jumps   over\n\n\nthe <|x|> lazy", "   ", "\n\n"])
    tokenizer = load_tokenizer(path)
    assert tokenizer.vocab_total == len(tokens) + 5
    assert tokenizer.token_bytes(len(tokens) + 3) == b"   "
    assert tokenizer.token_bytes(len(tokens) + 4) is None
    assert tokenizer.spans(["a fox jumps"]) is None
    assert tokenizer.spans(["a dog"]) is not None


@runs_llama_cpp
def test_unigram_normalises_by_the_rules_in_the_file(tmp_path: Path) -> None:
    from sentencepiece import sentencepiece_model_pb2

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(made.TEXTS),
        model_prefix=str(tmp_path / "unigram"),
        vocab_size=150,
        model_type="unigram",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    model: Any = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]  # made at run time
    model.ParseFromString((tmp_path / "unigram.model").read_bytes())
    path = llama_cpp.write(
        tmp_path / "unigram.gguf",
        "t5",
        [piece.piece for piece in model.pieces],
        [piece.type for piece in model.pieces],
        scores=[piece.score for piece in model.pieces],
        fields={
            "unknown_token_id": 0,
            "add_space_prefix": True,
            "remove_extra_whitespaces": True,
            "precompiled_charsmap": model.normalizer_spec.precompiled_charsmap,
        },
    )
    # Runs of a few letters have many segmentations of one score, of which each library takes another.
    texts = [text for text in [*list_texts(), *made.TEXTS, "ﬁ  ①\u3000x"] if len(set(text)) > 2 or len(text) < 10]
    assert not differ(path, texts)


@runs_llama_cpp
@pytest.mark.parametrize("fields", [{}, {"normalizer.lowercase": False}, {"normalizer.strip_accents": False}])
def test_wordpiece(tmp_path: Path, fields: dict[str, llama_cpp.Value]) -> None:
    words = [
        "the",
        "##s",
        "##é",
        "é",
        "e",
        "caf",
        "##e",
        "i",
        "##stanbul",
        "한",
        "ᄒ",
        "국",
        "中",
        "the",
        "~",
        "$",
        ".",
    ]
    words += [chr(code) for code in range(0x61, 0x7B)] + [f"##{chr(code)}" for code in range(0x61, 0x7B)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    types = [CONTROL] * 4
    for word in dict.fromkeys(words):
        tokens.append(word.removeprefix("##") if word.startswith("##") else SPACE + word)
        types.append(NORMAL)
    special: dict[str, llama_cpp.Value] = {"unknown_token_id": 1, "bos_token_id": 2, "seperator_token_id": 3}
    path = llama_cpp.write(tmp_path / "bert.gguf", "bert", tokens, types, fields=special | fields)
    newer = {"\u1b4e", "\u1b4f", "\u1b7f"}  # punctuation since Unicode 16
    texts = [*list_texts(), "The cafés, İstanbul 한국 ~$. thexyz中", "a" * 200, "[SEP]"]
    assert not differ(path, [text for text in texts if not newer & set(text) and SPACE not in text])
    tokenizer = load_tokenizer(path)
    assert tokenizer.token_bytes(tokens.index("s")) == b"s"
    assert tokenizer.unk_id == 1


@runs_llama_cpp
def test_gemma_merges_characters_and_falls_back_to_bytes(tmp_path: Path) -> None:
    tokens = ["<pad>", "<eos>", *(f"<0x{byte:02X}>" for byte in range(256))]
    types = [CONTROL, CONTROL, *[BYTE] * 256]
    letters = [*"abcdefghijklmnopqrstuvwxyz", SPACE, "\n", "é", "中"]
    merges = [("t", "h"), ("th", "e"), (SPACE, "the"), (SPACE, "a"), (SPACE, SPACE), ("\n", "\n"), ("e", "r")]
    tokens += [*letters, *map("".join, merges), "\n\n\n", "<h1>"]
    types += [NORMAL] * (len(letters) + len(merges)) + [USER_DEFINED] * 2
    path = llama_cpp.write(
        tmp_path / "gemma.gguf", "gemma4", tokens, types, pre="gemma4", merges=list(map(" ".join, merges))
    )
    assert not differ(path, [*list_texts(), "the  other\n\n\n\n\nthe <h1>é😀"])


# ---- rows


def test_padding_by_name_and_by_type_is_no_token(tmp_path: Path) -> None:
    size = len(make_pairs()[0])
    added = {"   ": USER_DEFINED, f"[PAD{size + 1}]": USER_DEFINED, f"[PAD{size + 2}]": UNUSED, "left": UNUSED}
    tokenizer = load_tokenizer(write_pairs(tmp_path / "padded.gguf", "mpt", added))
    assert (tokenizer.vocab_base, tokenizer.vocab_total) == (size, size + 1)
    assert tokenizer.token_bytes(size) == b"   "


def test_padding_between_tokens_keeps_their_ids(tmp_path: Path) -> None:
    size = len(make_pairs()[0])
    tokenizer = load_tokenizer(write_pairs(tmp_path / "gap.gguf", "mpt", {f"[PAD{size}]": UNUSED, "   ": USER_DEFINED}))
    assert tokenizer.vocab_total == size + 2
    assert tokenizer.encode_batch(["   "]).ids.tolist() == [size + 1]
    assert tokenizer.token_bytes(size) is None


# ---- refusals


@pytest.mark.parametrize("name", ["superbpe", "tiny_aya", "afmoe", "no-such"])
def test_a_pre_tokeniser_that_is_not_run_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(TokbenchError, match=f"the pre-tokeniser '{name}' of llama.cpp is not supported"):
        load_tokenizer(write_pairs(tmp_path / "x.gguf", name))


@pytest.mark.parametrize("kind", ["rwkv", "plamo2", "whitespace"])
def test_a_kind_that_is_not_read_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    with pytest.raises(TokbenchError, match=f"a GGUF vocabulary of the kind '{kind}' is not supported"):
        load_tokenizer(write_pairs(tmp_path / "x.gguf", "default", kind=kind))


def test_tokens_that_overlap_are_refused(tmp_path: Path) -> None:
    added = {"xy": USER_DEFINED, "yzz": USER_DEFINED}
    with pytest.raises(TokbenchError, match="'xy' and 'yzz' can overlap"):
        load_tokenizer(write_pairs(tmp_path / "x.gguf", "default", added))


def test_a_token_in_two_rows_is_refused(tmp_path: Path) -> None:
    path = llama_cpp.write(tmp_path / "x.gguf", "gpt2", [*BYTES, "a"], [NORMAL] * 257, merges=["a b"])
    with pytest.raises(TokbenchError, match="2 rows contain the token 'a'"):
        load_tokenizer(path)


# ---- real vocabularies, converted as llama.cpp's converter does


def convert(content: dict[str, Any], path: Path, pre: str) -> Path:
    by_id = {number: token for token, number in content["model"]["vocab"].items()}
    types = dict.fromkeys(by_id, NORMAL)
    for token in content["added_tokens"]:
        by_id[token["id"]] = token["content"]
        special = token["special"] or (token["content"].startswith("<|") and token["content"].endswith("|>"))
        types[token["id"]] = CONTROL if special else USER_DEFINED
    rows = range(max(by_id) + 40)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in content["model"]["merges"]]
    return llama_cpp.write(
        path,
        "gpt2",
        [by_id.get(row, f"[PAD{row}]") for row in rows],
        [types.get(row, UNUSED) for row in rows],
        pre=pre,
        merges=merges,
    )


@needs_data
@pytest.mark.parametrize(
    ("folder", "file", "pre", "vector", "sizes"),
    [
        ("falcon", "tokenizer.json", "falcon", "falcon", (65024, 65024)),
        ("command-r", "tokenizer.json", "command-r", "command-r", (255000, 255029)),
        ("gpt-neox-20b", "20B_tokenizer.json", "olmo", "mpt", (50254, 50277)),
    ],
)
def test_converted_vocabularies_give_the_vectors(
    tmp_path: Path, shared_data: Path, folder: str, file: str, pre: str, vector: str, sizes: tuple[int, int]
) -> None:
    content = json.loads((shared_data / "tokenizers" / folder / file).read_bytes())
    tokenizer = load_tokenizer(convert(content, tmp_path / "x.gguf", pre))
    texts, expected = read_vector(shared_data / "vectors", vector)
    assert [ids.tolist() for ids in tokenizer.encode_batch(texts[: len(expected)])] == expected
    assert (tokenizer.vocab_base, tokenizer.vocab_total) == sizes
