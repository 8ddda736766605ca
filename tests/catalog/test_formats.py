"""Formats are told by content, and damage is found and named."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokbench.catalog.entries import CATALOG
from tokbench.catalog.formats import FORMATS, detect, inspect
from tokbench.catalog.locations import find_location
from tokbench.errors import TokbenchError

SHARED = {
    "bert-base-multilingual-cased": "wordpiece",
    "chatglm-6b": "sentencepiece",
    "chatglm2-6b": "sentencepiece",
    "cl100k_base": "tiktoken",
    "claude": "tiktoken.json",
    "command-r": "tokenizer.json",
    "falcon": "tokenizer.json",
    "gpt-neox-20b": "tokenizer.json",
    "gpt2": "vocab+merges",
    "llama": "sentencepiece",
    "llama3": "tiktoken",
    "mistral-v1": "sentencepiece",
    "moss": "tokenizer.json",
    "mpt": "gguf",
    "openllama-v2": "sentencepiece",
    "opt": "vocab+merges",
    "qwen2.5": "vocab+merges",
    "rwkv-world": "rwkv",
    "t5": "tokenizer.json",
    "xlm-roberta": "tokenizer.json",
}

SMALL = ("bert-base-multilingual-cased", "cl100k_base", "claude", "gpt-neox-20b", "llama", "rwkv-world")
"""One of each format whose file is small."""


def field(number: int, payload: bytes) -> bytes:
    assert len(payload) < 128
    return bytes([number << 3 | 2, len(payload)]) + payload


def piece(text: str, score: float) -> bytes:
    return field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score))


PIECES = b"".join(piece(text, -index) for index, text in enumerate(["<unk>", "<s>", "▁the", "的", "a"]))
SPECS = field(2, b"\x18\x02") + field(3, field(1, b"identity"))
HF = {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}


def write(path: Path, content: bytes | str | object) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_bytes(content.encode())
    else:
        path.write_text(json.dumps(content), encoding="utf-8")
    return path


# ---- what is what


@pytest.mark.parametrize(("name", "expected"), SHARED.items())
def test_real_folders(name: str, expected: str, shared_data: Path) -> None:
    assert detect(shared_data / "tokenizers" / name) == expected


def test_names_do_not_count(shared_data: Path, tmp_path: Path) -> None:
    tokenizers = shared_data / "tokenizers"
    for index, name in enumerate(SMALL):
        expected = SHARED[name]
        source = inspect(tokenizers / name)[1]
        assert len(source) == 1 or expected == "wordpiece"
        copy = tmp_path / f"file{index}.{'json' if expected.endswith('json') else 'xyz'}"
        shutil.copy(source[0], copy)
        assert detect(copy) == expected


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (HF, "tokenizer.json"),
        (b"\xef\xbb\xbf" + json.dumps(HF).encode(), "tokenizer.json"),
        ({"config": {"pattern": "x"}, "vocab": [{"rank": 0, "token_bytes": "AA=="}]}, "tekken"),
        ({"pat_str": "x", "bpe_ranks": "! 0 AA==", "special_tokens": {}}, "tiktoken.json"),
        (PIECES + SPECS, "sentencepiece"),
        ("IQ== 0\nIg== 1\n", "tiktoken"),
        ("IQ== 0\r\nIg== 1", "tiktoken"),
        ("IQ== 0\n= 1\n\n", "tiktoken"),
        ("1 '\\x00' 1\n2 b'\\xff' 1\n3 \"don't\" 5\n", "rwkv"),
        ("1 '\\x00' 1\r\n2 b'\\xff' 1\r\n", "rwkv"),
        ("[PAD]\n[UNK]\nthe\n##s\n", "wordpiece"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + b"rest", "gguf"),
    ],
)
def test_small_files(content: object, expected: str, tmp_path: Path) -> None:
    assert detect(write(tmp_path / "x.json", content)) == expected
    assert expected in FORMATS


def test_a_vocabulary_finds_its_merges_and_the_other_way(tmp_path: Path) -> None:
    vocab = write(tmp_path / "gpt2-vocab.json", {"a": 0, "b": 1, "ab": 2})
    with pytest.raises(TokbenchError, match=r"put merges\.txt into the same folder"):
        detect(vocab)
    merges = write(tmp_path / "gpt2-merges.txt", "#version: 0.2\na b\nab a\n")
    added = write(tmp_path / "added_tokens.json", {"<x>": 3})
    for path in (vocab, merges, tmp_path):
        assert inspect(path) == ("vocab+merges", (vocab, merges, added))


def test_wordpiece_takes_its_configuration_along(tmp_path: Path) -> None:
    vocab = write(tmp_path / "vocab.txt", "[UNK]\na\n")
    config = write(tmp_path / "tokenizer_config.json", {"do_lower_case": False, "tokenizer_class": "BertTokenizer"})
    assert inspect(tmp_path) == ("wordpiece", (vocab, config))


# ---- folders


def test_a_folder_prefers_tokenizer_json(tmp_path: Path) -> None:
    write(tmp_path / "tokenizer.model", PIECES + SPECS)
    assert inspect(tmp_path) == ("sentencepiece", (tmp_path / "tokenizer.model",))
    write(tmp_path / "tokenizer.json", HF)
    assert inspect(tmp_path) == ("tokenizer.json", (tmp_path / "tokenizer.json",))


def test_a_folder_passes_over_what_is_no_tokenizer(tmp_path: Path) -> None:
    write(tmp_path / "chat_template.jinja", "{%- if messages %}")
    write(tmp_path / "README.md", "# words and words\n")
    write(tmp_path / "weights.bin", pickle.dumps([1]))
    write(tmp_path / "empty.txt", b"")
    write(tmp_path / "config.json", {"model_type": "x", "vocab_size": 3})
    with pytest.raises(TokbenchError, match="contains no tokenizer file"):
        detect(tmp_path)
    write(tmp_path / "odd.name", PIECES + SPECS)
    assert inspect(tmp_path) == ("sentencepiece", (tmp_path / "odd.name",))


def test_an_ambiguous_folder_is_refused(shared_data: Path) -> None:
    with pytest.raises(TokbenchError, match=r"several tokenizers: .*240216\.model\.v2, .*240323\.model\.v3"):
        detect(shared_data / "tokenizers" / "mistral-v3")


# ---- what is refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        ('{"version": "1.0",\n "model": {"vocab": {"a": 0,}}}', r"is damaged: line 2 column \d+"),
        (b'{"model": {"vocab": {"\xff": 0}}}', "is damaged: byte 22 is not UTF-8"),
        ({"model": {"type": "BPE"}}, "'model' without a 'vocab'"),
        ({"tokenizer_class": "X"}, "give the folder that contains it"),
        ([1, 2], "contains no known tokenizer"),
        ("IQ== 0\nIg== 1\nnot a rank\n", r"line 3 is b'not a rank'"),
        ("IQ== 0\nIg==", "line 2 is b'Ig=='"),
        ("1 'a' 1\n2 'b", "damaged rwkv vocabulary: line 2"),
        (b"GGUF\x03", "truncated GGUF: 5 bytes"),
        ("just some words of text\n", "contains no known tokenizer"),
        (PIECES + SPECS[:-1], "truncated SentencePiece model: the field at byte"),
        (PIECES, "neither trainer nor normalizer"),
        (PIECES + b"\x0d" + SPECS, "damaged SentencePiece model: no field can be read at byte"),
        (pickle.dumps({"a": 1}), "is a pickle, which is never loaded"),
    ],
)
def test_damage_is_named(content: object, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", content)
    with pytest.raises(TokbenchError, match=message) as caught:
        detect(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_torch_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"a": 1}))
    with pytest.raises(TokbenchError, match="never loaded"):
        detect(tmp_path / "x.pt")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TokbenchError, match="no such file"):
        detect(tmp_path / "nothing.json")


def test_a_real_model_cut_short_is_refused(shared_data: Path, tmp_path: Path) -> None:
    data = (shared_data / "tokenizers/llama/tokenizer.model").read_bytes()
    for keep in (100, 4096, len(data) // 2, len(data) - 1):
        with pytest.raises(TokbenchError, match="truncated SentencePiece model"):
            detect(write(tmp_path / "tokenizer.model", data[:keep]))


def test_a_real_tokenizer_json_cut_short_is_refused(shared_data: Path, tmp_path: Path) -> None:
    data = (shared_data / "tokenizers/t5/tokenizer.json").read_bytes()
    for keep in (1, 5000, len(data) // 2, len(data) - 1):
        with pytest.raises(TokbenchError, match="is damaged"):
            detect(write(tmp_path / "tokenizer.json", data[:keep]))


@given(st.integers(1, len(PIECES + SPECS) - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_cut_of_a_model_is_refused(tmp_path: Path, keep: int) -> None:
    whole = PIECES + SPECS
    # Cut exactly between the trainer's and the normalizer's settings, it is a model without a normalizer.
    if keep != len(PIECES) + len(field(2, b"\x18\x02")):
        with pytest.raises(TokbenchError):
            detect(write(tmp_path / "x.model", whole[:keep]))


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_give_a_format_or_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "x.json", content)
    with suppress(TokbenchError):  # and nothing else is raised
        assert detect(path) in FORMATS


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_the_beginning_of_a_known_file_tells_what_the_whole_does(name: str) -> None:
    entry = CATALOG[name]
    place = None if entry.engine else find_location(entry)
    if place is None:
        pytest.skip(f"{name} is not here")
    file = place.files[0]
    assert inspect(file, intact=True) == inspect(file)
