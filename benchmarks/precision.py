"""How often does a sample's interval hold the value of the full pass? `python benchmarks/precision.py CORPUS ...`.

Writes 2 GB of mixed text in 22 groups into a folder (documents of neighbouring segments of the given corpora, half
of the segments spliced from two), measures all of it once, and keeps the counts of each 4 KiB. Then `--precision` is
run for 200 seeds on the kept counts, by the code that draws and stops in `tokbench compare`: the share read, and how
often the full pass's value lies within the interval, by metric.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, takewhile
from pathlib import Path

import numpy as np
import polars as pl

from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.comparison._sampled import (
    CAUTION,
    FIRST,
    LEAP,
    draw_until_narrow,
    expand_groups,
    schedule_sizes,
    tighten,
)
from tokbench.corpora import Shard, load_corpus, parse_tag, pick_script
from tokbench.corpora._languages import shortest_code
from tokbench.corpora._sampling import PIECE_BYTES, Drawing, Piece, Stratum
from tokbench.measurement import Measurements
from tokbench.measurement.jackknife_blocks import BLOCKS
from tokbench.measurement.saved import POOLED_SCHEMAS, SCHEMAS
from tokbench.measurement.units import MOST_UNITS, number_group
from tokbench.measurement.words import has_words
from tokbench.metrics import Reference, derive_seed, evaluate, find_metrics
from tokbench.metrics.precision import LOOK_LEVEL
from tokbench.metrics.resampling import NORMAL, Bootstrap, divide, draw_weights, percentile_interval

LANGUAGES = (
    *("en", "zh", "es", "ru", "ar", "hi", "ja", "ko", "de", "fr"),
    *("sw", "tr", "vi", "th", "bn", "ta", "he", "el", "uk", "am"),
)
WEB = ("en", "de", "es", "fr", "ru", "ja", "zh", "pt", "it", "ar", "pl", "nl")
GROUPS = (*LANGUAGES, "latin")
"""One language each; all that are written in Latin script; a dozen large ones, the first most often."""

CELL = 4096
BLOCK = 32_000_000


def read_pools(corpora: Sequence[str]) -> dict[str, list[list[str]]]:
    """Return the texts of each group, a list per language of each corpus."""
    pools: dict[str, list[list[str]]] = {name: [] for name in GROUPS}
    web: dict[str, list[list[str]]] = {name: [] for name in WEB}
    for corpus in map(load_corpus, corpora):
        for lang in corpus.languages:
            tag = parse_tag(lang)
            if tag is None:
                raise SystemExit(f"{lang} is no language tag")
            texts = [text.replace("\n", " ") for text in corpus.texts(lang)]
            code = shortest_code(tag.language)
            if code in pools:
                pools[code].append(texts)
            if code in web:
                web[code].append(texts)
            if pick_script(tag) == "Latn":
                pools["latin"].append(texts)
    pools["web"] = [texts for found in web.values() for texts in found]
    return pools


def write_documents(pool: Sequence[list[str]], pick: random.Random, size: int) -> Iterator[str]:
    """Yield lines until they have `size` bytes: documents of one language, of 1 to some hundred segments."""
    written = 0
    while written < size:
        texts = pool[
            min(int(pick.paretovariate(0.7)) - 1, len(pool) - 1) if pick.random() < 0.5 else pick.randrange(len(pool))
        ]
        start = pick.randrange(len(texts))
        for place in range(start, start + max(1, min(300, int(pick.lognormvariate(2.5, 1.0))))):
            text = texts[place % len(texts)]
            if pick.random() < 0.5:
                other = texts[pick.randrange(len(texts))]
                cut = text.rfind(" ", 0, len(text) // 2) + 1 or len(text) // 2
                rest = other.find(" ", len(other) // 2) + 1 or len(other) // 2
                text = text[:cut] + other[rest:]
            line = text.strip() or "."
            written += len(line.encode()) + 1
            yield line


def write_source(folder: Path, corpora: Sequence[str], size: int) -> None:
    """Write one file per group."""
    for name, pool in read_pools(corpora).items():
        path = folder / "text" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(line + "\n" for line in write_documents(pool, random.Random(name), size // len(GROUPS)))


def read_blocks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of a file with the place of the first, a block at a time."""
    place = 0
    with path.open("rb") as file:
        while lines := file.readlines(BLOCK):
            yield place, lines
            place += sum(map(len, lines))


def count_cells(path: Path, tokenizers: Sequence[Tokenizer]) -> tuple[pl.DataFrame, np.ndarray]:
    """Count a file: sums of each cell, tokens by tokenizer, and the ids of the first tokenizer in order."""
    found, ids = [], []
    for place, lines in read_blocks(path):
        starts = place + np.cumsum([0, *map(len, lines[:-1])])
        texts = pl.Series(lines, dtype=pl.Binary).cast(pl.String).str.strip_suffix("\n")
        listed = texts.to_list()
        rows = {
            "cell": starts // CELL,
            "segments": np.ones(len(lines), np.int64),
            "bytes": texts.str.len_bytes(),
            "chars": texts.str.len_chars(),
            "words": texts.str.count_matches(r"\S+"),
        }
        for tokenizer in tokenizers:
            batch = tokenizer.encode_batch(listed)
            rows[f"tokens {tokenizer.name}"] = batch.counts
            if tokenizer is tokenizers[0]:
                ids.append(batch.ids.astype(np.uint16))
        found.append(pl.DataFrame(rows).cast(pl.Int64).group_by("cell").sum())
    return pl.concat(found).group_by("cell").sum().sort("cell"), np.concatenate(ids)


def count_source(folder: Path, names: Sequence[str]) -> None:
    """Count all files, each once."""
    tokenizers = [load_tokenizer(name, engine="fastokens") for name in names]
    for name in GROUPS:
        kept, text = folder / f"{name}.parquet", folder / "text" / f"{name}.txt"
        if text.exists() and not kept.exists():
            start = time.process_time()
            cells, ids = count_cells(text, tokenizers)
            np.save(folder / f"{name}.npy", ids)
            cells.write_parquet(kept)
            print(f"{name}: {len(ids):,} tokens, {time.process_time() - start:.0f} s", flush=True)


@dataclass(frozen=True, eq=False)
class Group:
    """The kept counts of a file: sums of each piece, and where its ids are."""

    label: str
    size: int
    sums: pl.DataFrame
    ids: np.ndarray
    ends: np.ndarray

    @classmethod
    def read(cls, folder: Path, label: str, piece_bytes: int, first: str) -> Group:
        """Add up cells to pieces."""
        size = (folder / "text" / f"{label}.txt").stat().st_size
        cells = pl.read_parquet(folder / f"{label}.parquet").with_columns(cell=pl.col("cell") * CELL // piece_bytes)
        with (folder / "text" / f"{label}.txt").open(encoding="utf-8") as file:
            spaced = has_words(pl.Series(list(islice(file, 2000))), "whitespace")
        every = pl.DataFrame({"cell": np.arange(-(-size // piece_bytes))})
        sums = every.join(cells.group_by("cell").sum(), on="cell", how="left").fill_null(0).sort("cell")
        ends = sums[f"tokens {first}"].cum_sum().to_numpy()
        if not spaced:
            sums = sums.with_columns(words=pl.lit(None, pl.Int64))
        return cls(label, size, sums, np.load(folder / f"{label}.npy", mmap_mode="r"), ends)

    def list_ids(self, number: int) -> np.ndarray:
        """Return the ids of a piece."""
        return self.ids[0 if number == 0 else self.ends[number - 1] : self.ends[number]]


class KeptCounts:
    """What a sample's counts would be: those of the drawn pieces."""

    def __init__(self, groups: Sequence[Group], tokenizers: Sequence[str]) -> None:
        self.groups = {group.label: group for group in groups}
        self.tokenizers = tokenizers
        self.pieces: dict[str, list[Piece]] = {group.label: [] for group in groups}

    def add(self, pieces: Mapping[str, Sequence[Piece]]) -> None:
        """Add drawn pieces."""
        for label, own in pieces.items():
            self.pieces[label] += own

    def measure(self, *, with_ids: bool = False) -> Measurements:
        """Return pooled measurements whose units are pieces."""
        texts, counts = [], []
        for label, own in self.pieces.items():
            places = np.array([piece.place for piece in own])
            drawn = self.groups[label].sums[np.array([piece.number for piece in own])]
            unit = pl.Series(places % MOST_UNITS + number_group(label), dtype=pl.UInt64)
            rows = drawn.with_columns(lang=pl.lit(label), segment=unit)
            known = pl.when(pl.col("words").null_count() == 0).then(pl.col("words").sum())
            rows = rows.group_by("lang", "segment").agg(known, pl.exclude("words").sum())
            texts.append(rows.select("lang", "segment", "segments", "bytes", "chars", "words"))
            for name in self.tokenizers:
                tokens = rows.select(pl.lit(name).alias("tokenizer"), "lang", "segment", tokens=f"tokens {name}")
                counts.append(tokens.with_columns(UNCOUNTED).with_columns(ZERO))
        tokenizers = pl.DataFrame(
            {
                "tokenizer": self.tokenizers,
                **dict.fromkeys(("engine", "path", "sha256"), ""),
                "vocab_base": 50_254,
                "vocab_total": 50_277,
                **dict.fromkeys(("vocab_rows", "context_window", "unk_id")),
            },
            schema_overrides=dict.fromkeys(
                ("vocab_base", "vocab_total", "vocab_rows", "context_window", "unk_id"), pl.Int64()
            ),
        )
        return Measurements(
            texts=pl.concat(texts),
            counts=pl.concat(counts),
            ids=self.count_ids() if with_ids else pl.DataFrame(schema=POOLED_SCHEMAS["ids"]),
            vocab=pl.DataFrame(schema=SCHEMAS["vocab"]),
            documents=pl.DataFrame(schema=POOLED_SCHEMAS["documents"]),
            tokenizers=tokenizers,
        ).sorted()

    def count_ids(self) -> pl.DataFrame:
        """Return the histogram of the first tokenizer's ids by group and block."""
        parts = []
        for label, own in self.pieces.items():
            for block in range(BLOCKS):
                drawn = [self.groups[label].list_ids(p.number) for p in own if p.place % BLOCKS == block]
                found = np.bincount(np.concatenate(drawn)) if drawn else np.zeros(0, np.int64)
                ids = np.flatnonzero(found)
                part = pl.DataFrame({"block": np.full(len(ids), block, np.uint8), "id": ids.astype(np.int32)})
                named = part.with_columns(count=pl.Series(found[ids], dtype=pl.Int64), lang=pl.lit(label))
                parts.append(named.with_columns(tokenizer=pl.lit(self.tokenizers[0])))
        return pl.concat(parts).select("tokenizer", "lang", "block", "id", "count")

    def expand(self) -> dict[str, float]:
        """Return the estimated bytes of text of each group."""
        found = {}
        for label, own in self.pieces.items():
            drawn = self.groups[label].sums["bytes"].gather([piece.number for piece in own])
            found[label] = float(drawn.sum()) * self.groups[label].sums.height / len(own)
        return found


UNCOUNTED = [
    pl.lit(None, pl.Int64).alias(name)
    for name in ("partial_tokens", "unk_tokens", "unk_chars", "continued_words", "exact", "nfc", "whitespace", "lossy")
]
ZERO = [
    pl.lit(0, pl.Int64).alias(name)
    for name in ("unk_known_chars", "unk_known_segments", "continued_known_words", "continued_known_segments")
]
LOOKED_AT = ("tokens_per_segment", "bytes_per_token", "chars_per_token", "fertility", "nsl", "bits_per_byte_coded")
OVER_IDS = (
    *("renyi_efficiency", "utilisation_at_10k", "utilisation_at_100k"),
    *("entropy", "entropy_miller_madow", "utilisation", "bits_per_byte_entropy"),
)


def cut(groups: Sequence[Group], piece_bytes: int) -> list[Stratum]:
    """Return the strata of the files, with pieces of a given size."""
    return [
        Stratum(
            group.label,
            [Shard(0, group.label, group.label, "text", 0, group.size, group.size)],
            lambda shard: (shard.start, shard.end),
            piece_bytes,
        )
        for group in groups
    ]


COLUMNS = ("segments", "bytes", "chars", "words")


@cache
def draw_shared_weights(label: str, units: int) -> np.ndarray:
    """Return the weights of a group's resamples, shared by all samples of a size: drawing them takes longest."""
    return draw_weights(Bootstrap(seed=derive_seed(0, label)), units)


class Resampled:
    """Intervals of the drawn pieces of each group, by the functions that `evaluate` calls on frames of counts."""

    def __init__(self, groups: Sequence[Group], tokenizers: Sequence[str], precision: float) -> None:
        self.tokenizers = tokenizers
        self.precision = precision
        names = [*COLUMNS, *(f"tokens {name}" for name in tokenizers)]
        self.counts = {g.label: g.sums.select(names).cast(pl.Float64).to_numpy() for g in groups}

    def sum(self, label: str, drawn: Sequence[int]) -> np.ndarray:
        """Sum the counts of pieces, and of each resample of them: (1 + resamples, columns)."""
        counts = self.counts[label][np.asarray(drawn)]
        units = np.zeros((min(len(counts), MOST_UNITS), counts.shape[1]))
        np.add.at(units, np.arange(len(counts)) % MOST_UNITS, counts)
        return np.concatenate([units.sum(axis=0, keepdims=True), draw_shared_weights(label, len(units)) @ units])

    def bound(self, sums: np.ndarray) -> dict[tuple[str, str], tuple[float, float, float]]:
        """Return value, low and high by metric and tokenizer, where defined."""
        found = {}
        segments, size, chars, words = sums.T[:4]
        for name, tokens in zip(self.tokenizers, sums.T[4:], strict=True):
            ratios = {
                "tokens_per_segment": divide(tokens, segments),
                "bytes_per_token": divide(size, tokens),
                "chars_per_token": divide(chars, tokens),
                "fertility": divide(tokens, words),
                "nsl": divide(tokens, sums.T[4]),
            }
            for metric, values in ratios.items():
                if not np.isnan(values[0]) and not (metric == "nsl" and name == self.tokenizers[0]):
                    low, high = percentile_interval(values[1:], LOOK_LEVEL)
                    found[metric, name] = float(values[0]), float(low), float(high)
        return found

    def find_excess(self, sums: np.ndarray) -> float:
        """Return by which factor the widest interval is too wide; 0 if none is."""
        most = max((high - low) / 2 / value for value, low, high in self.bound(sums).values()) / self.precision
        return most if most > 1 else 0.0


def simulate(groups: Sequence[Group], piece_bytes: int, given: argparse.Namespace) -> pl.DataFrame:
    """Sample for many seeds: each interval, the value of the full pass, and how much was read."""
    rows = []
    strata = cut(groups, piece_bytes)
    resampled = Resampled(groups, given.tokenizers, given.precision)
    whole = {label: counts.sum(axis=0, keepdims=True) for label, counts in resampled.counts.items()}
    truth: dict[str | None, np.ndarray] = {**whole, None: np.sum(list(whole.values()), axis=0)}
    for seed in range(given.seeds):
        drawings = [Drawing(stratum, seed) for stratum in strata]
        numbers: dict[str, list[tuple[int, int]]] = {stratum.label: [] for stratum in strata}
        sums: dict[str | None, np.ndarray] = {}

        def add(pieces: Mapping[str, Sequence[Piece]], numbers: dict[str, list[tuple[int, int]]] = numbers) -> None:
            for label, own in pieces.items():
                numbers[label] += [(piece.place, piece.number) for piece in own]

        def find(
            changed: Collection[str],
            numbers: dict[str, list[tuple[int, int]]] = numbers,
            sums: dict[str | None, np.ndarray] = sums,
            drawings: Sequence[Drawing] = drawings,
        ) -> dict[str | None, float]:
            for label in changed:
                sums[label] = resampled.sum(label, [number for _, number in sorted(numbers[label])])
            wide: dict[str | None, float] = {label: resampled.find_excess(sums[label]) for label in changed}
            wide = {label: by for label, by in wide.items() if by}
            parts = [sums[d.stratum.label] * (len(d.stratum) / d.drawn) for d in drawings]
            sums[None] = np.sum(parts, axis=0)
            return wide or {label: by for label, by in [(None, resampled.find_excess(sums[None]))] if by}

        rounds = draw_until_narrow(drawings, add, find)
        read = sum(d.drawn for d in drawings) / sum(len(d.stratum) for d in drawings)
        for label, own in sums.items():
            exact = resampled.bound(np.repeat(truth[label], 3, axis=0))
            rows += [
                (metric, name, label, value, low, high, exact[metric, name][0], seed, read, rounds)
                for (metric, name), (value, low, high) in resampled.bound(own).items()
            ]
    columns = ["metric", "tokenizer", "lang", "value", "low", "high", "truth", "seed", "read", "rounds"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def check_ids(groups: Sequence[Group], piece_bytes: int, given: argparse.Namespace) -> pl.DataFrame:
    """Sample a fixed number of pieces for some seeds: metrics over ids, and intervals as `evaluate` computes them."""
    strata = cut(groups, piece_bytes)
    metrics = find_metrics([*OVER_IDS, *LOOKED_AT])
    everything = KeptCounts(groups, given.tokenizers)
    everything.add({stratum.label: [stratum.cut(i, i) for i in range(len(stratum))] for stratum in strata})
    keys = ["tokenizer", "lang", "metric"]
    reference = Reference(None, given.tokenizers[0])
    truth = evaluate(everything.measure(with_ids=True), metrics, reference).select(*keys, truth="value")
    rows = []
    for seed in range(given.seeds_with_ids):
        counts = KeptCounts(groups, given.tokenizers)
        counts.add({stratum.label: Drawing(stratum, seed).extend(given.pieces_with_ids) for stratum in strata})
        mixture = expand_groups(counts.expand())
        values = evaluate(counts.measure(with_ids=True), metrics, reference, tighten(Bootstrap(seed=seed)), mixture)
        rows.append(values.join(truth, on=keys, nulls_equal=True))
    return pl.concat(rows)


def summarise(found: pl.DataFrame) -> pl.DataFrame:
    """Return coverage by metric: in single groups and in all together."""
    covered = pl.col("truth").is_between("low", "high")
    return (
        found.filter(pl.col("low").is_not_null(), pl.col("low") < pl.col("high"))
        .group_by("metric", of=pl.when(pl.col("lang").is_null()).then(pl.lit("all")).otherwise(pl.lit("groups")))
        .agg(
            intervals=pl.len(),
            covered=(covered.mean() * 100).round(1),
            half_width=((pl.col("high") - pl.col("low")) / 2 / pl.col("value")).mean() * 100,
            widest=((pl.col("high") - pl.col("low")) / 2 / pl.col("value")).max() * 100,
            error=((pl.col("value") / pl.col("truth") - 1).mean() * 100),
        )
        .sort("of", "metric")
    )


GRID = np.linspace(0, 8, 16_001)
NORMAL_CDF = np.array([NORMAL.cdf(z) for z in GRID.tolist()])


def cover_normal(need: float, level: float, runs: int = 100_000) -> float:
    """Return how often the last interval covers the truth, if clusters are normal and `need` of them are needed.

    Means and spreads of normal samples are independent: given the spread at which the sample stops, the interval covers
    with the probability that a normal mean lies within it. Bootstrap percentiles are its normal interval, whose spread
    is divided by n, not n - 1.
    """
    generator = np.random.default_rng(0)
    reach, wanted = NORMAL.inv_cdf((1 + level) / 2), NORMAL.inv_cdf(0.975) / math.sqrt(need)
    squares, stopped, covered = np.zeros(runs), np.zeros(runs, np.bool_), np.zeros(runs)
    before, following = 0, np.full(runs, FIRST)
    sizes = np.array(list(takewhile(lambda size: size < 100 * max(need, FIRST), schedule_sizes())))
    for size in sizes.tolist():
        squares += generator.chisquare(size - 1 if before == 0 else size - before, runs)
        before = size
        spread = np.sqrt(squares / size)
        looked_at = ~stopped & (following == size)
        excess = reach * spread / math.sqrt(size) / wanted
        now = looked_at & (excess <= 1)
        # As `find_next_size`, for all at once.
        sought = np.maximum(size + 1, np.minimum(LEAP, CAUTION * excess[looked_at] ** 2) * size)
        following[looked_at] = sizes[np.searchsorted(sizes, sought)]
        covered[now] = 2 * np.interp(reach * spread[now], GRID, NORMAL_CDF) - 1
        stopped |= now
        if stopped.all():
            return float(covered.mean())
    raise AssertionError


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpora", nargs="*", help="parallel corpora")
    parser.add_argument(
        "--folder", type=Path, default=Path("build/precision"), help="where the text and the counts are kept"
    )
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--tokenizers", nargs="+", default=["gpt-neox-20b", "gpt2"])
    parser.add_argument("--precision", type=float, default=0.01)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--seeds-with-ids", type=int, default=20, help="for how many to evaluate metrics over ids")
    parser.add_argument("--pieces-with-ids", type=int, default=351, help="drawn from each group for these")
    parser.add_argument("--piece-bytes", type=int, nargs="+", default=[PIECE_BYTES])
    parser.add_argument("--normal", action="store_true", help="only calculate the coverage of normal clusters")
    given = parser.parse_args()
    if given.normal:
        for level in (0.95, LOOK_LEVEL):
            found = [cover_normal(need, level) for need in np.geomspace(20, 5000, 60).tolist()]
            print(f"intervals at {level:.1%}: {min(found):.1%} to {max(found):.1%} cover, whatever the spread")
        return
    if not (given.folder / "text").exists():
        write_source(given.folder, given.corpora, given.megabytes * 1_000_000)
    count_source(given.folder, given.tokenizers)
    for piece_bytes in given.piece_bytes:
        labels = [label for label in GROUPS if (given.folder / f"{label}.parquet").exists()]
        groups = [Group.read(given.folder, label, piece_bytes, given.tokenizers[0]) for label in labels]
        start = time.process_time()
        found = simulate(groups, piece_bytes, given)
        by_seed = found.group_by("seed").agg(pl.col("read", "rounds").first())
        share, rounds = by_seed["read"], by_seed["rounds"]
        total = sum(group.size for group in groups)
        print(
            f"pieces of {piece_bytes:,} bytes, ±{given.precision:.2%}, {given.seeds} seeds: read {share.mean():.2%} "
            f"of {total / 1e6:,.0f} MB ({share.mean() * total / 1e6:.1f} MB; most {share.max():.2%}), "
            f"{rounds.mean():.1f} rounds, {time.process_time() - start:.0f} CPU s"
        )
        with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200):
            print(summarise(found), flush=True)
            if given.seeds_with_ids:
                print(f"metrics over ids, {given.pieces_with_ids} pieces of each group, {given.seeds_with_ids} seeds:")
                print(summarise(check_ids(groups, piece_bytes, given)), flush=True)


if __name__ == "__main__":
    main()
