"""Losses from bytes alone: what is the text, what is its composed form, what is left to the engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokbench as tb
from tokbench.adapters import EncodedBatch, TokenTable
from tokbench.catalog.sources import Asset
from tokbench.measurement import round_trip
from tokbench.measurement.recorded import RecordedTokenizer
from tokbench.measurement.round_trip import Loss, classify_losses, compare_bytes, compare_texts
from tokbench.measurement.words import LanguageTexts

TOKENS = [b"a", b"bc", b" ", "\u00e9".encode(), "e\u0301".encode(), b"\xc3", b"\xa9", b" a", b"longer than eight bytes"]


class Counting(RecordedTokenizer):
    """Notes which ids it had to decode."""

    decoded: list[list[int]]

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        self.decoded = [ids.tolist() for ids in batch]
        return super().decode_batch(batch)


def make_tokenizer(prefix: bytes | None = b"") -> Counting:
    asset = Asset("x", "ids", (), "0", "ids", None)
    tokenizer = Counting(asset, TokenTable.from_tokens(TOKENS), prefix=prefix or b"", unk_id=None)
    tokenizer.prefix = prefix
    tokenizer.decoded = []
    return tokenizer


def classify(
    texts: list[str], ids: list[list[int]], prefix: bytes | None = b""
) -> tuple[list[object], list[list[int]]]:
    """For each text: (is it the bytes, is its form, loss); and what was decoded."""
    tokenizer, batch = make_tokenizer(prefix), EncodedBatch.from_lists(ids)
    read = LanguageTexts.read(texts)
    found = compare_texts(tokenizer, batch, read)
    columns = (found.exact, found.composed, classify_losses(tokenizer, batch, read, found))
    rows: list[object] = list(zip(*(column.tolist() for column in columns), strict=True))
    return rows, tokenizer.decoded


def test_each_way_to_a_loss_by_hand() -> None:
    rows, decoded = classify(
        ["abc", "\u00e9", "e\u0301", "e\u0301", "a  a", "bc", "a", "abc"],
        [[0, 1], [5, 6], [4], [3], [0, 7], [0], [], [1, 0]],
    )
    assert rows == [
        (True, False, Loss.EXACT),
        (True, False, Loss.EXACT),  # in two parts of a character
        (True, False, Loss.EXACT),
        (False, True, Loss.NFC),
        (False, False, Loss.WHITESPACE),
        (False, False, Loss.LOSSY),
        (False, False, Loss.LOSSY),
        (False, False, Loss.LOSSY),  # as many bytes, in another order
    ]
    assert decoded == [[0, 7], [0], [], [1, 0]]


def test_a_prefix_comes_before_each_text() -> None:
    rows, decoded = classify(["a", "bc", "e\u0301", "a"], [[7], [2, 1], [2, 3], [0]], b" ")
    assert rows == [
        (True, False, Loss.EXACT), (True, False, Loss.EXACT), (False, True, Loss.NFC), (False, False, Loss.EXACT),
    ]  # fmt: skip
    assert decoded == [[0]]


def test_without_a_known_prefix_all_is_decoded() -> None:
    rows, decoded = classify(["abc", "e\u0301"], [[0, 1], [3]], None)
    assert rows == [(False, False, Loss.EXACT), (False, False, Loss.NFC)]
    assert decoded == [[0, 1], [3]]


def test_ids_may_go_far_beyond_the_end_of_all_texts() -> None:
    rows, decoded = classify(["a", "a"], [[0], [0] * 40])
    assert rows == [(True, False, Loss.EXACT), (False, False, Loss.LOSSY)]
    assert decoded == [[0] * 40]


def test_no_texts_and_texts_without_a_byte() -> None:
    assert classify([], []) == ([], [])
    assert classify(["", ""], [[], [0]])[0] == [(True, False, Loss.EXACT), (False, False, Loss.LOSSY)]


@pytest.mark.parametrize("block", [1, 7, 50_000])
@pytest.mark.parametrize("prefix", [b"", b" ", b"> "])
@given(texts=st.lists(st.lists(st.integers(0, len(TOKENS) - 1), max_size=5), min_size=1, max_size=6), data=st.data())
def test_bytes_are_compared_as_python_compares_them(
    prefix: bytes, block: int, texts: list[list[int]], data: st.DataObject
) -> None:
    """Some texts are those of other ids: longer, shorter, and equally long with a byte changed."""
    given_ids = [data.draw(st.sampled_from([ids, ids[::-1], [*ids, 0], ids[1:]])) for ids in texts]
    written = [b"".join(TOKENS[i] for i in ids).decode(errors="replace") for ids in texts]
    table = TokenTable.from_tokens([*TOKENS, prefix])
    batch = EncodedBatch.from_lists([[len(TOKENS), *ids] for ids in given_ids])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(round_trip, "BLOCK_TOKENS", block)
        same, continued = compare_bytes(batch, table, prefix, LanguageTexts.read(written, spaced=True))
    expected = [b"".join(TOKENS[i] for i in ids) == t.encode() for ids, t in zip(given_ids, written, strict=True)]
    assert same.tolist() == expected
    words = [
        count_continued([TOKENS[i] for i in ids], text) if equal else 0
        for ids, text, equal in zip(given_ids, written, expected, strict=True)
    ]
    assert continued.tolist() == words


def count_continued(tokens: list[bytes], text: str) -> int:
    """Count the words of a text in which a token ends before the word does."""
    ends = [len(b"".join(tokens[: i + 1])) for i in range(len(tokens))]
    at, found = 0, 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        first, last = (len(text[:bound].encode()) for bound in (start, at))
        found += any(first < end < last for end in ends)
    return found


def test_ids_of_normalised_text_have_bytes_that_say_where_tokens_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue says that qwen3 normalises text to NFC: its ids are the bytes of that form, decoded as they are."""
    pytest.importorskip("splintr", reason="the vocabulary: install tokbench[bundled]")
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    tokenizer = tb.load_tokenizer("qwen3", offline=True)
    assert tokenizer.prefix == b""
    corpus = tb.ParallelCorpus.from_texts({"fr": ["cafe\u0301 noir", "caf\u00e9 noir"]}, name="two forms")
    counted = tb.measure([tokenizer], corpus).counts
    assert counted["loss"].to_list() == [Loss.NFC, Loss.EXACT]
    assert counted["continued_words"].null_count() == 0
    assert counted["tokens"][0] == counted["tokens"][1]
