"""The contract of every adapter, over every file format; what each engine gets right that others do not."""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import made
from helpers.contract import check_contract
from helpers.data import needs_data
from tokbench import TokbenchError, Tokenizer, load_tokenizer
from tokbench.adapters import ADAPTERS, EncodedBatch, TokenTable, reference_adapter

TEXTS = [
    "",
    " ",
    "a",
    "Hello, world!",
    "  two  spaces\n\ttab\r\n",
    "你好，世界 e\u0301 é 😀",
    "the then\u2028\u0085 \x00 \x0b",
    "<|endoftext|></s><s>[UNK]<unk>",
    *made.TEXTS,
]
FORMATS = [*made.MAKERS, "bytes"]
REAL = (
    "gpt-neox-20b",
    "falcon",
    "t5",
    "llama",
    "openllama-v1",
    "chatglm-6b",
    "cl100k_base",
    "claude",
    "rwkv-world",
    "qwen2.5",
)


@pytest.fixture(scope="session")
def load_made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tokenizer]:
    """The small tokenizer of a format, loaded once."""
    loaded: dict[str, Tokenizer] = {}

    def load(file_format: str) -> Tokenizer:
        if file_format not in loaded:
            if file_format == "bytes":
                loaded[file_format] = load_tokenizer("byt5")
            else:
                folder = tmp_path_factory.mktemp("made")
                path = made.MAKERS[file_format](folder if file_format != "vocab+merges" else folder / "pair")
                suffix = "#r50k_base" if file_format == "tiktoken" else ""
                loaded[file_format] = load_tokenizer(f"{path}{suffix}")
        return loaded[file_format]

    return load


@pytest.mark.smoke
@pytest.mark.parametrize("file_format", FORMATS)
def test_contract(load_made: Callable[[str], Tokenizer], file_format: str) -> None:
    check_contract(load_made(file_format), TEXTS)


@pytest.mark.parametrize("file_format", FORMATS)
@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=4))
def test_contract_on_any_text(load_made: Callable[[str], Tokenizer], file_format: str, texts: list[str]) -> None:
    check_contract(load_made(file_format), texts)


def test_every_adapter_is_the_reference_of_a_format_that_is_tested() -> None:
    tested = {reference_adapter(file_format) for file_format in FORMATS}
    assert tested == {name for name in ADAPTERS if ADAPTERS[name].REFERENCE_FOR}


@needs_data
@pytest.mark.parametrize("name", REAL)
def test_contract_of_real_tokenizers(name: str) -> None:
    check_contract(load_tokenizer(name), TEXTS)


@needs_data
@pytest.mark.parametrize("name", ["utf8", "byt5", "rwkv-world", "cl100k_base", "gpt2"])
@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_lossless_tokenizers_lose_nothing(name: str, text: str) -> None:
    tokenizer = load_cached(name)
    assert tokenizer.decode(tokenizer.encode_batch([text]).ids.tolist()) == text


CACHE: dict[str, Tokenizer] = {}


def load_cached(name: str) -> Tokenizer:
    if name not in CACHE:
        CACHE[name] = load_tokenizer(name)
    return CACHE[name]


@pytest.mark.smoke
def test_bytes_have_the_ids_of_their_values() -> None:
    assert load_tokenizer("utf8").encode_batch(["hé", ""]).ids.tolist() == [104, 195, 169]
    assert load_tokenizer("byt5").encode_batch(["hé"]).ids.tolist() == [107, 198, 172]
    assert load_tokenizer("byt5", name="mine").encode_batch(["hé"]).ids.tolist() == [107, 198, 172]


def test_rwkv_takes_the_longest_match(load_made: Callable[[str], Tokenizer]) -> None:
    tokenizer = load_made("rwkv")
    ids = tokenizer.encode_batch(["then the 你好你x"]).ids.tolist()
    assert [tokenizer.token_bytes(token) for token in ids] == [
        b"then", b" the", b" ", "你好".encode(), "你".encode(), b"x",
    ]  # fmt: skip


def test_tekken_shifts_ids_behind_its_special_tokens(load_made: Callable[[str], Tokenizer]) -> None:
    tokenizer = load_made("tekken")
    assert tokenizer.encode_batch(["a"]).ids.tolist() == [10 + ord("a")]
    assert tokenizer.vocab_total == len(made.rank_bytes()) + 10
    assert tokenizer.token_bytes(3) is None


def test_special_token_text_is_plain_text_unless_asked(load_made: Callable[[str], Tokenizer]) -> None:
    tokenizer = load_made("tokenizer.json")
    plain = tokenizer.encode_batch(["a<|endoftext|>"]).ids.tolist()
    assert 0 not in plain
    assert tokenizer.decode(plain) == "a<|endoftext|>"
    assert tokenizer.encode_with_special(["a<|endoftext|>"]).ids.tolist()[-1] == 0
    assert tokenizer.encode_batch(["a<|endoftext|>"]).ids.tolist() == plain
    claude = load_made("tiktoken.json")
    assert 0 not in claude.encode_batch(["<EOT>"]).ids.tolist()
    assert claude.encode_with_special(["<EOT>"]).ids.tolist() == [0]
    with pytest.raises(TokbenchError, match="never reads special tokens"):
        load_tokenizer("utf8").encode_with_special(["x"])


def test_files_of_one_vocabulary_give_the_same_ids(load_made: Callable[[str], Tokenizer]) -> None:
    parts = load_made("vocab+merges").encode_batch(TEXTS)
    composed = [unicodedata.normalize("NFC", text) for text in TEXTS]
    whole, gguf = (load_made(kind).encode_batch(composed) for kind in ("tokenizer.json", "gguf"))  # GGUF: without NFC
    assert whole.ids.tolist() == gguf.ids.tolist()
    plain = [text for text in (text.replace("    ", "  ") for text in composed) if "  " not in text]
    assert (
        load_made("vocab+merges").encode_batch(plain).ids.tolist()
        == load_made("tokenizer.json").encode_batch(plain).ids.tolist()
    )
    assert len(parts) == len(TEXTS)


@pytest.mark.smoke
def test_gguf_gives_the_ids_of_the_sentencepiece_model(tmp_path: Path) -> None:
    rebuilt = load_tokenizer(str(made.make_gguf_sentencepiece(tmp_path)))
    original = load_tokenizer(str(tmp_path / "tokenizer.model"))
    assert rebuilt.encode_batch(TEXTS).ids.tolist() == original.encode_batch(TEXTS).ids.tolist()
    assert rebuilt.engine.startswith("sentencepiece==")


def test_padding_of_a_gguf_is_no_token(load_made: Callable[[str], Tokenizer]) -> None:
    assert load_made("gguf").vocab_total == load_made("tokenizer.json").vocab_total == 401
    assert load_made("gguf").vocab_base == 400


@pytest.mark.smoke
def test_unknown_characters_have_spans(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(made.make_wordpiece(tmp_path)))
    spans = tokenizer.spans(["a 😀😀 b"])
    assert spans is not None
    (unknown,) = np.flatnonzero(spans.batch.ids == tokenizer.unk_id)
    assert (spans.starts[unknown], spans.ends[unknown]) == (2, 4)


@needs_data
def test_chatglm_keeps_line_feeds_tabs_and_runs_of_spaces() -> None:
    tokenizer = load_tokenizer("chatglm-6b")
    text = "a\n\tb" + " " * 100 + "c"
    assert tokenizer.decode(tokenizer.encode_batch([text]).ids.tolist()) == text
    assert tokenizer.decode(tokenizer.encode_batch(["你好，世界"]).ids.tolist()) == "你好,世界"


@needs_data
def test_claude_composes_by_compatibility_first() -> None:
    tokenizer = load_tokenizer("claude")
    assert tokenizer.encode_batch(["ﬁ！"]).ids.tolist() == tokenizer.encode_batch(["fi!"]).ids.tolist()


@needs_data
def test_gpt_neox_is_not_lossless() -> None:
    tokenizer = load_tokenizer("gpt-neox-20b")
    assert tokenizer.decode(tokenizer.encode_batch(["e\u0301 \u212b"]).ids.tolist()) == "é Å"


def test_a_batch_of_arrays_equals_one_of_lists() -> None:
    lists = [[1, 2], [], [3]]
    by_arrays = EncodedBatch.from_arrays([np.array(ids, np.int32) for ids in lists])
    by_lists = EncodedBatch.from_lists(lists)
    assert by_arrays.ids.tolist() == by_lists.ids.tolist() == [1, 2, 3]
    assert by_arrays.offsets.tolist() == by_lists.offsets.tolist() == [0, 2, 2, 3]
    assert by_lists[-1].tolist() == [3]
    assert by_lists.sum_by_text(by_lists.ids > 1).tolist() == [1, 0, 1]
    assert len(EncodedBatch.from_arrays([])) == 0


def test_ids_are_located_in_the_text_that_they_decode_to() -> None:
    table = TokenTable.from_tokens([b" ", b" a", "é".encode()[:1], "é".encode()[1:], None])
    located = table.locate(np.array([1, 2, 3]), b" ", "aé".encode())
    assert located is not None
    assert [bounds.tolist() for bounds in located] == [[-1, 1, 2], [1, 2, 3]]
    assert table.locate(np.array([1, 2, 3]), b"", "aé".encode()) is None
    assert table.locate(np.array([1, 2, 3]), None, " aé".encode()) is None
    assert table.locate(np.array([1, 4]), b" ", b"a") is None


def test_the_token_table_knows_partial_characters() -> None:
    table = TokenTable.from_tokens([b"a", None, "é".encode(), "é".encode()[:1], b"", b"x\xc3"])
    assert table.partial.tolist() == [False, False, False, True, False, True]
    assert table.lengths.tolist() == [1, 0, 2, 1, 0, 2]
    assert [table[i] for i in range(6)] == [b"a", None, "é".encode(), b"\xc3", b"", b"x\xc3"]
    spaces = TokenTable.from_tokens([b" ", b"\n\t ", b"", None, b" a", "\u3000".encode(), b"a"])
    assert spaces.blank.tolist() == [True, True, False, False, False, False, False]
    assert table.concatenate(np.array([2, 0, 4, 3], np.int32)).tobytes() == "éa".encode() + b"\xc3"


BROKEN = {
    "tokenizer.json": b'{"version": "1.0", "model": {"type": "BPE"',
    "tokenizer.model": b"\x0a\x0e\x0a\x05<unk>\x15\x00",
    "small.tiktoken": b"YQ== 0\nnot base64! 1\n",
    "tekken.json": b'{"config": {}, "vocab": []}',
    "rwkv_vocab.txt": b"1 'a' 1\n2 'b' 7\n",
    "empty.json": b"",
}


def test_an_adapter_refuses_what_it_does_not_read(load_made: Callable[[str], Tokenizer]) -> None:
    for name in ADAPTERS:
        file_format = "gguf" if name in ("rwkv", "fastokens") else "rwkv"
        path = load_made(file_format).asset.files[0]
        with pytest.raises(TokbenchError, match=f"the adapter {name} does not read .* of the format {file_format}"):
            load_tokenizer(path, engine=name)


def test_a_path_object_is_never_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "utf8").mkdir()
    made.make_tokenizer_json(tmp_path / "utf8")
    assert load_tokenizer("utf8").asset.files == ()
    assert load_tokenizer(Path("utf8")).asset.files == (tmp_path / "utf8" / "tokenizer.json",)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    with pytest.raises(TokbenchError) as caught:
        load_tokenizer(f"{path}#cl100k_base" if name.endswith(".tiktoken") else str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ranks_that_would_make_the_engine_panic(tmp_path: Path) -> None:
    path = made.make_ranks(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    for content, message in (
        ([*lines, b"YWJjZA== 7\n"], "2 tokens have the rank 7"),
        (lines[:97] + lines[98:], "no token is the byte 97"),
    ):
        path.write_bytes(b"".join(content))
        with pytest.raises(TokbenchError, match=message):
            load_tokenizer(f"{path}#r50k_base")


def test_ranks_read_by_the_rules_of_a_smaller_vocabulary(tmp_path: Path) -> None:
    path = made.make_ranks(tmp_path)
    with path.open("ab") as file:
        file.write(b"YWJjZA== 50256\nYmNkZQ== 60000\n")  # r50k_base has its only special token at 50256
    tokenizer = load_tokenizer(f"{path}#r50k_base")
    assert tokenizer.vocab_total == 60001
    assert tokenizer.token_bytes(60000) == b"bcde"
    assert tokenizer.decode([50256]) == "abcd"
    with pytest.raises(TokbenchError, match="no special token is known"):
        tokenizer.encode_with_special(["x"])


def test_a_folder_called_as_a_smaller_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", str(tmp_path))
    (tmp_path / "p50k_base").mkdir()
    path = made.make_ranks(tmp_path / "p50k_base")
    with path.open("ab") as file:
        file.writelines(b"%s %d\n" % (b64encode(b"%07d" % number), number) for number in range(1000, 52000))
    with pytest.raises(TokbenchError, match="tokens, p50k_base has 50281 in all: it is another one"):
        load_tokenizer("p50k_base")


def test_a_piece_that_is_no_text_is_one_clear_line(tmp_path: Path) -> None:
    path = made.make_sentencepiece(tmp_path)
    content = path.read_bytes()
    assert content.count(b"\xe2\x96\x81") > 1
    path.write_bytes(content.replace(b"\xe2\x96\x81", b"\xe2\xe2\x81"))
    with pytest.raises(TokbenchError, match=r"SentencePiece cannot load it .*utf-8"):
        load_tokenizer(str(path))


def test_a_gguf_without_its_merges_is_one_clear_line(tmp_path: Path) -> None:
    path = made.make_gguf(tmp_path)
    content = path.read_bytes()
    for field in (b"tokenizer.ggml.merges", b"tokenizer.ggml.token_type"):
        path.write_bytes(content.replace(field, field[:-1] + b"X"))
        with pytest.raises(TokbenchError, match=f"there is no field '{field.decode()}'"):
            load_tokenizer(str(path))


def test_bert_has_its_special_tokens(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(made.make_wordpiece(tmp_path)))
    (special,) = tokenizer.encode_with_special(["[UNK]"]).ids.tolist()
    assert special == tokenizer.unk_id
    assert len(tokenizer.encode_batch(["[UNK]"]).ids) > 1
    assert tokenizer.token_bytes(special) is None


def test_special_tokens_are_decoded_where_their_text_is_known(load_made: Callable[[str], Tokenizer]) -> None:
    for name, text in (("tokenizer.json", "<|endoftext|>"), ("tiktoken.json", "<EOT>")):
        tokenizer = load_made(name)
        assert tokenizer.decode(tokenizer.encode_with_special([f"a{text}b"]).ids.tolist()) == f"a{text}b"


def test_bare_ranks_need_a_pattern(tmp_path: Path) -> None:
    path = made.make_ranks(tmp_path)
    with pytest.raises(TokbenchError, match=r"does not say how text is split.*#cl100k_base"):
        load_tokenizer(str(path))


@needs_data
def test_only_wordpiece_marks_continuations() -> None:
    t5, bert = load_cached("t5"), load_cached("bert-base-multilingual-cased")
    assert t5.token_bytes(30345) == b"##"
    ids = bert.encode_batch(["tokenization"]).ids.tolist()
    assert b"".join(bert.token_bytes(token) or b"" for token in ids) == b"tokenization"
