"""A comparison as users hold it: figures, signature, saving, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Pipeline
from tokenizers import processors

import tokbench as tb
from helpers import made
from helpers.comparisons import make_comparison
from helpers.corpora import write_corpus
from helpers.data import needs_data
from tokbench.adapters import Tokenizer
from tokbench.adapters.bench.throughput import measure_throughput, split_rounds
from tokbench.adapters.selection import Sample, load_engine
from tokbench.catalog.entries import CATALOG
from tokbench.catalog.sets import expand_sets
from tokbench.catalog.sources import Asset
from tokbench.comparison import Comparison
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.measurement.loading import DEFAULT_TOKENIZERS
from tokbench.metrics import DEFAULT_METRICS, METRICS, evaluate
from tokbench.report import REPORTS, encode, is_binary


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return make_comparison(tmp_path_factory.mktemp("comparison"))


def test_the_frame_is_tall_and_in_order(result: Comparison) -> None:
    assert result.frame.columns == ["tokenizer", "engine", "lang", "metric", "value", "low", "high", "unit", "n"]
    assert result.frame["tokenizer"].unique(maintain_order=True).to_list() == list(result.names)
    first = result.frame.filter(pl.col("tokenizer") == "utf8")
    assert first["metric"].unique(maintain_order=True).to_list() == list(DEFAULT_METRICS)
    lengths = first.filter(pl.col("metric") == "tokens_per_segment")
    assert lengths.select("lang", "value", "n").rows() == [(None, 10.25, 4), ("en", 10.0, 2), ("zh", 10.5, 2)]
    assert set(result.frame["unit"]) == {METRICS[name].unit for name in DEFAULT_METRICS}


def test_throughput_is_the_median_of_rounds(result: Comparison) -> None:
    row = result.frame.filter((pl.col("metric") == "throughput") & (pl.col("tokenizer") == "utf8"))
    value, low, high = row.select("value", "low", "high").row(0)
    assert low <= value <= high
    assert value in [size / 1e6 for size in (6, 7, 13, 15)]  # one tick a round, one text a round


def test_no_text_is_timed_twice(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=[f"text {i}" for i in range(40)])
    parts = split_rounds(corpus, rounds=5, round_bytes=30)
    texts = [text for part in parts for text in part]
    assert len(parts) == 6
    assert len(set(texts)) == len(texts)
    assert all(30 <= sum(len(text) for text in part) < 40 for part in parts)


def test_one_tokenizer_and_one_metric_need_no_list(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["one"])
    assert tb.compare("utf8", corpus, metrics="premium").frame["metric"].to_list() == ["premium"]
    assert tb.compare(made.make_tokenizer_json(tmp_path), corpus, metrics="gini").names == (tmp_path.name,)


def test_a_damaged_folder_is_one_clear_line(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path)
    counts = tmp_path / "counts.parquet"
    counts.write_bytes(counts.read_bytes()[:100])
    with pytest.raises(tb.TokbenchError, match=r"counts\.parquet: changed since it was saved"):
        tb.load(tmp_path)
    counts.unlink()
    with pytest.raises(tb.TokbenchError, match="cannot read"):
        tb.load(tmp_path)
    document = json.loads((tmp_path / "comparison.json").read_text())
    document["results"][0]["value"] = "x"
    (tmp_path / "x.json").write_text(json.dumps(document))
    with pytest.raises(tb.TokbenchError, match="not a saved comparison"):
        tb.load(tmp_path / "x.json")


def test_a_single_text_is_not_timed(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["one"])
    assert measure_throughput([tb.load_tokenizer("utf8")], corpus, clock=lambda: 0.0) == []


def test_summary_gives_lengths_for_few_languages_and_premiums_for_many(result: Comparison, tmp_path: Path) -> None:
    few = result.summary()
    assert few.columns[:5] == ["tokenizer", "engine", "vocab_total", "tokens_per_segment/en", "tokens_per_segment/zh"]
    assert few["tokens_per_segment/zh"].to_list()[0] == 10.5
    many = tb.compare(["utf8"], write_corpus(tmp_path / "c", **{t: ["a b"] for t in ("en", "de", "fr", "es", "it")}))
    assert many.summary().columns[2:6] == ["vocab_total", "premium_median", "premium_worst", "bytes_per_token"]


def test_chosen_metrics_are_what_a_summary_shows(tmp_path: Path) -> None:
    chosen = make_comparison(tmp_path, metrics=["fertility", "premium"])
    assert chosen.summary().columns == ["tokenizer", "engine", "fertility", "premium/en", "premium/zh"]


@pytest.mark.smoke
def test_by_language(result: Comparison) -> None:
    table = result.by_language("premium")
    assert table.columns == ["lang", *result.names]
    assert table["utf8"].to_list() == [1.0, 21 / 20]
    with pytest.raises(tb.TokbenchError, match="no metric is called"):
        result.by_language("premum")


def test_lossy_tokenizers_are_found_out(result: Comparison) -> None:
    wordpiece = result.names[1]
    assert result.is_lossy(wordpiece)
    assert result.is_lossy(wordpiece, "zh")
    assert not result.is_lossy(wordpiece, "en")
    assert not result.is_lossy("utf8")


@pytest.mark.smoke
def test_loading_what_was_saved_is_the_identity(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path / "saved")
    loaded = tb.load(tmp_path / "saved")
    assert loaded.to_document() == result.to_document()
    assert loaded.frame.equals(result.frame, null_equal=True)
    assert loaded.measurements is not None
    alone = tb.load(tmp_path / "saved" / "comparison.json")
    assert alone.to_document() == result.to_document()
    assert alone.measurements is None


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1, max_size=5))
def test_json_keeps_every_float(result: Comparison, values: list[float | None]) -> None:
    frame = result.frame.head(len(values)).with_columns(value=pl.Series(values, dtype=pl.Float64))
    changed = Comparison(**{**vars(result), "frame": frame})
    again = Comparison.from_document(json.loads(json.dumps(changed.to_document())))
    assert again.frame.equals(frame, null_equal=True)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"results": 1}', b"\xff"])
def test_what_is_no_comparison_does_not_load(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(tb.TokbenchError, match="not a saved comparison"):
        tb.load(path)


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("by", ["summary", "language"])
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, name: str, by: str) -> None:
    if name == "html":
        pytest.importorskip("vl_convert", reason="no charts: install tokbench[html]")
    first, second = (encode(make_comparison(tmp_path), name, by) for _ in range(2))  # type: ignore[arg-type]
    assert first == second
    assert is_binary(name) or first.endswith(b"\n")


def test_a_changed_byte_of_corpus_or_tokenizer_changes_the_signature(tmp_path: Path) -> None:
    before = make_comparison(tmp_path, throughput=False).signature()
    assert make_comparison(tmp_path).signature() == before
    vocabulary = tmp_path / "made" / "vocab.txt"
    corpus = write_corpus(tmp_path / "small", en=["the quick fox", "the dig"], zh=["你好，世界", "你好"])
    changed_text = tb.compare(["utf8", str(vocabulary)], corpus, baseline="utf8", throughput=False)
    assert changed_text.signature() != before
    vocabulary.write_text(vocabulary.read_text() + "zzz\n")
    corpus = write_corpus(tmp_path / "small", en=["the quick fox", "the dog"], zh=["你好，世界", "你好"])
    changed_file = tb.compare(["utf8", str(vocabulary)], corpus, baseline="utf8", throughput=False)
    assert changed_file.signature() not in (before, changed_text.signature())


def test_the_signature_says_what_was_done(result: Comparison) -> None:
    long = result.signature("premium", "utf8")
    short = result.signature("premium", "utf8", long=False)
    fields = dict(field.split(":", 1) for field in short.split("|")[1:])
    assert fields["tok"] == f"utf8@sha256:{result.tokenizers[0].sha256[:8]}"
    assert fields["eng"] == "tokbench/encode_batch"
    assert fields["corp"] == f"small@sha256:{result.corpus.sha256[:8]}"
    assert (fields["lang"], fields["n"], fields["ref"], fields["base"]) == ("en,zh", "2", "en", "utf8")
    assert (fields["m"], fields["agg"], fields["spec"], fields["v"]) == ("premium", "micro", "off", tb.__version__)
    assert result.corpus.sha256 in long
    with pytest.raises(tb.TokbenchError, match="no tokenizer 'x'"):
        result.signature(tokenizer="x")


def test_what_cannot_be_had_is_an_error_or_is_listed(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["a"])
    with pytest.raises(tb.TokbenchError, match="bloom is not available here"):
        tb.compare(["utf8", "bloom"], corpus)
    result = tb.compare(["utf8", "bloom"], corpus, skip_missing=True, throughput=False)
    (skipped,) = result.skipped
    assert skipped.name == "bloom"
    assert skipped.reason
    assert skipped.remedy
    assert result.names == ("utf8",)
    with pytest.raises(tb.TokbenchError, match="there is no tokenizer to compare"):
        tb.compare(["bloom"], corpus, skip_missing=True)


def test_a_baseline_that_cannot_be_loaded_is_an_error_whatever_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = write_corpus(tmp_path / "c", en=["a"])

    def load(asset: Asset, engine: str, sample: Sample) -> Tokenizer:
        if asset.name == "byt5":
            raise MissingExtraError("library", "extra", "loading byt5")
        return load_engine(asset, engine, sample)

    monkeypatch.setattr("tokbench.measurement.loading.load_engine", load)
    result = tb.compare(["utf8", "byt5"], corpus, skip_missing=True, throughput=False)
    assert [skipped.name for skipped in result.skipped] == ["byt5"]
    with pytest.raises(MissingExtraError, match="byt5"):
        tb.compare(["utf8", "byt5"], corpus, baseline="byt5", skip_missing=True, throughput=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": "ex"}, "has no language 'ex'"),
        ({"baseline": "gpt2"}, "the baseline 'gpt2' is not among the tokenizers"),
        ({"metrics": ["fertilty"]}, "did you mean 'fertility'"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(tb.TokbenchError, match=message):
        make_comparison(tmp_path, **changes)


def test_default_tokenizers_are_of_the_catalogue() -> None:
    assert set(expand_sets(DEFAULT_TOKENIZERS)) <= CATALOG.keys()


def test_a_notebook_shows_a_table(result: Comparison) -> None:
    assert repr(result) == "<Comparison of 2 tokenizers on small (2 languages x 2 segments)>"
    html = result._repr_html_()
    assert "<table" in html
    assert "utf8" in html


@needs_data
def test_t5_is_unranked_on_chinese(shared_data: Path) -> None:
    corpus = tb.load_corpus(
        shared_data / "corpora" / "nc_zh_en" / "train_10k.jsonl", languages=["zh", "en"], segments=300
    )
    result = tb.compare(["gpt-neox-20b", "t5"], corpus, throughput=False)
    assert result.is_lossy("t5", "zh")
    written = encode(result, "markdown", "language").decode()
    row = next(line for line in written.splitlines() if line.startswith("| zh"))
    assert row.split("|")[3].strip().startswith("(")
    assert "t5 is lossy, not ranked on compression and boundaries" in written


def test_special_tokens_are_a_column_of_their_own(tmp_path: Path) -> None:
    """Three are added by a post-processor; no file of the other tokenizer says anything."""
    (tmp_path / "three").mkdir()
    path = made.make_tokenizer_json(tmp_path / "three")
    template = processors.TemplateProcessing(
        single="<|endoftext|> $A <|endoftext|> <|endoftext|>", special_tokens=[("<|endoftext|>", 0)]
    )
    pipeline = Pipeline.from_file(str(path))
    pipeline.post_processor = template
    pipeline.save(str(path))
    texts = {"en": ["the fox", "a dog jumps", ""], "de": ["der Fuchs", "ein Hund springt", "x"]}
    names = ["tokens_per_segment", "tokens_per_segment_with_special"]
    result = tb.compare([str(path), "utf8"], texts, metrics=names, baseline="utf8", throughput=False)
    for lang in ("en", "de", None):
        rows = result.frame.filter(pl.col("lang").eq_missing(pl.lit(lang)), pl.col("tokenizer") == result.names[0])
        without, special = rows.sort("metric").to_dicts()
        assert [special[key] for key in ("value", "low", "high")] == pytest.approx(
            [without[key] + 3 for key in ("value", "low", "high")]
        )
        assert special["n"] == without["n"]
    unknown = result.frame.filter(pl.col("tokenizer") == "utf8", pl.col("metric") == names[1])
    assert unknown["value"].null_count() == unknown["low"].null_count() == 3
    assert result.measurements is not None
    assert result.measurements.tokenizers.sort("special_added")["special_added"].to_list() == [None, 3]
    with pytest.raises(TokbenchError, match="cannot test the metric tokens_per_segment_with_special"):
        tb.compare(["utf8"], texts, metrics=names, tests=names[1:], throughput=False)
    plain = tb.compare(["utf8"], texts, metrics=names[:1], throughput=False).measurements
    assert plain is not None
    assert "special_added" not in plain.tokenizers.columns
    found = evaluate(plain, names)
    assert found.filter(pl.col("metric") == names[1])["value"].null_count() == 3
