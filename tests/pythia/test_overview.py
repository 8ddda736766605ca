"""What a report tells of costs: computed here, drawn there."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

import tokbench as tb
from helpers.corpora import write_corpus
from tokbench.comparison import Comparison
from tokbench.pythia.cost.overview import CURVES, compute_overview, list_sizes
from tokbench.pythia.cost.whatif import what_if
from tokbench.pythia.model.arithmetic import kv_cache_bytes, request_flops
from tokbench.pythia.model.models import find_model


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    corpus = write_corpus(tmp_path_factory.mktemp("overview") / "c", en=["abcd", "ab"], de=["abcdefgh", "ab"])
    return tb.compare(["utf8", "byt5"], corpus, baseline="byt5", throughput=False)


def test_reading_is_of_the_mean_segment(result: Comparison) -> None:
    reading = compute_overview(result).reading
    assert reading is not None
    assert reading.tokenizer == "utf8"
    assert reading.frame.height == 2 * len(list_sizes())
    shape = what_if(find_model("70m").architecture, 256).changed
    by_hand = (request_flops(shape, 8, 1) + request_flops(shape, 2, 1)) / 2
    mean = request_flops(shape, 5, 1)  # 8 and 2 tokens; attention to earlier ones makes the mean of both dearer
    assert reading.frame.filter(lang="de", size="70M")["flops"].item() == mean < by_hand


def test_what_ifs_are_relative_to_the_baseline(result: Comparison) -> None:
    what_ifs = compute_overview(result).what_ifs
    assert what_ifs is not None
    assert what_ifs.baseline == "byt5"
    assert what_ifs.points["nsl"].to_list() == [1, 1]
    assert what_ifs.break_even.group_by("tokenizer", maintain_order=True).len().rows() == [("utf8", 4), ("byt5", 4)]
    assert what_ifs.curves["size"].unique(maintain_order=True).to_list() == list(CURVES)


def test_without_counts_only_memory_is_known(result: Comparison) -> None:
    overview = compute_overview(replace(result, measurements=None))
    assert overview.reading is None
    assert overview.what_ifs is None
    assert overview.weights.columns == ["quantization", "size", "bytes"]
    smallest = find_model("70m").architecture
    caches = overview.kv_cache.filter(pl.col("size") == "70M")["bytes"]
    assert caches.to_list() == [kv_cache_bytes(smallest, 2048)]
