"""The page of a tokenizer's card: the essentials on one screen, then sections."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import partial

import polars as pl

from tokbench._shared.references import escape_bibtex
from tokbench.analysis.cards import LEFT_OUT, Card
from tokbench.analysis.soundness._ids import format_runs
from tokbench.comparison.signature import digest_signature
from tokbench.corpora import name_language
from tokbench.report import _soundness
from tokbench.report._card import (
    COMPRESSION,
    UNKNOWN,
    lay_out_groups,
    lay_out_languages,
    lay_out_metrics,
    list_essentials,
    list_warnings,
    rank_languages,
)
from tokbench.report._card_contents import write_boundaries, write_losses, write_vocabulary
from tokbench.report._charts import chart_bars
from tokbench.report._document_model import (
    Chapter,
    Document,
    Facts,
    Figure,
    Part,
    Points,
    Prose,
    Section,
    Signature,
    Tiles,
)
from tokbench.report._numbers import find_numbers
from tokbench.report._table import Cell, Table, tabulate

MOST_BARS = 30
"""Languages up to which a chart has a bar for each; beyond, one for each script."""

MOST_SPECIAL = 20
"""Special tokens that are listed; JSON has all."""

LONGEST_PATTERN = 2000
"""Characters of a pattern that are shown."""

MOST_NAMED = 10
"""Models named as users of a tokenizer."""

HOME = "https://github.com/tokbench/tokbench"


def compose_card(card: Card) -> Document:
    """Compose the page of a card."""
    sections = [
        Section("glance", "At a glance", tuple(write_glance(card))),
        Section("identity", "Identity", (Facts(tuple(list_identity(card))), *lay_out_special(card))),
        Section("languages", "Languages", tuple(write_languages(card))),
        Section("compression", "Compression", (lay_out_metrics(card, "over all texts", COMPRESSION),)),
        Section("boundaries", "Boundaries and digits", tuple(write_boundaries(card))),
        Section("vocabulary", "Vocabulary", tuple(write_vocabulary(card))),
        Section("losses", "Round trip", tuple(write_losses(card))),
        Section("checks", "Checks", tuple(write_checks(card))),
        Section("engines", "Engines", tuple(write_engines(card))),
        Section("method", "Method", tuple(write_method(card))),
        Section("cite", "How to cite", tuple(write_citation(card))),
    ]
    return Document(f"{card.name}: tokenizer card", (Chapter("card", card.name, tuple(sections)),))


def write_glance(card: Card) -> Iterator[Part]:
    """Yield what was measured and when, the essentials, and a chart of premiums."""
    comparison = card.comparison
    yield Prose(
        (
            f"Measured on {comparison.corpus.name} ({comparison.corpus.describe_size('×')}) on {card.date} with "
            f"tokbench {comparison.environment.tokbench}. Brackets are 95 % intervals.",
        )
    )
    yield Tiles(tuple(list_essentials(card)))
    if rank_languages(card):
        yield chart_premiums(card)
    warnings = list_warnings(card)
    if warnings:
        yield Points(tuple(warnings), warning=True)


def chart_premiums(card: Card) -> Figure:
    """Chart the premium of each language, or of each script if there are many languages."""
    ranked, reference = rank_languages(card), name_language(card.comparison.corpus.reference or "")
    values: list[tuple[float, float | None, float | None]]
    groups = [group for group in lay_out_groups(card) if group.headers[0] == "script"]
    if len(ranked) > MOST_BARS and groups:
        (table,) = groups
        by_script = [premium for premium in card.premiums if premium.by == "script"]
        names = [row[0].text for row in table.rows]
        cells = [row[-1] for row in table.rows]
        values = [(premium.value, premium.low, premium.high) for premium in by_script]
    else:
        numbers = [find_numbers(card.comparison, "premium", lang)[0] for lang in ranked]
        names = list(map(name_language, ranked))
        values = [(number.value, number.low, number.high) for number in numbers]
        cells = [Cell(number.write(), unranked=not number.ranked) for number in numbers]
        rows = tuple((Cell(name), cell) for name, cell in zip(names, cells, strict=True))
        table = Table("premium by language", ("language", "premium"), rows, labels=1)
    frame = pl.DataFrame(
        [(name, *value, not cell.unranked) for name, value, cell in zip(names, values, cells, strict=True)],
        schema={"y": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "ranked": pl.Boolean},
        orient="row",
    )
    return Figure(
        "premiums",
        f"Premium: tokens relative to {reference} for the same text, with 95 % intervals. 2 costs twice as much.",
        partial(chart_bars, frame, y=names, title="premium", number=".2f"),
        table,
    )


def list_identity(card: Card) -> Iterator[tuple[str, str]]:
    """Yield what the tokenizer is: sizes, pipeline, licence, files."""
    facts, sizes, pipeline = card.facts, card.vocabulary.sizes, card.pipeline
    yield "V_base", f"{sizes.base:,} tokens of the model's vocabulary"
    yield "V_total", f"{sizes.total:,} ids with added and special tokens"
    yield "highest id", f"{sizes.highest_id:,}"
    yield "V_rows", UNKNOWN if sizes.rows is None else f"{sizes.rows:,} rows of the embedding matrix"
    yield "algorithm", facts.algorithm or UNKNOWN
    yield "normaliser", pipeline.normalizer
    yield "pre-tokenizer", pipeline.pre_tokenizer
    for pattern in pipeline.patterns:
        yield "pattern", pattern if len(pattern) <= LONGEST_PATTERN else f"{pattern[:LONGEST_PATTERN]}..."
    digits = "as the vocabulary has them" if pipeline.digits is None else f"at most {pipeline.digits} per token"
    yield "digits", digits
    yield "unknown text", "none: every byte has a token" if pipeline.byte_based else "becomes one unknown token"
    yield "licence", facts.licence or UNKNOWN
    yield "format", facts.format
    for file in facts.files:
        yield "file", f"{file.name}, {file.bytes:,} bytes, SHA-256 {file.sha256}"
    if len(facts.files) != 1:
        yield "SHA-256", facts.sha256
    yield "read from", facts.origin
    published = [f"huggingface.co/{hub}" for hub in facts.hubs] + [url.removeprefix("https://") for url in facts.urls]
    if published:
        yield "published at", ", ".join(published)
    if facts.used_by:
        yield (
            "used by",
            ", ".join(facts.used_by[:MOST_NAMED]) + (" ..." if len(facts.used_by) > MOST_NAMED else ""),
        )
    if facts.quirks:
        yield "to know", facts.quirks


def lay_out_special(card: Card) -> list[Part]:
    """Lay out special tokens, the first of many."""
    special = card.facts.special
    if not special:
        return [Prose(("There are no special tokens.",))]
    if not any(special.values()):
        ids = ", ".join(format_runs(sorted(special)))
        return [Prose((f"special tokens: {len(special):,}, with the ids {ids}; their texts are not known.",))]
    shown = [{"id": number, "text": text} for number, text in list(special.items())[:MOST_SPECIAL]]
    rest = len(special) - len(shown)
    title = f"special tokens: {len(special):,}" + (f", the first {MOST_SPECIAL}" if rest else "")
    return [tabulate(shown, title)]


def write_languages(card: Card) -> Iterator[Part]:
    """Yield what each language, script, region and family pays."""
    corpus = card.comparison.corpus
    yield lay_out_languages(card)
    if not card.premiums:
        reason = "they are not parallel" if not corpus.aligned else "they are not in several languages"
        yield Prose((f"The texts of {corpus.name} give no premiums of scripts, regions and families: {reason}.",))
        return
    yield from lay_out_groups(card)
    yield Prose(
        (
            "The premium of a group is the mean of the premiums of its languages. A script is that of the tag, else "
            "the usual one; a family is the top-level one of Glottolog. A region is the sub-region of the United "
            "Nations (M49) of the territory in the tag, else of the likeliest one of CLDR: it says where a language is "
            "at home by that list, not who speaks it.",
        )
    )


def write_checks(card: Card) -> list[Part]:
    """Return the verdicts, and which checks were left out."""
    left = ", ".join(LEFT_OUT)
    return [*_soundness.lay_out(card.soundness), Prose((f"Left out, because it measures time: {left}.",))]


def write_engines(card: Card) -> Iterator[Part]:
    """Yield the engines that run the tokenizer, and whether each gives the ids of the reference."""
    (facts,) = card.comparison.tokenizers
    rows = [{"engine": facts.engine.replace("==", " "), "ids": "the reference, which defines them"}]
    for engine in card.engines:
        ids = "equal on the hard texts and the corpus" if engine.exact else f"not used: {engine.reason}"
        version = "not installed" if engine.version is None else engine.version
        rows.append({"engine": f"{engine.library} {version}", "ids": "-" if engine.version is None else ids})
    yield tabulate(rows, "engines here", ruled=True)


def write_method(card: Card) -> Iterator[Part]:
    """Yield what the values depend on."""
    comparison, corpus = card.comparison, card.comparison.corpus
    facts = [
        ("corpus", f"{corpus.name}, {corpus.describe_size('×')}"),
        ("its hash", f"SHA-256 {corpus.sha256}"),
        ("its licence", corpus.licence or UNKNOWN),
        ("reference", name_language(corpus.reference) if corpus.reference else "none: the texts are not parallel"),
        ("intervals", f"95 %, bootstrap: {corpus.bootstrap}"),
        ("words", corpus.segmenter),
        ("command", write_command(card)),
        ("version", f"tokbench {comparison.environment.tokbench}"),
        ("date", card.date),
    ]
    yield Facts(tuple(facts))
    yield Signature(card.signature())
    yield Prose(("Each measure is defined in docs/metrics.md, each check in docs/check.md.",))


def write_command(card: Card) -> str:
    """Return the command that makes this card, given the same files under the same names."""
    corpus = card.comparison.corpus
    words = ["tokbench", "card", card.name]
    words += [word for name in corpus.parts or (corpus.name,) for word in ("-c", name)]
    words += ["-l", ",".join(corpus.languages)]
    words += ["-n", str(corpus.segments if corpus.aligned else max(corpus.sizes.values()))]
    if corpus.reference is not None:
        words += ["--reference", corpus.reference]
    return shlex.join([*words, "-o", f"{name_file(card)}.html"])


def name_file(card: Card) -> str:
    """Return the name of the tokenizer as a part of file names and keys: letters, digits, dots and hyphens."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", card.name).strip("-.") or "tokenizer"


def write_citation(card: Card) -> Iterator[Part]:
    """Yield a sentence and a BibTeX entry."""
    version, digest = card.comparison.environment.tokbench, digest_signature(card.signature())
    title = f"Tokenizer card of {name_file(card)}"
    yield Prose(
        (
            f"The tokbench authors ({card.date[:4]}). {title}, made on {card.date} with tokbench {version} on "
            f"{card.comparison.corpus.name}, signature {digest}.",
        )
    )
    fields = {
        "author": "{The tokbench authors}",
        "title": f"{{{escape_bibtex(title)}}}",
        "year": card.date[:4],
        "note": f"tokbench {version}, signature {digest}",
        "url": HOME,
    }
    entry = ", ".join(f"{name} = {{{value}}}" for name, value in fields.items())
    yield Signature(f"@misc{{tokbench-card-{name_file(card)}, {entry}}}")
