"""Ids, ranks and tokens of vocabulary files that are out of bounds, double, missing, empty or no text."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from helpers.made import (
    make_claude_json,
    make_gguf_sentencepiece,
    make_ranks,
    make_rwkv,
    make_tekken,
    make_tokenizer_json,
    make_vocab_and_merges,
    make_wordpiece,
)
from tokbench.adapters import load_tokenizer
from tokbench.catalog.ids import MOST_IDS, check_id, check_size, parse_id
from tokbench.catalog.rank_files import parse_ranks
from tokbench.errors import TokbenchError

FAR = MOST_IDS
BOUND = f"ids must be from 0 to {MOST_IDS - 1:,}"


def refuse(argument: str | Path, says: str) -> None:
    with pytest.raises(TokbenchError) as caught:
        load_tokenizer(str(argument))
    assert "\n" not in str(caught.value)
    assert says in str(caught.value)


def test_numbers() -> None:
    assert (check_id(0, "x"), check_id(FAR - 1, "x"), parse_id(b"007", "x"), parse_id(b"0" * 20, "x")) == (
        0,
        FAR - 1,
        7,
        0,
    )
    for value in (-1, FAR, 10**9, 10**5000, True, 1.0, float("nan"), float("inf"), "5", None):
        with pytest.raises(TokbenchError, match=r"^x: the id is "):
            check_id(value, "x")
    for digits in (b"", b"-1", b"1_0", b"+1", "\uff15".encode(), b"16777216", b"9" * 10, b"9" * 6000):
        with pytest.raises(TokbenchError, match=r"^x: the id "):
            parse_id(digits, "x")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1000000000 'zz' 2", "line 264: the id is 1,000,000,000"),
        (f"{FAR} 'zz' 2", "line 264: the id is 16,777,216"),
        ("9" * 5000 + " 'zz' 2", "line 264: the id has 5000 digits"),
        ("5 'zz' 2", "line 264: an earlier line has the id 5 already"),
        ("900 'the' 3", "line 264: an earlier line has the token b'the' already"),
        ("900 '\\ud800' 3", "line 264: the token contains a lone surrogate"),
        ("900 '' 0", "line 264: the token is empty"),
        ("900 b'' 0", "line 264: the token is empty"),
        ("900 'zz' 99999999999999999999", "line 264: the token is not 99999999999999999999 bytes long"),
        ("900 '" + "a" * 10 + "' 9", "line 264: the token is not 9 bytes long"),
        ("900 '\\N{NO SUCH}' 1", "line 264: not a line of an RWKV vocabulary"),
        ("-5 'zz' 2", "line 264"),
    ],
)
def test_lines_of_rwkv(tmp_path: Path, line: str, says: str) -> None:
    path = make_rwkv(tmp_path)
    path.write_text(f"{path.read_text('utf-8')}{line}\n", "utf-8")
    refuse(path, says)


def test_rwkv_without_a_byte_and_not_utf8(tmp_path: Path) -> None:
    path = make_rwkv(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:65] + lines[66:]))
    refuse(path, "no token for the byte 65")
    path.write_bytes(b"".join([*lines, b"900 '\xff' 1\n"]))
    refuse(path, "line 264: not UTF-8")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"enp6 1000000000", "line 265: the rank is 1,000,000,000"),
        (b"enp6 16777216", "line 265: the rank is 16,777,216"),
        (b"enp6 " + b"9" * 5000, "line 265: the rank has 5000 digits"),
        (b"dGhl 900", "line 265: the token b'the' has the rank 257 already"),
        (b"dGhl 256", "line 265: the token b'the' has the rank 257 already"),
        (b"enp6 5", "2 tokens have the rank 5"),
        (b"enp6 -1", "line 265"),
        (b"enp6 1_0", "line 265"),
        (b"enp6 +7", "line 265"),
        (b"enp6", "line 265"),
        (b"enp6 1 2", "line 265"),
        (b"%%% 900", "line 265"),
    ],
)
def test_lines_of_rank_files(tmp_path: Path, line: bytes, says: str) -> None:
    path = make_ranks(tmp_path)
    path.write_bytes(path.read_bytes() + line + b"\n")
    refuse(f"{path}#cl100k_base", says)


def test_rank_files_as_they_occur() -> None:
    assert parse_ranks(b"IQ== 0\r\n\n= 1\nIg== 2", Path("x")) == {b"!": 0, b"": 1, b'"': 2}
    assert parse_ranks(b"", Path("x")) == {}


def change(path: Path, edit: Callable[[Any], object]) -> Path:
    document = json.loads(path.read_text("utf-8"))
    edit(document)
    path.write_text(json.dumps(document), "utf-8")
    return path


def put(*keys: Any) -> Callable[[Any], None]:
    """Set the value at a path of keys, of which the last is the value."""

    def edit(document: Any) -> None:
        for key in keys[:-2]:
            document = document[key]
        document[keys[-2]] = keys[-1]

    return edit


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (put("vocab", 260, "rank", 10**9), "token 260 of vocab: the rank is 1,000,000,000"),
        (put("vocab", 260, "rank", -5), "token 260 of vocab: the rank is -5"),
        (put("vocab", 260, "rank", 1.5), "rank is 1.5, not a whole number"),
        (put("vocab", 260, "rank", float("inf")), "rank is inf, not a whole number"),
        (put("vocab", 260, "rank", 3), "2 tokens have the rank 3"),
        (
            put("vocab", 260, "token_bytes", "dGhl"),
            "the token b'the' has the rank 257 already",
        ),
        (put("vocab", 260, "token_bytes", None), "token_bytes is None, not a string"),
        (put("vocab", 3, 7), "token 3 of vocab: 7 is not an object"),
        (put("vocab", "abc"), "is JSON, but not a known tokenizer"),
        (put("config", "default_num_special_tokens", -5), "the size is -5"),
        (put("config", "default_num_special_tokens", 10**6), "1000000 are special"),
        (put("config", "default_vocab_size", float("inf")), "default_vocab_size is inf"),
        (put("config", "default_vocab_size", 10**9), "default_vocab_size: the size is 1,000,000,000"),
        (put("config", "default_vocab_size", "7"), "default_vocab_size is '7', not a whole number"),
        (put("config", "pattern", 5), "pattern is 5, not a string"),
        (put("special_tokens", 5), "special_tokens is 5, not a list of objects"),
        (put("special_tokens", [{"rank": -5, "token_str": "<s>"}]), "the special token '<s>': the id is -5"),
        (put("special_tokens", [{"rank": 1, "token_str": ""}]), "a special token is empty"),
        (put("special_tokens", [{"rank": 1, "token_str": "\ud800"}]), "contains a lone surrogate"),
        (put("special_tokens", [{"rank": 1, "token_str": s} for s in "ab"]), "two special tokens have the id 1"),
    ],
)
def test_values_of_tekken(tmp_path: Path, edit: Callable[[Any], None], says: str) -> None:
    refuse(change(make_tekken(tmp_path), edit), says)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (put("bpe_ranks", "! 1000000000 IQ=="), "bpe_ranks line 1: the rank is 1,000,000,000"),
        (put("bpe_ranks", f"! {MOST_IDS - 1} IQ== Ig=="), "the last rank is 16,777,2"),
        (put("bpe_ranks", "! -5 IQ=="), "the rank is '-5', not digits"),
        (put("bpe_ranks", "! x IQ=="), "the rank is 'x', not digits"),
        (put("bpe_ranks", "! 0 IQ== IQ=="), "the token b'!' has the rank 0 already"),
        (put("bpe_ranks", "! 0 IQ==\n\n"), "bpe_ranks line 2"),
        (put("bpe_ranks", 5), "bpe_ranks is 5, not a string"),
        (put("bpe_ranks", "! 0 \ud800"), "not base64"),
        (put("pat_str", None), "pat_str is None, not a string"),
        (put("special_tokens", {"<EOT>": 10**9}), "the special token '<EOT>': the id is 1,000,000,000"),
        (put("special_tokens", {"<EOT>": -1}), "the id is -1"),
        (put("special_tokens", {"<EOT>": 0.5}), "the id is 0.5, not a whole number"),
        (put("special_tokens", {"<EOT>": float("nan")}), "the id is nan, not a whole number"),
        (put("special_tokens", {"<EOT>": True}), "the id is True, not a whole number"),
        (put("special_tokens", {"": 0}), "a special token is empty"),
        (put("special_tokens", {"\ud800": 0}), "contains a lone surrogate"),
        (put("special_tokens", [1]), "special_tokens is [1], not an object"),
        (lambda document: document.pop("special_tokens"), "there is no 'special_tokens'"),
    ],
)
def test_values_of_claude(tmp_path: Path, edit: Callable[[Any], object], says: str) -> None:
    refuse(change(make_claude_json(tmp_path), edit), says)


VOCABULARY = [
    ({"zz": -1}, "the token 'zz': the id is -1"),
    ({"zz": 10**9}, "the token 'zz': the id is 1,000,000,000"),
    ({"zz": 1 << 32}, "the token 'zz': the id is 4,294,967,296"),
    ({"zz": 1.5}, "the token 'zz': the id is 1.5, not a whole number"),
    ({"zz": None}, "the token 'zz': the id is None, not a whole number"),
    ({"zz": 5}, "both have the id 5"),
    ({"\ud800": 900}, "contains a lone surrogate"),
]


@pytest.mark.parametrize(("more", "says"), VOCABULARY)
def test_values_of_tokenizer_json(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    refuse(change(make_tokenizer_json(tmp_path), lambda document: document["model"]["vocab"].update(more)), says)


@pytest.mark.parametrize(("more", "says"), VOCABULARY)
def test_values_of_vocab_json(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    folder = make_vocab_and_merges(tmp_path / "made")
    change(folder / "vocab.json", lambda document: document.update(more))
    refuse(folder / "vocab.json", says)


def test_repeated_keys_and_ids_of_added_tokens(tmp_path: Path) -> None:
    path = make_tokenizer_json(tmp_path)
    text = path.read_text("utf-8")
    path.write_text(
        text.replace('"vocab": {', '"vocab": {"A": 7, "A": 8, ', 1).replace('"vocab":{', '"vocab":{"A":7,"A":8,')
    )
    refuse(path, "the key 'A' is repeated")
    path.write_text(text, "utf-8")
    for number, says in ((-1, "the id is -1"), (10**9, "the id is 1,000,000,000"), ("5", "the id is '5'")):
        change(path, lambda document, number=number: document["added_tokens"][0].update(id=number))
        refuse(path, f"the added token '<|endoftext|>': {says}")


def test_ids_of_companions(tmp_path: Path) -> None:
    folder = make_vocab_and_merges(tmp_path / "made")
    for number in ("-1", str(MOST_IDS), "1000000000", "9" * 5000):
        settings = {"tokenizer_class": "GPT2Tokenizer", "added_tokens_decoder": {number: {"content": "zz"}}}
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        refuse(folder, "an id must be a whole number from 0 to 16,777,215")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("make", [make_rwkv, make_wordpiece, make_tokenizer_json, make_ranks])
def test_files_in_another_encoding(tmp_path: Path, make: Callable[[Path], Path], encoding: str) -> None:
    path = make(tmp_path)
    path.write_bytes(path.read_text("utf-8").encode(encoding))
    refuse(f"{path}#cl100k_base" if make is make_ranks else path, "looks like UTF-16; convert it to UTF-8: iconv")


def test_files_that_are_too_large_empty_or_closed(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(b'{"model": {"vocab": ')
    os.truncate(path, (1 << 30) + 1)  # a sparse file: nothing is written, and nothing of it is read
    with pytest.raises(TokbenchError, match=r"is 1\.0 GiB, but vocabularies are at most"):
        check_size(path)
    refuse(path, "is 1.0 GiB")
    path.write_bytes(b"")
    refuse(path, "is empty")
    refuse(tmp_path, "is empty")
    path.write_bytes(b"[" * 100_000)
    refuse(path, "contains no known tokenizer")
    path.write_bytes(b'{"model": {"vocab": ' + b"[" * 100_000)
    refuse(path, "is JSON, but not a known tokenizer")


@pytest.mark.skipif(find_spec("gguf") is None, reason="not installed: gguf")
def test_types_and_scores_of_gguf(tmp_path: Path) -> None:
    path = make_gguf_sentencepiece(tmp_path)
    whole = path.read_bytes()
    for key, size, value, says in (
        ("token_type", 4, (77).to_bytes(4, "little"), "the token 3 is of the unknown type 77"),
        ("scores", 4, b"\0\0\xc0\x7f", "the score of the token 3 is not a number"),
    ):
        content = bytearray(whole)
        # behind the key: type of the value (an array), type of its elements, their number
        at = content.index(f"tokenizer.ggml.{key}".encode()) + len(f"tokenizer.ggml.{key}") + 16 + 3 * size
        content[at : at + size] = value
        path.write_bytes(content)
        refuse(path, says)
