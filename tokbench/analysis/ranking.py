"""Figures of many tokenizers on public corpora, made beforehand: an answer without files and without measuring.

They are those of `compare` on FLORES-200 and NTREX-128, in every language, and are stored in `ranking.parquet` beside
this module, which `benchmarks/rank_table.py` makes. It holds figures and facts, no text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import polars as pl

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError

DEFAULT = "flores200/dev"
"""The corpus whose figures are shown if none is named."""

FLOOR = "bytes"
"""The family of byte vocabularies, which are a floor and not ranked."""

_FIRST = ("corpus", "lang", "language", "rank", "tokenizer")


def rank(
    languages: str | Sequence[str] | None = None,
    *,
    tokenizer: str | None = None,
    corpus: str = DEFAULT,
    reference: str | None = None,
) -> pl.DataFrame:
    """Return stored figures of tokenizers, one row per language and tokenizer.

    languages: English names, codes or tags (`thai`, `th`, `tha_Thai`); by default all of the corpus.
    tokenizer: only this one; languages are then in the order of its cost, cheapest first.
    corpus: `flores200/dev` or `ntrex128`.
    reference: the language that premiums are relative to, by default English, for which they have intervals.

    Columns: corpus, lang, language, rank, tokenizer; then `tokens_per_segment`, `premium`, `bytes_per_token` and
    `chars_per_token`, each followed by the bounds of its interval (`_low`, `_high`); `round_trip_exact`, a share;
    `loss`, the worst of any segment (exact, nfc, whitespace, lossy); `measured`, the date of the figures; and what they
    depend on. Further columns may be added. `rank` is by tokens per segment among all tokenizers, ties together; null
    for one that loses text in the language, and for bytes. Ranked tokenizers come first. Raises TokbenchError for an
    unknown name.

    >>> rank("thai", tokenizer="gpt2")["language"].to_list()
    ['Thai']
    """
    frame = read_figures(corpus)
    if reference is not None:
        frame = with_premiums(frame, find_language(reference, frame))
    order = pl.col("tokens_per_segment")
    ranked = (pl.col("loss") != "lossy") & (pl.col("family") != FLOOR)
    frame = frame.with_columns(
        rank=pl.when(ranked).then(pl.when(ranked).then(order).rank("min").over("lang")).cast(pl.Int64)
    )
    frame = frame.select(*_FIRST, pl.exclude(*_FIRST, "names"))
    if languages is not None:
        wanted = [languages] if isinstance(languages, str) else languages
        tags = list(dict.fromkeys(find_language(name, read_figures(corpus)) for name in wanted))
        frame = frame.filter(pl.col("lang").is_in(tags))
    else:
        tags = frame["lang"].unique(maintain_order=True).to_list()
    if tokenizer is not None:
        frame = frame.filter(pl.col("tokenizer") == find_tokenizer(tokenizer, frame))
        return frame.sort(order, maintain_order=True)
    place = pl.col("lang").replace_strict(tags, range(len(tags)), return_dtype=pl.Int64)
    return frame.sort(place, pl.col("rank"), order, nulls_last=True, maintain_order=True)


def rank_overall(corpus: str = DEFAULT, *, reference: str | None = None) -> pl.DataFrame:
    """Return stored figures over all languages of a corpus, one row per tokenizer.

    Columns: rank, tokenizer, `tokens_per_segment` (mean over languages), `premium_median` and `premium_worst` over all
    languages except the reference, worst_language, `lossy_languages` (in how many text is lost), licence. Byte
    vocabularies, and tokenizers that lose text in any language, have no rank and come last.
    """
    frame = rank(corpus=corpus, reference=reference)
    others = pl.col("lang") != pl.col("reference")
    worst = pl.struct("language", "lang").filter(others).sort_by(pl.col("premium").filter(others)).last()
    totals = frame.group_by("tokenizer", maintain_order=True).agg(
        pl.col("tokens_per_segment").mean(),
        premium_median=pl.col("premium").filter(others).median(),
        premium_worst=pl.col("premium").filter(others).max(),
        worst=worst,
        lossy_languages=(pl.col("loss") == "lossy").sum().cast(pl.Int64),
        family=pl.col("family").first(),
        licence=pl.col("licence").first(),
    )
    ranked = (pl.col("lossy_languages") == 0) & (pl.col("family") != FLOOR)
    order = pl.col("tokens_per_segment")
    totals = totals.with_columns(
        rank=pl.when(ranked).then(pl.when(ranked).then(order).rank("min")).cast(pl.Int64),
        worst_language=pl.format("{} ({})", *(pl.col("worst").struct.field(name) for name in ("language", "lang"))),
    )
    return totals.sort("rank", "tokens_per_segment", nulls_last=True, maintain_order=True).select(
        *("rank", "tokenizer", "tokens_per_segment", "premium_median", "premium_worst", "worst_language"),
        *("lossy_languages", "licence"),
    )


@cache
def _read_table() -> pl.DataFrame:
    with resources.as_file(resources.files("tokbench.analysis") / "ranking.parquet") as file:
        return pl.read_parquet(file)


def list_corpora() -> list[str]:
    """Return the names of the corpora that have stored figures."""
    return _read_table()["corpus"].unique(maintain_order=True).to_list()


def read_figures(corpus: str) -> pl.DataFrame:
    """Return the stored rows of a corpus; TokbenchError for one without figures."""
    table, known = _read_table(), list_corpora()
    if corpus not in known:
        started = [name for name in known if name.partition("/")[0] == corpus]
        near = closest(corpus, known)
        hint = f"did you mean {near!r}?" if near and not started else f"choose from: {', '.join(known)}"
        if len(started) != 1:
            raise TokbenchError(f"there are no figures for the corpus {corpus!r}", hint)
        corpus = started[0]
    return table.filter(pl.col("corpus") == corpus)


def with_premiums(frame: pl.DataFrame, reference: str) -> pl.DataFrame:
    """Return figures with premiums relative to a language; without intervals unless these are stored."""
    if frame["reference"][0] == reference:
        return frame
    lengths = frame.filter(pl.col("lang") == reference).select("tokenizer", of="tokens_per_segment")
    missing = pl.lit(None, pl.Float64)
    return (
        frame.join(lengths, on="tokenizer", how="left", maintain_order="left")
        .with_columns(
            premium=pl.col("tokens_per_segment") / pl.col("of"),
            premium_low=missing,
            premium_high=missing,
            reference=pl.lit(reference),
        )
        .drop("of")
    )


def find_language(name: str, frame: pl.DataFrame) -> str:
    """Return the tag of a language of a corpus by its name, code or tag, however written.

    Raises TokbenchError for an unknown one, and for a name of several.
    """
    known = frame.unique("lang", maintain_order=True).select("corpus", "lang", "language", "names")
    folded = fold(name)
    exact = [tag for tag in known["lang"] if fold(tag) == folded]
    found = exact or [row["lang"] for row in known.iter_rows(named=True) if folded in row["names"].split("|")]
    if not found:
        found = _match_code(name, known["lang"].to_list())
    if not found:
        words = f" {folded} "
        found = [lang for lang, language in known.select("lang", "language").iter_rows() if words in _spaced(language)]
    if len(found) == 1:
        return found[0]
    corpus, titles = known["corpus"][0], dict(known.select("lang", "language").iter_rows())
    if found:
        listed = ", ".join(f"{tag} ({titles[tag]})" for tag in found)
        raise TokbenchError(f"{name!r} can be {len(found)} languages of {corpus}: {listed}", "name one by its tag")
    near = closest(name, [*titles.values(), *titles])
    hint = f"did you mean {near!r}?" if near else "use an English name, a code or a tag: thai, th, tha_Thai"
    raise TokbenchError(f"{corpus} has no language {name!r}", hint)


def fold(name: str) -> str:
    """Return a name in lower case, with spaces for `_` and `-`."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _spaced(language: str) -> str:
    return f" {fold(language.replace('(', ' ').replace(')', ' '))} "


def _match_code(name: str, tags: Sequence[str]) -> list[str]:
    """Return the tags of the language of a code; of several, those in the script and region usual for it."""
    from tokbench.corpora import parse_tag, pick_script, same_language

    alike = same_language(name, tags)
    wanted = parse_tag(name)
    if len(alike) < 2 or wanted is None:
        return alike
    usual = [tag for tag in alike if (parsed := parse_tag(tag)) and pick_script(parsed) == pick_script(wanted)]
    return usual or alike


def find_tokenizer(name: str, frame: pl.DataFrame) -> str:
    """Return the name in the table of a tokenizer, an alias or a model that uses it; TokbenchError for others."""
    known = frame["tokenizer"].unique(maintain_order=True).to_list()
    if name in known:
        return name
    from tokbench.catalog.entries import find_name

    entry = find_name(name)
    if entry is not None and entry in known:
        return entry
    near = closest(name, known)
    if entry is not None:
        raise TokbenchError(
            f"there are no figures for {entry}: its files were not at hand", f"measure it: tokbench compare {entry}"
        )
    hint = f"did you mean {near!r}?" if near else "see `tokbench rank`, or measure it: tokbench compare"
    raise TokbenchError(f"there are no figures for a tokenizer {name!r}", hint)
