"""Load tests for docs/serving.md: users, depth and cache types, languages.

`python benchmarks/serving_tables.py > tables.md` measures models with random weights, about ten minutes on two cores,
and prints Markdown. `--small` takes one round of pythia-70m with two users, to see whether it runs.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from tokbench.adapters import load_tokenizer
from tokbench.corpora import load_corpus
from tokbench.pythia.formats.random_weights import open_or_make
from tokbench.pythia.serving.load_test import LoadTester, choose_threads, make_cases
from tokbench.pythia.serving.loads import Load, read_loads
from tokbench.report import format_results
from tokbench.report._load_test import show_load_test

LANGUAGES = ["en", "zh", "th"]


@dataclass(frozen=True)
class Run:
    """A load test: model, backend, type, requests, users, cache types; `lang` is the reference of premiums."""

    model: str
    backend: str
    kind: str
    loads: tuple[Load, ...]
    users: tuple[int, ...]
    cache_types: tuple[str | None, ...] = (None,)
    lang: str | None = None


def list_runs() -> list[Run]:
    """Return the runs of the tables."""
    texts = load_corpus(languages=LANGUAGES)
    languages = read_loads(texts, load_tokenizer("gpt-neox-20b"))
    usual, depths = (Load(128, 64),), (Load(128, 64), Load(1024, 64))
    return [
        Run("pythia-70m", "llamacpp", "q4_0", usual, (1, 2, 4, 8, 16, 32, 64)),
        Run("pythia-70m", "ctranslate2", "int8", usual, (1, 2, 4, 8, 16, 32, 64)),
        Run("pythia-70m", "llamacpp", "q4_0", depths, (1, 8), ("f16", "q8_0", "q4_0")),
        Run("pythia-410m", "llamacpp", "q4_0", usual, (1, 4, 16)),
        Run("pythia-70m", "ctranslate2", "int8", languages, (1, 8), lang=languages[0].lang),
    ]


def main(*, small: bool) -> None:
    """Measure, and print each run's tables as soon as they are there."""
    for one in list_runs():
        if small and one.model != "pythia-70m":
            continue
        checkpoint = open_or_make(one.model, random=True, offline=True)
        users = (2,) if small else one.users
        cases = make_cases(one.loads, users, one.cache_types)
        tester = LoadTester(checkpoint, one.backend, one.kind, choose_threads(None), cases, 1 if small else 3)
        for step in tester.run():
            print(step, file=sys.stderr)
        print(f"## {one.model} {one.kind} on {one.backend}\n")
        print(format_results(show_load_test(tester.result, one.lang), "markdown"), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="one round of pythia-70m with two users")
    main(small=parser.parse_args().small)
