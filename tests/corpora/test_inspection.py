"""The corpus report: figures counted by hand, and the known dirt of real corpora."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest

from tokbench.corpora import FINDINGS, CorpusReport, inspect_corpus, load_corpus
from tokbench.errors import TokbenchError


def counts(report: CorpusReport, lang: str) -> dict[str, tuple[int | None, int | None]]:
    rows = report.findings.filter(pl.col("lang") == lang).select("finding", "count", "characters").rows()
    return {finding: (count, characters) for finding, count, characters in rows}


def test_every_finding_is_counted_in_its_unit(tmp_path: Path) -> None:
    english = [
        "plain",
        "plain",
        "lost \ufffd\ufffd and \ufffd",
        "na\x93me\x94 caf\x85",
        "nul \x00\x00",
        "tab\tis fine, bell \x07 and \x7f are not",
        "vt \x0b ff \x0c fs \x1c",
        "par\u2028a\u2029graph",
        "cafe\u0301",
        "\ufeffmark",
        "plain",
        "",
    ]
    (tmp_path / "en.txt").write_bytes(
        b"\xef\xbb\xbf"
        + "\r\n".join(english[:3]).encode()
        + b"\n"
        + "".join(f"{text}\n" for text in english[3:]).encode()
    )
    (tmp_path / "zh.txt").write_bytes("".join(f"一{i}\n" for i in range(12)).encode())
    (tmp_path / "notes.txt").write_text("x")
    report = inspect_corpus(load_corpus(tmp_path))
    assert counts(report, "en") == {
        "duplicate": (2, None),
        "not_nfc": (1, None),
        "bom": (1, None),
        "crlf": (2, None),
        "replacement": (1, 3),
        "c1": (1, 3),
        "nul": (1, 2),
        "control": (2, 5),
        "inner_bom": (1, 1),
        "separator": (3, 6),
        "length_outlier": (None, None),
    }
    zh = counts(report, "zh")
    assert list(zh) == list(FINDINGS)
    assert zh.pop("length_outlier") == (0, None)
    assert {count for count, _ in zh.values()} == {0}
    assert (report.segments, report.reference, report.format) == (11, "en", "lines")
    assert report.excluded.rows() == [(11, "empty in en")]
    assert [item.what for item in report.left_out] == ["notes.txt"]
    assert report.languages.select("lang", "segments", "bytes", "chars").rows() == [
        ("en", 11, sum(len(text.encode()) for text in english), sum(map(len, english))),
        ("zh", 11, 11 * 4 + 1, 11 * 2 + 1),
    ]
    assert set(report.nonzero_findings["lang"].to_list()) == {"en"}


def test_length_outliers_by_hand(tmp_path: Path) -> None:
    # Ratios to ten characters of English: 1/2, 1, 2, 1, 1/2, 2 and 2^9. The logarithms to base 2 are -1 0 1 0 -1 1 9,
    # the median is 0, the deviations 1 0 1 0 1 1 9, their median 1: the last one lies 9 / 1.4826 away.
    lengths = [5, 10, 20, 10, 5, 20, 5120]
    (tmp_path / "en.txt").write_text("abcdefghij\n" * 7)
    (tmp_path / "de.txt").write_text("".join("x" * length + "\n" for length in lengths))
    (tmp_path / "fr.txt").write_text("abcdefghi\n" * 7)
    report = inspect_corpus(load_corpus(tmp_path))
    assert report.outliers.drop("z").rows() == [("de", 6, 5120, 10)]
    assert report.outliers["z"][0] == pytest.approx(9 / 1.4826)
    assert counts(report, "de")["length_outlier"] == (1, None)
    assert counts(report, "fr")["length_outlier"] == (None, None)  # every ratio is the same: nothing to compare with
    against_german = inspect_corpus(load_corpus(tmp_path), "de")
    assert against_german.reference == "de"
    assert counts(against_german, "en")["length_outlier"] == (1, None)
    assert against_german.outliers["z"].to_list() == pytest.approx([-9 / 1.4826] * 2)
    with pytest.raises(TokbenchError, match="has no language 'xx'"):
        inspect_corpus(load_corpus(tmp_path), "xx")


def test_formats_without_lines_do_not_know_their_ends(tmp_path: Path) -> None:
    pl.DataFrame({"fr": ["a"], "de": ["b"]}).write_parquet(tmp_path / "a.parquet")
    report = inspect_corpus(load_corpus(tmp_path / "a.parquet"))
    assert report.reference == "fr"
    assert counts(report, "fr")["crlf"] == counts(report, "fr")["bom"] == (None, None)
    assert report.nonzero_findings.height == 0


def test_select_keeps_what_reading_counted(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("a\nb\n")
    (tmp_path / "zh.txt").write_bytes(b"a\r\nb\r\n")
    report = inspect_corpus(load_corpus(tmp_path).select(["zh"], segments=1))
    assert report.languages["origin"].to_list() == [str(tmp_path / "zh.txt")]
    assert counts(report, "zh")["crlf"] == (2, None)


# --- real corpora ---------------------------------------------------------------------------------------------------


def total(report: CorpusReport, finding: str, what: str = "count") -> int:
    return int(report.findings.filter(pl.col("finding") == finding)[what].sum())


def test_flores(shared_data: Path) -> None:
    corpus = load_corpus(shared_data / "corpora" / "flores200")
    assert (corpus.name, len(corpus.languages), corpus.n, corpus.excluded.height) == ("flores200-dev", 204, 997, 0)
    assert corpus.documents is not None
    assert corpus.documents.columns == ["segment", "document", "register"]
    assert set(corpus.documents["register"]) == {"wikinews", "wikibooks", "wikivoyage"}
    report = inspect_corpus(corpus)
    assert report.reference == "eng_Latn"
    assert counts(report, "cat_Latn")["c1"] == (8, 11)
    assert counts(report, "shn_Mymr")["control"] == (1, 1)
    assert total(report, "c1", "characters") == 11
    assert total(report, "not_nfc") == 5542
    assert total(report, "duplicate") == 33
    assert total(report, "crlf") == total(report, "replacement") == total(report, "nul") == 0
    worst = report.outliers.row(0, named=True)
    assert (worst["lang"], worst["segment"], worst["chars"]) == ("taq_Tfng", 492, 1)
    one = load_corpus(shared_data / "corpora" / "flores200" / "dev", languages=["zho_Hans", "eng_Latn"])
    assert one.sha256 == corpus.select(["eng_Latn", "zho_Hans"]).sha256


def test_ntrex(shared_data: Path) -> None:
    corpus = load_corpus(shared_data / "corpora" / "ntrex128" / "NTREX-128")
    assert (corpus.name, len(corpus.languages), corpus.n, corpus.excluded.height) == ("NTREX-128", 128, 1997, 0)
    assert [item.what for item in corpus.left_out] == ["newstest2019-ref-2.spa.txt"]
    assert corpus.documents is not None
    assert corpus.documents.row(0) == (0, "bbc.381790")
    report = inspect_corpus(corpus)
    assert report.reference == "eng"
    assert counts(report, "deu")["crlf"] == (1997, None)
    assert counts(report, "deu")["not_nfc"] == (1, None)
    with pytest.raises(TokbenchError, match="contains 2 corpora: NTREX-128, NTREX-additional; give one of them"):
        load_corpus(shared_data / "corpora" / "ntrex128")


def test_news_commentary(shared_data: Path) -> None:
    corpus = load_corpus(shared_data / "corpora" / "nc_zh_en" / "train_10k.jsonl")
    assert (corpus.languages, corpus.n) == (("en", "zh"), 10_000)
    report = inspect_corpus(corpus)
    assert counts(report, "zh")["replacement"] == (81, 209)
    assert counts(report, "en")["replacement"] == (2, 6)
    assert corpus.frame.filter(pl.col("text").str.contains("\ufffd"))["segment"].n_unique() == 83
    # The rows that are known to be misaligned.
    assert set(report.outliers["segment"].head(6)) >= {970, 1465, 3340, 5066, 5067}
    worst = report.outliers.row(0, named=True)
    zh, en = corpus.texts("zh"), corpus.texts("en")
    assert (worst["segment"], worst["chars"], worst["reference_chars"]) == (970, len(zh[970]), len(en[970]))
    logs = [math.log(len(a) / len(b)) for a, b in zip(zh, en, strict=True)]
    ordered = sorted(logs)
    middle = (ordered[4999] + ordered[5000]) / 2
    distances = sorted(abs(value - middle) for value in logs)
    assert worst["z"] == pytest.approx((logs[970] - middle) / (1.4826 * (distances[4999] + distances[5000]) / 2))


def test_moses_tsv_and_tmx_in_the_wild(shared_data: Path) -> None:
    corpora = shared_data / "corpora"
    newstest = corpora / "wmt_zh_en" / "wmt_newstest"
    assert load_corpus(newstest / "2017" / "zh-en" / "newstest2017").n == 2001
    assert load_corpus(newstest / "2020" / "zh-en" / "newstestB2020").n == 2000
    with pytest.raises(TokbenchError, match=r"newstest2018.en has 3981 segments, .*newstest2017.zh has 2001"):
        load_corpus(f"{newstest}/2017/zh-en/newstest2017.zh,{newstest}/2018/zh-en/newstest2018.en")
    cmn = load_corpus(f"{corpora}/manythings_cmn_eng/cmn.txt:en=1,zh=2")
    assert (cmn.n, cmn.texts("en")[0], cmn.texts("zh")[0]) == (29_155, "Hi.", "嗨。")
    kit = corpora / "formats" / "omegat" / "tmx" / "TMXComplianceKit"
    utf16 = load_corpus(kit / "ImportTest1A.tmx")
    assert (utf16.languages, utf16.n) == (("en-US", "fr-CA"), 2)
    assert load_corpus(corpora / "formats" / "omegat" / "tmx" / "test-match-stat-en-ca.tmx").n == 259
