"""What a report shows first, and how: frontier, heat maps, split characters, completed metrics, costs on request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.commands import refuse, run
from helpers.comparisons import make_comparison
from tokbench.comparison import Comparison
from tokbench.comparison.worst_segments import Segmentation
from tokbench.pythia.cost import cost
from tokbench.pythia.cost.prices import Prices
from tokbench.report._completion import complete, list_chosen
from tokbench.report._document import compose
from tokbench.report._document_model import Facts, Piece
from tokbench.report._frontier import Panel, Point, Scales, place_labels, write_frontier
from tokbench.report._heat_map import HeatMap, divide_rows, draw_heat_map
from tokbench.report._heat_map_html import write_heat_map
from tokbench.report._html import write_part
from tokbench.report._leads import Best, Column, find_values
from tokbench.report._opening import write_subtitle
from tokbench.report._premiums import order_cells, write_premium
from tokbench.report._sections import write_boundaries
from tokbench.report._table import Cell, Table
from tokbench.report._table_csv import write_csv
from tokbench.report._worst_segments import join_pieces, write_examples

pytest.importorskip("vl_convert", reason="no charts: install tokbench[html]")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return make_comparison(tmp_path_factory.mktemp("page"))


def point(name: str, rows: int, tokens: float, *, ranked: bool = True) -> Point:
    return Point(name, rows, tokens, None, None, ranked)


POINTS = (
    point("wide", 200_000, 30),
    point("small", 32_000, 90),
    point("poor", 50_000, 95),
    point("lossy", 1_000, 10, ranked=False),
    point("middle", 50_000, 60),
    point("late", 250_000, 31),
)


def test_the_frontier_is_what_no_smaller_vocabulary_beats() -> None:
    panel = Panel("Thai (th)", POINTS)
    assert [p.tokenizer for p in panel.frontier] == ["small", "middle", "wide"]
    assert write_frontier([panel]) == [
        "Fewest tokens in Thai (th) by size of the vocabulary: small 90.0 (32k rows), middle 60.0 (50k rows), "
        "wide 30.0 (200k rows)."
    ]


def test_names_in_the_chart_cover_no_point() -> None:
    panel, scales = Panel("", POINTS), Scales((1_000, 300_000), (0, 100), 500.0, 250.0)
    placed = place_labels(panel, scales)
    assert {"small", "middle", "wide"} <= set(placed)
    for name, (left, middle) in placed.items():
        for p in POINTS:
            x, y = scales.locate(p)
            assert not (left < x < left + 6 * len(name) and middle - 7 < y < middle + 7), (name, p.tokenizer)
    x, y = scales.locate(POINTS[0])
    assert scales.invert(x, y) == pytest.approx((200_000, 30))


def make_heat(rows: int, **changes: object) -> HeatMap:
    values = tuple((1.0, None) if i else (9.0, 1.3) for i in range(rows))
    names = tuple(f"<{i}>" for i in range(rows))
    limits = (1.1, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
    return HeatMap(names, ("a", "b"), values, "premium", limits, "{:.1f}".format, frozenset({(0, 1)}), names)


def test_colours_are_classes_of_values() -> None:
    heat = make_heat(2)
    assert [heat.classify(value) for value in (0.5, 1.0999, 1.1, 2.0, 6.0, 99.0)] == [0, 0, 1, 4, 8, 8]
    page = write_heat_map(heat, "figure-x")
    assert '<td class="h8">9.0</td><td class="h2 lossy">1.3<span class="hidden">loses text</span></td>' in page
    assert "<td></td>" in page
    assert "&lt;0&gt;" in page
    assert "<0>" not in page + draw_heat_map(heat, "n", "l")
    assert 'fill="url(#n-hatch)"' in draw_heat_map(heat, "n", "l")


def test_many_rows_are_set_in_columns() -> None:
    assert [len(part) for part in divide_rows(make_heat(40), 300)] == [40]
    assert [len(part) for part in divide_rows(make_heat(204), 300)] == [68, 68, 68]
    page = write_heat_map(make_heat(204), "x")
    assert page.count("<table>") == 6
    assert page.count('<th scope="row">') == 204


def test_languages_are_ordered_by_their_worst_premium(result: Comparison) -> None:
    values = {("en", result.names[1]): 1.0, ("zh", result.names[1]): 3.0, ("en", "utf8"): 1.0, ("zh", "utf8"): 9.0}
    assert order_cells(result, values) == (["zh", "en"], [result.names[1], "utf8"])
    assert [write_premium(value) for value in (1.0, 9.994, 9.996, 99.96)] == ["1.00", "9.99", "10.0", "100"]


def test_tokens_that_share_a_character_are_shown_together() -> None:
    pieces = ("61", "e0", "b8", "81e0b8", "82", None, "ff")
    cut = Segmentation("x", 7, tuple(range(7)), pieces)
    assert list(join_pieces(cut)) == [
        Piece((0,), "a"),
        Piece((1, 2, 3, 4), "กข"),
        Piece((5,), "<5>"),
        Piece((6,), "\\xff"),
    ]
    truncated = Segmentation("x", 9, (1, 2), ("61", "e0"))
    assert list(join_pieces(truncated)) == [Piece((1,), "a")]


@given(st.text(max_size=20), st.lists(st.integers(1, 5), max_size=30))
def test_pieces_join_to_the_text_however_it_is_cut(text: str, sizes: list[int]) -> None:
    content, pieces = text.encode(errors="ignore"), []
    for size in [*sizes, len(content)]:
        piece, content = content[:size], content[size:]
        if piece:
            pieces.append(piece.hex())
    found = list(join_pieces(Segmentation("x", len(pieces), tuple(range(len(pieces))), tuple(pieces))))
    assert [token for piece in found for token in piece.ids] == list(range(len(pieces)))
    if text.isalnum():
        assert "".join(piece.text for piece in found) == text


def test_tables_as_csv_have_intervals_apart() -> None:
    rows = ((Cell("a,b"), Cell("1,234 [1,000, 2,000]")), (Cell("c"), Cell("–")))
    assert write_csv(Table("t", ("name", "x"), rows, labels=1)) == ('name,x,x low,x high\n"a,b",1234,1000,2000\nc,,,\n')


def test_the_worst_segments_have_their_text_and_its_translation(result: Comparison) -> None:
    worst = result.examples[0]
    assert (worst.text, worst.translation) == ("你好，世界", "the quick fox")
    (section,) = (s for s in compose({"x": result}).chapters[0].sections if s.name == "examples")
    assert (section.parts[1].text, section.parts[1].reference) == ("你好，世界", "English (en)")  # type: ignore[union-attr]


def test_metrics_that_were_not_chosen_are_computed_from_counts(result: Comparison, tmp_path: Path) -> None:
    few = make_comparison(tmp_path, metrics=["gini"])
    assert set(few.frame["metric"]) == {"gini"}
    whole = complete(few)
    assert list_chosen(few) == ("gini",)
    assert list_chosen(result) == ()
    same = result.frame.filter(result.frame["metric"] == "premium")
    assert (
        whole.frame.filter(whole.frame["metric"] == "premium")
        .select("lang", "value")
        .equals(same.select("lang", "value"))
    )
    names = {section.name for section in compose({"x": few}).chapters[0].sections}
    assert {"premiums", "compression"} <= names
    assert complete(result) is result


def test_the_subtitle_says_what_on_what_and_when(result: Comparison) -> None:
    said = "2 tokenizers on small: 2 languages × 2 segments, relative to English (en). Measured on 2026-01-02 with"
    assert write_subtitle(result).startswith(said)


def test_costs_have_chapters_only_where_their_files_are_given(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path / "saved")
    costs = cost(result, model="pythia-70m", prices=Prices(per_mtok_in=2.0, currency="EUR"), offline=True)
    (tmp_path / "money.json").write_text(json.dumps(costs.to_document()), encoding="utf-8")
    page = tmp_path / "r.html"
    done = run("report", str(tmp_path / "saved"), str(tmp_path / "money.json"), "-o", str(page))
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert "What it costs: money" in text
    assert "EUR" in text
    refuse("report", str(tmp_path / "money.json"), "-o", str(page), says="a report needs a comparison")
    refuse(
        *("report", str(tmp_path / "saved"), str(tmp_path / "money.json"), "-o", str(tmp_path / "x.csv")),
        says="csv holds comparisons, not costs",
    )
    for fault in ({"costs": 1, "what_if": []}, {"measurements": [{"model": 1}]}):
        (tmp_path / "bad.json").write_text(json.dumps(fault), encoding="utf-8")
        refuse("report", str(tmp_path / "saved"), str(tmp_path / "bad.json"), "-o", str(page), says="damaged")


def test_who_loses_text_is_not_the_best_at_boundaries(result: Comparison) -> None:
    """One unknown token for all of Chinese would split no character."""
    rows = result.frame.filter(tokenizer="utf8", metric="characters_split").with_columns(value=pl.lit(0.0))
    frame = pl.concat([result.frame, rows.with_columns(tokenizer=pl.lit("made"))])
    judged: list[set[str]] = []

    def mark(comparison: Comparison, columns: Sequence[Column]) -> Best:
        ranked = find_values(comparison, columns).get(("characters_split", None), [])
        judged.append({value.tokenizer for value in ranked})
        return {}

    (section,) = write_boundaries(replace(result, frame=frame), mark)
    table = section.parts[1]
    assert isinstance(table, Table)
    utf8, wordpiece = table.rows
    place = next(i for i, header in enumerate(table.headers) if header.startswith("characters split"))
    assert (utf8[place].text, wordpiece[place].text.partition(" [")[0]) == ("100 %", "0.0 %")
    assert (utf8[place].unranked, wordpiece[place].unranked) == (False, True)
    assert judged == [set()]  # bytes are a floor, never best


def test_long_facts_are_folded() -> None:
    page = write_part(Facts((("short", "x" * 600), ("long", "<" * 601))))
    assert f"<dd>{'x' * 600}</dd>" in page
    assert f"<summary>{'&lt;' * 72}\u2026 (601 characters)</summary>{'&lt;' * 601}</details>" in page


def test_tokens_without_text_are_explained_where_they_are_shown(result: Comparison) -> None:
    (section,) = write_examples(result)
    assert "is shown as its id: <2>." in section.parts[0].paragraphs[0]  # type: ignore[union-attr]
    known = [replace(e, cuts=tuple(c for c in e.cuts if None not in c.pieces)) for e in result.examples]
    (section,) = write_examples(replace(result, examples=tuple(known)))
    assert "<2>" not in section.parts[0].paragraphs[0]  # type: ignore[union-attr]
