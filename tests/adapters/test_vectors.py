"""Independent vectors: the ids that other programs give, and the ids that other tools print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.data import SHARED_DATA, needs_data
from helpers.vectors import read_vector
from tokbench import load_tokenizer

VECTORS = {
    "mpt": ("gpt-neox-20b", "redpajama-incite", "mpt"),
    "llama-spm": ("llama",),
    "gpt-2": ("gpt2", "r50k_base"),
    "falcon": ("falcon",),
    "llama-bpe": ("llama3",),
    "qwen2": ("qwen2.5",),
    "command-r": ("command-r",),
    "roberta-bpe": ("opt",),
}
CASES = [(vector, name) for vector, names in VECTORS.items() for name in names]


@needs_data
@pytest.mark.parametrize(("vector", "tokenizer"), CASES)
def test_ids_equal_the_vectors(shared_data: Path, vector: str, tokenizer: str) -> None:
    texts, expected = read_vector(shared_data / "vectors", vector)
    texts = texts[: len(expected)]
    assert len(texts) == len(expected) == 46
    found = load_tokenizer(tokenizer).encode_batch(texts)
    differing = {
        text: (ids.tolist(), want)
        for text, ids, want in zip(texts, found, expected, strict=True)
        if ids.tolist() != want
    }
    assert not differing


def named() -> list[str]:
    if SHARED_DATA is None:
        return []
    return [t["name"] for t in json.loads((SHARED_DATA / "tokenizers.json").read_text()) if t["ids_hello"]]


@needs_data
@pytest.mark.parametrize("name", named())
def test_ids_of_the_greeting(shared_data: Path, name: str) -> None:
    (facts,) = [t for t in json.loads((shared_data / "tokenizers.json").read_text()) if t["name"] == name]
    if not (shared_data / "tokenizers" / name).is_dir() and name != "mistral-tekken":
        pytest.skip(f"the files of {name} are not in the test data")
    tokenizer = load_tokenizer(name)
    assert tokenizer.encode_batch(["Hello world! 你好，世界"]).ids.tolist() == facts["ids_hello"]
    assert (tokenizer.vocab_base, tokenizer.vocab_total) == (facts["vocab_size"], facts["total_size"])
