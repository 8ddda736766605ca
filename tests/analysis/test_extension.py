"""New tokens: as a trainer would make them, old ids kept, what they save, the file that is written."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import sentencepiece
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.commands import run
from helpers.trained import MANY, train, train_pieces
from tokbench.adapters import load_tokenizer
from tokbench.analysis.extension import extend
from tokbench.analysis.extension._documents import NewTokens, merge_stretch
from tokbench.analysis.extension._forms import build_form, write_form
from tokbench.analysis.extension._halves import halve
from tokbench.analysis.extension._merging import Merging, Word
from tokbench.analysis.extension._token_texts import TokenTexts, crosses_border
from tokbench.analysis.extension._words import WordCounts, read_character, split_text
from tokbench.corpora import load_corpus
from tokbench.errors import TokbenchError
from tokbench.pythia.model.resolution import resolve_model

MODEL = resolve_model("70m")


class Anything:
    """Tokens that may all be joined."""

    def allows(self, left: int, right: int) -> bool:
        return True

    def append(self, parts: tuple[int, ...]) -> None:
        pass


def write_lines(folder: Path, texts: list[str]) -> str:
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


def test_training_continues_as_the_library_trains() -> None:
    small, large = train(300), train(450)
    merges = json.loads(large.to_str())["model"]["merges"][300 - 257 :]
    tokenizer = load_tokenizer(small, name="small")
    tokens = TokenTexts(build_form(tokenizer), True)
    counts = WordCounts(tokens)
    for stretches in split_text(small, MANY):
        counts.add(stretches)
    steps = Merging(counts.words(), [], tokens.first, tokens).train(150)
    assert [[tokens.text(part) for part in step.parts] for step in steps] == merges


def test_gains_by_hand() -> None:
    # aaab twice, ab once: (0, 0) occurs 4 times, with overlaps; then (2, 0) 2, (0, 1) 3 -> 0 1 first
    steps = Merging([Word((0, 0, 0, 1), 2), Word((0, 1), 1)], [], 2, Anything()).train(9)
    assert [(step.parts, step.gain) for step in steps] == [((0, 0), 4), ((0, 1), 3), ((2, 3), 2)]


def test_a_character_counts_by_the_tokens_it_takes() -> None:
    # The character -1 takes three tokens today: 2 occurrences save 4, as many as the pair; it comes first.
    words = [Word((0, 1), 4), Word((-1, 0), 2)]
    steps = Merging(words, [2], 2, Anything()).train(9)
    assert [(step.parts, step.gain) for step in steps] == [((-1,), 4), ((0, 1), 4), ((2, 0), 2)]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(1, 5)), max_size=8))
def test_each_step_takes_the_most_frequent_pair(drawn: list[tuple[list[int], int]]) -> None:
    words = [(list(symbols), count) for symbols, count in drawn]
    for number, step in enumerate(Merging([Word(tuple(w), c) for w, c in words], [], 4, Anything()).train(30), 4):
        pairs = Counter({pair: 0 for word, _ in words for pair in pairwise(word)})
        for word, count in words:
            for pair in pairwise(word):
                pairs[pair] += count
        assert step.gain == max(pairs.values())
        assert step.parts == min(pair for pair, count in pairs.items() if count == step.gain)
        for word, _ in words:
            place = 0
            while place < len(word) - 1:
                if (word[place], word[place + 1]) == step.parts:
                    word[place : place + 2] = [number]
                place += 1


def test_borders_of_pieces() -> None:
    assert not crosses_border("\u2581th", "e")
    assert not crosses_border("\u2581", "\u4f60")
    assert crosses_border("\u4f60", "a")
    assert crosses_border("\u4f60", "\uff0c")
    assert crosses_border("a", "\u2581")
    assert crosses_border("\u2581", "1")
    assert not crosses_border("e", "\u0301")
    assert read_character([0x0A, 0x0A, None, None]) is None
    assert read_character([0xF0, 0x9F, 0x99, 0x82]) == "\U0001f642"


def test_merging_by_definition() -> None:
    new = NewTokens(
        10, ((-1,), (10, 1), (1, 2)), ("x", "xb", "bc"), ((7, 8), (7, 8, 1), (1, 2)), ((), ((10, 1),), ((1, 2),))
    )
    assert merge_stretch([7, 8, 1, 2, 1, 2], {(10, 1): 11, (1, 2): 12}, new) == [11, 2, 12]
    assert new.expand([11, 2, 12]) == [7, 8, 1, 2, 1, 2]


def test_halves_are_whole_documents_and_depend_on_the_seed() -> None:
    corpus = load_corpus(None, languages=["en"])
    halves = halve(corpus, "en", 0)
    assert halves.units == "documents"
    documents = corpus.documents.sort("segment")["document"].to_list()
    trained = {name for name, one in zip(documents, halves.training, strict=True) if one}
    assert not trained & {name for name, one in zip(documents, halves.training, strict=True) if not one}
    assert halves.number[0] == len(trained)
    assert sorted(halves.order.tolist()) == [i for i, one in enumerate(halves.training) if one]
    assert (halve(corpus, "en", 0).order == halves.order).all()
    assert (halve(corpus, "en", 1).training != halves.training).any()


def find_extension(tokenizer: tokenizers.Tokenizer | sentencepiece.SentencePieceProcessor, folder: Path) -> Path:
    corpus = load_corpus(None, languages=["zh", "en"])
    found = extend(load_tokenizer(tokenizer, name="old"), corpus, MODEL, [20, 60], resamples=20)
    assert found.added == (0, 20, 60)
    assert found.checked == corpus.count
    folder.joinpath("new.json").write_text(found.written)
    library = tokenizers.Tokenizer.from_file(str(folder / "new.json"))
    library.encode_special_tokens = True
    halves = halve(corpus, "zh", 0)
    measured = [text for text, one in zip(corpus.texts("zh"), halves.training, strict=True) if not one]
    tokens = sum(len(library.encode(text, add_special_tokens=False).ids) for text in measured)
    row = found.values.filter(lang="zh", size=found.old_size + 60).row(0, named=True)
    assert row["tokens"] == tokens
    before = found.values.filter(lang="zh", size=found.old_size)["tokens"].item()
    assert tokens < before
    nsl = found.break_even.filter(lang="zh", added=60)["nsl"].item()
    assert nsl == pytest.approx(tokens / before)
    every = found.values.filter(size=found.old_size)["tokens"].to_list()[-1]
    after = found.values.filter(size=found.old_size + 60)["tokens"].to_list()[-1]
    assert found.strings["saved"].sum() == every - after
    assert found.strings["share"].sum() == pytest.approx(1)
    return folder / "new.json"


def test_byte_level_keeps_old_ids_and_added_tokens(tmp_path: Path) -> None:
    old = train(330)
    old.add_tokens(["    "])
    old.add_special_tokens(["<mask>"])
    new = tokenizers.Tokenizer.from_file(str(find_extension(old, tmp_path)))
    assert new.get_vocab_size() == 332 + 60
    for token, number in old.get_vocab().items():
        assert new.token_to_id(token) == number
    text = "a    b<mask> 7"
    assert new.encode(text).ids == old.encode(text).ids
    assert new.decode(new.encode(MANY[3]).ids) == MANY[3]
    swept = run("sweep", str(tmp_path / "new.json"), "--sizes", "300", "-l", "en", "-n", "5", "--resamples", "0")
    assert swept.returncode == 0


def test_sentencepiece_gets_characters_and_keeps_old_ids(tmp_path: Path) -> None:
    old = train_pieces(900)
    new = tokenizers.Tokenizer.from_file(str(find_extension(old, tmp_path)))
    assert new.get_vocab_size() == 960
    assert any(len(new.id_to_token(number)) == 1 for number in range(900, 960))
    for text in load_corpus(None).texts("zh"):
        assert new.decode(new.encode(text, add_special_tokens=False).ids) == text


@settings(max_examples=60)
@given(st.text())
def test_a_converted_model_gives_the_ids_of_sentencepiece(text: str) -> None:
    assert CONVERTED.encode(text, add_special_tokens=False).ids == PIECES.encode(text)


PIECES = train_pieces(900)
CONVERTED = tokenizers.Tokenizer.from_str(write_form(build_form(load_tokenizer(PIECES, name="pieces"))))
CONVERTED.encode_special_tokens = True


def test_what_cannot_be_extended_is_refused() -> None:
    for name, reason in (("utf8", "bytes"),):
        result = run("sweep", name, "--extend", "10")
        assert (result.returncode, result.stdout) == (2, "")
        assert reason in result.stderr
        assert result.stderr.count("\n") == 1
    with pytest.raises(TokbenchError, match="unigram model"):
        build_form(load_tokenizer(train_pieces(900, "unigram"), name="unigram"))


def test_too_little_text_is_refused(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(train(300), name="small")
    with pytest.raises(TokbenchError, match="none to train on"):
        extend(tokenizer, load_corpus(write_lines(tmp_path, ["one text"])), MODEL, [5])
    with pytest.raises(TokbenchError, match=r"nothing in the training half .* occurs twice"):
        extend(tokenizer, load_corpus(write_lines(tmp_path, ["q", "z"])), MODEL, [5])


def test_fewer_tokens_than_asked(tmp_path: Path) -> None:
    corpus = load_corpus(write_lines(tmp_path, ["qzqz qzqz", "qzqz qz", "qz qzqz", "qzqz"]))
    found = extend(load_tokenizer(train(300), name="small"), corpus, MODEL, [5, 500], resamples=0)
    assert found.training.made < 500
    assert found.added[-1] == found.training.made
    assert found.training.units == "runs of 1 segments"


def test_the_command_writes_a_tokenizer_and_says_so(tmp_path: Path) -> None:
    train(330).save(str(tmp_path / "old.json"))
    arguments = (
        "sweep",
        str(tmp_path / "old.json"),
        "--extend",
        "30",
        "--train-on",
        "zh",
        "-l",
        "zh,en",
        "--resamples",
        "20",
    )
    files = [option for ending in ("md", "html", "csv") for option in ("-o", str(tmp_path / f"x.{ending}"))]
    result = run(*arguments, "--write", str(tmp_path / "new.json"), *files, "-f", "json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["training"]["languages"] == ["zh"]
    assert document["written"] == str(tmp_path / "new.json")
    assert tokenizers.Tokenizer.from_file(str(tmp_path / "new.json")).get_vocab_size() == 360
    page = (tmp_path / "x.md").read_text()
    assert "360 ids, those from 330 on are new" in page
    assert "<svg" in (tmp_path / "x.html").read_text()
    first = (tmp_path / "new.json").read_bytes()
    assert run(*arguments, "--write", str(tmp_path / "new.json"), "-f", "json").stdout == result.stdout
    assert (tmp_path / "new.json").read_bytes() == first
