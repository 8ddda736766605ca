"""The first page of the atlas: a search box, all tokenizers and all languages."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tokbench.analysis.atlas import Atlas, AtlasLanguage, CorpusFigures
from tokbench.corpora import name_family
from tokbench.report._escaping import escape_html
from tokbench.report._ranking import Row, write_rank
from tokbench.report._scripts import name_script
from tokbench.report.atlas import _parts as parts
from tokbench.report.atlas._page import DEFINITIONS, Names, width_of, write_link, write_page

_TOKENIZERS = (
    *(("tokenizer", True), ("rank", False), ("vocabulary", False), ("tokens per segment", False)),
    *(("median premium", False), ("highest premium", False), ("highest in", True), ("languages that lose text", False)),
    ("licence", True),
)
_LANGUAGES = (
    *(("language", True), ("script", True), ("family", True), ("fewest with", True), ("tokens per segment", False)),
    *(("premium of that", False), ("median premium", False), ("highest premium", False)),
)
_SEARCH = """<search class="find" hidden><label for="find">Find a language or a tokenizer</label>
<input id="find" type="search" autocomplete="off" spellcheck="false">
<p id="found" role="status"></p></search>
"""


def write_index(atlas: Atlas, names: Names) -> str:
    """Return the index."""
    first = atlas.corpora[0]
    body = (
        f"{_SEARCH}{write_tokenizers(first, names)}"
        '<section aria-labelledby="languages"><h2 id="languages">Languages</h2>\n'
        f"{''.join(write_languages(atlas, names))}</section>\n"
    )
    title = "Atlas of tokenizers: tokens by language"
    return write_page(title, body, trail=(), footer=parts.write_source(atlas), introduction=write_introduction(atlas))


def write_introduction(atlas: Atlas) -> str:
    """Say what is here, how to read it and how to get it as a table."""
    corpora = " and ".join(parts.title_corpus(corpus.name) for corpus in atlas.corpora)
    return (
        f"<p>How many tokens {len(atlas.tokenizers)} tokenizers need for the same text in {len(atlas.languages)} "
        f"languages, measured on {escape_html(corpora)}: a page per language and a page per tokenizer, with 95 % "
        f"intervals. {write_link(DEFINITIONS, 'What the figures mean, and how to cite them')}.</p>\n"
        '<nav aria-label="Contents"><ul><li><a href="#tokenizers">Tokenizers</a></li>\n'
        '<li><a href="#languages">Languages</a></li></ul></nav>\n'
    )


def write_tokenizers(corpus: CorpusFigures, names: Names) -> str:
    """Return the table of tokenizers over all languages of a corpus."""
    facts = corpus.languages.unique("tokenizer", maintain_order=True)
    sizes = dict(facts.select("tokenizer", "vocabulary").iter_rows())
    known = dict(corpus.fares.select("lang", "language").iter_rows())
    longest = corpus.totals.filter(pl.col("rank").is_not_null())["tokens_per_segment"].max()
    worst = {f"{language} ({lang})": language for lang, language in known.items()}
    title = f"Tokenizers over {len(known)} languages of {parts.title_corpus(corpus.name)}"
    written = []
    for row in corpus.totals.iter_rows(named=True):
        ranked = row["rank"] is not None
        bar = f' class="{width_of(row["tokens_per_segment"], longest)}"' if ranked else ""  # type: ignore[arg-type]
        cells = [
            parts.write_head(names.tokenizers[row["tokenizer"]], row["tokenizer"]),
            parts.write_number(write_rank(row)),
            parts.write_number(f"{sizes[row['tokenizer']]:,}"),
            f"<td{bar}>{row['tokens_per_segment']:,.1f}",
            parts.write_number(f"{row['premium_median']:.2f}"),
            parts.write_number(f"{row['premium_worst']:.2f}"),
            parts.write_linked(names.languages[worst[row["worst_language"]]], worst[row["worst_language"]]),
            parts.write_number(f"{row['lossy_languages']:,}" if row["lossy_languages"] else None),
            parts.write_licence(row["licence"]),
        ]
        written.append("".join(cells))
    table = parts.write_table(title, _TOKENIZERS, written)
    return (
        f'<section aria-labelledby="tokenizers"><h2 id="tokenizers">Tokenizers</h2>\n{table}'
        "<p>Byte vocabularies, and tokenizers that lose text in any language, are not ranked here; "
        "in each language that they keep intact, the latter are.</p></section>\n"
    )


def write_languages(atlas: Atlas, names: Names) -> Iterator[str]:
    """Yield a table per corpus, of the languages that no corpus before it has."""
    shown: set[str] = set()
    for corpus in atlas.corpora:
        fares = {row["language"]: row for row in corpus.fares.iter_rows(named=True)}
        new = [language for language in atlas.languages if language.name in fares and language.name not in shown]
        shown |= {language.name for language in new}
        title = f"{len(new)} languages of {parts.title_corpus(corpus.name)}"
        if new:
            title += "" if corpus is atlas.corpora[0] else " that no table above has"
            rows = (write_row(one, fares[one.name], names) for one in new)
            yield parts.write_table(title, _LANGUAGES, rows)


def write_row(language: AtlasLanguage, fare: Row, names: Names) -> str:
    """Return the cells of a language; the first holds other spellings, for the search."""
    spellings = escape_html("|".join(dict.fromkeys([*language.names, *language.tags.values()])))
    head = parts.write_head(names.languages[language.name], language.name, fare["lang"])
    best = fare["cheapest"]
    numbers = [fare[name] for name in ("premium", "premium_median", "premium_high")]
    tokens = fare["tokens_per_segment"]
    cells = [
        head.replace("<th ", f'<th data-names="{spellings}" ', 1),
        parts.write_text(name_script(fare["lang"])),
        parts.write_text(name_family(fare["lang"])),
        parts.write_text(None) if best is None else parts.write_linked(names.tokenizers[best], best),
        parts.write_number(None if tokens is None else f"{tokens:,.1f}"),
        *(parts.write_number(None if value is None else f"{value:.2f}") for value in numbers),
    ]
    return "".join(cells)
