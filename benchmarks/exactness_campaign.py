"""Every engine against the reference, on every token and on random texts: `python benchmarks/exactness_campaign.py`.

Each token of the vocabulary alone, after a space, inside a word and doubled; then texts drawn from all code points,
spaces, apostrophes, words, tokens and added tokens. A difference is printed with the smallest text that shows it, and
the exit status is 1. TOKENIZER: what `tokbench` takes; by default each folder in those of TOKBENCH_TOKENIZERS.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from helpers.drawn_texts import draw_texts, find_added, list_tokens, place
from helpers.generated_vocabularies import generate
from tokbench.adapters import ADAPTERS, Tokenizer, find_asset, find_engines, load_asset
from tokbench.adapters.selection import Sample, load_engine
from tokbench.analysis.roundtrip._shrinking import shrink
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

BATCH = 5_000
SHOWN = 4
"""Differences that are printed for a tokenizer and engine; then the next engine's turn comes."""

UNTELLING = Sample(("x",), 10**9)
"""A sample of a large corpus that shows no difference."""

Ids = list[int] | str
"""The ids of a text, or the error that it ends in."""


@dataclass(frozen=True)
class Job:
    """One tokenizer: how it is called here, the argument that names it, and what is drawn for it."""

    label: str
    argument: str
    texts: int
    seed: str
    engines: tuple[str, ...]
    unverified: bool


@dataclass
class Outcome:
    """What came of one tokenizer on one engine."""

    label: str
    engine: str
    compared: int = 0
    refused: str | None = None
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        head = f"{self.label}, {self.engine}: "
        if self.refused is not None:
            return f"{head}refused: {self.refused}"
        if not self.differences:
            return f"{head}no difference in {self.compared:,} texts"
        return "\n  ".join([f"{head}DIFFERS within {self.compared:,} texts", *self.differences])


def encode_one(tokenizer: Tokenizer, text: str) -> Ids:
    """The ids of one text, or what the engine raises: a panic of a library in Rust is no Exception."""
    try:
        return [*map(int, tokenizer.encode_batch([text]).ids)]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"


def find_differing(reference: Tokenizer, tokenizer: Tokenizer, texts: Sequence[str]) -> list[str]:
    """The texts of a batch whose ids differ; each is encoded by itself where a batch cannot be."""
    try:
        expected, got = reference.encode_batch(texts), tokenizer.encode_batch(texts)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001
        return [text for text in texts if encode_one(reference, text) != encode_one(tokenizer, text)]
    if np.array_equal(expected.offsets, got.offsets) and np.array_equal(expected.ids, got.ids):
        return []
    return [text for text, a, b in zip(texts, expected, got, strict=True) if not np.array_equal(a, b)]


def compare(reference: Tokenizer, tokenizer: Tokenizer, texts: Sequence[str], outcome: Outcome) -> None:
    """Hold an engine against the reference on these texts; what differs goes into the outcome."""

    def differs(text: str) -> bool:
        return encode_one(reference, text) != encode_one(tokenizer, text)

    found: dict[str, None] = {}
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        outcome.compared += len(batch)
        for text in find_differing(reference, tokenizer, batch):
            least = shrink(text, differs) if differs(text) else None
            found[f"{text!r}: only in a batch" if least is None else show(least, reference, tokenizer)] = None
            if len(found) == SHOWN:
                break
        if len(found) == SHOWN:
            break
    outcome.differences += [line for line in found if line not in outcome.differences]


def show(text: str, reference: Tokenizer, tokenizer: Tokenizer) -> str:
    """A text with its ids on both engines."""
    return f"{text!a}: {encode_one(tokenizer, text)} instead of {encode_one(reference, text)}"


def list_texts(job: Job, asset: Asset, reference: Tokenizer) -> Iterator[list[str]]:
    """Each token in its places, then the texts that are drawn."""
    tokens, added = list_tokens(reference), find_added(asset)
    yield [text for token in dict.fromkeys([*tokens, *added]) for text in place(token)]
    yield draw_texts(job.texts, f"{job.seed} {job.label}", tokens, added)


def load(asset: Asset, engine: str, *, unverified: bool) -> Tokenizer:
    """The tokenizer on an engine as a user gets it, or without its verification."""
    return ADAPTERS[engine].load(asset) if unverified else load_engine(asset, engine, UNTELLING)


def run(job: Job) -> list[Outcome]:
    """Compare one tokenizer on every engine that runs its files, in a cache of its own."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TOKBENCH_CACHE"] = cache
        try:
            asset = find_asset(job.argument, offline=True)
            reference = load_asset(asset)
        except TokbenchError as error:
            return [Outcome(job.label, "reference", refused=error.message)]
        loaded, outcomes = {}, []
        for engine in find_engines(asset.format):
            if job.engines and engine not in job.engines:
                continue
            outcome = Outcome(job.label, engine)
            outcomes.append(outcome)
            try:
                loaded[engine] = load(asset, engine, unverified=job.unverified), outcome
            except TokbenchError as error:
                outcome.refused = error.message
        for texts in list_texts(job, asset, reference) if loaded else ():
            for tokenizer, outcome in loaded.values():
                compare(reference, tokenizer, texts, outcome)
        return outcomes or [Outcome(job.label, "reference", refused=f"no other engine runs {asset.format}")]


def list_jobs(options: argparse.Namespace, folder: Path) -> Iterator[Job]:
    """The tokenizers that were named or are here, or those that are generated."""
    common = options.texts, options.seed, tuple(options.engine), options.unverified
    if options.generate:
        for vocabulary in generate(folder, options.generate, options.seed, options.start):
            yield Job(vocabulary.kind, vocabulary.argument, *common)
        return
    folders = [Path(name) for name in os.environ.get("TOKBENCH_TOKENIZERS", "").split(os.pathsep) if name]
    here = sorted({path.name for parent in folders for path in parent.iterdir() if path.is_dir()})
    for name in options.tokenizers or here:
        yield Job(name, name, *common)


def main() -> int:
    """Print what came of each tokenizer and engine; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizers", nargs="*", metavar="TOKENIZER")
    parser.add_argument("-n", "--texts", type=int, default=100_000, help="random texts per tokenizer and engine")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--generate", type=int, default=0, metavar="N", help="N generated vocabularies instead")
    parser.add_argument("--start", type=int, default=0, help="the number of the first of these")
    parser.add_argument("--engine", action="append", default=[], help="this one alone; may be repeated")
    parser.add_argument("--unverified", action="store_true", help="also engines that the verification would refuse")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.texts:,} random texts per tokenizer and engine", flush=True)
    differing = compared = refused = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(options.processes, get_context("spawn")) as pool,
    ):
        for outcomes in pool.map(run, list_jobs(options, Path(folder))):
            for outcome in outcomes:
                print(outcome, flush=True)
                differing += bool(outcome.differences)
                refused += outcome.refused is not None
                compared += outcome.refused is None
    print(f"{compared} compared, {differing} of them differ, {refused} refused")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
