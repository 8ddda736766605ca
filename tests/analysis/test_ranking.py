"""Stored figures: those of `compare` to the digit, found by any spelling of a language, quickly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse, run
from tokbench.analysis import ranking
from tokbench.analysis.ranking import find_language, rank, rank_overall, read_figures

SIZED = ("tokens_per_segment", "premium", "bytes_per_token", "chars_per_token")
FLORES, NTREX = "flores200/dev", "ntrex128"


def figures(**columns: list[object]) -> pl.DataFrame:
    """A small table in the form of the stored one: two languages, three tokenizers."""
    return pl.DataFrame(
        {
            "corpus": ["c/dev"] * 6,
            "lang": ["eng_Latn"] * 3 + ["tha_Thai"] * 3,
            "tokenizer": ["a", "b", "bytes"] * 2,
            "licence": ["MIT"] * 6,
            "family": ["x", "x", "bytes"] * 2,
            "reference": ["eng_Latn"] * 6,
            "tokens_per_segment": [10.0, 12.0, 50.0, 30.0, 30.0, 140.0],
            "premium": [1.0, 1.0, 1.0, 3.0, 2.5, 2.8],
            "premium_low": [1.0, 1.0, 1.0, 2.9, 2.4, 2.7],
            "premium_high": [1.0, 1.0, 1.0, 3.1, 2.6, 2.9],
            "loss": ["exact"] * 6,
            "language": ["English"] * 3 + ["Thai"] * 3,
            "names": ["english|en|eng latn"] * 3 + ["thai|th|tha thai"] * 3,
            **columns,
        }
    )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "_read_table", figures)


# ---- ranks and premiums, worked out by hand


@pytest.mark.usefixtures("small")
def test_ranks_share_ties_and_leave_out_bytes() -> None:
    thai = rank("thai", corpus="c/dev")
    assert thai.select("tokenizer", "rank").rows() == [("a", 1), ("b", 1), ("bytes", None)]
    english = rank(["en"], corpus="c")
    assert english.select("tokenizer", "rank").rows() == [("a", 1), ("b", 2), ("bytes", None)]
    assert rank(["th", "eng_Latn", "Thai"], corpus="c/dev")["lang"].to_list() == ["tha_Thai"] * 3 + ["eng_Latn"] * 3
    assert rank("th", tokenizer="b", corpus="c/dev")["rank"].to_list() == [1]


def test_a_tokenizer_that_loses_text_has_no_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    table = figures(loss=["exact"] * 3 + ["lossy", "whitespace", "exact"])
    monkeypatch.setattr(ranking, "_read_table", lambda: table)
    assert rank("thai", corpus="c/dev").select("tokenizer", "rank").rows() == [("b", 1), ("a", None), ("bytes", None)]
    totals = rank_overall("c/dev")
    assert totals["tokenizer"].to_list() == ["b", "a", "bytes"]
    assert totals.select("rank", "lossy_languages").rows() == [(1, 0), (None, 1), (None, 0)]


@pytest.mark.usefixtures("small")
def test_premiums_over_another_language_are_quotients_without_intervals() -> None:
    english = rank("english", corpus="c/dev", reference="thai")
    assert english["premium"].to_list() == [10 / 30, 12 / 30, 50 / 140]
    assert english["premium_low"].null_count() == english["premium_high"].null_count() == 3
    assert set(english["reference"]) == {"tha_Thai"}
    assert rank("thai", corpus="c/dev", reference="en")["premium_low"].to_list() == [2.9, 2.4, 2.7]


@pytest.mark.usefixtures("small")
def test_figures_over_all_languages() -> None:
    totals = rank_overall("c/dev")
    assert totals.rows() == [
        (1, "a", 20.0, 3.0, 3.0, "Thai (tha_Thai)", 0, "MIT"),
        (2, "b", 21.0, 2.5, 2.5, "Thai (tha_Thai)", 0, "MIT"),
        (None, "bytes", 95.0, 2.8, 2.8, "Thai (tha_Thai)", 0, "MIT"),
    ]


# ---- languages and tokenizers by name


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        *(("thai", "tha_Thai"), ("th", "tha_Thai"), ("tha", "tha_Thai"), ("THA-thai", "tha_Thai"), ("ไทย", "tha_Thai")),
        *(("zh", "zho_Hans"), ("chinese", "zho_Hans"), ("zh-TW", "zho_Hant"), ("zh_Hant", "zho_Hant")),
        *(("arabic", "arb_Arab"), ("ar", "arb_Arab"), ("egyptian", "arz_Arab"), ("ja", "jpn_Jpan"), ("ko", "kor_Hang")),
        *(("no", "nob_Latn"), ("farsi", "pes_Arab"), ("dari", "prs_Arab"), ("sr", "srp_Cyrl"), ("deutsch", "deu_Latn")),
    ],
)
def test_spellings_of_languages_of_flores(name: str, tag: str) -> None:
    assert find_language(name, read_figures(FLORES)) == tag


@pytest.mark.parametrize(
    ("name", "tag"),
    [("zh", "zho-CN"), ("zh-TW", "zho-TW"), ("english", "eng"), ("spanish", "spa"), ("en-GB", "eng-GB")],
)
def test_spellings_of_languages_of_ntrex(name: str, tag: str) -> None:
    assert find_language(name, read_figures(NTREX)) == tag


def test_every_language_has_a_name_of_its_own_and_is_found_by_it_and_by_its_tag() -> None:
    for corpus in (FLORES, NTREX):
        frame = read_figures(corpus)
        known = frame.unique("lang").select("lang", "language", "names")
        assert known["language"].n_unique() == known.height
        for lang, language, names in known.iter_rows():
            assert {ranking.fold(lang), ranking.fold(language)} <= set(names.split("|"))


def test_names_that_do_not_decide() -> None:
    refuse("rank", "kurdish", says="can be 2 languages of flores200/dev: ckb_Arab (Central Kurdish), kmr_Latn")
    refuse("rank", "klingon", says="flores200/dev has no language 'klingon'")
    refuse("rank", "tai", says="did you mean 'Thai'?")
    refuse("rank", "thai,", says="a language has an empty name")
    refuse("rank", "thai", "-c", "wmt", says="there are no figures for the corpus 'wmt'; choose from: flores200/dev")
    refuse("rank", "-t", "xyzzy", says="there are no figures for a tokenizer 'xyzzy'")
    refuse("rank", "-t", "belle", says="there are no figures for belle: its files were not at hand")
    refuse("rank", "thai", "-n", "0", says="use a whole number from 1")
    refuse("rank", "thai", "-f", "tabel", says="no report format is called 'tabel'")


def test_a_model_finds_its_tokenizer() -> None:
    assert set(rank("thai", tokenizer="pythia")["tokenizer"]) == {"gpt-neox-20b"}


# ---- what is stored


def test_the_stored_figures_are_complete_and_small() -> None:
    table = ranking._read_table()
    assert (Path(ranking.__file__).with_name("ranking.parquet")).stat().st_size < 3_000_000
    for corpus, languages, segments in ((FLORES, 204, 997), (NTREX, 128, 1997)):
        rows = table.filter(pl.col("corpus") == corpus)
        tokenizers = rows["tokenizer"].n_unique()
        assert tokenizers >= 27
        assert rows.height == tokenizers * languages == rows.unique(["tokenizer", "lang"]).height
        assert rows["segments"].unique().to_list() == [segments]
        assert rows["corpus_sha256"].n_unique() == 1
    assert set(table["corpus_licence"]) == {"CC BY-SA 4.0"}
    assert set(table["loss"]) <= {"exact", "nfc", "whitespace", "lossy"}
    for column in ("licence", "sha256", "engine", "signature", "version", "bootstrap", *SIZED):
        assert table[column].null_count() == 0, column
    for metric in ("tokens_per_segment", "bytes_per_token", "chars_per_token"):
        inside = (table[f"{metric}_low"] <= table[metric]) & (table[metric] <= table[f"{metric}_high"])
        assert inside.all()
    assert table.filter(pl.col("signature").str.contains("|lang:", literal=True)).height == table.height


def test_bytes_say_themselves() -> None:
    utf8 = rank(tokenizer="utf8")
    assert utf8["bytes_per_token"].unique().to_list() == [1.0]
    assert utf8["rank"].null_count() == utf8.height == 204


@pytest.mark.parametrize(("corpus", "languages"), [(FLORES, ["eng_Latn", "cat_Latn"]), (NTREX, ["eng", "zho-CN"])])
def test_figures_are_those_of_compare_to_the_digit(
    corpus: str, languages: list[str], shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKBENCH_CORPORA", str(shared_data / "corpora"))
    texts = tb.load_corpus(corpus, languages=languages)
    names = ["llama", "chatglm-6b"]
    result = tb.compare(names, texts, metrics=[*SIZED, "round_trip_exact"], throughput=False)
    stored = rank(languages, corpus=corpus)
    assert result.measurements is not None
    over = tb.evaluate(result.measurements, ["premium"], languages[1]).filter(pl.col("lang") == languages[0])
    other = rank(languages[0], corpus=corpus, reference=languages[1])
    for tokenizer, premium in over.select("tokenizer", "value").iter_rows():
        assert other.filter(pl.col("tokenizer") == tokenizer)["premium"].to_list() == [premium]
    for tokenizer in names:
        for lang in languages:
            (row,) = stored.filter((pl.col("tokenizer") == tokenizer) & (pl.col("lang") == lang)).to_dicts()
            values = result.frame.filter((pl.col("tokenizer") == tokenizer) & (pl.col("lang") == lang))
            for metric, value, low, high in values.select("metric", "value", "low", "high").iter_rows():
                assert row[metric] == value, (tokenizer, lang, metric)
                if metric in SIZED:
                    assert (row[f"{metric}_low"], row[f"{metric}_high"]) == (low, high), (tokenizer, lang, metric)
            assert (row["loss"] == "lossy") == result.is_lossy(tokenizer, lang)
            assert row["sha256"] == next(t.sha256 for t in result.tokenizers if t.name == tokenizer)


# ---- the command


def test_the_command_prints_a_table_and_a_sentence() -> None:
    done = run("rank", "thai", "-n", "3")
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    title = "Thai (tha_Thai): tokens per segment of flores200/dev (997 segments), premium over eng_Latn "
    assert shown.startswith(title)
    assert "fewest tokens in Thai: " in done.stdout
    assert "repeat: tokbench compare " in done.stdout
    assert done.stderr == ""


def test_a_tokenizer_without_a_rank_is_named_in_the_command_that_repeats_it() -> None:
    assert "repeat: tokbench compare byt5 -c flores200/dev" in run("rank", "thai", "-t", "byt5").stdout


def test_the_command_writes_other_formats(tmp_path: Path) -> None:
    file = tmp_path / "thai.csv"
    done = run("rank", "thai", "lao", "-c", FLORES, "-f", "json", "-o", str(file))
    document = json.loads(done.stdout)
    assert document["corpus"] == FLORES
    assert document["corpus_licence"] == "CC BY-SA 4.0"
    assert {row["lang"] for row in document["results"]} == {"tha_Thai", "lao_Laoo"}
    assert all(row["signature"].startswith("tokbench|tok:") and row["licence"] for row in document["results"])
    assert pl.read_csv(file).height == len(document["results"])
    assert run("rank", "thai", "-f", "markdown").stdout.startswith("### Thai (tha_Thai)")


def test_best_and_worst_languages_of_a_tokenizer() -> None:
    done = run("rank", "--tokenizer", "o200k_base", "-n", "2", COLUMNS="200")
    assert done.returncode == 0
    assert "o200k_base, best languages" in done.stdout
    assert "o200k_base, worst languages" in done.stdout
    assert "English (eng_Latn)" in done.stdout
    assert "Santali (sat_Olck)" in done.stdout
    assert "languages: tokens per segment" in run("rank", "th", "ko", "-t", "o200k_base").stdout


def test_all_languages_and_another_reference() -> None:
    done = run("rank", "-n", "4")
    assert done.stdout.startswith("204 languages: tokens per segment of flores200/dev")
    done = run("rank", "--reference", "ja", "ko", "zh", "-n", "2")
    assert "Korean (kor_Hang): tokens per segment of flores200/dev (997 segments), premium over jpn_Jpan" in " ".join(
        done.stdout.split()
    )
    assert "Chinese (Simplified) (zho_Hans)" in done.stdout


def test_the_command_loads_no_engine() -> None:
    """What makes it quick: neither numpy nor an engine nor the comparison is imported."""
    script = (
        "import sys; sys.argv = ['tokbench', 'rank', 'thai', '-n', '1']\n"
        "from tokbench.__main__ import run\nrun()\n"
        "heavy = {'numpy', 'tokenizers', 'tiktoken', 'sentencepiece', 'langcodes', 'huggingface_hub',"
        " 'tokbench.adapters', 'tokbench.measurement', 'tokbench.comparison._comparison'}\n"
        "sys.exit(f'loaded {sorted(heavy & set(sys.modules))}' if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
