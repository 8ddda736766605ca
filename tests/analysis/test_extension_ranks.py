"""Rank files and files that take whole words, extended: ids stay, and tiktoken gives those of the tokenizer.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiktoken
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.commands import run
from helpers.data import needs_data
from helpers.made import make_ranks, make_tekken, rank_bytes
from helpers.trained import MANY, train
from tokbench.adapters import load_tokenizer
from tokbench.adapters.tiktoken import TiktokenTokenizer
from tokbench.analysis.extension import Extension, extend
from tokbench.analysis.extension._documents import (
    NewTokens,
    describe_tokens,
    encode,
    extend_form,
    find_runs,
    load_form,
    merge_stretch,
)
from tokbench.analysis.extension._forms import build_form
from tokbench.analysis.extension._merging import Merging
from tokbench.analysis.extension._rank_forms import add_ranks, check_ranks, convert_pattern
from tokbench.analysis.extension._token_texts import SortedSides, TokenTexts
from tokbench.analysis.extension._words import WordCounts, split_text
from tokbench.catalog.rank_files import parse_ranks
from tokbench.corpora import load_corpus
from tokbench.errors import TokbenchError
from tokbench.pythia.model.resolution import resolve_model

MODEL = resolve_model("70m")
WORDS = r"\S+|\s+"
BYTES = {bytes([byte]): byte for byte in range(256)}
A, B, C = b"abc"


def load_ranks(extra: list[bytes], special: dict[str, int] | None = None) -> TiktokenTokenizer:
    ranks = BYTES | {token: 256 + place for place, token in enumerate(extra)}
    tokenizer = load_tokenizer(
        tiktoken.Encoding("made", pat_str=WORDS, mergeable_ranks=ranks, special_tokens=special or {}), name="made"
    )
    assert isinstance(tokenizer, TiktokenTokenizer)
    return tokenizer


def train_on(tokenizer: TiktokenTokenizer, texts: list[str], most: int) -> tuple[dict, TokenTexts, NewTokens]:
    form = build_form(tokenizer)
    tokens = TokenTexts(form, True, first=tokenizer.vocab_total, by_text=True)
    counts = WordCounts(tokens)
    for stretches in split_text(load_form(form), texts):
        counts.add(stretches)
    steps = Merging(counts.words(), counts.savings, tokens.first, tokens).train(most)
    return form, tokens, describe_tokens(tokens, [step.parts for step in steps])


def test_new_ranks_by_hand() -> None:
    """Ranks ab and bc; the special token has the id 300, so that new tokens begin at 301."""
    tokenizer = load_ranks([b"ab", b"bc"], {"<end>": 300})
    form, tokens, new = train_on(tokenizer, ["xabc xabc yabc", "cabc"], 2)
    # abc is ab c in each word: 4 times; then x abc twice
    assert (new.first, new.texts) == (301, ("abc", "xabc"))
    assert new.parts == ((256, C), (ord("x"), 301))
    assert new.pieces == ((256, C), (ord("x"), 256, C))
    assert new.pairs == (((A, 257), (256, C)), ((ord("x"), 301),))
    extended = extend_form(form, tokens, new, 2)
    assert list(encode(load_form(extended), ["xabc abc yabc"])) == [[302, 32, 301, 32, ord("y"), 301]]
    assert list(encode(load_form(extend_form(form, tokens, new, 1)), ["xabc"])) == [[ord("x"), 301]]
    assert load_form(extended).token_to_id("<end>") == 300
    ranks = add_ranks(tokenizer, new.first, new.texts)
    assert ranks == tokenizer.file.ranks | {b"abc": 301, b"xabc": 302}


def test_any_two_tokens_are_merged_by_text() -> None:
    new = NewTokens(300, ((256, C),), ("abc",), ((256, C),), (((A, 257), (256, C)),), whole=True)
    ranks = {(A, 257): 300, (256, C): 300}
    assert merge_stretch([A, 257, 256, C], ranks, new) == [300, 300]
    assert merge_stretch([7, 8], ranks, new, 300) == [300]


def test_a_new_token_may_stand_for_other_ids_with_its_text() -> None:
    tokenizer = load_ranks([b"ab", b"bc"])
    _, tokens, new = train_on(tokenizer, ["xabc yabc"], 1)
    assert new.texts == ("abc",)
    assert find_runs([A, 257, B], [new.first, B], new, tokens) == [2]
    assert find_runs([A, B, C], [new.first], new, tokens) == [3]
    assert find_runs([A, B], [256], new, tokens) is None  # another old id
    assert find_runs([A, 257, B], [new.first], new, tokens) is None  # something is missing
    assert find_runs([B, 257], [new.first], new, tokens) is None  # another text


def test_new_tokens_are_no_sides_of_old_ones() -> None:
    sides = SortedSides(["abcd", "x", "bc"])
    assert [sides.begin_or_end(text) for text in ("ab", "cd", "abc", "bcd")] == [True] * 4
    assert [sides.begin_or_end(text) for text in ("bd", "ac", "abcde", "c d", "xa")] == [False] * 5
    # abcd is a token that no merge makes in "zabcd"; cd would make it of ab and cd
    tokenizer = load_ranks([b"ab", b"abcd"])
    assert train_on(tokenizer, ["zcd zcd"], 9)[2].texts == ("zc", "zcd")


def test_patterns_are_written_for_the_other_library() -> None:
    assert (
        convert_pattern(r"\$\p{N}{1,3}+| ?[^\s{2}+$]++|\s++$|x{2}", "x") == r"\$\p{N}{1,3}| ?[^\s{2}+$]++|\s++\z|x{2}"
    )
    with pytest.raises(TokbenchError, match="intersection of classes"):
        convert_pattern(r"[\p{L}&&[^\p{Han}]]+", "x")


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_tiktoken_and_tokenizers_give_the_same_ids(data: st.DataObject) -> None:
    """On vocabularies in any order, with texts and training texts over three letters."""
    known = [bytes([byte]) for byte in b"abc"]
    extra: list[bytes] = []
    for _ in range(data.draw(st.integers(0, 6))):
        token = data.draw(st.sampled_from(known)) + data.draw(st.sampled_from(known))
        if token not in known:
            known.append(token)
            extra.append(token)
    order = data.draw(st.permutations(extra))
    tokenizer = load_ranks(list(order), {"<end>": 300})
    texts = data.draw(st.lists(st.text("abc ", max_size=24), min_size=1, max_size=6))
    form, tokens, new = train_on(tokenizer, texts, 8)
    base, larger = load_form(form), load_form(extend_form(form, tokens, new, len(new.texts)))
    others = [*texts, *data.draw(st.lists(st.text("abc ", max_size=24), max_size=4))]
    old, found = list(encode(base, others)), list(encode(larger, others))
    assert old == [ids.tolist() for ids in tokenizer.encode_batch(others)]
    check_ranks(tokenizer, new.first, new.texts, others, found)
    for before, after in zip(old, found, strict=True):
        runs = find_runs(before, after, new, tokens)
        assert runs is not None
        assert sum(runs) - len(runs) == len(before) - len(after)


def hold(found: Extension, old: TiktokenTokenizer, pattern: str, texts: list[str]) -> None:
    """Compare the two files that were written with each other and with what was measured."""
    assert found.ranks is not None
    library = tokenizers.Tokenizer.from_str(found.written)
    library.encode_special_tokens = True
    ranks = parse_ranks(found.ranks, Path("new.tiktoken"))
    encoding = tiktoken.Encoding("new", pat_str=pattern, mergeable_ranks=ranks, special_tokens=dict(old.file.special))
    expected = [encoding.encode_ordinary(text) for text in texts]
    assert [library.encode(text, add_special_tokens=False).ids for text in texts] == expected
    assert {token: rank for token, rank in ranks.items() if rank < found.old_size} == old.file.ranks
    assert sum(map(len, expected)) < sum(len(old.encode(text)) for text in texts)
    for text, number in old.file.special.items():
        assert library.token_to_id(text) == number
        assert encoding.encode(text, allowed_special="all") == [number]
    assert found.strings["share"].sum() == pytest.approx(1)


def test_a_rank_file_is_extended_in_both_formats() -> None:
    corpus = load_corpus(None, languages=["zh", "en"])
    special = {"<|endoftext|>": 1000, "<|fim|>": 1003}
    encoding = tiktoken.Encoding("small", pat_str=WORDS, mergeable_ranks=rank_bytes(), special_tokens=special)
    old = load_tokenizer(encoding, name="small")
    assert isinstance(old, TiktokenTokenizer)
    found = extend(old, corpus, MODEL, [20, 60], resamples=0)
    assert (found.old_size, found.added, found.checked) == (1004, (0, 20, 60), corpus.count)
    texts = [text for lang in corpus.languages for text in corpus.texts(lang)]
    hold(found, old, WORDS, texts)
    every = found.values.filter(size=1004)["tokens"].to_list()[-1]
    after = found.values.filter(size=1064)["tokens"].to_list()[-1]
    assert found.strings["saved"].sum() == every - after


def test_whole_words_are_taken_without_merging(tmp_path: Path) -> None:
    """As Llama 3's tokenizer.json: the new word is one id although its old ids are not those that training joined."""
    document = json.loads(train(300).to_str())
    document["model"] |= {"ignore_merges": True}
    whole = tokenizers.Tokenizer.from_str(json.dumps(document))
    found = extend(load_tokenizer(whole, name="whole"), load_corpus(None, languages=["zh"]), MODEL, [40], resamples=0)
    assert found.ranks is None
    written = json.loads(found.written)["model"]
    assert written["ignore_merges"]
    assert len(written["merges"]) == len(document["model"]["merges"]) + 40
    library = tokenizers.Tokenizer.from_str(found.written)
    for number in range(found.old_size, found.old_size + 40):
        text = library.decode([number])
        if "\ufffd" not in text and len(whole.pre_tokenizer.pre_tokenize_str(text)) == 1:
            assert library.encode(text, add_special_tokens=False).ids == [number]
    for text in MANY:
        assert library.decode(library.encode(text).ids) == text


def test_the_command_writes_a_rank_file(tmp_path: Path) -> None:
    path = make_ranks(tmp_path)
    arguments = ("sweep", f"{path}#cl100k_base", "--extend", "20", "-l", "zh,en", "--resamples", "0", "--write")
    result = run(*arguments, str(tmp_path / "new.tiktoken"), "-f", "json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["written"] == str(tmp_path / "new.tiktoken")
    old, new = load_tokenizer(f"{path}#cl100k_base"), load_tokenizer(f"{tmp_path / 'new.tiktoken'}#cl100k_base")
    assert new.vocab_base == old.vocab_base + 20
    assert run(*arguments, str(tmp_path / "new.json")).returncode == 0
    library = load_tokenizer(tmp_path / "new.json")
    for text in (*MANY, "x  \n\n y 12345 \r\n  "):
        assert new.encode(text) == library.encode(text)
    for name, file, message in (
        (f"{path}#cl100k_base", "new.model", "a tokenizer.json or a rank file"),
        (str(make_tekken(tmp_path)), "other.tiktoken", "is no rank file"),
    ):
        refused = run("sweep", name, "--extend", "5", "-l", "en", "--write", str(tmp_path / file))
        assert (refused.returncode, refused.stdout) == (2, "")
        assert message in refused.stderr
        assert not (tmp_path / file).exists()


def test_tekken_is_extended_as_a_tokenizer_json(tmp_path: Path) -> None:
    corpus = load_corpus(None, languages=["zh"])
    found = extend(load_tokenizer(make_tekken(tmp_path)), corpus, MODEL, [20], resamples=0)
    assert found.ranks is None
    assert found.checked == corpus.count


@needs_data
def test_a_real_rank_file() -> None:
    corpus = load_corpus(None, languages=["zh"])
    old = load_tokenizer("llama3", engine="tiktoken")
    assert isinstance(old, TiktokenTokenizer)
    found = extend(old, corpus, MODEL, [30], resamples=0)
    assert found.old_size == old.vocab_total
    hold(found, old, old.file.pattern, [*corpus.texts("zh"), "Caf\u00e9  \n\n 12345 you'LL\r\n "])
