"""What texts cost: counts by hand, what-ifs that change nothing, speeds between measured points, traces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from tokbench.comparison import Comparison
from tokbench.pythia.cost import Costs, Prices, cost
from tokbench.pythia.cost.request_trace import STAGES, trace_request
from tokbench.pythia.cost.workload import Request, count_requests
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import decode_flops, kv_cache_bytes, prefill_flops
from tokbench.pythia.model.models import find_model
from tokbench.pythia.speed.roofline import TIMINGS_SCHEMA, fit
from tokbench.pythia.speed.speeds import EstimatedSpeed, prompt_grid
from tokbench.report import format_results
from tokbench.report._cost_results import show

SHAPE = find_model("70m").architecture


class Linear:
    """A speed worked out by hand: 1 ms a prompt token, 10 ms a step."""

    basis = "measured"
    note = "by hand"

    def prefill_seconds(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        return tokens * 1e-3

    def decode_seconds(
        self, prompts: npt.NDArray[np.int64], new_tokens: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        return np.maximum(new_tokens - 1, 0) * 1e-2


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    corpus = write_corpus(tmp_path_factory.mktemp("cost") / "c", en=["abcd", "ab"], de=["abcdefgh", "ab"])
    return tb.compare(["utf8", "byt5"], corpus, throughput=False)


@pytest.fixture(scope="module")
def costs(result: Comparison) -> Costs:
    return cost(result, model="70m", new_tokens=3, prices=Prices(per_mtok_in=2.0, per_mtok_out=2.0))


def value(costs: Costs, quantity: str, lang: str, per: str = "segment", column: str = "value") -> float:
    rows = costs.frame.filter(
        (pl.col("quantity") == quantity)
        & (pl.col("lang") == lang)
        & (pl.col("per") == per)
        & (pl.col("tokenizer") == "utf8")
    )
    found: float = rows[column].item()
    return found


def test_requests_are_counted_by_hand() -> None:
    counted = count_requests(np.array([4, 0, 2]), SHAPE, Request(3), Linear(), Prices(per_hour=3600.0))
    assert counted["tokens"].tolist() == [4, 0, 2]
    assert counted["new_tokens"].tolist() == [3, 0, 3]
    by_hand = prefill_flops(SHAPE, 4) + decode_flops(SHAPE, 5) + decode_flops(SHAPE, 6)
    assert counted["flops"].tolist()[:2] == [by_hand, 0]
    assert counted["kv_bytes"].tolist() == [kv_cache_bytes(SHAPE, 6), 0, kv_cache_bytes(SHAPE, 4)]
    assert counted["seconds"].tolist() == pytest.approx([0.024, 0, 0.022])
    assert counted["money"].tolist() == pytest.approx(counted["seconds"].tolist())
    same = count_requests(np.array([4, 0, 2]), SHAPE, Request("same"), None, Prices(per_mtok_in=1e6, per_mtok_out=1e6))
    assert same["new_tokens"].tolist() == [4, 0, 2]
    assert same["money"].tolist() == [8, 0, 4]
    assert "seconds" not in same


@pytest.mark.smoke
def test_costs_by_hand(costs: Costs) -> None:
    assert value(costs, "tokens", "en") == 3
    assert value(costs, "tokens", "de") == 5
    assert value(costs, "tokens", "de", "1000 characters") == 1000
    assert value(costs, "tokens", "de", column="premium") == 10 / 6
    assert value(costs, "money", "en") == pytest.approx((4 + 2 + 6) / 2 * 2e-6)
    kinds = dict(costs.frame.select("quantity", "basis").unique().rows())
    assert kinds == {
        "tokens": "counted",
        "new_tokens": "counted",
        "flops": "computed",
        "kv_bytes": "computed",
        "money": "computed",
    }


def test_intervals_hold_the_value_and_premiums_are_paired(costs: Costs) -> None:
    rows = costs.frame
    assert (rows["low"] <= rows["value"] + 1e-12).all()
    assert (rows["value"] <= rows["high"] + 1e-12).all()
    reference = rows.filter(pl.col("lang") == "en")
    for column in ("premium", "premium_low", "premium_high"):
        assert reference[column].unique().to_list() == [1.0]


def test_pythias_own_tokenizer_changes_nothing() -> None:
    pytest.importorskip("tokenizers")
    model = find_model("1.4b")
    from tokbench.pythia.cost.whatif import what_if

    change = what_if(model.architecture, 50277, multiple=model.vocab_multiple)
    assert change.changed == change.original == model.architecture
    assert change.judge(1.0).word == "equal"


def test_what_ifs_say_what_the_vocabulary_needs(costs: Costs) -> None:
    rows = {row["tokenizer"]: row for row in costs.what_if.iter_rows(named=True)}
    assert rows["utf8"]["vocab_rows"] == 256
    assert rows["utf8"]["parameters"] == 18_915_328 + 2 * 512 * 256
    assert rows["utf8"]["nsl"] is None  # Pythia's own tokenizer is not compared


def test_estimates_come_from_rates_and_say_so(result: Comparison) -> None:
    shapes = {"a": SHAPE, "b": find_model("160m").architecture}
    rows = [
        {"backend": "x", "device": "cpu", "quantization": "int8", "threads": 2, "kv_bytes_per_value": 2, "model": name,
         "layers": s.layers, "width": s.width, "heads": s.heads, "vocab_rows": s.vocab_rows, "phase": phase, "batch": 1,
         "tokens": tokens, "seconds": seconds}
        for name, s in shapes.items()
        for phase, tokens, seconds in (
            ("prefill", 512, prefill_flops(s, 512) / 1e11), ("decode", 64, decode_flops(s, 64) / 2e10),
        )
    ]  # fmt: skip
    rates = fit(pl.DataFrame(rows, schema=dict(TIMINGS_SCHEMA)))
    found = cost(result, model="410m", quantization="int8", rates=[rates])
    seconds = found.frame.filter(pl.col("quantity") == "seconds")
    assert seconds["basis"].unique().to_list() == ["estimated"]
    assert (seconds["value"] > 0).all()
    assert "~" in format_results(show(found), "table")
    with pytest.raises(tb.TokbenchError, match="no rates for any backend in q4_0"):
        cost(result, model="410m", quantization="q4_0", rates=[rates])
    speed = EstimatedSpeed(rates, find_model("410m").architecture)
    whole = speed.decode_seconds(np.array([10]), np.array([5]))
    steps = [speed.decode_seconds(np.array([10 + i]), np.array([2]))[0] for i in range(4)]
    assert whole[0] == pytest.approx(sum(steps))


def test_prompt_lengths_to_measure_span_those_of_the_corpus() -> None:
    assert prompt_grid(np.array([0, 3, 9, 10])) == (1, 2, 6, 9, 10)
    assert prompt_grid(np.array([7, 7])) == (7,)


@pytest.mark.parametrize("name", ["table", "markdown", "latex", "html", "json", "csv"])
def test_formats_are_repeatable(result: Comparison, name: str) -> None:
    first, second = (format_results(show(cost(result, model="70m")), name) for _ in range(2))
    assert first == second
    if name == "json":
        assert json.loads(first)["model"] == "pythia-70m"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "3b"}, "3b"),
        ({"model": "70m", "new_tokens": 0}, "at least 1"),
        ({"model": "70m", "new_tokens": 2047}, "the context holds 2048"),
        ({"model": "70m", "quantization": "q9_9"}, "q9_9"),
    ],
)
def test_wrong_requests_are_refused(result: Comparison, options: dict[str, object], message: str) -> None:
    with pytest.raises(tb.TokbenchError, match=message):
        cost(result, **options)  # type: ignore[arg-type]


def test_two_prices_are_one_too_many() -> None:
    with pytest.raises(tb.TokbenchError, match="give one"):
        Prices(per_hour=1.0, per_mtok_in=1.0)


class Scripted:
    """A runner whose answers and times are known."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        self.now += 0.001
        return self.now

    def prefill(self, ids: Sequence[int]) -> int:
        self.now += 0.1
        return 1

    def generate(self, ids: Sequence[int], new_tokens: int, batch: int = 1) -> list[list[int]]:
        self.now += 0.1 + 0.01 * (new_tokens - 1)
        return [[97] * new_tokens]


def test_the_trace_accounts_for_the_whole() -> None:
    runner = Scripted()
    trace = trace_request(b"abc", tb.load_tokenizer("utf8"), runner, 11, clock=runner.clock)  # type: ignore[arg-type]
    assert list(trace.seconds) == list(STAGES)
    assert trace.seconds["prefill"] == pytest.approx(0.101)
    assert trace.seconds["decode"] == pytest.approx(0.1)
    assert abs(trace.unaccounted) < 1e-9
    with pytest.raises(tb.TokbenchError, match="not UTF-8 at byte 1"):
        trace_request(b"a\xff", tb.load_tokenizer("utf8"), runner, 1)  # type: ignore[arg-type]


@pytest.mark.smoke
def test_the_command_prints_costs(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox"], th=["สวัสดี"])
    done = run("cost", "utf8", "-c", str(tmp_path / "c"), "--model", "410m", "-f", "json", "--price-per-mtok", "1")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["model"] == "pythia-410m"
    (tokens,) = [r for r in document["costs"] if (r["quantity"], r["lang"], r["per"]) == ("tokens", "th", "segment")]
    assert (tokens["value"], tokens["premium"]) == (18, 18 / 7)


def test_wrong_commands_are_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox"])
    corpus = ("-c", str(tmp_path / "c"))
    refuse("cost", "utf8", *corpus, "--model", "3b", says="3b")
    refuse("cost", "utf8", *corpus, "--new-tokens", "many", says="--new-tokens")
    refuse("cost", "utf8", *corpus, "--backend", "ctranslat", says="did you mean 'ctranslate2'")
    refuse("cost", "utf8", *corpus, "-f", "xml", says="no report format is called 'xml'")
    refuse("cost", "--ledger", "abc", says="--ledger measures, so it needs a backend")
    refuse("cost", "utf8", *corpus, "--timings", str(tmp_path / "none.json"), says="none.json")


def test_an_architecture_of_another_vocabulary_keeps_its_layers() -> None:
    assert isinstance(SHAPE, Architecture)
    assert SHAPE.layers == 6
