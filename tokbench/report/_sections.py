"""Report sections on tokenizers.

Verdict, summary, premiums, compression, speed, examples, losses, method.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import groupby

import polars as pl

from tokbench.comparison import Comparison
from tokbench.comparison.worst_segments import Example, Segmentation
from tokbench.measurement.jackknife_blocks import BLOCKS
from tokbench.report._alignment import choose_by_language, name_rows
from tokbench.report._charts import MOST_PREMIUM, chart_bars, chart_heatmap
from tokbench.report._document_model import Facts, Figure, Part, Points, Prose, Section, Segmentations, SegmentedText
from tokbench.report._escaping import reveal_bytes
from tokbench.report._leads import Marks, find_best
from tokbench.report._numbers import (
    Number,
    find_numbers,
    lay_out_numbers,
    lay_out_summary,
    title_of,
)
from tokbench.report._scripts import name_script
from tokbench.report._table import (
    ABSENT,
    UNRANKED,
    Cell,
    Table,
    lay_out_metric,
    write_notes,
    write_skipped,
)
from tokbench.report._verdict import write_verdict

INTERVALS = "[low, high]: 95 % confidence intervals, paired bootstrap over documents or segments (see Method)."


def write_opening(comparison: Comparison, marks: Marks = find_best) -> list[Section]:
    """Return verdict and summary."""
    verdict: list[Part] = [Points(tuple(write_verdict(comparison)))]
    summary: list[Part] = [lay_out_summary(comparison, marks)]
    notes = ["The best value of each column is marked; (...) loses text, not ranked."]
    if comparison.corpus.bootstrap is not None:
        notes.append(INTERVALS)
    summary.append(Points((*notes, *write_notes(comparison))))
    return [Section("verdict", "Verdict", tuple(verdict)), Section("summary", "Summary", tuple(summary))]


def order_by_script(comparison: Comparison) -> list[str]:
    """Order languages by script, scripts in order of first appearance."""
    languages = comparison.corpus.languages
    scripts = list(dict.fromkeys(map(name_script, languages)))
    return sorted(languages, key=lambda lang: scripts.index(name_script(lang)))


def write_premiums(comparison: Comparison, marks: Marks = find_best) -> list[Section]:
    """Return the premiums of each language, as heatmap and table."""
    rows = comparison.frame.filter((pl.col("metric") == "premium") & pl.col("lang").is_not_null())
    if rows.is_empty() or len(comparison.corpus.languages) < 2 or not comparison.corpus.aligned:
        return []
    languages = order_by_script(comparison)
    labels = {name: f"{name} {UNRANKED}" if comparison.is_lossy(name) else name for name in comparison.names}
    order = pl.DataFrame({"lang": languages, "order": range(len(languages))})
    cells = (
        rows.join(order, on="lang")
        .sort("order", maintain_order=True)
        .select(
            x=pl.col("tokenizer").replace_strict(labels),
            y="lang",
            value="value",
            group=pl.col("lang").map_elements(name_script, return_dtype=pl.String),
        )
    )
    reference = comparison.corpus.reference
    figure = Figure(
        "premiums",
        f"Tokens for the same content, relative to {reference}: 1 is equal, 2 is twice as many. All reports use one "
        f"scale, from 1 to {MOST_PREMIUM}, beyond which the colour stays the same. Languages are grouped by script."
        + (f" {UNRANKED} loses text." if any(map(comparison.is_lossy, comparison.names)) else ""),
        partial(
            chart_heatmap,
            cells,
            x=list(labels.values()),
            y=languages,
            title=f"premium over {reference} (logarithmic)",
            domain=(1, MOST_PREMIUM),
            logarithmic=True,
            number=".2f",
            ticks=(1, 1.5, 2, 3, 4, 6, 8),
            groups=True,
        ),
        lay_out_premiums(comparison, languages, marks),
    )
    return [Section("premiums", "What each language pays", (figure,))]


def lay_out_premiums(comparison: Comparison, languages: list[str], marks: Marks) -> Table:
    """Premiums with their intervals: languages down, by script."""
    plain = lay_out_metric(comparison, comparison.metrics["premium"], marks=marks)
    by_lang = {row[0].text: row for row in plain.rows}
    rows = []
    for script, group in groupby(languages, key=name_script):
        for lang in group:
            intervals = {n.tokenizer: n for n in find_numbers(comparison, "premium", lang)}
            first, *cells = by_lang[lang]
            named = zip(comparison.names, cells, strict=True)
            rows.append((first, Cell(script), *(add_bounds(cell, intervals.get(name)) for name, cell in named)))
    return Table(plain.title, ("language", "script", *comparison.names), tuple(rows), labels=2)


def add_bounds(cell: Cell, number: Number | None) -> Cell:
    """Add the interval of a cell's value, unless it is a single point."""
    return cell if number is None else replace(cell, text=number.write())


BARS = {
    "bytes_per_token": (
        "compression",
        "UTF-8 bytes per token over all languages; longer is better. Lines are intervals; pale bars are not ranked.",
    ),
    "throughput": (
        "throughput",
        "Input encoded per second on one thread; longer is better. Lines run from the slowest to the fastest round.",
    ),
}
"""Metrics shown as bars: name and caption of the figure."""


def write_bars(comparison: Comparison, metric: str) -> Figure | None:
    """Chart a metric over all languages as bars; None if there is nothing to show."""
    numbers = find_numbers(comparison, metric)
    if not numbers:
        return None
    found = comparison.metrics[metric]
    frame = pl.DataFrame(
        [{"y": n.tokenizer, "value": n.value, "low": n.low, "high": n.high, "ranked": n.ranked} for n in numbers],
        schema={"y": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "ranked": pl.Boolean},
    )
    order = frame.sort("value", descending=found.better == "higher", maintain_order=True)["y"].to_list()
    number = f",.{found.decimals}f"
    draw = partial(chart_bars, frame, y=order, title=title_of(found), number=number)
    return Figure(*BARS[metric], draw, lay_out_numbers(comparison, [(found, None)]))


def write_compression(comparison: Comparison, marks: Marks = find_best) -> list[Section]:
    """Return compression over all languages, and token lengths per language."""
    bars = write_bars(comparison, "bytes_per_token")
    figures: list[Part] = [bars] if bars else []
    present = set(comparison.frame.filter(pl.col("lang").is_not_null())["metric"])
    metrics = comparison.metrics
    usual = [name for name in choose_by_language(comparison) if name in present]
    chosen = usual or [name for name in metrics if name in present]
    chosen += [m.name for m in comparison.added_metrics if m.name in present and m.name not in chosen]
    tables = [lay_out_metric(comparison, metrics[name], marks=marks) for name in chosen if name != "premium"]
    return [Section("compression", "Compression", (*figures, *tables))] if figures or tables else []


def write_speed(comparison: Comparison) -> list[Section]:
    """Return throughput, if it was measured."""
    bars = write_bars(comparison, "throughput")
    note = Prose(("Speed depends on tokenizer, engine, function, threads and machine together (see Method).",))
    return [Section("throughput", "Speed", (bars, note))] if bars else []


def write_examples(comparison: Comparison) -> list[Section]:
    """Return the worst segments, split by each tokenizer."""
    if not comparison.examples:
        return []
    note = Prose(
        (
            "Segments with the most tokens relative to the same text in the reference language; languages take turns. "
            "Bars mark token boundaries; bytes of characters split between tokens are shown as \\xe4.",
        )
    )
    cuts = [show_example(example, comparison.corpus.reference) for example in comparison.examples]
    return [Section("examples", "Worst segments", (note, *cuts))]


def show_example(example: Example, reference: str | None) -> Segmentations:
    """Convert a segment and its segmentations."""
    premium = "" if example.premium is None else f", {example.premium:.2f} times the tokens of {reference}"
    title = f"{example.lang}, segment {example.segment}{premium}"
    return Segmentations(title, example.lang, tuple(map(show_cut, example.cuts)))


def show_cut(cut: Segmentation) -> SegmentedText:
    """Convert the pieces of a segmentation to text."""
    pieces = [
        (token, f"<{token}>" if content is None else reveal_bytes(bytes.fromhex(content)))
        for token, content in zip(cut.ids, cut.pieces, strict=True)
    ]
    return SegmentedText(cut.tokenizer, cut.tokens, tuple(pieces))


def write_losses(comparison: Comparison) -> list[Section]:
    """Return where decoding does not return the text."""
    lossy = [tokenizer for tokenizer in comparison.tokenizers if tokenizer.lossy_segments]
    prose = Prose(("Every segment was encoded and decoded; changes beyond white space and NFC count as losses.",))
    if not lossy:
        return [Section("losses", "Losses", (prose, Prose(("No tokenizer lost any text.",))))]
    langs = [lang for lang in comparison.corpus.languages if any(lang in t.lossy_segments for t in lossy)]
    rows = tuple((Cell(t.name), *(Cell(f"{t.lossy_segments.get(lang, 0):,}") for lang in langs)) for t in lossy)
    corpus = comparison.corpus
    title = f"segments lost, of {corpus.segments:,} in each language" if corpus.aligned else "segments lost, by group"
    return [Section("losses", "Losses", (prose, Table(title, ("tokenizer", *langs), rows, labels=1)))]


def write_method(comparison: Comparison, command: str | None) -> list[Section]:
    """Return the method behind the values."""
    corpus, machine = comparison.corpus, comparison.environment
    shown = set(comparison.frame["metric"])
    definitions = Facts(tuple((m.title, m.definition) for m in comparison.metrics.values() if m.name in shown))
    versions = {"tokbench": machine.tokbench, "Python": machine.python, **machine.libraries}
    facts = [
        ("corpus", f"{corpus.name}, {corpus.describe_size('×')}, {corpus.format}"),
        (f"{name_rows(comparison)}s", ", ".join(corpus.languages)),
        ("SHA-256 of the corpus", corpus.sha256),
        ("licence of the corpus", corpus.licence or "not stated"),
        ("intervals", corpus.bootstrap or "none"),
        ("date", machine.date),
        ("versions", ", ".join(f"{n} {v}" for n, v in versions.items())),
    ]
    jackknifed = {m.name for m in comparison.metrics.values() if m.level == "ids" and m.interval}
    if corpus.bootstrap is not None and shown & jackknifed:
        facts.insert(5, ("intervals of metrics over ids", f"jackknife over {BLOCKS} blocks of documents or segments"))
    if "throughput" in shown:
        facts.append(("machine", f"{machine.processor}, {machine.cores} cores, {machine.system}"))
    if command is not None:
        facts.append(("command", command))
    parts: list[Part] = [Facts(tuple(facts)), lay_out_tokenizers(comparison)]
    skipped = write_skipped(comparison)
    if skipped:
        parts += [Prose(("Not compared:",)), Points(tuple(skipped))]
    parts += [definitions, Facts((("signature", comparison.signature()),))]
    return [Section("method", "Method", tuple(parts))]


def lay_out_tokenizers(comparison: Comparison) -> Table:
    """Lay out which files were read, and their licences."""
    rows = tuple(
        tuple(
            map(
                Cell,
                (
                    t.name,
                    t.format,
                    t.algorithm or ABSENT,
                    f"{t.engine.replace('==', ' ')}, {t.path}",
                    t.licence or "not known",
                    t.sha256[:16] if t.ids_as_in is None else f"{t.sha256[:16]}, ids as in {t.ids_as_in}",
                ),
            )
        )
        for t in comparison.tokenizers
    )
    headers = ("tokenizer", "format", "algorithm", "engine, function", "licence", "SHA-256, first 16 digits")
    return Table("The tokenizers", headers, rows, labels=6)
