"""Companion files: what changes ids is honoured as the fast classes of transformers do it, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import made
from helpers.data import needs_data
from tokbench.adapters import load_asset, load_tokenizer
from tokbench.catalog.companions import NAMES
from tokbench.catalog.sources import find
from tokbench.errors import TokbenchError

CONFIG, MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
BERT = {"tokenizer_class": "BertTokenizer"}
LLAMA = {"tokenizer_class": "LlamaTokenizerFast"}
WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "The",
    "möchte",
    "mochte",
    "中国",
    "中",
    "国",
    "covid",
    "x",
    "##x",
)
TEXTS = (
    "the fox",
    "The FOX",
    "möchte Éa",
    "中国 the",
    "xcovidx",
    "covid  the covid",
    "<a>the<b>",
    "[PAD] the",
    "a\ncovid\tb",
    "",
)


def write(folder: Path, **files: object) -> Path:
    """Write companion files into a folder: config, map, added."""
    for name, content in files.items():
        (folder / {"config": CONFIG, "map": MAP, "added": ADDED}[name]).write_text(json.dumps(content))
    return folder


def wordpiece(folder: Path) -> None:
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS), encoding="utf-8")


def merges(folder: Path) -> None:
    made.make_vocab_and_merges(folder)


def encode(folder: Path | str, *texts: str) -> list[list[int]]:
    return [ids.tolist() for ids in load_tokenizer(str(folder)).encode_batch(texts)]


def names(path: Path | str) -> list[str]:
    """The companion files that belong to a tokenizer."""
    return [file.name for file in find(str(path)).files if file.name in NAMES]


# ---- WordPiece


@pytest.mark.parametrize(
    ("config", "text", "expected"),
    [
        ({"do_lower_case": False}, "The möchte", [6, 7]),
        ({"do_lower_case": True}, "The möchte", [5, 8]),
        ({"do_lower_case": True, "strip_accents": False}, "The möchte", [5, 7]),
        ({"do_lower_case": False, "strip_accents": True}, "The möchte", [6, 8]),
        ({"do_lower_case": False, "tokenize_chinese_chars": False}, "中国", [9]),
        ({"do_lower_case": False, "tokenize_chinese_chars": True}, "中国", [10, 11]),
        ({}, "The", [5]),  # the class lower-cases where nothing is said, whatever the vocabulary
        ({"unk_token": "x"}, "fox", [13]),
    ],
)
def test_settings_of_wordpiece(config: dict[str, Any], text: str, expected: list[int], tmp_path: Path) -> None:
    wordpiece(tmp_path)
    assert encode(write(tmp_path, config=BERT | config), text) == [expected]


def test_without_a_configuration_the_vocabulary_tells_the_case(tmp_path: Path) -> None:
    wordpiece(tmp_path)
    assert encode(tmp_path, "The the") == [[6, 5]]


def test_special_tokens_that_the_vocabulary_lacks_get_the_next_ids(tmp_path: Path) -> None:
    wordpiece(tmp_path)
    write(
        tmp_path,
        config={**BERT, "foo_token": "<foo>", "additional_special_tokens": ["<a>"]},
        map={"mask_token": "<mask>"},
    )
    tokenizer = load_tokenizer(str(tmp_path))
    assert tokenizer.vocab_total == 18
    assert {15: "<mask>", 16: "<foo>", 17: "<a>"}.items() <= tokenizer.special_tokens().items()
    assert names(tmp_path) == [MAP, CONFIG]


def test_an_unknown_token_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("<unk>\nthe\n")
    assert encode(write(tmp_path, config={**BERT, "unk_token": "<unk>"}), "the fox") == [[1, 0]]


def test_an_unknown_token_must_be_in_the_vocabulary(tmp_path: Path) -> None:
    wordpiece(tmp_path)
    with pytest.raises(TokbenchError, match=r"tokenizer_config.json, unk_token: the unknown token '<unk>' is not in"):
        load_tokenizer(str(write(tmp_path, config={**BERT, "unk_token": "<unk>"})))


# ---- vocab.json and merges.txt


def test_a_prefix_space_and_added_tokens_of_merges(tmp_path: Path) -> None:
    merges(tmp_path)
    plain = encode(tmp_path, " the covid", "the")
    write(
        tmp_path,
        config={"add_prefix_space": True, "pad_token": "[PAD]"},
        added={"covid": 400, "<a>": 401},
        map={"eos_token": "<a>"},
    )
    tokenizer = load_tokenizer(str(tmp_path))
    with_space = [ids.tolist() for ids in tokenizer.encode_batch([" the covid", "the"])]
    assert with_space[0] == [*encode(tmp_path, " the ")[0], 400]
    assert with_space[1] == encode(tmp_path, " the")[0] != plain[1]
    assert tokenizer.vocab_total == 403
    assert {401: "<a>", 402: "[PAD]"}.items() <= tokenizer.special_tokens().items()
    assert names(tmp_path) == [ADDED, MAP, CONFIG]


def test_the_decoder_in_the_configuration_goes_before_the_older_files(tmp_path: Path) -> None:
    merges(tmp_path)
    decoder = {"400": {"content": "<b>", "special": False}}
    write(tmp_path, config={"added_tokens_decoder": decoder}, added={"covid": 400}, map={"eos_token": "<a>"})
    tokenizer = load_tokenizer(str(tmp_path))
    assert (tokenizer.vocab_total, tokenizer.token_bytes(400)) == (401, b"<b>")
    assert names(tmp_path) == [CONFIG]


def test_a_token_of_the_vocabulary_can_be_added(tmp_path: Path) -> None:
    merges(tmp_path)
    vocab = json.loads((tmp_path / "vocab.json").read_text())
    number = vocab["x"]
    token = {"content": "x", "special": False, "lstrip": True, "normalized": False}
    write(tmp_path, config={"added_tokens_decoder": {str(number): token}})
    assert encode(tmp_path, "x") == [[number]]
    assert encode(tmp_path, " x") == [[number]]  # white space before it is part of it


@pytest.mark.parametrize("engine", ["tiktoken", "splintr", "fastokens"])
def test_engines_agree_on_added_tokens_or_refuse(engine: str, tmp_path: Path) -> None:
    pytest.importorskip({"splintr": "splintr", "fastokens": "fastokens", "tiktoken": "tiktoken"}[engine])
    merges(tmp_path)
    write(tmp_path, config={"add_prefix_space": False}, added={"covid": 400, "<a>": 401}, map={"eos_token": "<a>"})
    asset = find(str(tmp_path))
    expected, got = (load_asset(asset, name).encode_batch(TEXTS) for name in (None, engine))
    assert [ids.tolist() for ids in got] == [ids.tolist() for ids in expected]
    write(tmp_path, config={"add_prefix_space": True})
    asset = find(str(tmp_path))
    if engine == "fastokens":
        got = load_asset(asset, engine).encode_batch(TEXTS)
        assert [ids.tolist() for ids in got] == [ids.tolist() for ids in load_asset(asset).encode_batch(TEXTS)]
    else:
        with pytest.raises(TokbenchError, match="it adds a space before each text"):
            load_asset(asset, engine)


# ---- SentencePiece


def test_added_tokens_of_sentencepiece(tmp_path: Path) -> None:
    made.make_sentencepiece(tmp_path)
    bare = load_tokenizer(str(tmp_path))
    assert (bare.vocab_base, bare.vocab_total) == (420, 420)
    write(tmp_path, added={"[PAD]": 420, "covid": 421}, map={"pad_token": "[PAD]"})
    tokenizer = load_tokenizer(str(tmp_path))
    assert (tokenizer.vocab_base, tokenizer.vocab_total) == (420, 422)
    assert names(tmp_path) == [ADDED, MAP]
    texts = ["x covid", "covid", "the covid", "xcovid the", "[PAD]"]
    got = [ids.tolist() for ids in tokenizer.encode_batch(texts)]
    plain = [ids.tolist() for ids in bare.encode_batch(["x ", "", "the ", "x", "[PAD]"])]
    assert got[:3] == [[*plain[0], 421], [421], [*plain[2], 421]]
    # What follows an added token has no dummy prefix: the space there is the one in the text.
    assert got[3] == [*plain[3], 421, *encode(tmp_path, "the")[0]]
    assert got[4] == plain[4]  # the text of a special token is plain text
    assert tokenizer.decode_batch(tokenizer.encode_batch(texts)) == texts
    assert (tokenizer.token_bytes(420), tokenizer.token_bytes(421)) == (None, b"covid")
    assert tokenizer.special_tokens()[420] == "[PAD]"


def test_offsets_with_added_tokens_of_sentencepiece(tmp_path: Path) -> None:
    made.make_sentencepiece(tmp_path)
    write(tmp_path, added={"covid": 420})
    texts = ["xcovid x", "x"]
    tokenizer = load_tokenizer(str(tmp_path))
    spans = tokenizer.spans(texts)
    assert spans is not None
    assert np.array_equal(spans.batch.ids, tokenizer.encode_batch(texts).ids)
    place = spans.batch.ids.tolist().index(420)
    assert (spans.starts[place], spans.ends[place]) == (1, 6)
    assert (spans.starts[place + 1], spans.ends[-1]) == (6, 1)


def test_prefix_settings_of_sentencepiece(tmp_path: Path) -> None:
    made.make_sentencepiece(tmp_path)
    plain = encode(tmp_path, "the the")[0]
    decoder = {"420": {"content": "covid", "special": False, "normalized": False}}
    write(tmp_path, config={**LLAMA, "added_tokens_decoder": decoder})
    assert encode(tmp_path, "covid the") == [[420, *encode(tmp_path, "the")[0]]]
    write(tmp_path, config={**LLAMA, "added_tokens_decoder": decoder, "legacy": True})
    # The older behaviour: every part between added tokens has the dummy prefix.
    assert encode(tmp_path, "covidthe") == [[420, *encode(tmp_path, "the")[0]]]
    write(tmp_path, config={**LLAMA, "add_prefix_space": False})
    tokenizer = load_tokenizer(str(tmp_path))
    assert tokenizer.prefix == b""
    assert tokenizer.encode_batch(["the the"])[0].tolist() != plain
    assert tokenizer.encode_batch([" the the"])[0].tolist() == plain


def test_what_repeats_the_model_does_not_count(tmp_path: Path) -> None:
    made.make_sentencepiece(tmp_path)
    known = find(str(tmp_path)).sha256
    decoder = {str(n): {"content": text, "special": True} for n, text in enumerate(("<unk>", "<s>", "</s>"))}
    write(tmp_path, config={**LLAMA, "added_tokens_decoder": decoder, "model_max_length": 2048}, added={}, map={})
    assert (names(tmp_path), find(str(tmp_path)).sha256) == ([], known)
    write(tmp_path, config={"pad_token": "</s>", "bos_token": "<s>"}, map={"unk_token": {"content": "<unk>"}})
    assert (names(tmp_path), find(str(tmp_path)).sha256) == ([], known)
    write(tmp_path, config={"pad_token": "[PAD]"})
    assert find(str(tmp_path)).sha256 != known


def test_the_sentinels_of_t5(tmp_path: Path) -> None:
    made.make_sentencepiece(tmp_path)
    tokenizer = load_tokenizer(str(write(tmp_path, config={"tokenizer_class": "T5Tokenizer", "extra_ids": 2})))
    assert tokenizer.vocab_total == 422
    assert {420: "<extra_id_1>", 421: "<extra_id_0>"}.items() <= tokenizer.special_tokens().items()


# ---- rank files


def rank_file(folder: Path, **files: object) -> str:
    made.make_ranks(folder).rename(folder / "tiktoken.model")
    write(folder, **files)
    return f"{folder / 'tiktoken.model'}#llama3"


def test_special_tokens_of_a_rank_file(tmp_path: Path) -> None:
    size = len(made.rank_bytes())
    decoder = {
        str(size + 1): {"content": "[BOS]", "special": True},
        str(size + 7): {"content": "<|tool|>", "special": False},
    }
    path = rank_file(tmp_path, config={"added_tokens_decoder": decoder, "bos_token": "[BOS]"})
    asset = find(path)
    assert [file.name for file in asset.files] == ["tiktoken.model", CONFIG]
    tokenizer = load_tokenizer(path)
    assert {size + 1: "[BOS]", size + 7: "<|tool|>"}.items() <= tokenizer.special_tokens().items()
    assert tokenizer.encode_with_special(["the<|tool|>"])[0].tolist()[-1] == size + 7
    assert tokenizer.encode_batch(["<|tool|>"])[0].tolist() == [
        *map(made.rank_bytes().__getitem__, map(bytes, zip(b"<|tool|>")))
    ]


def test_an_id_that_is_a_rank_is_refused(tmp_path: Path) -> None:
    path = rank_file(tmp_path, added={"[BOS]": 65})
    with pytest.raises(
        TokbenchError, match=r"added_tokens.json: the token '\[BOS\]' has the id 65, which is the rank of"
    ):
        load_tokenizer(path)


def test_a_special_token_without_an_id_is_refused(tmp_path: Path) -> None:
    path = rank_file(tmp_path, map={"pad_token": "<pad>"})
    with pytest.raises(TokbenchError, match=r"special_tokens_map.json, pad_token: no file gives an id for .* '<pad>'"):
        load_tokenizer(path)


@needs_data
def test_a_known_rank_file_by_its_name_with_a_configuration(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "r50k_base"
    folder.mkdir()
    source = shared_data / "tokenizers" / "r50k_base" / "r50k_base.tiktoken"
    (folder / "r50k_base.tiktoken").write_bytes(source.read_bytes())
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", str(tmp_path))
    bare = find("r50k_base")
    assert len(bare.files) == 1
    decoder = {str(n): {"content": f"<|{n}|>", "special": True} for n in range(50257, 50260)}
    write(folder, config={"added_tokens_decoder": decoder})
    tokenizer = load_tokenizer("r50k_base")
    assert tokenizer.asset.sha256 != bare.sha256
    assert (tokenizer.vocab_base, tokenizer.vocab_total) == (50256, 50260)
    assert tokenizer.special_tokens() == {50256: "<|endoftext|>", **{n: f"<|{n}|>" for n in range(50257, 50260)}}


# ---- tokenizer.json


def test_added_tokens_beside_a_tokenizer_json(tmp_path: Path) -> None:
    made.make_tokenizer_json(tmp_path)
    bare = load_tokenizer(str(tmp_path))
    write(tmp_path, config={"pad_token": "[PAD]", "eos_token": "<|endoftext|>"}, added={"covid": 401})
    tokenizer = load_tokenizer(str(tmp_path))
    assert (bare.vocab_total, tokenizer.vocab_total) == (401, 403)
    assert encode(tmp_path, "covid", "[PAD]") == [[401], bare.encode_batch(["[PAD]"])[0].tolist()]
    assert tokenizer.special_tokens()[402] == "[PAD]"
    for engine in ("tiktoken", "splintr", "fastokens"):
        pytest.importorskip(engine)
        with pytest.raises(TokbenchError, match="its companion files change it"):
            load_asset(tokenizer.asset, engine)


def test_a_configuration_that_repeats_a_tokenizer_json_does_not_count(tmp_path: Path) -> None:
    document = json.loads(made.make_tokenizer_json(tmp_path).read_text())
    known = find(str(tmp_path)).sha256
    decoder = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in document["added_tokens"]}
    write(
        tmp_path,
        config={"added_tokens_decoder": decoder, "eos_token": "<|endoftext|>", "tokenizer_class": "GPT2Tokenizer"},
    )
    assert (names(tmp_path), find(str(tmp_path)).sha256) == ([], known)
    decoder["400"]["special"] = True
    write(tmp_path, config={"added_tokens_decoder": decoder})
    assert names(tmp_path) == [CONFIG]
    assert encode(tmp_path, "    ")[0] != [400]  # now a special token, whose text is plain


def test_settings_beside_a_tokenizer_json(tmp_path: Path) -> None:
    from tokbench.adapters._hf_pipelines import build_from_wordpiece

    wordpiece(tmp_path)
    write(tmp_path, config={**BERT, "do_lower_case": True})
    build_from_wordpiece(find(str(tmp_path))).save(str(tmp_path / "tokenizer.json"))
    assert (names(tmp_path), encode(tmp_path, "The möchte")) == ([], [[5, 8]])
    write(tmp_path, config={**BERT, "do_lower_case": False})
    assert (names(tmp_path), encode(tmp_path, "The möchte")) == ([CONFIG], [[6, 7]])
    write(tmp_path, config={"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False})
    assert (names(tmp_path), encode(tmp_path, "The möchte")) == ([], [[5, 8]])  # this class asks the file alone


# ---- damage and contradictions


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (CONFIG, b"[]", "contains no JSON object"),
        (CONFIG, b'{"a": ', "tokenizer_config.json is damaged: Expecting value: line 1"),
        (CONFIG, b"\xff\xfe", "byte 0 is not UTF-8"),
        (CONFIG, b"[" * 100_000, "is damaged: .*recursion"),
        (CONFIG, b'{"do_lower_case": "no"}', "do_lower_case is 'no': true, false or null is expected"),
        (CONFIG, b'{"strip_accents": 1}', "strip_accents is 1: true, false or null is expected"),
        (
            CONFIG,
            b'{"tokenizer_class": ["BertTokenizer"]}',
            r"tokenizer_class is \['BertTokenizer'\]: a string or null",
        ),
        (CONFIG, b'{"tokenizer_class": "BertJapaneseTokenizer"}', "it is not known to read text as BERT does"),
        (CONFIG, b'{"unk_token": 3}', "unk_token is 3: the text of a token is expected"),
        (CONFIG, b'{"unk_token": {"content": "x", "lstrip": 1}}', "unk_token: lstrip is 1: the flags"),
        (CONFIG, b'{"pad_token": ""}', "pad_token is '': the text of a token is expected"),
        (CONFIG, b'{"pad_token": "\\ud800"}', "a lone surrogate is not text"),
        (CONFIG, b'{"additional_special_tokens": "<a>"}', "additional_special_tokens is '<a>': a list of tokens"),
        (CONFIG, b'{"additional_special_tokens": [null]}', "additional_special_tokens is None: the text of a token"),
        (CONFIG, b'{"added_tokens_decoder": [1]}', r"added_tokens_decoder is \[1\]: an object of ids and tokens"),
        (CONFIG, b'{"added_tokens_decoder": {"-1": {"content": "q"}}}', "is '-1': an id must be a whole"),
        (CONFIG, b'{"added_tokens_decoder": {"15": "q"}}', "added_tokens_decoder: 15 is 'q': a token with its flags"),
        (
            CONFIG,
            b'{"added_tokens_decoder": {"5": {"content": "q"}}}',
            "the added token 'q' has the id 5, which is 'the'",
        ),
        (CONFIG, b'{"added_tokens_decoder": {"17": {"content": "q"}}}', "has the id 17, where 15 is expected"),
        (
            CONFIG,
            b'{"added_tokens_decoder": {"15": {"content": "q"}, "16": {"content": "q"}}}',
            "the added token 'q' is given twice",
        ),
        (ADDED, b'{"q": 15, "q": 16}', "the key 'q' is repeated"),
        (ADDED, b'{"q": 15, "r": 15}', "added_tokens.json: the id 15 is given twice"),
        (ADDED, b'{"q": "15"}', "added_tokens.json: 'q' is '15': an id must be a whole number from 0"),
        (ADDED, b'{"q": true}', "'q' is True: an id"),
        (ADDED, b'{"q": -1}', "'q' is -1: an id"),
        (ADDED, b'{"q": 2147483648}', "'q' is 2147483648: an id"),
        (ADDED, b'{"q": null}', "'q' is None: an id"),
        (MAP, b'{"mask_token": ["<mask>"]}', r"special_tokens_map.json: mask_token is \['<mask>'\]"),
        (MAP, b"null", "special_tokens_map.json is damaged: it contains no JSON object"),
    ],
)
def test_damage_is_one_line(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    wordpiece(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TokbenchError, match=message) as caught:
        load_tokenizer(str(tmp_path))
    assert "\n" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"tokenizer_class": "XLMRobertaTokenizer"}, "it numbers the pieces differently"),
        ({"tokenizer_class": "AlbertTokenizer"}, "it rewrites text before the model"),
        ({"do_lower_case": True}, "do_lower_case is True"),
        ({"tokenizer_class": "T5Tokenizer", "extra_ids": "100"}, "extra_ids is '100': a whole number"),
        ({"added_tokens_decoder": {"7": {"content": "covid"}}}, "the added token 'covid' has the id 7, which is '<0x"),
    ],
)
def test_what_sentencepiece_does_not_do_is_refused(config: dict[str, Any], message: str, tmp_path: Path) -> None:
    made.make_sentencepiece(tmp_path)
    with pytest.raises(TokbenchError, match=message):
        load_tokenizer(str(write(tmp_path, config=config)))


# ---- against transformers, where it is installed


@pytest.mark.parametrize(
    ("make", "name", "files"),
    [
        (wordpiece, "BertTokenizerFast", {"config": {**BERT, "do_lower_case": False, "strip_accents": True}}),
        (
            wordpiece,
            "BertTokenizerFast",
            {"config": BERT, "added": {"<a>": 15, "covid2": 16}, "map": {"mask_token": "<a>"}},
        ),
        (wordpiece, "BertTokenizerFast", {"config": {**BERT, "added_tokens_decoder": {"12": {"content": "covid"}}}}),
        (merges, "GPT2TokenizerFast", {"config": {"add_prefix_space": True, "pad_token": "<b>"}}),
        (merges, "GPT2TokenizerFast", {"added": {"covid": 400, "<a>": 401}, "map": {"eos_token": "<a>"}}),
        (merges, "RobertaTokenizerFast", {"config": {"tokenizer_class": "RobertaTokenizer"}}),
        (made.make_sentencepiece, "LlamaTokenizerFast", {"added": {"[PAD]": 420, "covid": 421}}),
        (made.make_sentencepiece, "LlamaTokenizerFast", {"config": {**LLAMA, "add_prefix_space": False}}),
        (
            made.make_tokenizer_json,
            "PreTrainedTokenizerFast",
            {"config": {"pad_token": "<a>"}, "added": {"covid": 401}},
        ),
    ],
)
def test_against_the_fast_classes(make: Any, name: str, files: dict[str, Any], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    make(tmp_path)
    write(tmp_path, **files)
    reference = getattr(transformers, name).from_pretrained(str(tmp_path))
    tokenizer = load_tokenizer(str(tmp_path))
    expected = reference(list(TEXTS), add_special_tokens=False, split_special_tokens=True).input_ids
    assert [ids.tolist() for ids in tokenizer.encode_batch(TEXTS)] == expected
    assert tokenizer.vocab_total == len(reference)
