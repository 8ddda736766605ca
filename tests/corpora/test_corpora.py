"""What a parallel corpus promises: alignment, exclusion, its hash, selection, and the corpus argument."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.commands import run
from tokbench.corpora import (
    READERS,
    LanguageText,
    LeftOut,
    ParallelCorpus,
    RawCorpus,
    build_corpus,
    inspect_corpus,
    load_corpus,
    same_language,
)
from tokbench.corpora._languages import canonical_tag, is_column_tag, parse_tag
from tokbench.corpora._loading import split_spec
from tokbench.errors import TokbenchError


def corpus_of(texts: Mapping[str, Sequence[str | None]], documents: Sequence[str] | None = None) -> ParallelCorpus:
    columns = [
        LanguageText(lang, pl.Series("text", column, dtype=pl.String), f"made.{lang}") for lang, column in texts.items()
    ]
    frame = None if documents is None else pl.DataFrame({"document": documents})
    return build_corpus(RawCorpus("made", columns, documents=frame), "made", "made")


def test_frame_is_sorted_and_aligned_and_keeps_the_source_index() -> None:
    corpus = corpus_of({"zh": ["一", " ", "三", "四"], "en": ["one", "two", "", "four"]}, ["a", "a", "b", "b"])
    assert corpus.languages == ("zh", "en")
    assert corpus.n == 2
    assert corpus.frame.schema == {"segment": pl.UInt32, "lang": pl.Enum(["zh", "en"]), "text": pl.String}
    assert corpus.frame.rows() == [(0, "zh", "一"), (3, "zh", "四"), (0, "en", "one"), (3, "en", "four")]
    assert corpus.excluded.rows() == [(1, "empty in zh"), (2, "empty in en")]
    assert corpus.documents is not None
    assert corpus.documents.rows() == [(0, "a"), (3, "b")]
    assert corpus.texts("en") == ["one", "four"]
    assert corpus.segments.to_list() == [0, 3]
    assert repr(corpus) == f"<ParallelCorpus made: 2 languages x 2 segments, sha256 {corpus.sha256[:12]}>"


def test_reasons_name_every_language() -> None:
    corpus = corpus_of(
        {"en": ["x", "\t", None, None], "zh": ["x", "\u3000\u00a0", "y", ""], "ja": ["x", "z", None, "z"]}
    )
    assert corpus.excluded.rows() == [
        (1, "empty in en,zh"),
        (2, "missing in en,ja"),
        (3, "missing in en; empty in zh"),
    ]


def test_texts_are_kept_to_the_character() -> None:
    texts = [" a ", "\ufeffb", "c\x00", "e\u0301", "\x1c"]
    assert corpus_of({"en": texts}).texts("en") == texts


def test_an_empty_corpus_is_an_error() -> None:
    with pytest.raises(TokbenchError, match="none of 2 segments is left: segment 0 is empty in en"):
        corpus_of({"en": ["", "b"], "zh": ["a", " "]})
    with pytest.raises(TokbenchError, match="none of 0 segments is left: the source is empty"):
        corpus_of({"en": [], "zh": []})
    with pytest.raises(TokbenchError, match="contains no language"):
        corpus_of({})


def test_ragged_languages_name_the_one_that_deviates() -> None:
    with pytest.raises(TokbenchError, match=r"ragged: made.zh has 1 segments, made.en has 2;") as caught:
        corpus_of({"en": ["a", "b"], "zh": ["a"]})
    assert "\n" not in str(caught.value)
    with pytest.raises(TokbenchError, match=r"made.en has 1 segments, made.zh has 2;"):
        corpus_of({"en": ["a"], "zh": ["a", "b"], "ja": ["a", "b"]})


def test_hash_is_the_documented_one() -> None:
    expected = hashlib.sha256(b"tokbench corpus 1\n")
    for tag, texts in (("en", ["ab", "c"]), ("zh", ["é", "一"])):  # in the order of the tags
        encoded = [text.encode() for text in texts]
        for number in (len(tag), len(texts)):
            expected.update(number.to_bytes(8, "little"))
        expected.update(tag.encode())
        for text in encoded:
            expected.update(len(text).to_bytes(8, "little"))
        expected.update(b"".join(encoded))
    assert corpus_of({"zh": ["é", "一"], "en": ["ab", "c"]}).sha256 == expected.hexdigest()


def test_hash_does_not_count_excluded_segments_documents_or_order_of_languages() -> None:
    plain = corpus_of({"en": ["a", "b"], "zh": ["x", "y"]})
    assert corpus_of({"zh": ["x", "q", "y"], "en": ["a", "", "b"]}, ["d", "e", "f"]).sha256 == plain.sha256


@pytest.mark.parametrize(
    "other",
    [
        {"en": ["a", "c"], "zh": ["x", "y"]},
        {"en": ["ab", "b"], "zh": ["x", "y"]},
        {"en": ["a", "b"], "zh": ["y", "x"]},
        {"en": ["a", "b"], "ja": ["x", "y"]},
        {"en": ["x", "y"], "zh": ["a", "b"]},
        {"en": ["a", "b"]},
        {"en": ["a"], "zh": ["x"]},
        {"en": ["ab"], "zh": ["xy"]},
    ],
)
def test_hash_tells_other_texts_apart(other: dict[str, list[str]]) -> None:
    assert corpus_of(other).sha256 != corpus_of({"en": ["a", "b"], "zh": ["x", "y"]}).sha256


_filled = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda t: f"x{t}"), min_size=1)


@given(_filled, _filled)
def test_hash_is_equal_only_for_equal_texts(one: list[str], other: list[str]) -> None:
    assert (corpus_of({"en": one}).sha256 == corpus_of({"en": other}).sha256) == (one == other)


def test_select_takes_languages_and_the_first_segments() -> None:
    corpus = corpus_of(
        {"en": list("abcde"), "zh": ["x", "", "y", "z", "w"], "ja": ["1", "2", "3", "", "5"]}, list("pqrst")
    )
    chosen = corpus.select(["ja", "en"], segments=1)
    assert chosen.languages == ("ja", "en")
    assert chosen.frame.rows() == [(0, "ja", "1"), (0, "en", "a")]
    assert chosen.excluded.height == 0
    assert chosen.documents is not None
    assert chosen.documents.rows() == [(0, "p")]
    assert chosen.reading["origin"].to_list() == ["made.ja", "made.en"]
    assert chosen.sha256 == corpus_of({"ja": ["1"], "en": ["a"]}).sha256
    second = corpus.select(segments=2)
    assert second.segments.to_list() == [0, 2]
    assert second.excluded.rows() == [(1, "empty in zh")]
    assert second.documents is not None
    assert second.documents.rows() == [(0, "p"), (2, "r")]
    assert corpus.select(segments=99).sha256 == corpus.sha256
    assert corpus.select(["en", "en"]).languages == ("en",)
    with pytest.raises(TokbenchError, match="0 segments are requested"):
        corpus.select(segments=0)
    with pytest.raises(TokbenchError, match="the list of languages is empty"):
        corpus.select([])
    assert corpus.select("zh, en").languages == ("zh", "en")


@given(st.integers(1, 8), st.permutations(["en", "zh", "ja"]))
def test_select_is_the_corpus_read_with_less(segments: int, languages: list[str]) -> None:
    texts = {lang: [f"{lang} {i}" for i in range(6)] for lang in ("en", "zh", "ja")}
    chosen = corpus_of(texts).select(languages[:2], segments)
    again = corpus_of({lang: texts[lang][:segments] for lang in languages[:2]})
    assert chosen.frame.equals(again.frame)
    assert chosen.sha256 == again.sha256


@pytest.mark.parametrize(
    ("tag", "there", "hint"),
    [
        ("zh-TW", ["en", "zh"], "did you mean 'zh'?"),
        ("eng_Latm", ["eng_Latn", "zho_Hans"], "did you mean 'eng_Latn'?"),
        ("xx", ["en", "zh"], "available: en, zh"),
    ],
)
def test_an_unknown_language_is_told_what_was_meant(tag: str, there: list[str], hint: str) -> None:
    corpus = corpus_of({lang: ["a"] for lang in there})
    for use in (corpus.texts, lambda lang: corpus.select([lang]), lambda reference: inspect_corpus(corpus, reference)):
        with pytest.raises(TokbenchError) as caught:
            use(tag)
        assert str(caught.value) == f"made has no language {tag!r}; {hint}"


@pytest.mark.parametrize(
    ("wanted", "there", "chosen"),
    [
        ("en", ["eng_Latn", "zho_Hans"], "eng_Latn"),
        ("zh", ["eng_Latn", "yue_Hant", "zho_Hans", "zho_Hant"], "zho_Hans"),
        ("zh-TW", ["zho_Hans", "zho_Hant"], "zho_Hant"),
        ("zh-Hant", ["zho-CN", "zho-TW"], "zho-TW"),
        ("traditional chinese", ["zho-CN", "zho-TW"], "zho-TW"),
        ("Thai", ["tha_Thai", "eng_Latn"], "tha_Thai"),
        ("tha", ["th", "en"], "th"),
        ("eng_Latn", ["en", "zh"], "en"),
        ("en-us", ["eng-US", "eng-GB"], "eng-US"),
        ("en", ["eng-GB", "eng-US", "eng-IN"], "eng-US"),
        ("en", ["eng-GB", "eng", "eng-US"], "eng"),
        ("pt-BR", ["por", "por-BR"], "por-BR"),
        ("ar", ["arz_Arab", "ary_Arab", "arb_Latn", "arb_Arab"], "arb_Arab"),
        ("moroccan arabic", ["arz_Arab", "ary_Arab", "arb_Arab"], "ary_Arab"),
        ("no", ["nno_Latn", "nob_Latn"], "nob_Latn"),
        ("sr", ["srp-Cyrl", "srp-Latn"], "srp-Cyrl"),
        ("azb", ["azj_Latn", "azb_Arab"], "azb_Arab"),
    ],
)
def test_languages_are_asked_for_in_any_notation(wanted: str, there: list[str], chosen: str) -> None:
    corpus = corpus_of({lang: [lang] for lang in there})
    assert corpus.texts(wanted) == [chosen]
    assert corpus.select([wanted]).languages == (chosen,)
    assert corpus.select([wanted, chosen]).languages == (chosen,)
    assert inspect_corpus(corpus, wanted).reference == chosen


def test_a_language_that_may_be_several(tmp_path: Path) -> None:
    corpus = corpus_of({lang: [lang] for lang in ("eng-GB", "eng-IN")})
    with pytest.raises(TokbenchError, match="made: 'en' may be 'eng-GB' or 'eng-IN'; give one of them"):
        corpus.texts("en")


def test_the_command_tells_which_languages_are_meant(tmp_path: Path) -> None:
    (tmp_path / "eng_Latn.dev").write_text("one\n")
    (tmp_path / "tha_Thai.dev").write_text("หนึ่ง\n")
    result = run("compare", "utf8", "-c", str(tmp_path), "-l", "thai,eng_Latn", "--no-throughput", "-f", "csv")
    assert result.returncode == 0, result.stderr
    assert "tokbench: thai is tha_Thai\n" in result.stderr


def test_tags_that_are_languages_and_words_that_are_not() -> None:
    for tag in ("en", "EN", "eng", "eng_Latn", "zho-CN", "zh-Hans-CN", "es-419", "gsw-BE", "cat_Latn_vale1252", "yue"):
        assert parse_tag(tag) is not None, tag
    assert parse_tag("iw") is not None  # withdrawn; others are usual file extensions and heads of columns
    assert [parse_tag(word) for word in ("in", "mo", "scr", "sh")] == [None] * 4
    for word in ("md", "src", "tgt", "log", "url", "tsv", "index", "English", "en-de", "En", "e", "", "en_", "doc"):
        assert parse_tag(word) is None, word
    assert [is_column_tag(name) for name in ("id", "ID", "no", "to", "id_ID", "ind_Latn")] == [False] * 4 + [True] * 2
    assert [canonical_tag(tag) for tag in ("EN-us", "zh_HANS-cn", "FR")] == ["en-US", "zh_Hans-CN", "fr"]
    assert same_language("en", ["eng-GB", "fra", "eng_Latn"]) == ["eng-GB", "eng_Latn"]
    assert same_language("nonsense", ["en"]) == []
    assert same_language("no", ["nob", "nno", "nb"]) == ["nob", "nb"]
    assert same_language("ps", ["pbt_Arab", "prs_Arab"]) == ["pbt_Arab"]
    assert same_language("fa", ["pes_Arab", "prs_Arab"]) == ["pes_Arab"]  # Dari is fa-AF


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("cmn.txt:en=1,zh=2", ("cmn.txt", {"en": "1", "zh": "2"})),
        ("a:b:format=tsv", ("a:b", {"format": "tsv"})),
        ("C:\\data\\x.tsv", ("C:\\data\\x.tsv", {})),
        ("C:\\a=b\\x.tsv", ("C:\\a=b\\x.tsv", {})),
        ("C:\\data\\x.tsv:en=1", ("C:\\data\\x.tsv", {"en": "1"})),
        ("a.zh,b.en", ("a.zh,b.en", {})),
        ("a:b", ("a:b", {})),
        ("x: en = text a , zh=2", ("x", {"en": "text a", "zh": "2"})),
    ],
)
def test_corpus_argument(spec: str, expected: tuple[str, dict[str, str]]) -> None:
    assert split_spec(spec) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [("x:en=", "'en=' in the corpus"), ("x:en=1,zh", "'zh' in the corpus"), ("x:en=1,en=2", "gives en twice")],
)
def test_bad_corpus_argument(spec: str, message: str) -> None:
    with pytest.raises(TokbenchError, match=message):
        load_corpus(spec)


def test_a_corpus_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "corpus.tsv").write_text("en\tzh\na\tb\n")
    with pytest.raises(TokbenchError, match=r"there is no corpus .*corpsu.tsv.; did you mean .*corpus.tsv.\?"):
        load_corpus(str(tmp_path / "corpsu.tsv"))
    with pytest.raises(TokbenchError, match=r"cannot access the corpus .*: File name too long"):
        load_corpus("x" * 5000)
    with pytest.raises(TokbenchError, match="the corpus argument is empty"):
        load_corpus(" ")
    with pytest.raises(TokbenchError, match="no corpus reader is called 'tvs'; did you mean 'tsv'"):
        load_corpus(f"{tmp_path}/corpus.tsv:format=tvs")


def test_every_reader_is_a_module_and_claims_nothing_where_nothing_is(tmp_path: Path) -> None:
    assert list(READERS) == [
        "arrow", "bundled", "csv", "folder", "json", "jsonl", "lines", "moses", "parquet", "po", "sgm", "text", "tmx",
        "tsv", "wmt", "xliff",
    ]  # fmt: skip
    assert [name for name, reader in READERS.items() if reader.claims(tmp_path / "nothing")] == []


def test_two_readers_that_claim_one_file_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.tsv"
    file.write_text("en\tzh\na\tb\n")
    monkeypatch.setattr(READERS["csv"], "claims", lambda path: path.suffix == ".tsv")
    with pytest.raises(TokbenchError, match=r"can be read as csv or tsv; say which: .*a.tsv:format=csv"):
        load_corpus(file)


def test_load_corpus_narrows_and_names_its_source(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("en\tnote\tzh\none\t\t一\n\t\t二\nthree\t\t三\n")
    corpus = load_corpus(f"{tmp_path}/a.tsv", languages=["zh", "en"], segments=1)
    assert (corpus.name, corpus.format, corpus.source, corpus.licence) == ("a", "tsv", f"{tmp_path}/a.tsv", None)
    assert corpus.frame.rows() == [(0, "zh", "一"), (0, "en", "one")]
    assert corpus.left_out == (LeftOut("column note", "its name is not a known language tag"),)
    only = load_corpus(tmp_path / "a.tsv", languages="zh")
    assert only.n == 3  # a segment is excluded only for a language that is in use
    assert only.reading["lang"].to_list() == ["zh"]
