"""The screen of a comparison: its order, what it marks, its sentences, and that it fits."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

import tokbench as tb
from helpers.commands import refuse, run
from helpers.comparisons import make_comparison
from tokbench.cli.compare import suggest
from tokbench.comparison import Comparison
from tokbench.comparison.signature import digest_signature
from tokbench.errors import TokbenchError
from tokbench.measurement.loading import Skipped
from tokbench.metrics import DEFAULT_METRICS, METRICS, find_metrics
from tokbench.metrics.leads import Lead
from tokbench.report import render, table
from tokbench.report._findings import format_saving, write_test
from tokbench.report._fitting import fit_table, join_words, total, wrap
from tokbench.report._leads import Podium, Value, choose_best, find_podium
from tokbench.report._order import check_sort, order_tokenizers
from tokbench.report._screen import fold_skipped, show_screen
from tokbench.report._table import Cell, Table
from tokbench.report._verdict import write_verdict

SMALL = ("compare", "rwkv-world", "utf8", "byt5", "-l", "en,zh", "-n", "60", "--no-throughput", "-q")
ENOUGH = 60


@pytest.fixture(scope="module")
def result() -> Comparison:
    """Two vocabularies and two floors, on three languages of the bundled corpus."""
    names = ["utf8", "mistral-v1", "rwkv-world", "byt5"]
    corpus = tb.load_corpus(languages=["en", "zh", "th"])
    return tb.compare(names, corpus, throughput=False, offline=True)


def show(comparison: Comparison, by: str = "summary", width: int = 80, sort: str | None = None) -> str:
    return table.format_results(show_screen(comparison, by, sort=sort), width=width)


def list_names(screen: str) -> list[str]:
    """The first words of the rows of a screen's first table."""
    return [line.split()[0] for line in screen.split("\n\n")[0].splitlines() if re.search(r"\d\.\d\dx", line)]


def test_tokenizers_are_sorted_by_tokens_and_byte_vocabularies_come_last(result: Comparison) -> None:
    screen = show(result)
    assert list_names(screen) == ["rwkv-world", "mistral-v1", "utf8", "byt5"]
    assert screen.startswith("tokbench14: 3 languages x 280 segments; tokens per segment, fewer is better\n")
    first, second, floor, _ = screen.split("\n\n")[0].splitlines()[-4:]
    values = {n.tokenizer: n.value for n in table_values(result)}
    ratio = values["mistral-v1"] / values["rwkv-world"]
    assert first.split()[2:4] == [f"{values['rwkv-world']:.1f}", "*"]
    assert "1.00x" in first
    assert f"{ratio:.2f}x" in second
    assert floor.startswith("utf8 (floor)")
    assert "*" not in floor
    assert floor.count("\u2588") > first.count("\u2588") > 0
    assert "65,536" in first.split()


def table_values(result: Comparison):  # type: ignore[no-untyped-def]
    from tokbench.report._numbers import find_numbers

    return find_numbers(result, "tokens_per_segment")


def test_the_columns_are_the_same_for_any_number_of_languages(result: Comparison) -> None:
    def list_headers(comparison: Comparison) -> list[str]:
        lines = show(comparison, width=200).splitlines()
        end = next(i for i, line in enumerate(lines) if "\u2588" in line)
        return " ".join(lines[1:end]).split()

    assert {"tokens", "median", "worst", "vocab", "bytes/token", "Gini", "engine", "licence"} <= {*list_headers(result)}
    for languages in (["en", "zh"], ["en", "zh", "ja", "ko", "ar", "he"]):
        corpus = tb.load_corpus(languages=languages).select(segments=5)
        other = tb.compare(["rwkv-world", "utf8"], corpus, throughput=False, bootstrap=None)
        assert sorted(list_headers(other)) == sorted(list_headers(result))


def test_the_findings_have_a_test_and_an_interval(result: Comparison) -> None:
    lines = show(result, width=400).splitlines()
    lead, costliest = (line for line in lines if line.startswith("-> "))
    assert re.fullmatch(
        r"-> rwkv-world writes the fewest tokens: [0-9.]+ % \[[0-9.]+, [0-9.]+\] fewer than mistral-v1 \(p < 0\.0001, "
        r"paired test over 28 documents\)",
        lead,
    )
    premium = result.by_language("premium").filter(lang="th")["rwkv-world"].item()
    assert costliest.startswith(f"-> costliest language with rwkv-world: Thai (th), {premium:.2f} [")
    assert costliest.endswith("] times the tokens of English (en)")
    assert f"signature {digest_signature(result.signature())}, tokbench" in lines[-1]


def test_saved_values_without_counts_are_not_tested(result: Comparison) -> None:
    alone = Comparison.from_document(result.to_document())
    (lead,) = (line for line in show(alone, width=400).splitlines() if "fewest" in line)
    assert lead.endswith("fewer than mistral-v1 (not tested)")


def test_a_saving_keeps_the_decimals_of_the_value() -> None:
    assert [format_saving(ratio, 0.904) for ratio in (0.904, 0.89, 1.0)] == ["9.6", "11.0", "0.0"]
    assert [format_saving(ratio, 0.5) for ratio in (0.5, 0.493, 1.02)] == ["50", "51", "-2"]


def make_podium(*values: float) -> Podium:
    found = find_podium([Value(str(i), value, None, None) for i, value in enumerate(values)], METRICS["fertility"])
    assert found is not None
    return found


def test_nothing_is_best_by_chance_or_together_with_most() -> None:
    apart, chance = Lead(0.5, 0.4, 0.6, 0.01, 20), Lead(0.98, 0.9, 1.1, 0.4, 20)
    assert choose_best(make_podium(2, 1, 3), apart, 3) == {"1"}
    assert choose_best(make_podium(2, 1, 3), chance, 3) == frozenset()
    assert choose_best(make_podium(1, 1, 3, 4), apart, 4) == {"0", "1"}
    assert choose_best(make_podium(1, 1, 3), apart, 3) == frozenset()
    assert choose_best(make_podium(1, 1), None, 4) == frozenset()
    bounded = Podium((Value("a", 1, 0.5, 1.5),), Value("b", 2, 1.4, 2.5))
    assert choose_best(bounded, None, 3) == frozenset()
    assert choose_best(replace(bounded, next=Value("b", 2, 1.6, 2.5)), None, 3) == {"a"}
    assert find_podium([Value("a", 1, None, None)], METRICS["vocab_total"]) is None


def test_a_byte_vocabulary_is_never_best_in_any_format(result: Comparison) -> None:
    """Their premiums are the lowest of these."""
    premiums = result.by_language("premium").filter(lang="th").row(0, named=True)
    assert premiums["utf8"] < min(premiums["rwkv-world"], premiums["mistral-v1"])
    rows = [line for line in render(result, "markdown").splitlines() if line.startswith(("| utf8", "| byt5"))]
    assert rows
    assert not [row for row in rows if "**" in row]


def test_what_loses_text_is_in_brackets_after_what_does_not(tmp_path: Path) -> None:
    screen = show(make_comparison(tmp_path), width=60)
    assert "(...) loses text, not ranked" in screen
    assert re.search(r"\([0-9.]+\) +\(", screen)
    assert all(len(line) <= ENOUGH for line in screen.splitlines())


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("by", ["summary", "language", "intervals", "script", "register", "lengths"])
def test_a_screen_fits_from_60_columns_up(result: Comparison, by: str, width: int) -> None:
    assert max(map(cell_len, show(result, by, width).splitlines())) <= width


def test_tables_of_any_shape_fit_and_keep_their_numbers() -> None:
    """Long names, many columns, wide texts: whatever happens, numbers and words stay whole."""
    words = "several words of ordinary length that fill a cell"
    for columns in (1, 3, 9, 30):
        headers = ("name of the row", *(f"column number {i}" for i in range(columns)), "remark")
        row = (Cell("a-name-of-twenty-four-xx"), *(Cell(f"{i},234,567.8") for i in range(columns)), Cell(words))
        drawn = Table("t", headers, (row, row), labels=1, texts=frozenset({columns + 1}))
        for width in (60, 80, 200):
            text = table.format_parts([drawn], width=width)
            assert max(map(cell_len, text.splitlines())) <= width
            assert {f"{i},234,567.8" for i in range(columns)} | set(words.split()) <= set(text.split())
            assert all(total(part.widths) <= width for part in fit_table(drawn, width))


def test_optional_columns_go_last_first_and_bars_after_them() -> None:
    headers = ("name", "", "value", "first", "second")
    row = (Cell("a" * 10), Cell("", bar=1.0), Cell("1" * 10), Cell("2" * 10), Cell("3" * 10))
    drawn = Table("", headers, (row,), labels=1, optional=(3, 4), bars=1)
    shown = {width: fit_table(drawn, width)[0].table.headers for width in (100, 62, 61, 50, 49, 28, 27, 22)}
    assert shown[100] == shown[62] == headers
    assert shown[61] == shown[50] == headers[:4]
    assert shown[49] == shown[28] == headers[:3]
    assert shown[27] == shown[22] == ("name", "value")


def test_sentences_break_at_spaces_and_commands_between_each_other() -> None:
    assert wrap("  one two three", 11, "  ") == "  one two\n    three"
    assert wrap("abcdefghijkl mn", 5) == "abcdefghijkl\nmn"
    assert join_words(["a b", "c d", "e f"], 12, "next: ", "      ", " - ") == [
        "next: a b -",
        "      c d -",
        "      e f",
    ]


def test_the_column_that_orders_the_tokenizers_is_shown_at_any_width(result: Comparison) -> None:
    assert "fertility" not in show(result, width=60)
    screen = show(result, width=60, sort="fertility")
    assert "fertility" in screen
    assert max(map(cell_len, screen.splitlines())) <= 60
    assert "continued" in show(result, width=80, sort="continued_words")  # in no column otherwise
    assert show(result, width=200, sort="gini").count("Gini") == 1
    assert show(result, sort="vocab_total").count("vocab") == 1


def test_equal_tokenizers_are_called_equal() -> None:
    texts = {"en": ["one", "two"], "de": ["drei", "vier"]}
    equal = tb.compare(["mistral-v1", "mistral-v3"], texts, throughput=False, offline=True)
    assert "-> mistral-v1 and mistral-v3 write the same number of tokens" in show(equal)


def test_suggestions_do_not_repeat_how_much_is_told(result: Comparison) -> None:
    same, report, _ = suggest(result, ["-v", "utf8", "--quiet", "-q", "-vv"])
    assert (same, report) == ("tokbench compare utf8 --by language", "tokbench compare utf8 -o report.html")


def test_the_order_can_be_chosen(result: Comparison) -> None:
    assert order_tokenizers(result, "given") == ["utf8", "mistral-v1", "rwkv-world", "byt5"]
    assert order_tokenizers(result, "name") == ["byt5", "mistral-v1", "rwkv-world", "utf8"]
    assert order_tokenizers(result, "vocab_total") == ["rwkv-world", "mistral-v1", "byt5", "utf8"]
    assert order_tokenizers(result, "bytes_per_token")[:2] == ["rwkv-world", "mistral-v1"]
    assert list_names(show(result, sort="name"))[0] == "byt5"
    metrics = find_metrics(DEFAULT_METRICS)
    assert [check_sort(name, metrics) for name in ("tokens", "vocabulary", "speed", "gini")] == [
        *("tokens_per_segment", "vocab_total", "throughput", "gini")
    ]
    with pytest.raises(TokbenchError, match="did you mean 'tokens'"):
        check_sort("tokns", metrics)
    refuse(*SMALL, "--sort", "gini", "-m", "fertility", says="cannot be sorted by gini: it is not measured here")


def test_languages_have_names_and_tokenizers_are_in_order(result: Comparison) -> None:
    lines = show(result, "language").splitlines()
    assert lines[4].split() == ["language", "rwkv-world", "mistral-v1", "utf8", "(floor)", "byt5", "(floor)"]
    assert [line.split("  ")[0] for line in lines[6:9]] == ["English (en)", "Chinese (zh)", "Thai (th)"]


def test_scripts_and_families_add_up_their_languages(result: Comparison) -> None:
    lengths = dict(result.by_language("tokens_per_segment").select("lang", "rwkv-world").iter_rows())
    rows = [line.split() for line in show(result, "script").splitlines()]
    assert next(row for row in rows if row[:1] == ["Thai"])[:2] == ["Thai", "1"]
    assert f"{lengths['th']:.1f}" in next(row for row in rows if row[:1] == ["Thai"])
    families = show(result, "family")
    assert {"Indo-European", "Sino-Tibetan", "Tai-Kadai"} <= set(families.split())
    with pytest.raises(TokbenchError, match="no counts to add up by script"):
        show(Comparison.from_document(result.to_document()), "script")
    plain = tb.compare("utf8", {"en": ["a"]}, throughput=False, bootstrap=None)
    with pytest.raises(TokbenchError, match="texts names no registers"):
        show(plain, "register")


def test_a_metric_of_tokenizers_has_its_table_in_every_view() -> None:
    for by in ("language", "script"):
        done = run(*SMALL, "-m", "gini", "--by", by)
        assert done.returncode == 0, done.stderr
        assert "one value per tokenizer, over all languages" in done.stdout
        assert re.search(r"rwkv-world +0\.\d{3} ", done.stdout)
    many = tb.compare("utf8", tb.load_corpus().select(segments=2), metrics="premium", throughput=False, bootstrap=None)
    assert "Chinese (zh)" in show(many)


def test_tokenizers_to_download_are_named_on_one_line() -> None:
    remedy = "run `tokbench pull x` with a network connection"
    skipped = [Skipped(name, f"{name} is not available here", remedy) for name in ("moss", "bloom")]
    other = Skipped("broken", "its file is damaged", None)
    assert fold_skipped([skipped[0], other, skipped[1]]) == [
        "not available here: moss, bloom; get them with `tokbench pull moss bloom`",
        "not compared: broken: its file is damaged",
    ]
    many = [replace(skipped[0], name=f"t{i}") for i in range(5)]
    assert fold_skipped(many) == ["not available here: t0, t1, t2, t3, t4; get them with `tokbench pull NAME...`"]


def test_the_whole_signature_and_next_commands_come_last() -> None:
    plain = run(*SMALL, "--resamples", "0")
    assert plain.stdout.endswith("tokbench view rwkv-world utf8\n")
    assert "next: tokbench compare ... --by language" in plain.stdout
    document = tb.compare(["rwkv-world", "utf8", "byt5"], tb.load_corpus(languages=["en", "zh"]).select(segments=60),
                          throughput=False, bootstrap=None)  # fmt: skip
    assert digest_signature(document.signature()) in plain.stdout
    assert f"\n{document.signature()}\n" in run(*SMALL, "--resamples", "0", "--signature").stdout


def test_colours_are_the_terminals_choice() -> None:
    line = (*SMALL, "--resamples", "0")
    forced = run(*line, FORCE_COLOR="1", NO_COLOR="").stdout
    assert "\x1b[36m\u2588" in forced
    assert "\x1b[2m" in forced
    assert "\\x1b" not in forced
    plain = re.sub(r"\x1b\[[0-9;]*m", "", forced)
    assert [line.rstrip() for line in plain.splitlines()] == run(*line).stdout.splitlines()
    assert "\x1b" not in run(*line, FORCE_COLOR="1", NO_COLOR="1").stdout


def test_the_verdict_of_a_report_names_all_that_are_first_and_the_next_that_is_not() -> None:
    texts = tb.load_corpus(languages=["en"], segments=60)
    result = tb.compare(["mistral-v1", "mistral-v3", "cl100k_base"], texts, throughput=False, offline=True)
    (first, *_) = write_verdict(result)
    assert first.startswith("Over English (en), cl100k_base needs the fewest tokens: ")
    ties = tb.compare(["mistral-v1", "mistral-v3", "utf8"], texts, throughput=False, offline=True)
    assert write_verdict(ties)[0].startswith(
        "Over English (en), mistral-v1 and mistral-v3 need as many tokens as each other: "
    )


def test_one_document_is_in_the_singular() -> None:
    lead = Lead(ratio=0.9, low=0.8, high=1.0, p=None, units=1)
    comparison = tb.compare(["utf8", "byt5"], {"en": ["a", "b"]}, throughput=False)
    assert write_test(comparison, lead) == "paired test over 1 segment"


def test_suggestions_leave_out_the_rows_that_were_chosen(result: Comparison) -> None:
    for chosen in (["--by", "summary"], ["--by=summary"]):
        assert suggest(result, ["utf8", *chosen])[0] == "tokbench compare utf8 --by language"
