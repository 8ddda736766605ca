"""The decisions of a benchmark on times that are given, and the pieces that measure real ones."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from itertools import count
from pathlib import Path
from time import sleep

import pytest

from helpers.commands import refuse, run
from helpers.made import make_tokenizer_json
from tokbench import load_corpus
from tokbench.adapters import find_asset
from tokbench.adapters.bench.footprint import fit_exponent, make_distinct, measure_footprint, run_apart
from tokbench.adapters.bench.latency import measure_latency
from tokbench.adapters.bench.speed import Interval, Ratio, Speed, benchmark_engines, compare_speeds

NULL = Interval(1.0, 0.97, 1.04)


def test_the_interval_of_a_median_comes_from_order_statistics() -> None:
    # With 8 values, the 2nd and the 7th hold the median in 1 - 2 (1 + 8) / 256 = 93 %, the 1st and 8th in 99.2 %.
    assert Interval.of(list(range(8))) == Interval(3.5, 0, 7)
    # With 12: 1 - 2 (1 + 12 + 66) / 4096 = 96.1 % for the 3rd and the 10th.
    assert Interval.of(list(range(12))) == Interval(5.5, 2, 9)
    assert Interval.of([4.0]) == Interval(4.0, 4.0, 4.0)


def test_engines_differ_only_beyond_the_machines_own_unrest() -> None:
    def ratio(value: float, low: float, high: float, null: Interval = NULL) -> Ratio:
        return Ratio("a", "b", "batch", 1, Interval(value, low, high), null)

    assert ratio(5.6, 5.1, 6.0).differ
    assert str(ratio(5.6, 5.1, 6.0)) == "a is 5.60 [5.10, 6.00] times faster than b (batch, 1 thread)"
    assert not ratio(1.2, 0.9, 1.4).differ  # the interval holds 1
    assert not ratio(1.03, 1.01, 1.05).differ  # less than the machine makes of one engine
    assert ratio(1.06, 1.01, 1.08).differ
    assert str(ratio(1.2, 0.9, 1.4)).startswith("no difference between a and b: 1.20 [0.90, 1.40]")


def test_ratios_are_paired_by_round() -> None:
    fast = Speed("fast", "batch", 1, (10.0, 20.0, 40.0))
    slow = Speed("slow", "batch", 1, (5.0, 10.0, 20.0))
    assert compare_speeds(fast, slow, NULL).interval == Interval(2.0, 2.0, 2.0)


def test_a_benchmark_with_a_given_clock(tmp_path: Path) -> None:
    """Every call takes one tick: all engines are equal, and so is the reference with itself."""
    corpus = load_corpus()
    ticks = count()
    outcome = benchmark_engines(
        find_asset(str(make_tokenizer_json(tmp_path))),
        corpus,
        engines=["tiktoken"],
        rounds=6,
        round_bytes=2000,
        clock=lambda: float(next(ticks)),
    )
    assert [result.name for result in outcome.results] == ["huggingface", "tiktoken"]
    assert all(result.ranked for result in outcome.results)
    assert outcome.nulls["batch", 1] == Interval(1.0, 1.0, 1.0)
    (ratio,) = outcome.ratios
    assert ratio.interval == Interval(1.0, 1.0, 1.0)
    assert not ratio.differ


def test_exponents_by_hand() -> None:
    assert fit_exponent([(1000, 0.01), (2000, 0.02), (4000, 0.04)]) == pytest.approx(1)
    assert fit_exponent([(1000, 0.01), (2000, 0.08), (4000, 0.64)]) == pytest.approx(3)
    assert fit_exponent([(1000, 1e-5), (2000, 0.02), (4000, 0.04)]) is None


def test_distinct_text_repeats_no_word_of_an_earlier_copy() -> None:
    batches = list(make_distinct(["one two three", "four five six"], 200))
    texts = [text for batch in batches for text in batch]
    assert sum(len(text.encode()) for text in texts) >= 200
    later = [word for text in texts for word in text.split()[1:]]
    assert len(later) == len(set(later))


def forever() -> object:
    yield 1
    while True:
        sleep(60)


def test_a_process_that_does_not_end_is_ended() -> None:
    assert run_apart(forever, limit=3.0) in ([1], [])


def test_memory_and_latency_of_a_real_engine(tmp_path: Path) -> None:
    asset = find_asset(str(make_tokenizer_json(tmp_path)))
    found = measure_footprint(asset, "huggingface", ["the quick fox", "the dog"], growth=(1,), limit=60)
    assert found is not None
    assert found.load > 0
    assert found.growth[0][0] == 1
    outcome = benchmark_engines(
        asset, load_corpus(), engines=["tiktoken"], rounds=2, round_bytes=500, clock=iter_clock()
    )
    runners = {c.name: c.tokenizer for c in outcome.results if c.tokenizer is not None}
    rows = measure_latency(runners, ["a", "b" * 100, "c" * 5000], iter_clock())
    assert [(row.name, row.bytes, row.n, row.p50) for row in rows if row.name == "tiktoken"] == [
        ("tiktoken", 32, 1, pytest.approx(1e6)),
        ("tiktoken", 128, 1, pytest.approx(1e6)),
        ("tiktoken", None, 1, pytest.approx(1e6)),
    ]


def iter_clock() -> object:
    ticks = count()
    return lambda: float(next(ticks))


def test_bench_writes_every_format(tmp_path: Path) -> None:
    tokenizer = str(make_tokenizer_json(tmp_path))
    common = ("bench", tokenizer, "-n", "20", "--rounds", "2", "-l", "en,de", "--engine", "tiktoken")
    document = json.loads(run(*common, "-f", "json", "--path", "batch,single,count,decode", "--threads", "1,2").stdout)
    (found,) = document["benchmarks"]
    assert {(s["path"], s["threads"]) for s in found["speeds"]} >= {("batch", 1), ("single", 2), ("decode", 1)}
    assert {row["name"] for row in found["latency"]} == {"huggingface", "tiktoken"}
    assert all(math.isfinite(s["value"]) for s in found["speeds"])
    assert run(*common, "-f", "csv").stdout.startswith("tokenizer,engine,version,path,threads,ids,MB/s")
    assert "| tokenizer | engine |" in run(*common, "-f", "markdown").stdout
    assert "fastest exact engine" in run(*common).stdout
    refuse(*common, "--path", "speed", says="no path is called 'speed'")
    refuse(*common, "--threads", "0", says="--threads is '0'; use a whole number from 1 to 1,024")
    refuse(*common, "-f", "xml", says="no report format is called 'xml'")
    refuse("bench", tokenizer, "--engine", "rwkv", says="the engine rwkv does not run")


FOLDING = '''
"""tokenizers, but two spaces are one."""
from tokbench.adapters import Cost, EngineTokenizer, huggingface

REFERENCE_FOR = frozenset()
RUNS = {"tokenizer.json": Cost(load=0, encode=0)}
LIBRARY = "folding"

class Folding(EngineTokenizer):
    def encode_read(self, texts):
        return self.reference.encode_batch([text.replace("  ", " ") for text in texts])

def load(asset):
    return Folding(asset, "folding==1.0", "encode", huggingface.load)
'''


def test_an_engine_that_is_right_on_the_corpus_alone_is_not_ranked(tmp_path: Path) -> None:
    """The corpus has no two spaces in a row; the hard texts do."""
    info = tmp_path / "site" / "folding-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "site" / "folding.py").write_text(FOLDING)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: folding\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tokbench.adapters]\nfolding = folding\n")
    assert not any("  " in text for text in load_corpus(languages=["en", "de"], segments=60).frame["text"])
    common = ("bench", str(make_tokenizer_json(tmp_path)), "-n", "60", "--rounds", "2", "-l", "en,de", "-f", "json")
    done = subprocess.run(
        [sys.executable, "-m", "tokbench", *common, "--engine", "folding"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    (found,) = json.loads(done.stdout)["benchmarks"]
    engines = {engine["name"]: engine for engine in found["engines"]}
    assert engines["folding"]["reason"].startswith("differs in the hard texts: token 0 of text 2 ('  a')")
    assert {speed["name"] for speed in found["speeds"]} == {"huggingface"}
