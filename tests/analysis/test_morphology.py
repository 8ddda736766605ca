"""Boundaries of morphemes: readers of gold files, scores worked out by hand and by a plain loop, the command."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from helpers import made
from helpers.commands import refuse, run
from helpers.data import needs_data
from helpers.frozen_dataclasses import check_dataclasses
from tokbench.adapters import Tokenizer as AnyTokenizer
from tokbench.adapters import load_tokenizer
from tokbench.analysis import token_places
from tokbench.analysis.morphology import FORMATS, Gold, _gold, _scores, cut_words, measure_morphology, read_gold
from tokbench.analysis.morphology._formats import find_separator
from tokbench.analysis.morphology._segments import align_segments, join_segments
from tokbench.errors import TokbenchError
from tokbench.metrics.resampling import Bootstrap
from tokbench.report import format_results
from tokbench.report._morphology import show


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def made_of(tokens: Sequence[str], folder: Path) -> Path:
    """A WordPiece tokenizer with these pieces: it takes the longest that fits, from left to right."""
    vocab = {piece: number for number, piece in enumerate(["[UNK]", *tokens])}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=1000))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    path = folder / "pieces.json"
    tokenizer.save(str(path))
    return path


def small_ranks(folder: Path) -> AnyTokenizer:
    """A byte-level BPE with a few merges."""
    return load_tokenizer(f"{made.make_ranks(folder)}#cl100k_base")


def boundaries(gold: Gold) -> dict[str, list[int]]:
    return dict(zip(gold.words["word"].to_list(), gold.words["boundaries"].to_list(), strict=True))


def pick(frame: pl.DataFrame, **wanted: Any) -> dict[str, Any]:
    row = frame.filter(*(pl.col(key).eq_missing(pl.lit(value)) for key, value in wanted.items()))
    return row.row(0, named=True)


# ---- readers


def test_a_plain_table_gives_bytes_before_boundaries(tmp_path: Path) -> None:
    text = "walked\twalk|ed\t10\nunbreakable\tun|break|able\t1\nHäuser\tHäus|er\t2\n\ncafés\tcafé|s\t3\n"
    path = write(tmp_path / "gold.tsv", text)
    gold = read_gold(path)
    assert (gold.format, gold.name, gold.weighted) == ("tsv", "gold.tsv", True)
    assert gold.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert boundaries(gold) == {"walked": [4], "unbreakable": [2, 7], "Häuser": [5], "cafés": [5]}
    assert gold.words["frequency"].to_list() == [10, 1, 2, 3]
    assert gold.words["line"].to_list() == [1, 2, 3, 5]
    assert not gold.left_out


def test_a_header_names_the_columns(tmp_path: Path) -> None:
    text = "\ufeffWord\tlang\tsegments\tcount\r\nkoirani\tfi\tkoira+ni\t4\r\nwalks\ten\twalk+s\t\r\n"
    gold = read_gold(write(tmp_path / "g.tsv", text))
    assert gold.words.select("line", "lang", "word", "frequency").rows() == [
        (2, "fi", "koirani", 4.0),
        (3, "en", "walks", None),
    ]
    assert not gold.weighted


def test_what_does_not_fit_is_counted_with_its_lines(tmp_path: Path) -> None:
    lines = [
        "go\tgo",
        "went\tgo|ed",
        "ran\trun|ed",
        "saw\tsee|d",
        "ate\teat|ed",
        "a b\ta| |b",
        "axes\taxe|s",
        "axes\tax|es",
    ]
    gold = read_gold(write(tmp_path / "g.tsv", "\n".join([*lines, "walks\twalk|s", "walks\twalk|s"])))
    assert boundaries(gold) == {"a b": [1, 2], "walks": [4]}
    assert gold.left_out == {
        "listed with different segmentations": 1,
        "one segment only": 1,
        "segments do not spell the word": 4,
    }
    assert gold.lines["segments do not spell the word"] == (2, 3, 4)
    assert gold.lines["listed with different segmentations"] == (8,)


@pytest.mark.parametrize(
    ("word", "written", "separator", "found"),
    [
        ("walked", "walk-ed", "-", (4,)),
        ("e-mailed", "e-mail-ed", "-", (6,)),
        ("co-owner", "co---own-er", "-", (3, 6)),
        ("walked", "walk @@ed", " @@", (4,)),
        ("walked", "-walk--ed-", "-", (4,)),
        ("walked", "walkt-ed", "-", None),
        ("walked", "walk-e", "-", None),
        ("", "", "-", ()),
    ],
)
def test_separators_are_told_from_the_word(
    word: str, written: str, separator: str, found: tuple[int, ...] | None
) -> None:
    assert align_segments(word, written, separator) == found


def test_the_separator_is_the_one_that_spells_most_words() -> None:
    assert find_separator([("walked", "walk+ed"), ("a-b", "a-b")]) == "+"
    assert find_separator([("walked", "walk @@ed"), ("x", "x")]) == " @@"
    assert find_separator([("walked", "walk·ed")]) == "·"
    assert join_segments("ab", ["a", "b", ""]) == (1,)
    assert join_segments("ab", ["a", "c"]) is None


def test_sigmorphon_2022_has_a_kind_in_place_of_a_frequency(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path / "g.tsv", "walked\twalk @@ed\t100\nhouses\thouse @@s\t100\n"))
    assert boundaries(gold) == {"walked": [4], "houses": [5]}
    assert gold.words["frequency"].to_list() == [None, None]


def test_morphscore_of_both_versions(tmp_path: Path) -> None:
    first = read_gold(write(tmp_path / "old.csv", "pt1,rest,full_word\nwalk,ed,walked\nαδριανή,ς,αδριανής\n"))
    assert (first.format, boundaries(first)) == ("morphscore", {"walked": [4], "αδριανής": [14]})
    text = (
        "wordform,unique,lemma,stem,preceding_part,following_part,word_freq_norm\n"
        "walked,unique,walk,walk,,ed,0.5\n"
        "unhappily,unique,happi,happi,un,ly,0.25\n"
        "ran,unique,run,ran,,,0.1\n"
        '"won\'t, no",not unique,x,x,,,0.1\n'
        "2nds,unique,2nd,2nd,,s,0.1\n"
        "better,unique,bett,bett,,ers,0.1\n"
    )
    second = read_gold(write(tmp_path / "new.csv", text))
    assert boundaries(second) == {"walked": [4], "unhappily": [2, 7]}
    assert second.words["frequency"].to_list() == [0.5, 0.25]
    assert second.left_out == {
        "digits in the word": 1,
        "not marked as unique by the file": 1,
        "segments do not spell the word": 1,
        "the stem is not the lemma": 1,
    }
    assert second.lines["digits in the word"] == (6,)
    tabs = read_gold(write(tmp_path / "new.tsv", text.replace('"won\'t, no"', "no").replace(",", "\t")))
    assert boundaries(tabs) == boundaries(second)


def test_morphynet_inflections_and_derivations(tmp_path: Path) -> None:
    text = "walk\twalked\tV|PST\twalk|ed\nrun\trunning\tV|V.PTCP;PRS\trun|ing\ngo\twent\tV|PST\t-\n"
    text += "walk\twalked\tV|V.PTCP;PST\twalk|ed\n"
    inflected = read_gold(write(tmp_path / "eng.inflectional.v1.tsv", text))
    assert (inflected.format, boundaries(inflected)) == ("morphynet", {"walked": [4]})
    assert inflected.left_out == {"no segmentation given": 1, "segments do not spell the word": 1}
    text = "happy\tunhappy\tJ\tJ\tun\tprefix\nhappy\thappiness\tJ\tN\tness\tsuffix\nx\tabc\tN\tN\td\tsuffix\n"
    derived = read_gold(write(tmp_path / "eng.derivational.v1.tsv", text))
    assert boundaries(derived) == {"unhappy": [2], "happiness": [5]}
    assert list(derived.left_out) == ["the affix is not at the end of the word that it should be at"]


CONLLU = """# sent_id = 1
# text = They're unbreakable e-mails del
1-2\tThey're\t_\t_\t_\t_\t_\t_\t_\t_
1\tThey\tthey\tPRON\t_\t_\t0\troot\t_\tMSeg=The-y
2\t're\tbe\tAUX\t_\t_\t1\tcop\t_\t_
3\tunbreakable\tunbreakable\tADJ\t_\t_\t1\tamod\t_\tMSeg=un-break-able|SpaceAfter=No
3.1\tghost\tghost\tX\t_\t_\t_\t_\t_\tMSeg=gho-st
4\te-mails\te-mail\tNOUN\t_\t_\t1\tobj\t_\tLang=en|MSeg=e-mail-s
5-6\tdel\t_\t_\t_\t_\t_\t_\t_\t_
5\tde\tde\tADP\t_\t_\t1\tcase\t_\t_
6\tel\tel\tDET\t_\t_\t1\tdet\t_\t_

1\tunbreakable\tunbreakable\tADJ\t_\t_\t0\troot\t_\tMSeg=un-break-able
"""


def test_conllu_has_multiword_tokens_and_marks_in_misc(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path / "x.conllu", CONLLU))
    assert gold.words.select("line", "lang", "word", "boundaries", "frequency").rows() == [
        (3, None, "They're", [4], 1.0),
        (6, None, "unbreakable", [2, 7], 2.0),
        (8, "en", "e-mails", [6], 1.0),
    ]
    assert gold.left_out == {"segments do not spell the word": 1}
    assert read_gold(write(tmp_path / "x.txt", CONLLU)).format == "conllu"
    values = measure_morphology([load_tokenizer("utf8")], [gold], bootstrap=Bootstrap(resamples=2)).values
    rows = values.filter(pl.col("single_token") == "excluded", pl.col("average") == "micro", pl.col("weighted"))
    assert rows.select("lang", "words", "recall").rows() == [(None, 3, 1.0), ("en", 1, 1.0)]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("g.tsv", "walked\twalk|ed\t1\nwalks\twalk|s\tmany\n", "line 2: the frequency 'many' is not a number"),
        ("g.tsv", "walked\twalk|ed\tnan\n", "line 1: the frequency 'nan'"),
        ("g.tsv", "walked\twalk|ed\t-1\n", "line 1: the frequency '-1'"),
        ("g.tsv", "walked\twalk|ed\n\nwalks\n", "line 3: 1 fields, at least 2 are needed"),
        ("g.tsv", "word\tlang\nwalked\ten\n", "line 1: no column segments"),
        ("g.tsv", "go\tgo\nran\trun|ed\n", "has no word with a boundary (1 x one segment only, 1 x segments do not"),
        ("g.tsv", "just a text\n", "is no gold file that is known"),
        ("g.tsv", " \n", "is empty"),
        ("g.csv", "pt1,rest,full_word\nwalk,ed\n", "line 2: 2 fields, the header has 3"),
        ("g.csv", 'pt1,rest,full_word\nwalk,"ed,walked\n', "not a table"),
        ("g.tsv", "a\tab\tN\ta|b\na\tb\tc\td\te\n", "line 2: 5 fields, MorphyNet has 4 or 6"),
        ("g.conllu", "1\tab\n", "line 1: not a line of CoNLL-U"),
        ("g.conllu", CONLLU.replace("6\tel", "7\tel"), "line 9: word 6 of this multiword token is missing"),
        ("g.conllu", CONLLU.partition("6\tel")[0], "line 9: word 6 of this multiword token is missing"),
        ("g.conllu", "2-1\tab\t_\t_\t_\t_\t_\t_\t_\t_\n", "line 1: the range 2-1 is empty"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    refuse("morphology", "utf8", "--gold", str(write(tmp_path / name, text)), says=says)


FIELDS = ["walked", "walk|ed", "1-2", "1", "2", "-", "suffix", "ed", "MSeg=walk-ed", "é\u2028", '"', ""]
ODD = st.lists(st.lists(st.sampled_from(FIELDS), max_size=10).map("\t".join)).map("\n".join) | st.text(max_size=40)


@settings(max_examples=60, deadline=None)
@given(text=ODD, file_format=st.sampled_from([None, *FORMATS]))
def test_any_text_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, file_format: str | None
) -> None:
    path = write(tmp_path_factory.mktemp("odd") / "gold.tsv", text)
    try:
        gold = read_gold(path, file_format)
    except TokbenchError:
        return
    for word, found in boundaries(gold).items():
        assert found == sorted(set(found))
        assert all(0 < at < len(word.encode()) for at in found)


def test_files_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    refuse("morphology", "utf8", says="no gold file is named")
    refuse("morphology", "utf8", "--gold", str(tmp_path), says="is a folder")
    refuse("morphology", "utf8", "--gold", str(tmp_path / "none"), says="cannot be read: No such file")
    (tmp_path / "latin").write_bytes(b"walked\twalk|ed\ncaf\xe9s\tcaf\xe9|s\n")
    refuse("morphology", "utf8", "--gold", str(tmp_path / "latin"), says="latin:2: not UTF-8")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        refuse("morphology", "utf8", "--gold", str(tmp_path / "pipe"), says="a pipe")
    good = str(write(tmp_path / "g.tsv", "walked\twalk|ed\n"))
    refuse("morphology", "utf8", "--gold", good, "--gold-format", "unimorph", says="no format of gold files")
    refuse("morphology", "utf8", "--gold", good, "--separator", "", says="the separator is empty")
    refuse("morphology", "utf8", "--gold", good, "--bare", "--both", says="--bare and --both")
    refuse("morphology", "utf8", "--gold", good, "--gold", good, says="two of the gold files have the same name")
    refuse("morphology", "utf8", "utf8", "--gold", good, says="two of the tokenizers have the same name")


# ---- scores

PIECES = ["walk", "##ed", "un", "##break", "##a", "##ble", "h", "##ou", "##ses", "going"]
GOLD = "walked\twalk|ed\t6\nunbreakable\tun|break|able\t2\nhouses\thouse|s\t1\ngoing\tgo|ing\t1\n"
# walk|ed: 1 of 1 boundaries, 1 of 1 ends. un|break|a|ble: 2 of 2, 2 of 3. h|ou|ses: 0 of 1, 0 of 2. going: one token.


def test_scores_worked_out_by_hand(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(made_of(PIECES, tmp_path)))
    gold = read_gold(write(tmp_path / "gold.tsv", GOLD))
    cuts = cut_words(tokenizer, gold, "none")
    assert cuts.hits.tolist() == [1, 2, 0, 0]
    assert cuts.ends.tolist() == [1, 3, 2, 0]
    assert cuts.boundaries.tolist() == [1, 2, 1, 1]
    found = measure_morphology([tokenizer], [gold], leads=["none"]).values
    assert found.height == 3 * 2 * 2
    expected = {
        # recall, precision, precision per token
        ("excluded", "macro", False): (2 / 3, (1 + 2 / 3) / 3, (1 / 2 + 2 / 4) / 3),
        ("missed", "macro", False): (2 / 4, (1 + 2 / 3) / 3, (1 / 2 + 2 / 4) / 4),
        ("correct", "macro", False): (3 / 4, (1 + 2 / 3 + 1) / 4, (1 / 2 + 2 / 4 + 1) / 4),
        ("excluded", "micro", False): (3 / 4, 3 / 6, 3 / 9),
        ("missed", "micro", False): (3 / 5, 3 / 6, 3 / 10),
        ("correct", "micro", False): (4 / 5, 4 / 7, 4 / 10),
        ("excluded", "macro", True): (8 / 9, (6 + 4 / 3) / 9, (3 + 1) / 9),
        ("missed", "macro", True): (8 / 10, (6 + 4 / 3) / 9, (3 + 1) / 10),
        ("correct", "macro", True): (9 / 10, (6 + 4 / 3 + 1) / 10, (3 + 1 + 1) / 10),
        ("excluded", "micro", True): (10 / 11, 10 / 14, 10 / 23),
        ("missed", "micro", True): (10 / 12, 10 / 14, 10 / 24),
        ("correct", "micro", True): (11 / 12, 11 / 15, 11 / 24),
    }
    for (single, average, weighted), (recall, precision, per_token) in expected.items():
        row = pick(found, single_token=single, average=average, weighted=weighted)
        f1 = 2 * recall * precision / (recall + precision)
        values = [row[score] for score in ("recall", "precision", "f1", "precision_per_token")]
        assert values == pytest.approx([recall, precision, f1, per_token], rel=1e-12), (single, average, weighted)
        assert (row["words"], row["boundaries"], row["single_token_words"]) == (4, 5, 1)
        if single != "excluded":  # a resample of the word of one token alone has no recall, so there is no interval
            assert row["recall_low"] <= row["recall"] <= row["recall_high"]


def test_without_frequencies_nothing_is_weighted_and_nothing_found_is_0(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(made_of(PIECES, tmp_path)))
    found = measure_morphology([tokenizer], [read_gold(write(tmp_path / "a.tsv", "houses\thouse|s\n"))]).values
    assert set(found["weighted"]) == {False}
    row = pick(found, single_token="excluded", average="macro")
    assert (row["recall"], row["precision"], row["f1"], row["f1_low"], row["f1_high"]) == (0, 0, 0, 0, 0)
    whole = measure_morphology([tokenizer], [read_gold(write(tmp_path / "b.tsv", "going\tgo|ing\n"))]).values
    row = pick(whole, single_token="excluded", average="micro")
    assert [row[score] for score in ("recall", "precision", "f1", "recall_low")] == [None] * 4
    assert pick(whole, single_token="missed", average="macro")["recall"] == 0
    assert pick(whole, single_token="correct", average="macro")["f1"] == 1


def test_a_word_of_one_token_has_all_its_boundaries(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(made_of(PIECES, tmp_path)))
    gold = read_gold(write(tmp_path / "a.tsv", "going\tg|o|ing\nwalked\twalk|ed\n"))
    found = measure_morphology([tokenizer], [gold]).values.filter(pl.col("average") == "micro")
    scores = ("recall", "precision")
    assert [pick(found, single_token="excluded")[score] for score in scores] == [1 / 1, 1 / 1]
    assert [pick(found, single_token="missed")[score] for score in scores] == [1 / 3, 1 / 1]
    assert [pick(found, single_token="correct")[score] for score in scores] == [3 / 3, 3 / 3]
    assert pick(found, single_token="correct")["precision_per_token"] == 3 / (2 + 2)


def test_bytes_find_every_boundary(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path / "gold.tsv", "cafés\tcafé|s\nÄste\tÄst|e\n"))
    for lead in ("space", "none"):
        row = pick(measure_morphology([load_tokenizer("utf8")], [gold], leads=[lead]).values, single_token="excluded")
        assert (row["recall"], row["precision"]) == (1, pytest.approx((1 / 5 + 1 / 4) / 2))


def test_a_space_before_the_word_is_no_boundary(tmp_path: Path) -> None:
    """Ranks with `the` and ` the`: after a space `then` is ` the|n`, which ends where `the|n` does."""
    ranks = small_ranks(tmp_path)
    gold = read_gold(write(tmp_path / "gold.tsv", "then\tthe|n\nto\tt|o\n"))
    spaced, bare = cut_words(ranks, gold, "space"), cut_words(ranks, gold, "none")
    assert (spaced.hits.tolist(), spaced.ends.tolist()) == ([1, 1], [1, 1])
    assert (bare.hits.tolist(), bare.ends.tolist()) == ([1, 1], [1, 1])


def test_a_dummy_prefix_is_the_space(tmp_path: Path) -> None:
    """SentencePiece puts a space before every text: a second one would be a token of its own."""
    pieces = load_tokenizer(str(made.make_sentencepiece(tmp_path)))
    assert pieces.prefix == b" "
    gold = read_gold(write(tmp_path / "gold.tsv", "nothing\tno|thing\n好今天\t好|今天\n"))
    spaced, bare = cut_words(pieces, gold, "space"), cut_words(pieces, gold, "none")
    assert spaced.ends.tolist() == bare.ends.tolist()
    assert bare.known.all()


def test_an_unknown_word_is_one_token(tmp_path: Path) -> None:
    """Its id spells nothing, but the engine's spans say where it is."""
    tokenizer = load_tokenizer(str(made_of(PIECES, tmp_path)))
    cuts = cut_words(tokenizer, read_gold(write(tmp_path / "gold.tsv", "zzz\tz|zz\nwalked\twalk|ed\n")), "space")
    assert (cuts.known.tolist(), cuts.ends.tolist(), cuts.hits.tolist()) == ([True, True], [0, 1], [0, 1])


@needs_data
def test_words_of_unknown_places_are_left_out_and_counted(tmp_path: Path) -> None:
    """Claude's vocabulary sees NFKC, and its engine gives no spans."""
    gold = read_gold(write(tmp_path / "gold.tsv", "ﬁts\tﬁt|s\nunbreakable\tun|break|able\n"))
    found = measure_morphology([load_tokenizer("claude")], [gold], leads=["none"])
    row = pick(found.values, single_token="missed", average="micro")
    assert (row["words"], row["boundaries"], row["unplaced_words"]) == (1, 2, 1)
    assert "it is not known where tokens end in 1 word of gold.tsv" in format_results(show(found), "markdown")


def test_languages_of_the_file_have_rows_of_their_own(tmp_path: Path) -> None:
    text = "word\tsegments\tlang\nwalked\twalk|ed\ten\nhouses\thouse|s\ten\nunbreakable\tun|break|able\tde\n"
    tokenizer = load_tokenizer(str(made_of(PIECES, tmp_path)))
    found = measure_morphology([tokenizer], [read_gold(write(tmp_path / "gold.tsv", text))]).values
    rows = found.filter(pl.col("single_token") == "excluded", pl.col("average") == "macro")
    assert rows.select("lang", "words", "recall").rows() == [
        (None, 3, pytest.approx(2 / 3)),
        ("en", 2, 0.5),
        ("de", 1, 1.0),
    ]


WORDS = st.lists(st.text("aäb好", min_size=2, max_size=9), min_size=1, max_size=12, unique=True)


@settings(max_examples=15, deadline=None)
@given(words=WORDS, draw=st.randoms(use_true_random=False))
def test_random_segmentations_against_a_plain_loop(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], draw: Any
) -> None:
    folder = tmp_path_factory.mktemp("gold")
    lines, gold_sets = [], {}
    for word in words:
        cuts = sorted(draw.sample(range(1, len(word)), draw.randint(1, min(3, len(word) - 1))))
        parts = [word[a:b] for a, b in zip([0, *cuts], [*cuts, len(word)], strict=True)]
        lines.append(f"{word}\t{'|'.join(parts)}\t{draw.randint(1, 9)}")
        gold_sets[word] = {len(word[:cut].encode()) for cut in cuts}
    gold = read_gold(write(folder / "gold.tsv", "\n".join(lines)))
    tokenizer = small_ranks(folder)
    recalls, precisions, shares, hits, ends, all_gold = [], [], [], 0, 0, 0
    for word in gold.words["word"]:
        at, inside = 0, set()
        for number in tokenizer.encode(" " + word):
            at += len(tokenizer.token_bytes(number) or b"")
            inside.add(at - 1)
        inside -= {0, len(word.encode())}
        found = inside & gold_sets[word]
        if inside:
            recalls.append(len(found) / len(gold_sets[word]))
            precisions.append(len(found) / len(inside))
            shares.append(len(found) / (len(inside) + 1))
            hits, ends, all_gold = hits + len(found), ends + len(inside), all_gold + len(gold_sets[word])
    values = measure_morphology([tokenizer], [gold], bootstrap=Bootstrap(resamples=2)).values
    macro = pick(values, single_token="excluded", average="macro", weighted=False)
    micro = pick(values, single_token="excluded", average="micro", weighted=False)
    if recalls:
        assert macro["recall"] == pytest.approx(np.mean(recalls))
        assert macro["precision"] == pytest.approx(np.mean(precisions))
        assert macro["precision_per_token"] == pytest.approx(np.mean(shares))
        assert micro["recall"] == pytest.approx(hits / all_gold)
        assert micro["precision"] == pytest.approx(hits / ends)
    else:
        assert macro["recall"] is None


def test_dataclasses() -> None:
    check_dataclasses(_gold, by_identity={"Gold"})
    check_dataclasses(_scores, by_identity={"WordCuts", "MorphologyScores"})
    check_dataclasses(token_places, by_identity={"JoinedTexts", "TokenPlaces"})


# ---- the command


@pytest.mark.smoke
def test_the_command_prints_tables_and_all_values(tmp_path: Path) -> None:
    path, pieces = str(write(tmp_path / "gold.tsv", GOLD + "ran\trun|ed\t1\n")), str(made_of(PIECES, tmp_path))
    done = run("morphology", pieces, "--gold", path, "--bare", COLUMNS="120")
    assert done.returncode == 0, done.stderr
    assert "gold.tsv: 4 words; means of words" in done.stdout
    assert "gold.tsv: 4 words; sums over words, weighted by frequency" in done.stdout
    assert "each word is encoded alone" in done.stdout
    assert "gold.tsv (tsv): 1 line left out, segments do not spell the word (line 5)" in done.stdout
    assert run("morphology", pieces, "--gold", path, "--bare", COLUMNS="120").stdout == done.stdout
    document = json.loads(run("morphology", pieces, "utf8", "--gold", path, "--both", "--json").stdout)
    assert f"gold:gold.tsv@sha256:{document['gold'][0]['sha256']}/tsv|n:4|lead:space,none" in document["signature"]
    assert {row["lead"] for row in document["values"]} == {"space", "none"}
    assert len(document["values"]) == 2 * 2 * 3 * 2 * 2
    csv = run("morphology", pieces, "--gold", path, "-f", "csv").stdout.splitlines()
    assert csv[0].startswith("tokenizer,gold,lang,lead,single_token,average,weighted,words,boundaries,")
    assert len(csv) == 1 + 3 * 2 * 2
    assert "| tokenizer | one token | recall |" in run("morphology", pieces, "--gold", path, "-f", "markdown").stdout


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = write(tmp_path / "gold.tsv", "word\tsegments\tlang\nwalked\twalk|ed\t\x1b[31mred\n")
    done = run("morphology", "utf8", "--gold", str(path))
    assert done.returncode == 0, done.stderr
    assert "\x1b[31m" not in done.stdout


@needs_data
def test_tokenizers_of_all_kinds_say_where_tokens_end(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path / "gold.tsv", "unbreakable\tun|break|able\nwalked\twalk|ed\n"))
    for name in ("gpt2", "bert-base-multilingual-cased", "rwkv-world"):
        cuts = cut_words(load_tokenizer(name), gold, "none")
        assert cuts.known.all(), name
