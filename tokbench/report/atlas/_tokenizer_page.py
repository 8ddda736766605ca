"""The page of a tokenizer: its languages by premium, the lowest and highest, by script, and cheaper tokenizers."""

from __future__ import annotations

import polars as pl

from tokbench.analysis.atlas import Atlas, CorpusFigures, summarize_scripts
from tokbench.report._escaping import escape_html
from tokbench.report._ranking import Row, write_rank
from tokbench.report._scripts import name_script
from tokbench.report.atlas import _parts as parts
from tokbench.report.atlas._language_page import corpus_anchor
from tokbench.report.atlas._page import INDEX, Names, write_link, write_page

_HEADS = (
    *(("language", True), ("script", True), ("premium", False), ("tokens per segment", False), ("rank", False)),
    *(("more than the fewest", False), ("fewest with", True), ("round trip", True)),
)
_SCRIPTS = (
    *(("script", True), ("languages", False), ("median premium", False), ("highest premium", False)),
    *(("highest in", True), ("lose text", False)),
)
_ENDS = 5
"""Languages named from either end."""


def write_tokenizer(atlas: Atlas, name: str, names: Names) -> str:
    """Return the page of a tokenizer."""
    found = [(corpus, corpus.languages.filter(pl.col("tokenizer") == name)) for corpus in atlas.corpora]
    measured = [(corpus, rows) for corpus, rows in found if rows.height]
    body = "".join(write_corpus(corpus, rows, name, names) for corpus, rows in measured)
    trail = [(INDEX, "Atlas of tokenizers"), (f"{INDEX}#tokenizers", "Tokenizers")]
    first = measured[0][1].row(0, named=True)
    introduction = write_facts(first)
    signatures = write_signatures([rows for _, rows in measured])
    title = f"{name}: tokens by language"
    page = body + signatures
    return write_page(title, page, trail=trail, footer=parts.write_source(atlas), introduction=introduction)


def write_facts(first: Row) -> str:
    """Say what a tokenizer is."""
    items = [
        ("vocabulary", f"{first['vocabulary']:,}"),
        ("family", first["family"]),
        ("licence", first["licence"]),
        ("files", f"sha256 {first['sha256']}"),
        ("engine", first["engine"]),
    ]
    return parts.write_facts((term, escape_html(text)) for term, text in items)


def write_signatures(frames: list[pl.DataFrame]) -> str:
    """Return the signatures of the figures, for citation."""
    signatures = [text for rows in frames for text in rows["signature"].unique(maintain_order=True)]
    listed = "".join(f"<p><code>{escape_html(text)}</code></p>\n" for text in signatures)
    return f'<section aria-labelledby="signatures"><h2 id="signatures">Signatures</h2>\n{listed}</section>\n'


def write_corpus(corpus: CorpusFigures, rows: pl.DataFrame, name: str, names: Names) -> str:
    """Return the figures of a tokenizer on one corpus."""
    title, anchor = parts.title_corpus(corpus.name), corpus_anchor(corpus)
    total = corpus.totals.row(by_predicate=pl.col("tokenizer") == name, named=True)
    verdict = "".join(f"<li>{line}</li>\n" for line in [summarize(total, corpus), *name_ends(rows, names)])
    return (
        f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">On {escape_html(title)}</h2>\n'
        f'<ul class="verdict">\n{verdict}</ul>\n'
        f"{tabulate_scripts(rows, title, names)}"
        f"<h3>By language</h3>\n{tabulate(rows, title, names)}</section>\n"
    )


def summarize(total: Row, corpus: CorpusFigures) -> str:
    """Say what a tokenizer needs over all languages, as HTML."""
    ranked = corpus.totals["rank"].count()
    languages = corpus.languages["lang"].n_unique()
    reference = escape_html(parts.name_reference(corpus))
    place = f"rank {total['rank']} of {ranked}" if total["rank"] is not None else "not ranked over all languages"
    lossy = f"; loses text in {total['lossy_languages']} of them" if total["lossy_languages"] else ""
    return (
        f"{total['tokens_per_segment']:,.1f} tokens per segment, the mean over {languages} languages{lossy} ({place}). "
        f"Median premium over {reference} {total['premium_median']:.2f}, highest {total['premium_worst']:.2f} in "
        f"{escape_html(total['worst_language'])}."
    )


def name_ends(rows: pl.DataFrame, names: Names) -> list[str]:
    """Name the languages with the lowest and highest premiums, as HTML; those that lose text are left out."""
    kept = rows.filter((pl.col("loss") != "lossy") & (pl.col("lang") != pl.col("reference")))
    ordered = kept.sort("premium", "lang")
    if ordered.height < 2 * _ENDS:
        return []

    def join(part: pl.DataFrame) -> str:
        return ", ".join(
            f"{write_link(names.languages[row['language']], row['language'])} {row['premium']:.2f}"
            for row in part.iter_rows(named=True)
        )

    return [
        f"Lowest premiums: {join(ordered.head(_ENDS))}.",
        f"Highest premiums: {join(ordered.tail(_ENDS).reverse())}.",
    ]


def tabulate(rows: pl.DataFrame, title: str, names: Names) -> str:
    """Return the languages of a tokenizer, the highest premium first."""
    kept = rows.filter(pl.col("loss") != "lossy")["premium"].max()
    longest = float(kept) if isinstance(kept, float) else None
    ordered = rows.sort(pl.col("loss") == "lossy", -pl.col("premium"), "lang")
    written = (write_row(row, longest, names) for row in ordered.iter_rows(named=True))
    return parts.write_table(f"Languages on {title}, the highest premium first", _HEADS, written)


def write_row(row: Row, longest: float | None, names: Names) -> str:
    """Return the cells of a language."""
    lossy = row["loss"] == "lossy"
    best = row["cheapest"]
    cells = [
        parts.write_head(names.languages[row["language"]], row["language"], row["lang"]),
        parts.write_text(name_script(row["lang"])),
        parts.write_value(row, "premium", 2, longest=None if lossy else longest, ranked=not lossy),
        parts.write_value(row, "tokens_per_segment", 1, best=row["rank"] == 1, ranked=not lossy),
        parts.write_number(write_rank(row)),
        parts.write_number(parts.write_share(row["more"], sign=True)),
        parts.write_text(None) if best is None else parts.write_linked(names.tokenizers[best], best),
        parts.write_loss(row),
    ]
    return "".join(cells)


def tabulate_scripts(rows: pl.DataFrame, title: str, names: Names) -> str:
    """Return the premiums of a tokenizer by script, the lowest median first; nothing if it loses text everywhere."""
    if (rows["loss"] == "lossy").all():
        return ""
    scripts = {tag: name_script(tag) for tag in rows["lang"]}
    written = []
    for row in summarize_scripts(rows, scripts).iter_rows(named=True):
        premiums = [row["premium_median"], row["premium_worst"]]
        worst = row["worst"]
        cells = [
            f'<th scope="row" class="name">{escape_html(row["script"])}',
            parts.write_number(f"{row['languages']:,}"),
            *(parts.write_number(None if value is None else f"{value:.2f}") for value in premiums),
            parts.write_text(None) if worst is None else parts.write_linked(names.languages[worst], worst),
            parts.write_number(str(row["lossy"])),
        ]
        written.append("".join(cells))
    table = parts.write_table(f"Premiums by script on {title}, the lowest median first", _SCRIPTS, written)
    return f"<h3>By script</h3>\n{table}"
