"""The stored figures of `rank`, arranged for reading: by corpus, by language and by tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tokbench.analysis.ranking import FLOOR, list_corpora, rank, rank_overall, read_figures


@dataclass(frozen=True)
class CorpusFigures:
    """The figures of all tokenizers on one corpus.

    languages: as `rank` returns them, one row per language and tokenizer, with the columns of `add_cheapest`.
    totals: as `rank_overall` returns them, one row per tokenizer.
    fares: as `summarize_languages` returns them, one row per language.
    """

    name: str
    languages: pl.DataFrame
    totals: pl.DataFrame
    fares: pl.DataFrame


@dataclass(frozen=True)
class AtlasLanguage:
    """A language in one script and region.

    name: its English name, unique in each corpus.
    tags: its tag by corpus.
    names: other spellings, folded, from all corpora.
    """

    name: str
    tags: Mapping[str, str]
    names: tuple[str, ...]

    @property
    def tag(self) -> str:
        """Return the tag in the first corpus that has the language."""
        return next(iter(self.tags.values()))


@dataclass(frozen=True)
class Atlas:
    """All stored figures.

    languages: by English name. tokenizers: by name, in order of the first corpus: ranked ones first.
    """

    corpora: tuple[CorpusFigures, ...]
    languages: tuple[AtlasLanguage, ...]
    tokenizers: tuple[str, ...]


def read_atlas() -> Atlas:
    """Return the stored figures of all corpora."""
    corpora = tuple(map(read_corpus, list_corpora()))
    tokenizers = dict.fromkeys(name for corpus in corpora for name in corpus.totals["tokenizer"])
    return Atlas(corpora, join_languages(corpora), tuple(tokenizers))


def read_corpus(name: str) -> CorpusFigures:
    """Return the stored figures of a corpus; TokbenchError for one without figures."""
    frame = add_cheapest(rank(corpus=name))
    return CorpusFigures(name, frame, rank_overall(name), summarize_languages(frame))


def join_languages(corpora: tuple[CorpusFigures, ...]) -> tuple[AtlasLanguage, ...]:
    """Return the languages of all corpora by name; those with the same name are one."""
    tags: dict[str, dict[str, str]] = {}
    names: dict[str, dict[str, None]] = {}
    for corpus in corpora:
        known = read_figures(corpus.name).unique("lang", maintain_order=True).select("lang", "language", "names")
        for lang, language, spellings in known.iter_rows():
            tags.setdefault(language, {})[corpus.name] = lang
            names.setdefault(language, {}).update(dict.fromkeys(spellings.split("|")))
    return tuple(AtlasLanguage(name, tags[name], tuple(names[name])) for name in sorted(tags))


def add_cheapest(frame: pl.DataFrame) -> pl.DataFrame:
    """Add to figures, by language, the tokenizer that needs the fewest tokens, and how many more each row needs.

    Columns: `cheapest`, the first of those with rank 1; `more`, tokens relative to its tokens, minus 1. Both are null
    in languages without a ranked tokenizer; `more` also is for tokenizers without a rank.
    """
    tokens, ranked = pl.col("tokens_per_segment"), pl.col("rank").is_not_null()
    best = pl.col("rank") == 1
    return frame.with_columns(
        cheapest=pl.col("tokenizer").filter(best).first().over("lang"),
        more=pl.when(ranked).then(tokens / tokens.filter(best).first().over("lang") - 1),
    )


def summarize_languages(frame: pl.DataFrame) -> pl.DataFrame:
    """Return one row per language of figures, in their order.

    Columns: lang, language, cheapest, `tokens_per_segment` and `premium` of the cheapest; `premium_median`,
    `premium_low` and `premium_high` (the extremes) over the ranked tokenizers, `low` and `high` (the tokenizers that
    have these); `place` of the median among all languages except the reference, 1 for the lowest, ties together;
    `others`, the number of these languages. What has no value is null.
    """
    ranked = frame.filter(pl.col("rank").is_not_null())
    premium = pl.col("premium")
    rows = ranked.group_by("lang", maintain_order=True).agg(
        pl.col("cheapest").first(),
        pl.col("tokens_per_segment").filter(pl.col("rank") == 1).first(),
        premium.filter(pl.col("rank") == 1).first(),
        premium_median=premium.median(),
        premium_low=premium.min(),
        premium_high=premium.max(),
        low=pl.col("tokenizer").sort_by(premium, maintain_order=True).first(),
        high=pl.col("tokenizer").sort_by(premium, maintain_order=True).last(),
    )
    known = frame.unique("lang", maintain_order=True).select("lang", "language", "reference")
    other = (pl.col("lang") != pl.col("reference")) & pl.col("premium_median").is_not_null()
    return known.join(rows, on="lang", how="left", maintain_order="left").with_columns(
        place=pl.when(other).then(pl.when(other).then(pl.col("premium_median")).rank("min")).cast(pl.Int64),
        others=other.sum().cast(pl.Int64),
    )


def summarize_scripts(rows: pl.DataFrame, scripts: Mapping[str, str]) -> pl.DataFrame:
    """Return one row per script of the figures of one tokenizer, the lowest median premium first.

    rows: one per language. scripts: the script of each language, by tag.
    Columns: script, languages, lossy (how many of them lose text), `premium_median` and `premium_worst` over the
    others, `worst` (the language) and `worst_lang` (its tag). The reference language is left out.
    """
    kept = pl.col("loss") != "lossy"
    premium = pl.col("premium").filter(kept)
    return (
        rows.filter(pl.col("lang") != pl.col("reference"))
        .with_columns(script=pl.col("lang").replace_strict(scripts, return_dtype=pl.String))
        .group_by("script", maintain_order=True)
        .agg(
            languages=pl.len().cast(pl.Int64),
            lossy=(~kept).sum().cast(pl.Int64),
            premium_median=premium.median(),
            premium_worst=premium.max(),
            worst=pl.col("language").filter(kept).sort_by(premium, maintain_order=True).last(),
            worst_lang=pl.col("lang").filter(kept).sort_by(premium, maintain_order=True).last(),
        )
        .sort("premium_median", "script", nulls_last=True, maintain_order=True)
    )


def pick_by_size(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a language that no ranked tokenizer with as small a vocabulary undercuts, smallest first.

    Byte vocabularies and tokenizers that lose text take no part.
    """
    ranked = rows.filter(pl.col("rank").is_not_null() & (pl.col("family") != FLOOR))
    ordered = ranked.sort("vocabulary", "tokens_per_segment", maintain_order=True)
    tokens = pl.col("tokens_per_segment")
    return ordered.filter(tokens < tokens.cum_min().shift(1, fill_value=float("inf")))
