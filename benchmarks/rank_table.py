"""Make the table of figures behind `tokbench rank`: every tokenizer and corpus that is here, in every language.

`python benchmarks/rank_table.py [--kept FOLDER]` writes tokbench/analysis/ranking.parquet. Tokenizers and corpora are
found as `tokbench` finds them (TOKBENCH_TOKENIZERS, TOKBENCH_CORPORA, packages, the cache). Figures are those of
`compare`; no text is written. With --kept, the figures of each tokenizer on each corpus are kept in FOLDER and not
measured again; a new tokenizer, corpus or version is. Names of languages need the library language_data
(`pip install 'langcodes[data]'`).
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
from langcodes import Language, standardize_tag

import tokbench as tb
from tokbench.analysis.ranking import fold
from tokbench.catalog.entries import CATALOG, Entry
from tokbench.catalog.sources import find, locate
from tokbench.corpora import resolve_public
from tokbench.measurement.round_trip import Loss

CORPORA = ("flores200/dev", "ntrex128")
SIZED = ("tokens_per_segment", "premium", "bytes_per_token", "chars_per_token")
ROUND_TRIPS = {f"round_trip_{loss.name.lower()}": loss for loss in (Loss.EXACT, Loss.NFC, Loss.WHITESPACE)}
NAMES = {
    "azj": "North Azerbaijani",
    "ben": "Bengali",
    "fuc": "Pulaar",
    "kac": "Jingpho",
    "kmr": "Northern Kurdish",
    "prs": "Dari",
    "tgl": "Tagalog",
    "twi": "Twi",
}
OTHER_NAMES = {
    "ben": ("bangla",),
    "fas": ("farsi",),
    "khm": ("cambodian",),
    "mya": ("myanmar",),
    "ory": ("oriya",),
    "pes": ("farsi",),
    "sin": ("sinhalese",),
    "uig": ("uighur",),
    "zho": ("mandarin",),
}
TABLE = Path(__file__).parents[1] / "tokbench" / "analysis" / "ranking.parquet"


def measure(entry: Entry, name: str, corpus: tb.ParallelCorpus) -> pl.DataFrame:
    """Compare one tokenizer with itself alone: a row per language, and what the figures depend on."""
    result = tb.compare([entry.name], corpus, metrics=[*SIZED, *ROUND_TRIPS], throughput=False, offline=True)
    (facts,) = result.tokenizers
    rows = result.frame.filter(pl.col("lang").is_not_null())
    wide = pl.DataFrame({"lang": corpus.languages})
    for metric in SIZED:
        found = rows.filter(pl.col("metric") == metric)
        renamed = {"value": metric, "low": f"{metric}_low", "high": f"{metric}_high"}
        wide = wide.join(found.select("lang", *renamed).rename(renamed), on="lang", how="left", maintain_order="left")
    return wide.join(classify(rows), on="lang", how="left", maintain_order="left").select(
        corpus=pl.lit(name),
        lang="lang",
        tokenizer=pl.lit(entry.name),
        licence=pl.lit(entry.licence),
        family=pl.lit(entry.family),
        vocabulary=pl.lit(facts.vocab_total, pl.Int64),
        sha256=pl.lit(facts.sha256),
        engine=pl.lit(facts.engine),
        segments=pl.lit(corpus.n, pl.Int64),
        corpus_sha256=pl.lit(corpus.sha256),
        reference=pl.lit(result.corpus.reference),
        bootstrap=pl.lit(result.corpus.bootstrap),
        version=pl.lit(result.environment.tokbench),
        measured=pl.lit(date.today().isoformat()),
        signature=pl.lit(result.signature(tokenizer=entry.name, long=False)),
        **{column: column for column in wide.columns if column != "lang"},
        round_trip_exact="round_trip_exact",
        loss="loss",
    )


def classify(rows: pl.DataFrame) -> pl.DataFrame:
    """The share of exact round trips, and the worst class of any segment, by language."""
    shares = rows.filter(pl.col("metric").is_in(list(ROUND_TRIPS)))
    wide = shares.pivot("metric", index="lang", values="value", maintain_order=True)
    loss = pl.when(False).then(pl.lit(""))
    for metric, kind in ROUND_TRIPS.items():
        loss = loss.when(pl.col(metric) == 1).then(pl.lit(kind.name.lower()))
    return wide.select("lang", "round_trip_exact", loss=loss.otherwise(pl.lit(Loss.LOSSY.name.lower())))


def gather(kept: Path) -> Iterator[pl.DataFrame]:
    """Measure each tokenizer that is here on each corpus, unless its figures are kept."""
    here = [entry for entry in CATALOG.values() if locate(entry)]
    for name in CORPORA:
        corpus = tb.load_corpus(name)
        for entry in here:
            key = repr((name, corpus.sha256, entry.name, find(entry.name, offline=True).sha256, tb.__version__))
            file = kept / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.parquet"
            if not file.is_file():
                begun = time.process_time()
                part = file.with_suffix(".part")
                measure(entry, name, corpus).write_parquet(part)
                part.rename(file)
                print(f"{name} {entry.name}: {time.process_time() - begun:.1f} s", flush=True)
            yield pl.read_parquet(file)


def name_languages(tags: list[str]) -> pl.DataFrame:
    """The English name of each language, and its other spellings, folded and joined by |.

    Of several tags of a language, the usual one has the plain name, others have their script or region in it.
    """
    found = {tag: Language.get(standardize_tag(tag.replace("_", "-"), macro=True)) for tag in tags}
    codes = {tag: tag.replace("-", "_").partition("_")[0] for tag in tags}
    plain = {tag: NAMES.get(codes[tag]) or strip(language.language_name()) for tag, language in found.items()}
    rows = []
    for tag, language in found.items():
        alike = [other for other in tags if plain[other] == plain[tag]]
        usual = tag == min(alike, key=lambda other: (not is_usual(found[other]), len(other)))
        full = strip(language.display_name())
        name = plain[tag] if usual and plain[tag] != "Chinese" else full
        names = [name, tag, str(language)]
        if usual:
            names += [plain[tag], language.autonym(), str(language.language), codes[tag]]
            names.append(Language.get(str(language.language)).autonym())
            names += OTHER_NAMES.get(codes[tag], ())
        rows.append({"lang": tag, "language": name, "names": list(dict.fromkeys(map(fold, names)))})
    counts = Counter(name for row in rows for name in row["names"])
    for row in rows:  # a spelling of two languages names none, unless it is the name of one
        own = fold(row["language"])
        row["names"] = "|".join(name for name in row["names"] if counts[name] == 1 or name == own)
    return pl.DataFrame(rows)


def complete(part: pl.DataFrame) -> pl.DataFrame:
    """Add the names of the languages and the licence of the corpus to the figures of a tokenizer."""
    named = resolve_public(part["corpus"][0])
    assert named is not None
    names = name_languages(part["lang"].to_list())
    return part.join(names, on="lang", how="left", maintain_order="left").with_columns(
        corpus_licence=pl.lit(named[0].licence)
    )


def strip(name: str) -> str:
    """A name as people use it: Nepali, not Nepali (individual language)."""
    return name.removesuffix(" (individual language)").removesuffix(" (Kenya and Tanzania)")


def is_usual(language: Language) -> bool:
    """Whether a tag has the script and region that are usual for its language, or does not say."""
    usual = Language.get(str(language.language)).maximize()
    return language.script in (None, usual.script) and language.territory in (None, usual.territory)


def main() -> None:
    """Measure what is not kept, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=Path, help="Folder for the figures of each tokenizer.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        kept = options.kept or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        parts = list(gather(kept))
    figures = pl.concat(map(complete, parts))
    figures.write_parquet(TABLE, compression="zstd", compression_level=22)
    print(f"{TABLE}: {figures.height:,} rows, {TABLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
