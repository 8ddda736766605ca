"""Tokenizers that the user made with a library: as they are, under their own name, and unchanged."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tiktoken
import tokenizers

import tokbench as tb
from helpers.contract import check_contract
from helpers.corpora import write_corpus
from helpers.data import needs_data
from helpers.made import GPT2_PATTERN, TEXTS, make_sentencepiece, make_tokenizer_json, rank_bytes, train_byte_level

MORE = ["", "  two  spaces", "<|endoftext|> x", "你好 é\u0301", *TEXTS]


def make_encoding(pattern: str = GPT2_PATTERN) -> tiktoken.Encoding:
    ranks = rank_bytes()
    return tiktoken.Encoding("mine", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|end|>": len(ranks) + 3})


def make_transformers(folder: Path, name: str = "org/mine") -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.PreTrainedTokenizerFast(tokenizer_file=str(make_tokenizer_json(folder)), name_or_path=name)


def make_processor(folder: Path) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_file=str(make_sentencepiece(folder)))


def test_a_tokenizer_of_hugging_face(tmp_path: Path) -> None:
    own = train_byte_level()
    own.enable_truncation(3)
    own.enable_padding(length=3)
    before = own.to_str()
    loaded = tb.load_tokenizer(own)
    check_contract(loaded, MORE)
    plain = tokenizers.Tokenizer.from_str(before)
    plain.no_truncation()
    plain.no_padding()
    plain.encode_special_tokens = True
    assert [loaded.encode(text) for text in MORE] == [plain.encode(text).ids for text in MORE]
    sha256 = hashlib.sha256(before.encode()).hexdigest()
    assert (loaded.asset.sha256, loaded.asset.files, loaded.asset.entry) == (sha256, (), None)
    assert loaded.name == f"tokenizers-{sha256[:8]}"
    assert tb.load_tokenizer(own, name="mine").name == "mine"
    assert loaded.vocab_total == own.get_vocab_size()
    assert loaded.special_tokens() == {0: "<|endoftext|>"}
    # Unchanged: it still truncates, and still reads special tokens.
    assert own.to_str() == before
    assert len(own.encode(TEXTS[0]).ids) == 3
    assert own.encode("<|endoftext|>").ids[0] == 0


def test_a_fast_tokenizer_of_transformers(tmp_path: Path) -> None:
    own = make_transformers(tmp_path)
    loaded = tb.load_tokenizer(own)
    check_contract(loaded, MORE)
    texts = [text for text in MORE if "endoftext" not in text]
    assert [loaded.encode(text) for text in texts] == [own.encode(text, add_special_tokens=False) for text in texts]
    assert loaded.name == "org/mine"
    assert loaded.asset.sha256 == hashlib.sha256(own.backend_tokenizer.to_str().encode()).hexdigest()
    assert tb.load_tokenizer(make_transformers(tmp_path, "")).name.startswith("tokenizers-")
    assert tb.load_tokenizer(make_transformers(tmp_path, str(tmp_path))).name == tmp_path.name


def test_a_slow_tokenizer_of_transformers_is_refused() -> None:
    transformers = pytest.importorskip("transformers")
    with pytest.raises(tb.TokbenchError, match="a ByT5Tokenizer of transformers is not a fast tokenizer"):
        tb.load_tokenizer(transformers.ByT5Tokenizer())


def test_an_encoding_of_tiktoken() -> None:
    own = make_encoding()
    loaded = tb.load_tokenizer(own)
    check_contract(loaded, MORE)
    assert [loaded.encode(text) for text in MORE] == [own.encode(text, disallowed_special=()) for text in MORE]
    assert (loaded.name, loaded.asset.format) == ("mine", "tiktoken")
    assert loaded.vocab_total == own.n_vocab
    assert loaded.special_tokens() == {len(rank_bytes()) + 3: "<|end|>"}
    # Another pattern gives other ids from the same ranks, so it has another hash.
    assert tb.load_tokenizer(make_encoding(r"\s+|\S+")).asset.sha256 != loaded.asset.sha256
    assert tb.load_tokenizer(make_encoding()).asset.sha256 == loaded.asset.sha256


def test_a_processor_of_sentencepiece(tmp_path: Path) -> None:
    own = make_processor(tmp_path)
    loaded = tb.load_tokenizer(own)
    check_contract(loaded, MORE)
    assert [loaded.encode(text) for text in MORE] == [own.encode(text) for text in MORE]
    file = tb.load_tokenizer(tmp_path / "tokenizer.model")
    assert loaded.asset.sha256 == file.asset.sha256
    assert loaded.name == f"sentencepiece-{file.asset.sha256[:8]}"
    assert loaded.vocab_total == len(own)


def test_what_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"a tokenizer should be a name, a path, or .*, not builtins\.int"):
        tb.load_tokenizer(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"not builtins\.dict"):
        tb.compare([{}], write_corpus(tmp_path / "c", en=["a"], de=["b"]))  # type: ignore[list-item]
    with pytest.raises(tb.TokbenchError, match="mine is an object and runs on tiktoken"):
        tb.load_tokenizer(make_encoding(), engine="splintr")
    with pytest.raises(tb.TokbenchError, match="cannot be copied"):
        tb.load_tokenizer(sentencepiece.SentencePieceProcessor())
    custom = train_byte_level()
    custom.pre_tokenizer = tokenizers.pre_tokenizers.PreTokenizer.custom(object())
    with pytest.raises(tb.TokbenchError, match="cannot be copied"):
        tb.load_tokenizer(custom)


def test_objects_are_compared_under_their_names_and_hashes(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["the fox", "a dog"], de=["der Fuchs", "ein Hund"])
    objects = [train_byte_level(), make_encoding(), make_processor(tmp_path), tb.load_tokenizer("utf8"), "byt5"]
    result = tb.compare(objects, corpus, baseline="mine", throughput=False, bootstrap=None)
    loaded = [tb.load_tokenizer(one) for one in objects[:3]]  # type: ignore[arg-type]
    assert result.names == (*(one.name for one in loaded), "utf8", "byt5")
    for one in loaded:
        assert f"{one.name}@sha256:{one.asset.sha256}" in result.signature()
    assert {t.origin for t in result.tokenizers[:3]} == {"object"}
    (alone,) = tb.compare(train_byte_level(), corpus, throughput=False, bootstrap=None).names
    assert alone == loaded[0].name
    with pytest.raises(tb.TokbenchError, match="two of the tokenizers are called 'mine'"):
        tb.compare([make_encoding(), make_encoding()], corpus, throughput=False)


def test_a_name_also_renames_files(tmp_path: Path) -> None:
    path = make_tokenizer_json(tmp_path)
    assert [tb.load_tokenizer(path, name=name).name for name in ("a", "b")] == ["a", "b"]


def test_no_library_is_imported_to_recognise_one() -> None:
    code = (
        "import sys, tokbench as tb, tiktoken\n"
        "encoding = tiktoken.Encoding('x', pat_str='.', mergeable_ranks={bytes([b]): b for b in range(256)},"
        " special_tokens={})\n"
        "assert tb.load_tokenizer(encoding).count('abc') == 3\n"
        "print(*{'tokenizers', 'sentencepiece', 'transformers'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("\n", 0), done.stderr


@needs_data
def test_a_known_hash_says_what_a_vocabulary_is_but_changes_nothing(shared_data: Path) -> None:
    for name, file in (("llama", "tokenizer.model"), ("chatglm-6b", "ice_text.model")):
        own = sentencepiece.SentencePieceProcessor(model_file=str(shared_data / "tokenizers" / name / file))
        loaded = tb.load_tokenizer(own, name="mine")
        assert loaded.name == "mine"
        assert loaded.asset.entry is not None
        assert loaded.asset.entry.name == name
        assert loaded.vocab_total == len(own)
        assert loaded.encode("a\n\tb  c") == own.encode("a\n\tb  c")
