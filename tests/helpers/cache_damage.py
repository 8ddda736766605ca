"""Flip single bits in a cache that compare, bench and cost filled.

Run it from the folder `tests`: `python -m helpers.cache_damage [FLIPS [SEED]]`.
Each run must give the figures of the intact cache, or a TokbenchError; never other figures. All runs are in this
process, on tokenizers and a model made here, so that a flip takes a fraction of a second.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from helpers import made
from tokbench._shared import hashes
from tokbench._shared.environment import installed
from tokbench.adapters import find_asset
from tokbench.adapters.bench.speed import benchmark_engines
from tokbench.catalog.locations import open_record
from tokbench.comparison import compare
from tokbench.corpora import load_corpus
from tokbench.errors import CacheWarning, TokbenchError
from tokbench.pythia.backends import run
from tokbench.pythia.cost import cost
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make_in_cache
from tokbench.pythia.model.architecture import Architecture

FLIPS, SEED = 2000, 20260101
MODEL = Architecture(layers=1, width=32, heads=2, vocab_rows=420, context=64)
ENGINES = {"splintr": "splintr-rs", "fastokens": "fastokens"}
BACKENDS = {"ctranslate2": ("int8", ("ctranslate2",)), "llamacpp": ("q4_0", ("xllamacpp", "gguf"))}

Step = Callable[[], object]
"""Part of the job: returns its figures, timings apart."""


@dataclass(frozen=True)
class Outcome:
    """The flips, as `FILE, bit BIT`, by what came of them.

    noted: the same figures and a note. refused: a TokbenchError. silent: the same figures without a note. changed:
    other figures.
    """

    noted: tuple[str, ...]
    refused: tuple[str, ...]
    silent: tuple[str, ...]
    changed: tuple[str, ...]

    def __str__(self) -> str:
        counts = ", ".join(f"{len(listed)} {name}" for name, listed in vars(self).items())
        return "\n".join([counts, *(f"silent: {where}" for where in self.silent), *self.changed])


def flip(content: bytes, bit: int) -> bytes:
    """Return the content with one bit changed; bits are counted on from its start after its end."""
    place = bit // 8 % len(content)
    return content[:place] + bytes([content[place] ^ 1 << bit % 8]) + content[place + 1 :]


def list_steps(folder: Path) -> dict[str, Step]:
    """Make tokenizers in a folder, and return what is run on them."""
    bpe, rwkv = str(made.make_tokenizer_json(folder)), str(made.make_rwkv(folder))
    corpus = load_corpus(languages=["en", "zh"], segments=12)

    def compare_on(engine: str, *names: str) -> object:
        result = compare(names, corpus, engine=engine, throughput=False, bootstrap=None)
        facts = [(t.engine, t.sha256, t.vocab_total) for t in result.tokenizers]
        return result.frame.rows(), facts, cost(result, model="70m").frame.rows()

    def bench() -> object:
        clock = map(float, count()).__next__
        contest = benchmark_engines(find_asset(bpe), corpus, rounds=2, round_bytes=500, clock=clock)
        return [(c.name, c.engine, c.reason) for c in contest.results]

    def run_model(backend: str, kind: str) -> object:
        checkpoint = open_checkpoint(make_in_cache(MODEL, "pythia-tiny"))
        runner = run(checkpoint, backend, kind, threads=1)
        try:
            logits = np.asarray(runner.logits([1, 5, 9]))
            return checkpoint.sha256, checkpoint.weights, runner.generate([1, 5, 9], 4), logits.tobytes()
        finally:
            runner.close()

    def recall_download() -> object:
        open_record().hold("org/name@main/tokenizer.json", Path(bpe), "a" * 40)
        return open_record().commit("org/name@main/tokenizer.json")

    steps: dict[str, Step] = {"compare": lambda: compare_on("reference", bpe, rwkv), "bench": bench}
    steps["download"] = recall_download
    for engine in (name for name, library in ENGINES.items() if installed(library)):
        steps[f"compare on {engine}"] = lambda engine=engine: compare_on(engine, bpe)
    for backend, (kind, libraries) in BACKENDS.items():
        if all(map(installed, libraries)):
            steps[f"cost on {backend}"] = lambda backend=backend, kind=kind: run_model(backend, kind)
    return steps


def forget_hashes() -> None:
    """Forget the hashes of files that have not changed, as a new process would."""
    hashes._hash.cache_clear()


class Reads:
    """The files below a folder that Python opens while a step runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.opened: set[str] = set()
        sys.addaudithook(self._take)

    def _take(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith(self.folder):
            self.opened.add(str(arguments[0]))

    def run(self, step: Step) -> tuple[object, frozenset[str]]:
        """Run a step; return its figures and the files."""
        forget_hashes()
        self.opened.clear()
        return step(), frozenset(self.opened)


def run_campaign(folder: Path, flips: int, seed: int) -> Outcome:
    """Fill a cache, and flip one bit at a time in one of its files; TOKBENCH_CACHE is `folder/cache` from then on."""
    cache = folder / "cache"
    os.environ["TOKBENCH_CACHE"] = str(cache)
    steps = list_steps(folder)
    for step in steps.values():
        step()
    reads = Reads(cache)
    intact = {name: reads.run(step) for name, step in steps.items()}
    files = sorted(path for path in cache.rglob("*") if path.is_file())
    drawn = random.Random(seed)
    outcomes: dict[str, list[str]] = {"noted": [], "refused": [], "silent": [], "changed": []}
    for _ in range(flips):
        path = drawn.choice(files)
        whole = path.read_bytes()
        bit = drawn.randrange(8 * len(whole))
        path.write_bytes(flip(whole, bit))
        reading = {name: figures for name, (figures, opened) in intact.items() if str(path) in opened}
        outcomes[run_steps(steps, reading)].append(f"{path.relative_to(cache)}, bit {bit}")
        if path.read_bytes() != whole:
            path.write_bytes(whole)
    return Outcome(**{name: tuple(listed) for name, listed in outcomes.items()})


def run_steps(steps: Mapping[str, Step], expected: Mapping[str, object]) -> str:
    """Run the steps whose figures are expected, and return what came of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forget_hashes()
        try:
            if any(steps[name]() != figures for name, figures in expected.items()):
                return "changed"
        except TokbenchError:
            return "refused"
    return "noted" if any(issubclass(note.category, CacheWarning) for note in caught) else "silent"


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else FLIPS
    start = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    sys.stdout.write(f"{number} flips, seed {start}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as place:
        result = run_campaign(Path(place), number, start)
    sys.stdout.write(f"{result}\n")
    sys.exit(bool(result.changed))
