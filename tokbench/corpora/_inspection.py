"""The corpus report: properties of the texts that can distort a measurement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tokbench.corpora._corpus import Corpus
from tokbench.corpora._language_choice import choose_reference
from tokbench.corpora._reader_api import LeftOut
from tokbench.errors import TokbenchError

OUTLIER_Z = 3.5
"""A length ratio is an outlier beyond this many robust standard deviations (Iglewicz & Hoaglin 1993)."""

# Findings by character: the Rust regex class, then the definition.
_CHARACTERS = {
    "replacement": (r"\x{FFFD}", "U+FFFD: a character lost in an earlier conversion"),
    "c1": (r"[\x{80}-\x{9F}]", "C1 control characters, U+0080 to U+009F: mostly Windows-1252 read as Latin-1"),
    "nul": (r"\x00", "U+0000"),
    "control": (
        r"[\x01-\x08\x0B\x0C\x0E-\x1F\x7F]",
        "other control characters: U+0001 to U+001F and U+007F, except TAB, LF and CR",
    ),
    "inner_bom": (r"\x{FEFF}", "U+FEFF inside a text: files joined with their byte order marks"),
    "separator": (
        r"[\n\r\x0B\x0C\x1C-\x1E\x{85}\x{2028}\x{2029}]",
        "characters that end a line elsewhere: LF, CR, U+000B, U+000C, U+001C to U+001E, U+0085, U+2028, U+2029; in"
        " groups, whose texts keep their line ends, without LF and CR",
    ),
}
_SEPARATORS_OF_GROUPS = r"[\x0B\x0C\x1C-\x1E\x{85}\x{2028}\x{2029}]"
FINDINGS = {
    "duplicate": "segments whose text has occurred before in the same language",
    "not_nfc": "segments that are not in Unicode Normalization Form C",
    "bom": "files that started with a byte order mark, which is not part of the text",
    "crlf": "lines that ended in CR LF; the CR is not part of the text",
    **{name: definition for name, (_, definition) in _CHARACTERS.items()},
    "length_outlier": "segments with an unusual ratio of characters to the reference language: its logarithm is more"
    f" than {OUTLIER_Z} robust standard deviations (1.4826 times the median absolute deviation) from the median",
}
"""Definition of each count in a report, in the order of the report."""


@dataclass(frozen=True)
class CorpusReport:
    """Statistics of a corpus.

    segments: in each language if the corpus is parallel, else in all groups.
    reference: what length ratios refer to; None for groups, which have none.
    Counts are of the segments in use, except bom and crlf, which are of the files read.
    languages: lang, origin, segments, bytes (UTF-8), chars (Unicode scalar values).
    findings: lang, finding (a name of `FINDINGS`), count, characters; one row per language and finding. `count` is in
    the unit of the definition; null if unknown (bom and crlf in formats without lines; length_outlier of the reference,
    and if the ratios have no spread). `characters` is null if none are counted.
    outliers: lang, segment, chars, reference_chars, z; the segments behind length_outlier, worst first.
    excluded: segment, reason.
    left_out: files, columns and variants that exist but are not used.
    """

    name: str
    format: str
    source: str
    licence: str | None
    sha256: str
    segments: int
    reference: str | None
    languages: pl.DataFrame
    findings: pl.DataFrame
    outliers: pl.DataFrame
    excluded: pl.DataFrame
    left_out: tuple[LeftOut, ...]

    @property
    def nonzero_findings(self) -> pl.DataFrame:
        """Findings with a count above 0."""
        return self.findings.filter(pl.col("count") > 0)


def inspect_corpus(corpus: Corpus, reference: str | None = None) -> CorpusReport:
    """Count the `FINDINGS` in each language of a corpus.

    reference: the language that length ratios refer to; by default English if the corpus has it, else the first one.
    Raises TokbenchError for an unknown reference.
    """
    if corpus.aligned:
        reference = choose_reference(corpus.languages, reference, corpus.name)
    elif reference is not None:
        raise TokbenchError(f"{corpus.name} is not parallel: there is no reference", "leave out the reference")
    reading = corpus.reading.with_columns(pl.col("lang").cast(corpus.frame.schema["lang"]))
    sizes = corpus.frame.group_by("lang", maintain_order=True).agg(
        segments=pl.len(), bytes=pl.col("text").str.len_bytes().sum(), chars=pl.col("text").str.len_chars().sum()
    )
    outliers, spreads = _length_outliers(corpus, reference)
    return CorpusReport(
        name=corpus.name,
        format=corpus.format,
        source=corpus.source,
        licence=corpus.licence,
        sha256=corpus.sha256,
        segments=corpus.n,
        reference=reference,
        languages=reading.select("lang", "origin").join(sizes, on="lang", maintain_order="left"),
        findings=_findings(corpus, reading, outliers, spreads),
        outliers=outliers,
        excluded=corpus.excluded,
        left_out=corpus.left_out,
    )


def _findings(corpus: Corpus, reading: pl.DataFrame, outliers: pl.DataFrame, spreads: pl.DataFrame) -> pl.DataFrame:
    text = pl.col("text")
    patterns = {name: pattern for name, (pattern, _) in _CHARACTERS.items()}
    if not corpus.aligned:
        patterns["separator"] = _SEPARATORS_OF_GROUPS
    hits = {name: text.str.count_matches(pattern) for name, pattern in patterns.items()}
    counted = corpus.frame.group_by("lang", maintain_order=True).agg(
        (pl.len() - text.n_unique()).alias("duplicate"),
        (text.str.normalize("NFC") != text).sum().alias("not_nfc"),
        *[(hit > 0).sum().alias(name) for name, hit in hits.items()],
        *[hit.sum().alias(f"{name} characters") for name, hit in hits.items()],
    )
    unusual = outliers.group_by("lang").agg(length_outlier=pl.len())
    # No outliers is 0 if the ratios have a spread, and unknown if they do not.
    known = spreads.join(unusual, on="lang", how="left").with_columns(pl.col("length_outlier").fill_null(0))
    wide = counted.join(reading.drop("origin"), on="lang", how="left").join(known, on="lang", how="left")
    order = pl.Enum(list(FINDINGS))
    no_characters = pl.lit(None, dtype=pl.UInt32)
    parts = [
        wide.select(
            "lang",
            pl.lit(name, dtype=order).alias("finding"),
            pl.col(name).cast(pl.UInt32).alias("count"),
            (pl.col(f"{name} characters").cast(pl.UInt32) if name in hits else no_characters).alias("characters"),
        )
        for name in FINDINGS
    ]
    return pl.concat(parts).sort("lang", "finding")


def _length_outliers(corpus: Corpus, reference: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find segments of unusual length, and the languages where that can be judged: none without a reference."""
    if reference is None:
        columns = {"lang": corpus.frame.schema["lang"], "segment": pl.UInt32(), "chars": pl.UInt32()}
        outliers = pl.DataFrame(schema={**columns, "reference_chars": pl.UInt32(), "z": pl.Float64()})
        return outliers, outliers.select("lang")
    chars = corpus.frame["text"].str.len_chars().to_numpy().reshape(len(corpus.languages), corpus.n)
    base = chars[corpus.languages.index(reference)]
    log_ratio = np.log(chars) - np.log(base)
    distance = log_ratio - np.median(log_ratio, axis=1, keepdims=True)
    deviation = 1.4826 * np.median(np.abs(distance), axis=1)
    lang = corpus.frame.schema["lang"]
    spread = deviation > 0
    z = np.divide(distance, deviation[:, None], out=np.zeros_like(distance), where=spread[:, None])
    row, column = np.nonzero(np.abs(z) > OUTLIER_Z)
    outliers = pl.DataFrame(
        {
            "lang": pl.Series([corpus.languages[i] for i in row], dtype=lang),
            "segment": corpus.segments.gather(column),
            "chars": chars[row, column],
            "reference_chars": base[column],
            "z": z[row, column],
        }
    )
    known = [tag for tag, spreads in zip(corpus.languages, spread, strict=True) if spreads]
    return (
        outliers.sort(pl.col("z").abs(), descending=True, maintain_order=True),
        pl.DataFrame({"lang": pl.Series(known, dtype=lang)}),
    )
