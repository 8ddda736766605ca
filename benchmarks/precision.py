"""How often does a sample's interval hold the value of the full pass? `python benchmarks/precision.py CORPUS ...`.

Writes 2 GB of mixed text in seven groups into a folder (documents of neighbouring segments of the given corpora, half
of the segments spliced from two), measures all of it once, and keeps the counts of each 4 KiB. Then `--precision` is
run for 200 seeds on the kept counts, by the code that draws and stops in `tokbench compare`: the share read, and how
often the full pass's value lies within the interval, by metric. 15 minutes for the full pass, the rest in 10.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.corpora import load_corpus, parse_tag, pick_script

GROUPS = {
    "english": ("eng", "en"),
    "latin": ("Latn",),
    "cyrillic": ("Cyrl",),
    "arabic": ("Arab",),
    "indic": ("Deva", "Beng", "Gujr", "Guru", "Taml", "Telu", "Knda", "Mlym", "Sinh"),
    "east": ("Hans", "Hant", "Jpan", "Kore", "Thai", "Mymr", "Khmr"),
    "mixed": (),
}
"""Languages or scripts by group; none for all."""

CELL = 4096
BLOCK = 32_000_000


def read_pools(corpora: Sequence[str]) -> dict[str, list[list[str]]]:
    """Return the texts of each group, a list per language of each corpus."""
    pools: dict[str, list[list[str]]] = {name: [] for name in GROUPS}
    for corpus in map(load_corpus, corpora):
        for lang in corpus.languages:
            tag = parse_tag(lang)
            assert tag is not None
            texts = [text.replace("\n", " ") for text in corpus.texts(lang)]
            for name, kinds in GROUPS.items():
                if not kinds or pick_script(tag) in kinds or tag.language in kinds:
                    pools[name].append(texts)
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
        kept = folder / f"{name}.parquet"
        if not kept.exists():
            start = time.process_time()
            cells, ids = count_cells(folder / "text" / f"{name}.txt", tokenizers)
            np.save(folder / f"{name}.npy", ids)
            cells.write_parquet(kept)
            print(f"{name}: {len(ids):,} tokens, {time.process_time() - start:.0f} s", flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpora", nargs="*", help="parallel corpora")
    parser.add_argument("--folder", type=Path, required=True, help="where the text and the counts are kept")
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--tokenizers", nargs="+", default=["gpt-neox-20b", "gpt2"])
    given = parser.parse_args()
    if not (given.folder / "text").exists():
        write_source(given.folder, given.corpora, given.megabytes * 1_000_000)
    count_source(given.folder, given.tokenizers)


if __name__ == "__main__":
    main()
