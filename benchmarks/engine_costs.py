"""What engines cost, in CPU seconds: `python benchmarks/engine_costs.py [--corpus FOLDER] [--check]`.

Each tokenizer is loaded on each engine that runs it, in a process of its own, from records that are kept, and encodes
text of many languages; the engines take turns in each round. Printed are the figures of each and, by format and engine,
those that the tables `RUNS` of the adapters should hold. With --check, whole comparisons: `auto` over the cheaper of
the reference and the fast engines, for corpora of several sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokbench import load_corpus
from tokbench.adapters import ADAPTERS, count_tokens, find_asset, find_engines, has_merges, reference_adapter
from tokbench.adapters._cost import GROWTH, UNIT
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

TOKENIZERS = (
    *("command-r", "gpt-neox-20b", "redpajama-incite", "falcon", "moss", "t5", "xlm-roberta", "gpt2", "opt", "qwen2.5"),
    *("cl100k_base", "o200k_base", "r50k_base", "llama3", "whisper", "claude", "rwkv-world"),
)
CHECKED = ("command-r", "gpt-neox-20b", "llama3", "qwen2.5", "t5", "xlm-roberta")
SIZES = (1, 20, 200)
WARMING = 200_000
"""Bytes of text whose encoding counts as loading, but for what so much text costs later."""


@dataclass(frozen=True)
class Figures:
    """One tokenizer on one engine: tokens in its files, CPU seconds to load, to begin, and per MB of text."""

    tokens: int
    load: float
    begin: float
    encode: float


def read_texts(corpus: Path | None, size: int) -> list[str]:
    """About so many bytes of text in all languages of a corpus, the project's own by default; repeated if need be."""
    if corpus is None:
        own = load_corpus()
        columns = [own.texts(language) for language in own.languages]
    else:
        columns = [path.read_text(encoding="utf-8").splitlines() for path in sorted(corpus.iterdir())]
    lines = [line for row in zip(*columns, strict=False) for line in row]
    texts: list[str] = []
    taken = 0
    while taken < size:
        for line in lines:
            texts.append(line)
            taken += len(line.encode())
            if taken >= size:
                break
    return texts


# ---- one measurement, in a process of its own


def probe(name: str, engine: str, texts: Path) -> Figures:
    """Load a tokenizer, encode a first piece of text, then the rest."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    asset = find_asset(name, offline=True)
    tokens, clock = count_tokens(asset), time.process_time
    lines = texts.read_text(encoding="utf-8").splitlines()
    sizes = [len(line.encode()) for line in lines]
    cut = next(i for i in range(len(lines)) if sum(sizes[:i]) >= WARMING)
    start = clock()
    tokenizer = ADAPTERS[engine].load(asset)
    loaded = clock()
    tokenizer.encode_batch(lines[:cut])
    begun = clock()
    tokenizer.encode_batch(lines[cut:])
    encode = (clock() - begun) / sum(sizes[cut:])
    return Figures(tokens, loaded - start, max(0.0, begun - loaded - encode * sum(sizes[:cut])), encode * 1e6)


def run_probe(name: str, engine: str, texts: Path) -> Figures | str:
    """What `probe` finds in a fresh process, or why the engine does not run the files."""
    command = [sys.executable, __file__, "--probe", name, engine, str(texts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        return done.stderr.strip()
    done.check_returncode()
    return Figures(**json.loads(done.stdout))


def measure(names: Sequence[str], texts: Path, rounds: int) -> dict[tuple[str, str], list[Figures]]:
    """The figures of each tokenizer and engine, in rounds; a first run that fills the records is not counted."""
    pairs = [(name, engine) for name in names for engine in list_engines(find_asset(name, offline=True))]
    kept: dict[tuple[str, str], list[Figures]] = {}
    for pair in pairs:
        found = run_probe(*pair, texts)
        if isinstance(found, str):
            print(f"{pair[0]}, {pair[1]}: {found}", flush=True)
        else:
            kept[pair] = []
    for _ in range(rounds):
        for pair in random.sample([*kept], len(kept)):
            found = run_probe(*pair, texts)
            assert not isinstance(found, str)
            kept[pair].append(found)
    return kept


def list_engines(asset: Asset) -> list[str]:
    """The reference of a format and the engines beside it."""
    return [reference_adapter(asset.format), *find_engines(asset.format)]


def summarize(rounds: Sequence[Figures]) -> Figures:
    """The median of each figure."""
    fields = zip(*((f.load, f.begin, f.encode) for f in rounds), strict=True)
    return Figures(rounds[0].tokens, *map(statistics.median, fields))


def fit(found: Sequence[Figures]) -> tuple[float, float]:
    """Seconds to load `UNIT` tokens and begin, and per MB of text: medians over tokenizers of one format."""
    load = statistics.median((f.load + f.begin) / (f.tokens / UNIT) ** GROWTH for f in found)
    return load, statistics.median(f.encode for f in found)


def print_costs(names: Sequence[str], texts: Path, rounds: int) -> None:
    """Print the figures of each tokenizer on each engine, then what the adapters' tables should hold."""
    found = {pair: summarize(figures) for pair, figures in measure(names, texts, rounds).items()}
    by_kind: dict[tuple[str, str], list[Figures]] = {}
    print("| tokenizer | tokens | engine | load, s | begin, s | encode, s/MB |\n| --- | --: | --- | --: | --: | --: |")
    for (name, engine), f in found.items():
        print(f"| {name} | {f.tokens:,} | {engine} | {f.load:.3f} | {f.begin:.3f} | {f.encode:.3f} |")
        asset = find_asset(name, offline=True)
        if has_merges(asset):
            by_kind.setdefault((asset.format, engine), []).append(f)
    print("\n| format | engine | load, s per 100,000 tokens | encode, s/MB | load over fitted |")
    print("| --- | --- | --: | --: | --: |")
    for (file_format, engine), figures in by_kind.items():
        load, encode = fit(figures)
        misfits = [(f.load + f.begin) / (load * (f.tokens / UNIT) ** GROWTH) for f in figures]
        range_of = f"{min(misfits):.2f} to {max(misfits):.2f}"
        print(f"| {file_format} | {engine} | {load:.3f} | {encode:.3f} | {range_of} |")


# ---- whole comparisons


def write_corpus(folder: Path, corpus: Path | None, size: int) -> Path:
    """A corpus of two languages, so many bytes in all."""
    texts = read_texts(corpus, size)
    half = len(texts) // 2
    for lang, lines in (("en", texts[:half]), ("de", texts[half : 2 * half])):
        (folder / f"{size}.{lang}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / str(size)


def time_comparison(name: str, corpus: Path, engine: str) -> tuple[float, str] | None:
    """CPU seconds of a comparison and the engine that ran it; None where the engine does not run the files."""
    options = ["--engine", engine, "--no-throughput", "--resamples", "0", "-q", "--offline", "-f", "json"]
    command = [sys.executable, "-m", "tokbench", "compare", name, "-c", str(corpus), *options]
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = os.times()
    if done.returncode == 2:
        return None
    done.check_returncode()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, json.loads(done.stdout)["tokenizers"][0]["engine"]


def check(names: Sequence[str], corpus: Path | None, sizes: Sequence[float], rounds: int) -> Iterator[str]:
    """For each tokenizer and size: `auto` over the cheaper of reference and fast engines, by medians of the rounds."""
    yield "| tokenizer | MB | reference, s | fast, s | auto, s | auto ran | auto over the cheaper | first run, s |"
    yield "| --- | --: | --: | --- | --: | --- | --: | --: |"
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            text = write_corpus(Path(folder), corpus, int(size * 1e6))
            for name in names:
                yield check_one(name, size, text, rounds)


def check_one(name: str, size: float, corpus: Path, rounds: int) -> str:
    """One row of the check: first runs in an empty cache, then rounds with what they have kept."""
    engines = ["auto", *list_engines(find_asset(name, offline=True))]
    spent: dict[str, list[float]] = {}
    ran = ""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TOKBENCH_CACHE"] = cache
        first = {engine: time_comparison(name, corpus, engine) for engine in engines}
        able = [engine for engine, outcome in first.items() if outcome is not None]
        for _ in range(rounds):
            for engine in random.sample(able, len(able)):
                outcome = time_comparison(name, corpus, engine)
                assert outcome is not None
                spent.setdefault(engine, []).append(outcome[0])
                ran = outcome[1] if engine == "auto" else ran
    medians = {engine: statistics.median(spent[engine]) for engine in engines if engine in spent}
    auto = medians.pop("auto")
    reference, *fast = medians
    named = ", ".join(f"{engine} {medians[engine]:.2f}" for engine in fast) or "–"
    begun = first["auto"]
    assert begun is not None
    ratio = auto / min(medians.values())
    cells = [name, f"{size:g}", f"{medians[reference]:.2f}", named, f"{auto:.2f}", ran, f"{ratio:.2f}"]
    return f"| {' | '.join(cells)} | {begun[0]:.2f} |"


def main() -> int:
    """Measure costs, or check what `auto` makes of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizers", nargs="*", metavar="TOKENIZER")
    parser.add_argument("--corpus", type=Path, help="a folder of text files, one per language; else the project's own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=float, default=4.0, help="of text that each engine encodes")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="of the corpora of --check, in MB")
    parser.add_argument("--probe", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        name, engine, texts = options.probe
        try:
            print(json.dumps(vars(probe(name, engine, Path(texts)))))
        except TokbenchError as error:
            print(error.message, file=sys.stderr)
            return 2
        return 0
    if options.check:
        sizes = [float(size) for size in options.sizes.split(",")]
        for line in check(options.tokenizers or CHECKED, options.corpus, sizes, options.rounds):
            print(line, flush=True)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TOKBENCH_CACHE"] = str(Path(folder) / "cache")
        texts = Path(folder) / "texts"
        texts.write_text("\n".join(read_texts(options.corpus, int(options.megabytes * 1e6))), encoding="utf-8")
        print_costs(options.tokenizers or TOKENIZERS, texts, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
