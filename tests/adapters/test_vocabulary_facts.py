"""Sizes, notation and edges of vocabularies that are numbered or written in other ways than most."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library

import tokbench as tb
from helpers.commands import refuse
from helpers.data import needs_data
from tokbench.adapters import Tokenizer, find_asset, find_engines, load_asset, load_tokenizer
from tokbench.adapters._reference import MOST_IDS
from tokbench.adapters.huggingface import printable_bytes
from tokbench.analysis.vocabulary import inspect_vocabulary
from tokbench.corpora import load_corpus
from tokbench.errors import TokbenchError
from tokbench.measurement.counting import ID_BITS

Json = dict[str, Any]

ALPHABET = {byte: character for character, byte in printable_bytes().items()}
WORDS = ["unk", *"abcdefghijklmnopqrstuvwxyz"]
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
UNDO = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
FUSE = [UNDO, {"type": "ByteFallback"}, {"type": "Fuse"}]
WHITESPACE = {"type": "WhitespaceSplit"}


def byte_level(**options: bool) -> Json:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True, **options}


def metaspace(replacement: str, scheme: str = "always") -> Json:
    return {"type": "Metaspace", "replacement": replacement, "prepend_scheme": scheme, "split": True}


def sequence(kind: str, steps: Sequence[Json]) -> Json:
    return {"type": "Sequence", kind: [*steps]}


def added(number: int, content: str, *, special: bool = False) -> Json:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": content, "special": special, **flags}


def bpe(vocab: Mapping[str, int], merges: Sequence[tuple[str, str]] = (), **settings: object) -> Json:
    return {"type": "BPE", "vocab": dict(vocab), "merges": [*map(list, merges)], **settings}


def byte_vocab(*more: str) -> dict[str, int]:
    return {token: number for number, token in enumerate([*ALPHABET.values(), *more])}


def write(folder: Path, model: Json, *, tokens: Sequence[Json] = (), name: str = "made", **parts: Json | None) -> str:
    """The path of a tokenizer.json."""
    empty = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"version": "1.0", **empty, **parts, "added_tokens": [*tokens], "model": model}))
    return str(path)


def write_byte_level(folder: Path, model: Json, *tokens: Json) -> str:
    return write(folder, model, tokens=tokens, pre_tokenizer=byte_level(), decoder=byte_level())


def sizes(tokenizer: Tokenizer) -> tuple[int, int]:
    return tokenizer.vocab_base, tokenizer.vocab_total


def pieces(tokenizer: Tokenizer, text: str) -> list[bytes | None]:
    return [tokenizer.token_bytes(token) for token in tokenizer.encode_batch([text]).ids.tolist()]


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    for lang in ("de", "en"):
        (tmp_path / f"c.{lang}").write_text("ab cab\nab\n")
    return str(tmp_path / "c")


# ---- ids


def test_the_id_space_is_the_highest_id_and_one(tmp_path: Path, corpus: str) -> None:
    """The library numbers the added token 257, by the size of the vocabulary; the file says 305."""
    model = bpe({**byte_vocab(), "ab": 300}, [("a", "b")])
    path = write_byte_level(tmp_path, model, added(305, "<|x|>", special=True))
    tokenizer = load_tokenizer(path)
    assert sizes(tokenizer) == (257, 306)
    assert tokenizer.encode_batch(["ab"]).ids.tolist() == Library.from_file(path).encode("ab").ids == [300]
    assert tokenizer.token_bytes(300) == b"ab"
    assert tokenizer.token_bytes(299) is None
    assert tokenizer.decode([300, 97]) == Library.from_file(path).decode([300, 97])
    found = inspect_vocabulary(tokenizer, load_corpus(languages=["en"]))
    assert (found.sizes.base, found.sizes.total, found.sizes.highest_id) == (257, 306, 305)
    assert found.tokens.filter(found.tokens["class"] == "unused").height == 306 - 257 - 2
    values = tb.compare(path, corpus, bootstrap=None).frame
    total = values.filter(values["metric"] == "vocab_total")["value"].unique().to_list()
    assert total == [306]


def test_an_id_below_the_count_may_be_missing_too(tmp_path: Path) -> None:
    """Of the ids 0, 1, 2, 4 the count is 4, and 4 - 1 is not the highest."""
    model = bpe({"a": 0, "b": 1, "c": 2, "ab": 4}, [("a", "b")])
    assert sizes(load_tokenizer(write(tmp_path, model))) == (4, 5)
    model = bpe({"a": 0, "b": 2, "c": 3}, [])  # as many as the id after the hole
    assert sizes(load_tokenizer(write(tmp_path, model))) == (3, 4)


def test_an_id_of_two_tokens_decodes_as_the_library_says(tmp_path: Path) -> None:
    """The vocabulary has 257 tokens and the id 257: the library gives it to the added token as well."""
    model = bpe({**byte_vocab(), "ab": 257}, [("a", "b")])
    tokenizer = load_tokenizer(write_byte_level(tmp_path, model, added(258, "<x>", special=True)))
    assert sizes(tokenizer) == (257, 259)
    assert pieces(tokenizer, "ab") == [b"ab"]
    assert tokenizer.prefix is None
    assert tokenizer.decode_batch(tokenizer.encode_batch(["ab"])) == ["<x>"]


@pytest.mark.parametrize(
    ("lines", "base", "total", "ids"),
    [
        (["[UNK]", "", "the", "cat", ""], 4, 5, [2, 3]),  # the last of the blank lines has the number
        (["[UNK]", "the", "the", "cat"], 3, 4, [2, 3]),
        (["[UNK]", "the", "cat", "[UNK]"], 3, 4, [1, 2]),
    ],
)
def test_blank_and_double_lines_of_a_wordpiece_vocabulary(
    tmp_path: Path, lines: list[str], base: int, total: int, ids: list[int]
) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(lines) + "\n")
    tokenizer = load_tokenizer(path)
    assert sizes(tokenizer) == (base, total)
    assert tokenizer.encode_batch(["the cat"]).ids.tolist() == ids
    assert pieces(tokenizer, "the cat dog") == [b"the", b"cat", None]


def test_ids_that_no_histogram_holds_are_refused(tmp_path: Path) -> None:
    assert MOST_IDS == 1 << ID_BITS
    vocab = bpe({"a": 0, "b": MOST_IDS})
    refuse("encode", write(tmp_path, vocab), "a", says="the id is 16,777,216, but ids must be from 0 to 16,777,215")
    assert sizes(load_tokenizer(write(tmp_path, bpe({"a": 0, "b": 1 << 20})))) == (2, (1 << 20) + 1)
    refuse("encode", write(tmp_path, bpe({"a": 0}), tokens=[added(10**9, "x")]), "a", says="1,000,000,000")
    rows = {**{bytes([b]): b for b in range(256)}, b"th": 1 << 33}
    ranks = tmp_path / "high.tiktoken"
    ranks.write_text("".join(f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in rows.items()))
    refuse("encode", f"{ranks}#cl100k_base", "a", says="8,589,934,592")
    rwkv = tmp_path / "high.txt"
    rwkv.write_text("".join(f"{i or 1 << 31} {bytes([i])!r} 1\n" for i in range(256)))
    refuse("encode", str(rwkv), "a", says="the id is 2,147,483,648")


def test_rwkv_tokens_that_no_text_holds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rwkv.txt"
    for literal, says in (("'' 0", "the token is empty"), (r"'\ud800' 3", "the token contains a lone surrogate")):
        path.write_text("".join(f"{i} {bytes([i])!r} 1\n" for i in range(256)) + f"256 {literal}\n")
        refuse("encode", str(path), "a", says=says)


# ---- sizes


def test_rules_of_an_entry_are_no_facts_of_the_file(tmp_path: Path) -> None:
    """Three tokens of 9 bits for 10 bytes of text: 2.7 bits a byte, whatever cl100k_base holds."""
    rows = [*((bytes([b]), b) for b in range(256)), (b"th", 256), (b"the", 257), (b" the", 258)]
    path = tmp_path / "own.tiktoken"
    path.write_text("".join(f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in rows))
    for lang in ("de", "en"):
        (tmp_path / f"c.{lang}").write_text("the the\nthe\n")
    tokenizer = load_tokenizer(f"{path}#cl100k_base")
    assert sizes(tokenizer) == (259, 259)
    with pytest.raises(TokbenchError, match="no special token is known"):
        tokenizer.encode_with_special(["<|endoftext|>"])
    values = tb.compare(f"{path}#cl100k_base", tmp_path / "c", bootstrap=None).frame
    coded = values.filter((values["metric"] == "bits_per_byte_coded") & (values["lang"] == "en"))
    assert coded["value"].to_list() == [pytest.approx(27 / 10)]


RUNS = ["\u2581" * n for n in range(1, 32)]


def write_gemma(folder: Path) -> str:
    """As Gemma's: runs of U+2581 and closing `<unusedN>` are pieces, listed as added tokens as well."""
    front = ["<pad>", "<eos>", "<bos>", "<unk>", "<unused0>"]
    own = [*(f"<0x{byte:02X}>" for byte in range(256)), *"thecat", *RUNS, "th", "the", "\u2581the"]
    closing = ["[toxicity=0]", *(f"<unused{n}>" for n in range(1, 99))]
    vocab = {token: number for number, token in enumerate(dict.fromkeys([*front, *own, *closing]))}
    merges = [("\u2581" * a, "\u2581" * (n - a)) for n in range(31, 1, -1) for a in range(n - 1, 0, -1)]
    merges += [("t", "h"), ("th", "e"), ("\u2581", "the")]
    tokens = [added(vocab[token], token, special=token in front[:4]) for token in [*front, *RUNS[1:], *closing]]
    tokens.append(added(len(vocab), "<image_soft_token>", special=True))
    model = bpe(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    return write(folder, model, tokens=tokens, normalizer=REPLACE, decoder=sequence("decoders", FUSE))


def test_gemma_has_its_pieces_and_its_runs_are_spaces(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(write_gemma(tmp_path))
    size = 5 + 256 + 5 + 31 + 3 + 99
    assert sizes(tokenizer) == (size, size + 1)
    assert pieces(tokenizer, "the" + 8 * " " + "the") == [b"the", 8 * b" ", b"the"]
    assert (tokenizer.prefix, tokenizer.unk_id) == (b"", None)
    found = inspect_vocabulary(tokenizer, load_corpus(languages=["en"]))
    assert found.ladder(" ") == [*range(1, 32)]
    assert not found.ladder("\u2581")
    assert found.count_by("class").filter(found.count_by("class")["class"] == "special")["tokens"].to_list() == [5]


def test_sentinels_are_none_of_the_vocabulary_and_a_mask_is(tmp_path: Path) -> None:
    own = [["<unk>", 0.0], ["\u2581", -2.0], ["a", -3.0], ["\u2581a", -1.0]]
    sentinels = [[f"<extra_id_{n}>", 0.0] for n in range(99, -1, -1)]
    tokens = [added(4 + i, str(piece), special=True) for i, (piece, _) in enumerate(sentinels)]
    mark = metaspace("\u2581")
    unigram = {"type": "Unigram", "unk_id": 0, "vocab": [*own, *sentinels], "byte_fallback": False}
    path = write(tmp_path, unigram, tokens=[added(0, "<unk>", special=True), *tokens], pre_tokenizer=mark, decoder=mark)
    assert sizes(load_tokenizer(path)) == (4, 104)
    unigram["vocab"] = [*own, ["<mask>", 0.0]]
    path = write(tmp_path, unigram, tokens=[added(4, "<mask>", special=True)], pre_tokenizer=mark, decoder=mark)
    assert sizes(load_tokenizer(path)) == (5, 5)


def test_what_closes_a_byte_level_vocabulary(tmp_path: Path) -> None:
    """GPT-2's own special token is of its model; text that no merge makes was added, with what stands among it."""
    model = bpe(byte_vocab("<|endoftext|>"))
    assert sizes(load_tokenizer(write_byte_level(tmp_path, model, added(256, "<|endoftext|>", special=True)))) == (
        257,
        257,
    )
    model = bpe(byte_vocab("<turn>", "<end>", "<yes>"))
    tokens = [added(256, "<turn>"), added(257, "<end>", special=True), added(258, "<yes>")]
    assert sizes(load_tokenizer(write_byte_level(tmp_path, model, *tokens))) == (256, 259)


@needs_data
@pytest.mark.parametrize("name", ["command-r", "falcon", "gpt-neox-20b", "gpt2", "llama", "moss", "opt", "qwen2.5"])
def test_a_path_has_the_sizes_of_the_catalogue(name: str) -> None:
    asset = find_asset(name, offline=True)
    assert asset.entry is not None
    bare = load_asset(replace(asset, entry=asset.entry.without_facts()))
    assert sizes(bare) == (asset.entry.vocab_base, asset.entry.vocab_total)


@needs_data
@pytest.mark.parametrize("name", ["t5", "xlm-roberta", "bert-base-multilingual-cased", "claude", "mistral-tekken"])
def test_a_path_has_the_sizes_of_the_catalogue_in_other_formats(name: str) -> None:
    test_a_path_has_the_sizes_of_the_catalogue(name)


# ---- notation


def write_suffixes(folder: Path) -> str:
    vocab = {token: i for i, token in enumerate(["<unk>", *"thecats", *(f"{c}</w>" for c in "thecats")])}
    merges = [("c", "a"), ("ca", "t</w>"), ("t", "h"), ("th", "e</w>")]
    vocab = {token: i for i, token in enumerate([*vocab, *(a + b for a, b in merges)])}
    model = bpe(vocab, merges, unk_token="<unk>", end_of_word_suffix="</w>")
    return write(folder, model, pre_tokenizer=WHITESPACE, decoder={"type": "BPEDecoder", "suffix": "</w>"})


def write_clip(folder: Path) -> str:
    """As CLIP's: bytes in GPT-2's alphabet, the last one of a word marked."""
    vocab = byte_vocab(*(f"{c}</w>" for c in ALPHABET.values()), "ca", "cat</w>", "</w>")
    model = bpe(vocab, [("c", "a"), ("ca", "t</w>")], end_of_word_suffix="</w>")
    split = {"type": "Split", "pattern": {"Regex": r"\S+"}, "behavior": "Removed", "invert": True}
    steps = sequence("pretokenizers", [split, byte_level(use_regex=False)])
    return write(folder, model, pre_tokenizer=steps, decoder=byte_level())


def write_prefixes(folder: Path, kind: str = "WordPiece") -> str:
    vocab = {"[UNK]": 0, "the": 1, "c": 2, "@@at": 3, "@@": 4, "@@a": 5, "@@t": 6, "t": 7, "h": 8, "@@h": 9, "@@e": 10}
    model: Json = {"type": kind, "unk_token": "[UNK]", "continuing_subword_prefix": "@@", "vocab": vocab}
    if kind == "WordPiece":
        model["max_input_chars_per_word"] = 100
    else:
        vocab["th"] = 11
        model["merges"] = [["@@a", "@@t"], ["t", "@@h"], ["th", "@@e"]]
    decoder = {"type": "WordPiece", "prefix": "@@", "cleanup": False}
    return write(folder, model, pre_tokenizer=WHITESPACE, decoder=decoder)


def write_metaspace(folder: Path, scheme: str = "always") -> str:
    vocab = {token: i for i, token in enumerate(["<unk>", "_", "\u2581", *"thecats"])}
    merges = [("t", "h"), ("th", "e"), ("_", "the"), ("c", "a"), ("ca", "t"), ("_", "cat")]
    vocab = {token: i for i, token in enumerate([*vocab, *(a + b for a, b in merges)])}
    model = bpe(vocab, merges, unk_token="<unk>")
    mark = metaspace("_", scheme)
    return write(folder, model, pre_tokenizer=mark, decoder=mark)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (write_suffixes, [b"the", b"cat", b"a", b"t"]),
        (write_clip, [b"t", b"h", b"e", b"cat", b"a", b"t"]),
        (write_prefixes, [b"the", b"c", b"at", None]),
        (lambda folder: write_prefixes(folder, "BPE"), [b"the", b"c", b"at", None, b"t"]),
        (write_metaspace, [b" the", b" cat", b" ", b"a", b"t"]),
    ],
)
def test_the_token_table_holds_text_and_no_notation(tmp_path: Path, make: Any, expected: list[bytes | None]) -> None:
    assert pieces(load_tokenizer(make(tmp_path)), "the cat at") == expected


def test_a_mark_alone_and_the_marker_of_others_are_text(tmp_path: Path) -> None:
    table = load_tokenizer(write_prefixes(tmp_path)).token_table()
    assert table[4] == b"@@"
    tokenizer = load_tokenizer(write_metaspace(tmp_path))
    assert pieces(tokenizer, "\u2581") == [b" ", "\u2581".encode()]
    clip = load_tokenizer(write_clip(tmp_path))
    assert clip.token_bytes(clip.vocab_total - 1) == b"</w>"


def test_words_are_told_by_the_marks_that_there_are(tmp_path: Path) -> None:
    for make, whole in ((write_suffixes, {"the", "cat", "c"}), (write_prefixes, {"the", "c"})):
        tokenizer = load_tokenizer(make(tmp_path))
        (tmp_path / "w.en").write_text("the cat c\n")
        (tmp_path / "w.de").write_text("the cat c\n")
        tokens = inspect_vocabulary(tokenizer, load_corpus(str(tmp_path / "w"))).tokens
        assert set(tokens.filter(tokens["class"] == "whole word")["text"]) == whole


def test_a_vocabulary_that_is_not_in_the_byte_alphabet_is_not_read_so(tmp_path: Path) -> None:
    """Only the decoder is that of bytes: the model sees text, and its e with an acute accent is two bytes."""
    model = bpe({"\u00e9": 0, "a": 1})
    tokenizer = load_tokenizer(write(tmp_path, model, decoder=byte_level()))
    assert pieces(tokenizer, "a\u00e9") == [b"a", "\u00e9".encode()]
    assert tokenizer.prefix is None
    assert tokenizer.decode_batch(tokenizer.encode_batch(["a\u00e9"])) == ["a\ufffd"]


def test_text_is_unknown_where_bytes_have_no_token(tmp_path: Path) -> None:
    few = {"<unk>": 0, "a": 1, ALPHABET[0xC3]: 2}
    unknown: Json = {"unk_token": "<unk>"}
    tokenizer = load_tokenizer(write_byte_level(tmp_path, bpe(few, **unknown)))
    assert tokenizer.encode_batch(["a\u00e9"]).ids.tolist() == [1, 2, 0]
    assert tokenizer.unk_id == 0
    assert load_tokenizer(write_byte_level(tmp_path, bpe(byte_vocab("<unk>"), **unknown))).unk_id is None
    pieces_of_bytes = {"<unk>": 0, "<0x61>": 1, "b": 2}
    path = write(tmp_path, bpe(pieces_of_bytes, **unknown, byte_fallback=True), decoder=sequence("decoders", FUSE))
    assert load_tokenizer(path).unk_id == 0


@pytest.mark.parametrize("kind", ["suffix", "sentencepiece"])
def test_merges_of_another_notation_are_not_read_as_bytes(tmp_path: Path, kind: str) -> None:
    vocab = {"suffix": ["t", "h", "e</w>", "th", "the</w>"], "sentencepiece": ["\u2581", "t", "h", "\u2581t"]}[kind]
    if kind == "suffix":
        vocab += ["\u0120"]  # as CLIP has it
    (tmp_path / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocab)}))
    merges = {"suffix": ["t h", "th e</w>"], "sentencepiece": ["\u2581 t"]}[kind]
    (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    refuse("encode", str(tmp_path), "the", says="not in the byte alphabet of GPT-2")


DECODERS: list[Json | None] = [
    None,
    byte_level(),
    metaspace("\u2581"),
    metaspace("\u2581", "never"),
    sequence("decoders", FUSE),
    sequence("decoders", [*FUSE, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]),
    UNDO,
    {**UNDO, "pattern": {"String": "a"}, "content": "b"},
    {"type": "WordPiece", "prefix": "##", "cleanup": True},
    {"type": "BPEDecoder", "suffix": "</w>"},
]
BEFORE: list[tuple[Json | None, Json | None]] = [
    (None, None),
    (None, byte_level()),
    (None, metaspace("\u2581")),
    (None, metaspace("\u2581", "never")),
    (REPLACE, None),
    (sequence("normalizers", [{"type": "Prepend", "prepend": "\u2581"}, REPLACE]), None),
]


@given(st.text("a\u00e9 \u2581<", max_size=6), st.sampled_from(DECODERS), st.sampled_from(BEFORE))
def test_bytes_that_are_the_text_decode_to_it(
    tmp_path_factory: pytest.TempPathFactory, text: str, decoder: Json | None, before: tuple[Json | None, Json | None]
) -> None:
    vocab = byte_vocab("\u2581", "\u0120\u0120", "\u2581\u2581", " ")
    normalizer, pre_tokenizer = before
    path = write(
        tmp_path_factory.mktemp("t"), bpe(vocab), normalizer=normalizer, pre_tokenizer=pre_tokenizer, decoder=decoder
    )
    tokenizer = load_tokenizer(path)
    batch = tokenizer.encode_batch([text])
    held = [tokenizer.token_bytes(token) for token in batch.ids.tolist()]
    if tokenizer.prefix is not None and text and b"".join(b or b"?" for b in held) == tokenizer.prefix + text.encode():
        assert tokenizer.decode_batch(batch) == [text]


# ---- dropout


def test_dropout_is_off_on_every_engine(tmp_path: Path) -> None:
    """The dropout of a file is for training: "the", " ", "cat", " the", " ", "cat" in every run."""
    merges = [("t", "h"), ("th", "e"), ("\u0120", "the"), ("c", "a"), ("ca", "t")]
    texts = ["the cat the cat", "the cat"] * 20
    for settings in ({"dropout": 0.5}, {"dropout": 0.1}):
        path = write_byte_level(tmp_path, bpe(byte_vocab(*(a + b for a, b in merges)), merges, **settings))
        for engine in (None, *find_engines("tokenizer.json")):
            tokenizer = load_tokenizer(path, engine=engine)
            for _ in range(3):
                assert tokenizer.encode_batch(texts).counts.tolist() == [6, 3] * 20, engine


# ---- edges of metrics


def test_no_share_is_more_than_all_and_no_efficiency_less_than_none(tmp_path: Path) -> None:
    texts = {"xyzw xyzw": 4, "aaaa": 1}
    tokens = [added(3 + i, c) for i, c in enumerate("xyzw")]
    for text, types in texts.items():
        for lang in ("de", "en"):
            (tmp_path / f"m.{lang}").write_text(f"{text}\n")
        vocab = bpe({"a": 0, " ": 1, "b": 2})
        values = tb.compare(write(tmp_path, vocab, tokens=tokens), tmp_path / "m", bootstrap=None).frame
        found = {
            name: value for name, lang, value in values.select("metric", "lang", "value").iter_rows() if lang == "en"
        }
        assert found["utilisation"] == (None if types > 2 else pytest.approx(types / 3))
        assert str(found["renyi_efficiency"]) != "-0.0"


@pytest.mark.parametrize("vocab", [[], ["a"]])
def test_a_vocabulary_of_one_token_or_none_has_no_efficiency(tmp_path: Path, vocab: list[str]) -> None:
    for lang in ("de", "en"):
        (tmp_path / f"m.{lang}").write_text("xyxx\n")
    tokens = [added(len(vocab), "x"), added(len(vocab) + 1, "y")]
    path = write(tmp_path, bpe({token: i for i, token in enumerate(vocab)}), tokens=tokens)
    values = tb.compare(path, tmp_path / "m", bootstrap=None).frame
    found = {name: value for name, lang, value in values.select("metric", "lang", "value").iter_rows() if lang == "en"}
    assert found["renyi_efficiency"] is None
    assert found["utilisation"] is None
    assert found["renyi_efficiency_observed"] is not None
