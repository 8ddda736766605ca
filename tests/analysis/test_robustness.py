"""How tokens change when people type the same text in another way."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import made
from helpers.commands import refuse, run
from helpers.data import SHARED_DATA, needs_data
from helpers.frozen_dataclasses import check_dataclasses
from tokbench.adapters import EncodedBatch, load_tokenizer
from tokbench.analysis.robustness import (
    PERTURBATIONS,
    _cells,
    _common_tokens,
    _measure,
    _perturbations,
    choose_perturbations,
    count_common,
    count_unchanged,
    measure_robustness,
    perturb,
)
from tokbench.analysis.robustness._typos import misread, misread_word, mistype, mistype_word, split_letters
from tokbench.corpora import ParallelCorpus, join_corpora, load_corpus
from tokbench.errors import TokbenchError
from tokbench.metrics.resampling import Bootstrap, draw_weights

IDS = st.lists(st.integers(0, 4), max_size=20)
CORPUS = ParallelCorpus.from_texts({"en": ["ab", "c d"], "th": ["\u0e01\u0e02", "\u0e01"]})


def length_by_table(a: list[int], b: list[int]) -> int:
    """The textbook's table of the longest common subsequence."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


# ---- perturbations


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("upper", "Straße, ﬁn", "STRASSE, FIN"),
        ("title", 'it\'s "so" (well-known) NASA 2nd', 'It\'s "So" (Well-known) NASA 2nd'),
        ("double_space", "a b\tc", "a  b\tc"),
        ("nbsp", "a b\tc", "a\u00a0b\tc"),
        ("full_width", "a Z~é", "\uff41 \uff3a\uff5eé"),
        ("bold", "aZ 1é", "\U0001d41a\U0001d419 1é"),
        ("zero_width_space", "abé", "a\u200bb\u200bé"),
        ("zero_width_joiner", "ab", "a\u200db"),
        ("nfd", "ệ", "e\u0323\u0302"),
        ("no_diacritics", "Điện đến, ñ, й, क़", "Đien đen, n, и, क\u093c"),
        ("homoglyphs", "axb Ρ о", "\u0430\u0445b P o"),
    ],
)
def test_each_perturbation_by_hand(name: str, text: str, expected: str) -> None:
    assert perturb(PERTURBATIONS[name], text, 5) == expected


def test_bold_and_homoglyphs_look_the_same_by_their_unicode_names() -> None:
    for name in ("bold", "full_width"):
        changed = perturb(PERTURBATIONS[name], "AMZamz")
        assert unicodedata.normalize("NFKC", changed) == "AMZamz"
    for table in (_perturbations._LATIN, _perturbations._CYRILLIC):
        assert len(set(table)) == len(table)
    assert all(ord(c) < 128 for c in _perturbations._LATIN)
    assert all(unicodedata.name(c).startswith("CYRILLIC") for c in _perturbations._CYRILLIC)
    assert all(unicodedata.name(c).startswith("GREEK") for c in _perturbations._GREEK)


class Drawn(Random):
    """Random numbers that are given."""

    def __init__(self, *numbers: float) -> None:
        super().__init__()
        self.numbers = list(numbers)

    def random(self) -> float:
        return self.numbers.pop(0)


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ((0.0, 0.0), "owrd"),
        ((0.32, 0.99), "wodr"),
        ((0.34, 0.0), "ord"),
        ((0.65, 0.99), "wor"),
        ((0.67, 0.0), "wword"),
        ((0.99, 0.99), "wordd"),
    ],
)
def test_typing_errors_by_hand(drawn: tuple[float, float], expected: str) -> None:
    assert "".join(mistype_word(list("word"), Drawn(*drawn))) == expected


def test_marks_stay_with_their_letter_and_words_without_spaces_are_left_alone() -> None:
    assert split_letters("e\u0301a\u0301\u0323") == ["e\u0301", "a\u0301\u0323"]
    assert mistype("the cat 12345 你好世界啊 กขคงจ ひらがな", Random(1)) == "the cat 12345 你好世界啊 กขคงจ ひらがな"
    changed = mistype("ree\u0301lle", Random(3))
    assert changed != "ree\u0301lle"
    assert not re.search("(^|[^e])\u0301", changed)


@given(st.lists(st.text("abcdefg", min_size=1, max_size=9), max_size=6), st.integers(0, 99))
def test_each_long_word_gets_one_error(words: list[str], seed: int) -> None:
    changed = perturb(PERTURBATIONS["typo"], " ".join(words), seed).split(" ") if words else []
    assert len(changed) == len(words)
    for old, new in zip(words, changed, strict=True):
        if len(old) < 4:
            assert new == old
        elif len(new) == len(old):
            places = [i for i, pair in enumerate(zip(old, new, strict=True)) if len(set(pair)) > 1]
            assert places == [] or (places[1] == places[0] + 1 and sorted(old) == sorted(new))
        else:
            longer, shorter = max(old, new, key=len), min(old, new, key=len)
            assert any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))


def test_recognition_confuses_one_place_of_a_word() -> None:
    assert misread_word("xyz", Drawn()) == "xyz"
    # of `modern`: m, o, d, e, rn (in order of their places)
    found = [misread_word("modern", Drawn(share)) for share in (0.0, 0.3, 0.5, 0.7, 0.9)]
    assert found == ["rnodern", "m0dern", "moclern", "modcrn", "modem"]
    assert misread("xyz, бог", Drawn()) == "xyz, бог"
    assert misread("o, 5", Drawn(0.0, 0.0)) == "0, S"


@settings(max_examples=40)
@given(st.text(max_size=30), st.sampled_from(sorted(PERTURBATIONS)), st.integers(0, 5))
def test_a_text_is_changed_in_the_same_way_again(text: str, name: str, seed: int) -> None:
    changed = perturb(PERTURBATIONS[name], text, seed)
    assert changed == perturb(PERTURBATIONS[name], text, seed)
    changed.encode()


def test_the_seed_matters_to_random_perturbations_only() -> None:
    text = "The modern translation still contains several curious errors"
    differ = {name for name, one in PERTURBATIONS.items() if len({perturb(one, text, seed) for seed in range(3)}) > 1}
    assert differ == {"typo", "ocr"} == {name for name, one in PERTURBATIONS.items() if one.random}


def test_perturbations_are_chosen_by_name() -> None:
    assert [one.name for one in choose_perturbations(["nfd", "upper", "nfd"])] == ["nfd", "upper"]
    assert [one.name for one in choose_perturbations(None)] == list(PERTURBATIONS)
    assert all(name == one.name for name, one in PERTURBATIONS.items())
    with pytest.raises(TokbenchError, match="did you mean 'upper'"):
        choose_perturbations(["uper"])
    with pytest.raises(TokbenchError, match="known: upper, title"):
        choose_perturbations(["%"])


# ---- tokens in common


def test_tokens_in_common_by_hand() -> None:
    assert count_common([], [1]) == count_common([1], []) == count_common([1, 1], [2]) == 0
    assert count_common([1, 2, 3], [1, 2, 3]) == 3
    assert count_common([1, 2, 3, 4], [1, 3, 2, 4]) == 3
    assert count_common([1, 2, 1, 2], [2, 1]) == 2
    assert count_common([1, 2], [1, 1, 2, 2]) == 2


@given(IDS, IDS)
def test_tokens_in_common_agree_with_the_textbook(a: list[int], b: list[int]) -> None:
    assert count_common(a, b) == length_by_table(a, b) == count_common(b, a)


def test_long_texts_are_aligned_across_machine_words_and_too_long_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = [i * 7 % 11 for i in range(300)], [i * 5 % 13 for i in range(200)]
    assert count_common(a, b) == length_by_table(a, b)
    batches = EncodedBatch.from_lists([a, [1]]), EncodedBatch.from_lists([b, [2]])
    found = count_unchanged(*batches)
    assert found is not None
    assert found.tolist() == [length_by_table(a, b), 0]
    monkeypatch.setattr(_common_tokens, "MOST_STEPS", 300 * 200 - 1)
    assert count_unchanged(*batches) is None


# ---- values


def pick(values: pl.DataFrame, lang: str | None, name: str) -> dict[str, object]:
    rows = values.filter(pl.col("lang").eq_missing(pl.lit(lang, pl.String)) & (pl.col("perturbation") == name))
    return rows.row(0, named=True)


def test_values_of_bytes_worked_out_by_hand() -> None:
    found = measure_robustness([load_tokenizer("utf8")], CORPUS, resamples=0)
    assert found.values.height == 3 * len(PERTURBATIONS)
    upper = pick(found.values, "en", "upper")
    # ab -> AB keeps nothing, c d -> C D the space: 1 of 5
    assert (upper["tokens"], upper["tokens_after"], upper["ratio"], upper["unchanged"]) == (5, 5, 1.0, 1 / 5)
    assert (upper["texts"], upper["changed"], upper["ratio_low"]) == (2, 2, None)
    thai = pick(found.values, "th", "upper")
    assert (thai["languages"], thai["changed"], thai["ratio"], thai["unchanged"]) == (0, 0, None, None)
    assert pick(found.values, None, "upper") == upper | {"lang": None}
    # a ZWSP is 3 bytes: en 5 + 3 * 3, of th only the first text changes, which is half: 9 + 3
    between = pick(found.values, None, "zero_width_space")
    assert (between["languages"], between["tokens"], between["tokens_after"]) == (2, 14, 5 + 9 + 9 + 3)
    assert (between["ratio"], between["unchanged"]) == (26 / 14, 1.0)
    assert pick(found.values, "en", "double_space")["ratio"] == 6 / 5  # one of two texts has a space
    assert pick(found.values, None, "nfd")["ratio"] is None
    assert found.bootstrap is None


def test_intervals_resample_the_ratio_of_sums() -> None:
    found = measure_robustness([load_tokenizer("utf8")], CORPUS, ["zero_width_space", "upper"], seed=3, resamples=200)
    weights = draw_weights(Bootstrap(200, 3), 2)
    after, kept, before = weights @ [5, 9], weights @ [0, 1], weights @ [2, 3]
    row = pick(found.values, "en", "zero_width_space")
    assert [row["ratio_low"], row["ratio_high"]] == pytest.approx(np.percentile(after / before, [2.5, 97.5]).tolist())
    row = pick(found.values, "en", "upper")
    bounds = [row["unchanged_low"], row["unchanged_high"]]
    assert bounds == pytest.approx(np.percentile(kept / before, [2.5, 97.5]).tolist())
    # over all languages: the same segments are drawn in each
    after, before = after + weights @ [9, 3], before + weights @ [6, 3]
    row = pick(found.values, None, "zero_width_space")
    assert [row["ratio_low"], row["ratio_high"]] == pytest.approx(np.percentile(after / before, [2.5, 97.5]).tolist())
    assert found.bootstrap == "200/percentile/segments/seed3"


def test_documents_are_drawn_whole_and_groups_for_themselves(tmp_path: Path) -> None:
    corpus = load_corpus("tokbench14", languages=["en", "de"], segments=40)
    found = measure_robustness([load_tokenizer("utf8")], corpus, ["nbsp"], resamples=50)
    assert found.bootstrap == "50/percentile/documents/seed0"
    (tmp_path / "a.txt").write_text("one two\nthree four five\nsix seven\n")
    (tmp_path / "b.txt").write_text("a b c\nd e\n")
    groups = [load_corpus(str(tmp_path / name), split="lines") for name in ("a.txt", "b.txt")]
    values = measure_robustness([load_tokenizer("utf8")], join_corpora(groups), ["nbsp"], resamples=50).values
    rows = values.to_dicts()
    assert [row["tokens"] for row in rows] == [34, 10, 44]  # with their line ends
    assert [row["tokens_after"] for row in rows] == [34 + 4, 10 + 3, 44 + 7]
    assert all(row["ratio_low"] <= row["ratio"] <= row["ratio_high"] for row in rows)


def test_groups_of_languages_add_up_those_in_which_a_perturbation_means_something() -> None:
    corpus = ParallelCorpus.from_texts({"en": ["ab", "c d"], "th": ["\u0e01", "\u0e02"], "de": ["a", "bcd"]})
    groups = {"en": "one", "th": "one", "de": "two"}
    tokenizer = load_tokenizer("utf8")
    found = measure_robustness([tokenizer], corpus, ["upper", "zero_width_space", "nfd"], resamples=50, groups=groups)
    assert found.languages == ("one", "two")
    assert found.values["lang"].to_list() == ["one"] * 3 + ["two"] * 3 + [None] * 3
    single = measure_robustness([tokenizer], corpus, ["upper", "zero_width_space", "nfd"], resamples=50).values
    # upper case means nothing in Thai: the group is English alone, interval included
    assert pick(found.values, "one", "upper") == pick(single, "en", "upper") | {"lang": "one"}
    assert pick(found.values, "one", "upper")["texts"] == 2
    assert pick(found.values, "two", "zero_width_space") == pick(single, "de", "zero_width_space") | {"lang": "two"}
    assert pick(found.values, "one", "nfd")["languages"] == 0
    both = pick(single, "en", "upper"), pick(single, "de", "upper")
    overall = pick(found.values, None, "upper")
    assert overall["tokens"] == both[0]["tokens"] + both[1]["tokens"]
    assert overall == pick(single, None, "upper")


def test_a_text_too_long_to_align_has_a_ratio_but_no_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_common_tokens, "MOST_STEPS", 8)
    found = measure_robustness([load_tokenizer("utf8")], CORPUS, ["upper"], resamples=9)
    row = pick(found.values, "en", "upper")
    assert row["ratio"] == row["ratio_low"] == 1.0
    assert row["unchanged"] is row["unchanged_low"] is row["unchanged_high"] is None


def test_unknown_tokens_are_counted_and_their_values_in_brackets(tmp_path: Path) -> None:
    wordpiece = made.make_wordpiece(tmp_path)
    corpus = ParallelCorpus.from_texts({"en": ["the fox", "a dog"]})
    row = pick(measure_robustness([load_tokenizer(wordpiece)], corpus, ["bold"], resamples=0).values, "en", "bold")
    assert (row["unknown"], row["unknown_after"], row["tokens_after"]) == (0, 4, 4)
    (tmp_path / "t.txt").write_text("the fox\na dog\n")
    shown = run("robust", str(wordpiece), "-c", str(tmp_path / "t.txt"), "-p", "bold", "--resamples", "0").stdout
    assert re.search(r"bold +\(\d", shown)
    assert "(...) some of the text is the unknown token" in shown


def test_two_tokenizers_of_one_name_are_refused() -> None:
    with pytest.raises(TokbenchError, match="same name"):
        measure_robustness([load_tokenizer("utf8")] * 2, CORPUS)


def test_results_are_frozen() -> None:
    check_dataclasses(_measure, {"Robustness", "Draws"})
    check_dataclasses(_cells, {"Cell"})
    check_dataclasses(_perturbations, set())


# ---- the command

SMALL = ("robust", "utf8", "byt5", "-l", "en,th", "-n", "20", "--resamples", "20")


@pytest.mark.smoke
def test_the_command_prints_tables_and_all_else() -> None:
    done = run(*SMALL)
    assert done.returncode == 0, done.stderr
    assert "tokbench14: tokens after / tokens before" in done.stdout
    assert re.search(r"double spaces +2 +1\.\d\d \[1\.\d\d, 1\.\d\d\]", done.stdout)
    assert "– the perturbation changes less than half of the texts" in done.stdout
    document = json.loads(run(*SMALL, "--json").stdout)
    assert len(document["values"]) == 3 * 2 * len(PERTURBATIONS)
    assert [one["name"] for one in document["perturbations"]] == list(PERTURBATIONS)
    assert document["signature"].endswith("|seed:0")
    rows = list(csv.DictReader(io.StringIO(run(*SMALL, "-f", "csv").stdout)))
    assert len(rows) == len(document["values"])
    assert "<table" in run(*SMALL, "-f", "html").stdout
    assert "| perturbation |" in run(*SMALL, "-f", "markdown").stdout


def test_the_seed_and_the_perturbations_are_part_of_the_signature() -> None:
    signatures = [
        json.loads(run(*SMALL, "--json", *more).stdout)["signature"]
        for more in ((), ("--seed", "1"), ("-p", "upper"), ("-p", "upper,typo"), ("-p", "upper", "-p", "typo"))
    ]
    assert len(set(signatures)) == 4
    assert signatures[3] == signatures[4]
    assert "|pert:upper,typo@sha256:" in signatures[3]
    assert "|boot:20/percentile/documents/seed1|" in signatures[1]
    assert run(*SMALL, "--json").stdout == run(*SMALL, "--json").stdout


def test_the_command_groups_languages() -> None:
    words = ("robust", "utf8", "-l", "en,de,ru,th", "-n", "8", "-p", "upper", "--resamples", "0")
    rows = list(csv.DictReader(io.StringIO(run(*words, "--by", "script", "-f", "csv").stdout)))
    assert [(row["lang"], row["languages"]) for row in rows] == [
        ("Latin", "2"),
        ("Cyrillic", "1"),
        ("Thai", "0"),
        ("", "3"),
    ]
    assert "family" in run(*words, "--by", "family").stdout
    refuse(*words, "--by", "register", says="register")


def test_bad_options_are_one_line() -> None:
    refuse("robust", "utf8", "-p", "uper", says="no perturbation is called 'uper'; did you mean 'upper'?")
    refuse("robust", "utf8", "-p", "upper,", says="has an empty name")
    refuse("robust", "utf8", "-l", "xx", says="xx")


def test_the_help_names_all_perturbations() -> None:
    shown = " ".join(run("robust", "--help").stdout.split())
    assert ", ".join(PERTURBATIONS) in shown


@needs_data
def test_published_figures_of_flores() -> None:
    """Ratios of 300 lines, as measured by the first implementation."""
    corpus = load_corpus(f"{SHARED_DATA}/corpora/flores200/dev", languages=["eng_Latn", "vie_Latn"], segments=300)
    expected = {
        "gpt-neox-20b": (1.72, 1.62, 1.93, 1.93, 8.68, 16.15, 8.69, 1.00, 0.64),
        "llama3": (1.51, 1.59, 1.76, 1.86, 7.12, 11.57, 8.76, 2.62, 1.21),
    }
    names = ("upper", "typo", "double_space", "nbsp", "full_width", "bold", "zero_width_space", "nfd", "no_diacritics")
    values = measure_robustness([load_tokenizer(name) for name in expected], corpus, names, resamples=0).values
    for tokenizer, figures in expected.items():
        own = values.filter(tokenizer=tokenizer)
        for name, figure in zip(names, figures, strict=True):
            lang = "vie_Latn" if name in ("nfd", "no_diacritics") else "eng_Latn"
            slack = 0.015 if name == "typo" else 0.005  # typing errors are random
            assert pick(own, lang, name)["ratio"] == pytest.approx(figure, abs=slack + 1e-9), (tokenizer, name)
