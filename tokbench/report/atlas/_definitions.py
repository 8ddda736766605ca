"""What the figures of the atlas mean, where they come from, and how to cite them."""

from __future__ import annotations

from tokbench._shared.references import find_describing, format_bibliography
from tokbench.analysis.atlas import Atlas, CorpusFigures
from tokbench.report._escaping import escape_html
from tokbench.report.atlas import _parts as parts
from tokbench.report.atlas._page import BIBLIOGRAPHY, INDEX, write_page

_TERMS = (
    (
        "segment",
        "A sentence of the corpus. Each has a translation into every language, so that tokens per segment "
        "can be compared between languages.",
    ),
    ("tokens per segment", "Ids, without special tokens, divided by segments."),
    (
        "premium",
        "Tokens in a language divided by tokens of the same tokenizer for the same segments in English. "
        "It compares languages, not tokenizers: one that is poor at English has low premiums.",
    ),
    ("bytes per token", "UTF-8 bytes divided by ids, both summed over all segments."),
    (
        "interval",
        "[low, high] covers 95 %: a bootstrap over documents (over segments where the corpus names none). "
        "Tokenizers encode the same text, so that overlapping intervals do not show that two are equal: their "
        "difference has a narrower interval. tokbench compare tests it.",
    ),
    (
        "rank",
        "The order by tokens per segment, ties together. Two neighbours may differ by less than a test can tell.",
    ),
    ("more than the fewest", "Tokens relative to the tokenizer with rank 1 in the language, minus 1."),
    (
        "round trip",
        "The worst that decoding does to any segment in the language: exact; NFC, changed to Unicode's "
        "composed form; but spaces, white space changed; loses text, which is not ranked, since dropping text saves "
        "tokens.",
    ),
    (
        "median over languages, and of a language",
        "The index and the page of a tokenizer take the median over all "
        "languages except English; the page of a language takes it over its ranked tokenizers.",
    ),
    ("family of a language", "The top-level family of Glottolog."),
)


def write_definitions(atlas: Atlas) -> str:
    """Return the page of definitions."""
    terms = parts.write_facts((term, escape_html(text)) for term, text in _TERMS)
    sources = "".join(write_source(corpus) for corpus in atlas.corpora)
    entries = format_bibliography(find_describing(corpus.name for corpus in atlas.corpora))
    body = (
        f'<section aria-labelledby="terms"><h2 id="terms">Terms</h2>\n{terms}</section>\n'
        f'<section aria-labelledby="source"><h2 id="source">Where the figures come from</h2>\n{sources}'
        f"{write_repetition(atlas.corpora[0])}</section>\n"
        f'<section aria-labelledby="cite"><h2 id="cite">How to cite</h2>\n'
        "<p>Cite the corpus, the version of tokbench, the date of the figures, and the signature on the page of the "
        "tokenizer, which names everything that a figure depends on.</p>\n"
        f'<pre tabindex="0" role="region" aria-label="BibTeX"><code>{escape_entries(entries)}</code></pre>\n'
        f'<p><a href="{BIBLIOGRAPHY}" download>{BIBLIOGRAPHY}</a></p></section>\n'
    )
    trail = [(INDEX, "Atlas of tokenizers")]
    return write_page("What the figures mean", body, trail=trail, footer=parts.write_source(atlas))


def escape_entries(entries: str) -> str:
    """Return BibTeX as HTML, line by line."""
    return "\n".join(map(escape_html, entries.splitlines()))


def write_source(corpus: CorpusFigures) -> str:
    """Return the facts of a corpus."""
    first = corpus.languages.row(0, named=True)
    size = f"{corpus.fares.height} languages, {first['segments']:,} segments in each"
    items = [
        ("size", size),
        ("licence of the texts", first["corpus_licence"]),
        ("sha256", first["corpus_sha256"]),
        ("intervals", f"bootstrap {first['bootstrap']}"),
        ("premiums relative to", first["reference"]),
        ("measured", parts.describe_dates(corpus)),
        ("tokbench", ", ".join(corpus.languages["version"].unique(maintain_order=True))),
    ]
    facts = parts.write_facts((term, escape_html(text)) for term, text in items)
    return f"<h3>{escape_html(parts.title_corpus(corpus.name))}</h3>\n{facts}"


def write_repetition(corpus: CorpusFigures) -> str:
    """Say how to get the figures as a table, and how to measure them again."""
    name = escape_html(corpus.name)
    first = escape_html(corpus.totals["tokenizer"][0])
    return (
        "<p>The same figures, with all columns: <code>tokbench rank -f csv</code>, <code>tokbench rank thai</code>, "
        f"or <code>tb.rank()</code> in Python. Measured again: <code>tokbench compare {first} -c {name}</code>.</p>\n"
    )
