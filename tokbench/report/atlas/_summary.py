"""The atlas on one page, for formats without links between pages: all tokenizers, then all languages."""

from __future__ import annotations

from tokbench.analysis.atlas import Atlas, CorpusFigures
from tokbench.corpora import name_family
from tokbench.report._document_model import Chapter, Document, Points, Prose, Section
from tokbench.report._ranking import Row, lay_out_totals
from tokbench.report._scripts import name_script
from tokbench.report._table import ABSENT, Cell, Table
from tokbench.report.atlas._parts import describe_source, name_reference, title_corpus

_HEADERS = (
    *("language", "tag", "script", "family", "fewest tokens with", "tokens per segment", "premium of that"),
    *("median premium", "highest premium"),
)


def lay_out_atlas(atlas: Atlas) -> Document:
    """Return the tables of the first page of the atlas as a document."""
    first = atlas.corpora[0]
    introduction = Prose(
        (
            f"How many tokens {len(atlas.tokenizers)} tokenizers need for the same text in {len(atlas.languages)} "
            "languages: the stored figures of tokbench rank. The command tokbench atlas --save FOLDER writes "
            "them as pages, one per language and one per tokenizer, with intervals, signatures, definitions and "
            "citations.",
        )
    )
    sources = Points(tuple(f"{describe_source(corpus)}." for corpus in atlas.corpora))
    totals = lay_out_totals(first.totals, first.languages)
    sections = (
        Section("figures", "Figures", (introduction, sources)),
        Section("tokenizers", "Tokenizers", (totals,)),
        Section("languages", "Languages", (explain(first), *tabulate_languages(atlas))),
    )
    return Document("Atlas of tokenizers", (Chapter("atlas", "Atlas of tokenizers", sections),))


def explain(corpus: CorpusFigures) -> Prose:
    """Say what the columns of languages are."""
    return Prose(
        (
            f"Premiums are over {name_reference(corpus)}; their median and maximum are over the tokenizers that are "
            "ranked in the language: neither byte vocabularies, nor those that lose text in it.",
        )
    )


def tabulate_languages(atlas: Atlas) -> list[Table]:
    """Return a table per corpus, of the languages that no corpus before it has."""
    tables = []
    shown: set[str] = set()
    for corpus in atlas.corpora:
        rows = corpus.fares.sort("language").iter_rows(named=True)
        new = [row for row in rows if row["language"] not in shown]
        shown |= {row["language"] for row in new}
        cells = tuple(tuple(map(Cell, write_row(row))) for row in new)
        title = f"{len(new)} languages of {title_corpus(corpus.name)}"
        tables.append(Table(title, _HEADERS, cells, labels=5))
    return tables


def write_row(row: Row) -> list[str]:
    """Format the figures of a language."""
    tokens = row["tokens_per_segment"]
    premiums = [row[name] for name in ("premium", "premium_median", "premium_high")]
    return [
        row["language"],
        row["lang"],
        name_script(row["lang"]),
        name_family(row["lang"]),
        row["cheapest"] or ABSENT,
        ABSENT if tokens is None else f"{tokens:,.1f}",
        *(ABSENT if value is None else f"{value:.2f}" for value in premiums),
    ]
