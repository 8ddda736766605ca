"""The page of a language: every tokenizer, the fewest tokens for a size of vocabulary, where the language lies."""

from __future__ import annotations

import polars as pl

from tokbench.analysis.atlas import Atlas, AtlasLanguage, CorpusFigures, pick_by_size
from tokbench.corpora import name_family
from tokbench.report._escaping import escape_html
from tokbench.report._ranking import Row, write_rank, write_verdict
from tokbench.report._scripts import name_script
from tokbench.report._table import ABSENT
from tokbench.report.atlas import _parts as parts
from tokbench.report.atlas._page import INDEX, Names, write_link, write_page

_HEADS = (
    *(("tokenizer", True), ("rank", False), ("tokens per segment", False), ("more than the fewest", False)),
    *(("premium", False), ("bytes per token", False), ("vocabulary", False), ("round trip", True), ("licence", True)),
)
_SIZES = (
    *(("tokenizer", True), ("vocabulary", False), ("tokens per segment", False), ("fewer than the row above", False)),
    ("licence", True),
)


def write_language(atlas: Atlas, language: AtlasLanguage, names: Names) -> str:
    """Return the page of a language."""
    measured = [corpus for corpus in atlas.corpora if corpus.name in language.tags]
    body = "".join(write_corpus(corpus, language, names) for corpus in measured)
    trail = [(INDEX, "Atlas of tokenizers"), (f"{INDEX}#languages", "Languages")]
    title = f"{language.name}: tokens by tokenizer"
    introduction = write_facts(language)
    return write_page(title, body, trail=trail, footer=parts.write_source(atlas), introduction=introduction)


def write_facts(language: AtlasLanguage) -> str:
    """Say which tags, script and family a language has."""
    tags = ", ".join(f"{tag} ({parts.title_corpus(corpus)})" for corpus, tag in language.tags.items())
    items = [("tag", tags), ("script", name_script(language.tag)), ("family", name_family(language.tag))]
    return parts.write_facts((term, escape_html(text)) for term, text in items)


def write_corpus(corpus: CorpusFigures, language: AtlasLanguage, names: Names) -> str:
    """Return the figures of a language on one corpus."""
    tag = language.tags[corpus.name]
    rows = corpus.languages.filter(pl.col("lang") == tag)
    fare = corpus.fares.row(by_predicate=pl.col("lang") == tag, named=True)
    title = parts.title_corpus(corpus.name)
    lines = map(escape_html, [*capitalize(write_verdict(rows)), *judge(fare, corpus)])
    verdict = "".join(f"<li>{line.replace(' %', '&nbsp;%')}</li>\n" for line in lines)
    opening = f'<section aria-labelledby="{corpus_anchor(corpus)}"><h2 id="{corpus_anchor(corpus)}">'
    picked = pick_by_size(rows)
    verdict += name_sizes(picked, corpus)
    return (
        f'{opening}On {escape_html(title)}</h2>\n<ul class="verdict">\n{verdict}</ul>\n'
        f"{tabulate(rows, f'Tokenizers on {title}', names)}{write_unranked(rows)}"
        f"{tabulate_sizes(picked, title, corpus, names)}</section>\n"
    )


def corpus_anchor(corpus: CorpusFigures) -> str:
    """Return the anchor of the section of a corpus."""
    return "corpus-" + "".join(letter if letter.isalnum() else "-" for letter in corpus.name.lower())


def capitalize(lines: list[str]) -> list[str]:
    """Return sentences with a capital letter and a full stop."""
    return [f"{line[:1].upper()}{line[1:]}." for line in lines]


def judge(fare: Row, corpus: CorpusFigures) -> list[str]:
    """Say how far premiums of a language reach, and where it lies among the languages."""
    if fare["premium_median"] is None or fare["lang"] == fare["reference"]:
        return []
    low, high = (f"{fare[f'premium_{end}']:.2f} ({fare[end]})" for end in ("low", "high"))
    return [
        f"Premium over {parts.name_reference(corpus)}: from {low} to {high}, median {fare['premium_median']:.2f} over "
        f"ranked tokenizers; number {fare['place']} of {fare['others']} languages, from the lowest median to the "
        "highest."
    ]


def tabulate(rows: pl.DataFrame, title: str, names: Names) -> str:
    """Return the table of all tokenizers in a language."""
    longest = rows.filter(pl.col("rank").is_not_null())["tokens_per_segment"].max()
    size = float(longest) if isinstance(longest, float) else None
    return parts.write_table(title, _HEADS, (write_row(row, size, names) for row in rows.iter_rows(named=True)))


def write_row(row: Row, longest: float | None, names: Names) -> str:
    """Return the cells of a tokenizer."""
    ranked = row["rank"] is not None
    shown = ranked or parts.is_floor(row)
    tokens = parts.write_value(
        row, "tokens_per_segment", 1, longest=longest if ranked else None, best=row["rank"] == 1, ranked=shown
    )
    cells = [
        parts.write_head(names.tokenizers[row["tokenizer"]], row["tokenizer"]),
        parts.write_number(write_rank(row)),
        tokens,
        parts.write_number(parts.write_share(row["more"], sign=True)),
        parts.write_value(row, "premium", 2, ranked=shown),
        parts.write_number(f"{row['bytes_per_token']:.2f}" if shown else f"({row['bytes_per_token']:.2f})"),
        parts.write_number(f"{row['vocabulary']:,}"),
        parts.write_loss(row),
        parts.write_licence(row["licence"]),
    ]
    return "".join(cells)


def write_unranked(rows: pl.DataFrame) -> str:
    """Say which rows have no rank, if any."""
    if not rows["rank"].null_count():
        return ""
    return (
        f"<p>{ABSENT} not ranked: byte vocabularies, and tokenizers that lose text in the language, whose "
        "figures are in brackets.</p>\n"
    )


def name_sizes(picked: pl.DataFrame, corpus: CorpusFigures) -> str:
    """Name the tokenizers that nothing with as small a vocabulary undercuts, as an item of a list."""
    if picked.is_empty():
        return ""
    listed = ", ".join(
        f"{row['tokenizer']} ({row['vocabulary']:,}) {row['tokens_per_segment']:,.1f}"
        for row in picked.iter_rows(named=True)
    )
    link = write_link(f"#sizes-{corpus_anchor(corpus)}", "Fewest by size of vocabulary")
    return f"<li>{link}: {escape_html(listed)}.</li>\n"


def tabulate_sizes(picked: pl.DataFrame, title: str, corpus: CorpusFigures, names: Names) -> str:
    """Return the table of tokenizers that nothing with as small a vocabulary undercuts."""
    if picked.is_empty():
        return ""
    before = picked["tokens_per_segment"].shift(1)
    written = []
    for row, above in zip(picked.iter_rows(named=True), before, strict=True):
        fewer = None if above is None else parts.write_share(1 - row["tokens_per_segment"] / above)
        cells = [
            parts.write_head(names.tokenizers[row["tokenizer"]], row["tokenizer"]),
            parts.write_number(f"{row['vocabulary']:,}"),
            parts.write_value(row, "tokens_per_segment", 1, longest=picked["tokens_per_segment"][0]),
            parts.write_number(fewer),
            parts.write_licence(row["licence"]),
        ]
        written.append("".join(cells))
    table = parts.write_table(f"Fewest tokens by size of vocabulary, {title}", _SIZES, written)
    return (
        f'<h3 id="sizes-{corpus_anchor(corpus)}">Cheaper alternatives by size of vocabulary</h3>\n'
        "<p>Each of these needs fewer tokens than every ranked tokenizer whose vocabulary is no larger than its own. "
        f"A larger vocabulary costs memory in the embeddings of a model.</p>\n{table}"
    )
