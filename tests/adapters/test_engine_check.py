"""An engine of one's own as a function: held to the contract, to the hard texts and to a corpus."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers

import tokbench as tb
from helpers.corpora import write_corpus
from helpers.data import ROOT
from helpers.made import make_tokenizer_json, train_byte_level
from tokbench.adapters.selection import encode_hard_texts

Encode = Callable[[list[str]], Any]


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    return write_corpus(tmp_path / "corpus", en=["the fox", "a zebra"], de=["der Fuchs", "ein Zebra"])


def encode_utf8(texts: list[str]) -> list[list[int]]:
    return [list(text.encode()) for text in texts]


@pytest.mark.parametrize(
    "encode",
    [
        encode_utf8,
        lambda texts: tuple(np.frombuffer(text.encode(), np.uint8) for text in texts),
        lambda texts: tb.EncodedBatch.from_lists(encode_utf8(texts)),
    ],
)
def test_a_right_function_is_exact(encode: Encode, corpus: str) -> None:
    check = tb.check_engine(encode, "utf8", corpus)
    assert (check.exact, check.fault, check.mismatch, check.text) == (True, None, None, None)
    hard, _ = encode_hard_texts(tb.load_tokenizer("utf8"))
    assert check.texts == len(hard) + 4
    assert check.sentence.endswith(f"gives the ids of tokbench for utf8 on {check.texts:,} texts")
    with pytest.raises(FrozenInstanceError):
        check.fault = "none"  # type: ignore[misc]


def test_folding_spaces_shows_on_hard_texts_alone(corpus: str) -> None:
    def fold(texts: list[str]) -> list[list[int]]:
        return encode_utf8([re.sub(" +", " ", text) for text in texts])

    check = tb.check_engine(fold, "utf8", corpus)
    assert not check.exact
    assert check.mismatch is not None
    assert check.text == "  a"
    assert (check.mismatch.token, check.mismatch.expected, check.mismatch.got) == (1, (32, 97), (97,))
    assert check.sentence.startswith("fold is not exact for utf8: in the hard texts, token 1 of text 2 ('  a')")


def test_the_corpus_is_compared_after_the_hard_texts(corpus: str) -> None:
    check = tb.check_engine(lambda texts: encode_utf8([t.replace("zebra", "horse") for t in texts]), "utf8", corpus)
    assert check.text == "a zebra"
    assert "in corpus, token 2 of text 3" in check.sentence


def test_reserved_texts_are_among_the_hard_ones(tmp_path: Path, corpus: str) -> None:
    own = train_byte_level()
    own.encode_special_tokens = False
    check = tb.check_engine(
        lambda texts: [e.ids for e in own.encode_batch(texts)], make_tokenizer_json(tmp_path), corpus
    )
    assert check.text is not None
    assert "<|endoftext|>" in check.text
    own.encode_special_tokens = True
    assert tb.check_engine(lambda texts: [e.ids for e in own.encode_batch(texts)], own, corpus).exact
    accelerated = tb.load_tokenizer(make_tokenizer_json(tmp_path), engine="tiktoken")
    assert tb.check_engine(lambda texts: [e.ids for e in own.encode_batch(texts)], accelerated, corpus).exact


calls = count()


@pytest.mark.parametrize(
    ("encode", "fault"),
    [
        (lambda texts: None, "it returns NoneType, not a sequence with the ids of each text"),
        ("".join, "it returns str, not a sequence"),
        (lambda texts: encode_utf8(texts)[1:], "it returns 0 sequences for 1 texts|it returns [0-9]+ sequences for"),
        (lambda texts: [text.split() for text in texts], "the ids of .* are a list of 1 dimensions and type <U"),
        (lambda texts: [[float(b) for b in text.encode()] for text in texts], "type float64, not a row of integers"),
        (lambda texts: [[list(text.encode())] for text in texts], "of 2 dimensions"),
        (lambda texts: [[999] for _ in texts], "the ids of '' hold 999, which is not in 0 to 255"),
        (lambda texts: [[-1] for _ in texts], "hold -1"),
        (lambda texts: [[next(calls) % 256] for _ in texts], "in a second call, token 0 of text"),
        (lambda texts: [[len(texts) % 256] for _ in texts], "for a text alone, token 0 of text"),
        (lambda texts: [list(text.encode()) or [0] for text in texts], r"in the hard texts, token 0 of text 0 \(''\)"),
    ],
)
def test_a_broken_contract_is_named(encode: Encode, fault: str, corpus: str) -> None:
    check = tb.check_engine(encode, "utf8", corpus)
    assert not check.exact
    assert check.fault is not None
    assert re.search(fault, check.fault), check.fault


def test_what_a_function_raises_is_a_fault_and_its_own_bug_is_not_hidden(corpus: str) -> None:
    def refuse(texts: list[str]) -> list[list[int]]:
        if any("\x00" in text for text in texts):
            raise ValueError("embedded null")
        return encode_utf8(texts)

    check = tb.check_engine(refuse, "utf8", corpus)
    assert check.fault is not None
    assert check.fault.endswith("embedded null")
    assert check.text is not None
    assert "\x00" in check.text
    with pytest.raises(KeyError):
        tb.check_engine(lambda texts: {}["missing"], "utf8", corpus)


def test_texts_that_the_reference_gives_up_on_are_left_out() -> None:
    own = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="[UNK]"))
    own.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    reference = tb.load_tokenizer(own)
    with pytest.raises(tb.TokbenchError, match="no unknown token"):
        reference.encode_batch(["b"])
    hard, ids = encode_hard_texts(reference)
    assert {"".join(text.split()).replace("a", "") for text in hard} == {""}
    assert ids.ids.tolist() == reference.encode_batch(hard).ids.tolist()
    assert ids.counts.sum() > 0


def test_the_example_in_the_documentation_runs() -> None:
    page = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "check_engine" in block)
    assert len(code.splitlines()) <= 15
    found: dict[str, Any] = {}
    exec(code, found)
    assert found["check"].exact, found["check"].sentence
