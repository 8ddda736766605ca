"""The header of a GGUF file as it is read, damaged or whole, and the vocabulary of one that is written."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from helpers import made
from tokbench import TokbenchError
from tokbench.catalog.gguf_header import read_header

pytest.importorskip("gguf")
from helpers import llama_cpp

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5


def test_every_truncation_is_one_clear_line(tmp_path: Path) -> None:
    path = _write_header(tmp_path / "small.gguf")
    content = path.read_bytes()
    assert read_header(path).fields["tokenizer.ggml.tokens"] == ["a", "bc"]
    for end in range(24, len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(TokbenchError, match="not a readable GGUF file") as caught:
            read_header(path)
        assert "\n" not in str(caught.value)


def test_lengths_beyond_the_file_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = _write_header(tmp_path / "small.gguf")
    content = path.read_bytes()
    for at in (8, 16, content.index(struct.pack("<Q", 2) + struct.pack("<Q", 1) + b"a")):
        path.write_bytes(content[:at] + struct.pack("<Q", 1 << 60) + content[at + 8 :])
        with pytest.raises(TokbenchError, match="values are announced at byte"):
            read_header(path)


@pytest.mark.parametrize("version", [1, 4, 0x03000000])
def test_versions_that_are_not_read(tmp_path: Path, version: int) -> None:
    path = _write_header(tmp_path / "small.gguf")
    path.write_bytes(b"GGUF" + struct.pack("<I", version) + path.read_bytes()[8:])
    with pytest.raises(TokbenchError, match=f"version {version}; only versions 2 and 3, little-endian, are supported"):
        read_header(path)


def _write_header(path: Path) -> Path:
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_token_list(["a", "bc"])
    writer.add_token_scores([0.5, 1.5])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_the_header_is_what_the_library_reads(tmp_path: Path) -> None:
    from gguf import GGUFReader

    tokens = ["a", "bc", ""]
    path = llama_cpp.write(tmp_path / "x.gguf", "gpt2", tokens, [1, 4, 5], merges=["a b"], scores=[0.5, -1.0, 0.0])
    header, reader = read_header(path), GGUFReader(path)
    for key, field in reader.fields.items():
        if not key.startswith("GGUF."):
            found = header.fields[key]
            assert (found.tolist() if hasattr(found, "tolist") else found) == field.contents(), key
    for tensor in reader.tensors:
        info = header.tensors[tensor.name]
        assert (info.shape, info.type) == (tuple(map(int, tensor.shape))[::-1], tensor.tensor_type)
        assert header.data + info.offset == tensor.data_offset


# ---- what is written


def test_types_of_a_written_vocabulary(tmp_path: Path) -> None:
    from tokbench.pythia.backends._gguf_writing import read_vocabulary
    from tokbench.pythia.model.architecture import Architecture

    path = made.make_tokenizer_json(tmp_path)  # 400 tokens, the first of them special, and an added one
    vocabulary = read_vocabulary(path, Architecture(layers=1, width=64, heads=4, vocab_rows=404))
    assert vocabulary.types == [CONTROL, *[NORMAL] * 399, USER_DEFINED, *[UNUSED] * 3]
    assert vocabulary.tokens[400:] == ["    ", "[PAD401]", "[PAD402]", "[PAD403]"]
    assert vocabulary.pre == "olmo"


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ([{"type": "ByteLevel", "use_regex": True}], "gpt-2"),
        ([{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "use_regex": True}], "starcoder"),
        ([{"type": "Digits", "individual_digits": False}, {"type": "ByteLevel", "use_regex": True}], None),
        ([{"type": "Split"}, {"type": "ByteLevel", "use_regex": False}], None),
        ([{"type": "ByteLevel", "use_regex": True, "add_prefix_space": True}], None),
        ([{"type": "Metaspace"}], None),
    ],
)
def test_a_written_vocabulary_names_its_split_or_is_refused(
    tmp_path: Path, steps: list[dict[str, object]], name: str | None
) -> None:
    from tokbench.pythia.backends._gguf_writing import read_vocabulary
    from tokbench.pythia.model.architecture import Architecture

    path = made.make_tokenizer_json(tmp_path)
    content = json.loads(path.read_bytes()) | {"normalizer": None}
    path.write_text(json.dumps(content | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": steps}}))
    architecture = Architecture(layers=1, width=64, heads=4, vocab_rows=404)
    if name is None:
        with pytest.raises(TokbenchError, match="has no name for how it splits text"):
            read_vocabulary(path, architecture)
    else:
        assert read_vocabulary(path, architecture).pre == name
