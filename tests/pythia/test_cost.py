"""What texts cost: counts by hand, what-ifs that change nothing, speeds between measured points, traces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from helpers.counting_server import CountingServer
from helpers.counting_server import counting_server as counting_server
from tokbench.cli.model_run import pair_up
from tokbench.comparison import Comparison
from tokbench.pythia.cost import Costs, Prices, cost, default_quantization
from tokbench.pythia.cost.quantities import Costing, compute_quantities
from tokbench.pythia.cost.request_trace import STAGES, trace_request
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import decode_flops, kv_cache_bytes, prefill_flops
from tokbench.pythia.model.models import find_model
from tokbench.pythia.speed.roofline import TIMINGS_SCHEMA, fit
from tokbench.pythia.speed.speeds import EstimatedSpeed, prompt_grid
from tokbench.report import format_results
from tokbench.report._cost import write_money
from tokbench.report._cost_results import show

SHAPE = find_model("70m").architecture


class Linear:
    """A speed worked out by hand: 1 ms a prompt token, 10 ms a step."""

    basis = "measured"
    note = "by hand"
    source = "by hand"

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


def value(costs: Costs, quantity: str, lang: str, per: str = "request", column: str = "value") -> float:
    rows = costs.frame.filter(
        (pl.col("quantity") == quantity)
        & (pl.col("lang") == lang)
        & (pl.col("per") == per)
        & (pl.col("tokenizer") == "utf8")
    )
    found: float = rows[column].item()
    return found


def test_requests_are_counted_by_hand() -> None:
    prompts, new = np.array([[4.0, 0, 2]]), np.array([[3.0, 0, 3]])
    counted = compute_quantities(prompts, new, Costing(SHAPE, Linear(), Prices(per_hour=3600.0)))
    by_hand = prefill_flops(SHAPE, 4) + decode_flops(SHAPE, 5) + decode_flops(SHAPE, 6)
    assert counted["flops"].tolist()[0][:2] == [by_hand, 0]
    assert counted["kv_bytes"].tolist() == [[kv_cache_bytes(SHAPE, 6), 0, kv_cache_bytes(SHAPE, 4)]]
    assert counted["seconds"].tolist()[0] == pytest.approx([0.024, 0, 0.022])
    assert counted["money"].tolist()[0] == pytest.approx(counted["seconds"].tolist()[0])
    paid = compute_quantities(prompts, prompts, Costing(None, None, Prices(per_mtok_in=1e6, per_mtok_out=1e6)))
    assert paid["money"].tolist() == [[8, 0, 4]]
    assert set(paid) == {"tokens", "new_tokens", "money"}


@pytest.mark.smoke
def test_costs_by_hand(costs: Costs) -> None:
    assert value(costs, "tokens", "en") == 3
    assert value(costs, "tokens", "de") == 5
    assert value(costs, "tokens", "de", "1000000 characters") == pytest.approx(1e6 * 10 / 6)  # of English text
    assert value(costs, "tokens", "de", column="premium") == 10 / 6
    assert value(costs, "money", "en") == pytest.approx((4 + 2 + 6) / 2 * 2e-6)
    kinds = dict(costs.frame.select("quantity", "basis").unique().rows())
    assert kinds == {
        "tokens": "counted",
        "new_tokens": "counted",
        "flops": "computed",
        "kv_bytes": "computed",
        "money": "computed",
        "training_flops": "computed",
    }


def test_intervals_hold_the_value_and_premiums_are_paired(costs: Costs) -> None:
    rows = costs.frame
    assert (rows["low"] <= rows["value"] + 1e-12).all()
    assert (rows["value"] <= rows["high"] + 1e-12).all()
    reference = rows.filter(pl.col("lang") == "en")
    for column in ("premium", "premium_low", "premium_high"):
        assert rows.filter(pl.col("lang").is_null())[column].null_count() == rows["lang"].null_count()
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
    assert rows["utf8"]["nsl"] == 1
    assert costs.baseline == "utf8"  # Pythia's own tokenizer is not compared
    assert "since gpt-neox-20b, the tokenizer of pythia-70m, is not compared" in format_results(show(costs), "markdown")


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
        ({"model": "70m", "new_tokens": 2047}, "the context holds 2,048"),
        ({"model": "70m", "new_text": 5, "new_tokens": 5}, "not both"),
        ({"model": "70m", "prompt_chars": 0}, "at least 1"),
        ({"model": "70m", "new_text": float("nan")}, "at least 1"),
        ({"model": "70m", "quantization": "q9_9"}, "q9_9"),
    ],
)
def test_wrong_requests_are_refused(result: Comparison, options: dict[str, object], message: str) -> None:
    with pytest.raises(tb.TokbenchError, match=message):
        cost(result, **options)  # type: ignore[arg-type]


def test_two_prices_are_one_too_many() -> None:
    with pytest.raises(tb.TokbenchError, match="give one"):
        Prices(per_hour=1.0, per_mtok_in=1.0)


# ---- money


def test_money_by_hand() -> None:
    """4 tokens read, half of them cached, and 3 written: 2 at 3.00, 2 at 0.30 and 3 at 15.00 per million."""
    none_cached = Prices(per_mtok_in=3, per_mtok_cached=0.3, cached_share=0)
    assert none_cached.price_tokens(np.array([1e6]), np.array([0.0])).tolist() == [3]
    prices = Prices(per_mtok_in=3, per_mtok_out=15, per_mtok_cached=0.3, cached_share=0.5)
    assert prices.price_tokens(np.array([4.0, 0.0]), np.array([3.0, 0.0])).tolist() == pytest.approx([51.6e-6, 0])
    assert Prices(per_mtok_in=3).price_tokens(np.array([4.0]), np.array([3.0])).tolist() == [12e-6]
    assert Prices(per_mtok_out=15).price_tokens(np.array([4.0]), np.array([3.0])).tolist() == [45e-6]
    assert Prices(per_mtok_in=3, per_mtok_out=15, per_mtok_cached=0.3, cached_share=1).price_tokens(
        np.array([10.0]), np.array([0.0])
    ).tolist() == pytest.approx([3e-6])


def test_money_per_thousand_requests_and_per_month_by_hand(result: Comparison) -> None:
    prices = Prices(per_mtok_in=1e6, per_mtok_out=2e6, currency="EUR", requests_per_day=10)
    found = cost(result, model=None, new_tokens="same", prices=prices)
    # Each token read costs 1, and as many are written at 2: 3 tokens a segment in English, 5 in German.
    assert [value(found, "money", lang) for lang in ("en", "de")] == pytest.approx([9, 15])
    assert [value(found, "money", lang, "1000 requests") for lang in ("en", "de")] == pytest.approx([9000, 15000])
    assert [value(found, "money", lang, "month") for lang in ("en", "de")] == pytest.approx([2700, 4500])
    assert value(found, "money", "de", "1000000 characters") == pytest.approx(5e6)
    assert value(found, "money", "de", "month", "premium") == pytest.approx(5 / 3)
    tokens = [value(found, "tokens", "de", column=bound) for bound in ("low", "high")]
    assert [value(found, "money", "de", "month", bound) for bound in ("low", "high")] == pytest.approx(
        [900 * bound for bound in tokens]
    )
    assert set(found.frame["quantity"]) == {"tokens", "new_tokens", "money"}
    assert found.what_if.is_empty()
    assert found.signature.endswith("|model:none|read:mean|write:same|price:in1000000/out2000000/EUR")
    table = format_results(show(found), "table")
    assert "4,500.00 [" in table
    assert "EUR" in table
    assert "month: 30 days of 10 requests" in " ".join(table.split())
    assert "pythia" not in table
    assert json.loads(format_results(show(found), "json"))["prices"]["requests_per_day"] == 10


def test_money_per_hour_is_that_of_the_seconds(result: Comparison) -> None:
    with pytest.raises(
        tb.TokbenchError, match="needs seconds, and the analytic backend runs nothing; choose a backend"
    ):
        cost(result, model="70m", prices=Prices(per_hour=2))
    with pytest.raises(tb.TokbenchError, match="needs seconds, and no model is run"):
        cost(result, model=None, prices=Prices(per_hour=2))
    counted = compute_quantities(
        np.full((1, 1), 4.0), np.full((1, 1), 3.0), Costing(SHAPE, Linear(), Prices(per_hour=2))
    )
    assert counted["money"].tolist() == [[pytest.approx(0.024 * 2 / 3600)]]


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"per_mtok_in": -1}, "per_mtok_in is -1"),
        ({"per_mtok_out": float("nan")}, "per_mtok_out is nan"),
        ({"per_hour": float("inf")}, "per_hour is inf"),
        ({"per_mtok_in": 1, "cached_share": 0.5}, "price of cached tokens and their share go together"),
        ({"per_mtok_in": 1, "per_mtok_cached": 0.5}, "price of cached tokens and their share go together"),
        ({"per_mtok_in": 1, "per_mtok_cached": 1, "cached_share": 1.5}, "from 0 to 1"),
        ({"per_mtok_out": 1, "per_mtok_cached": 1, "cached_share": 0.5}, "not cached have no price"),
        ({"per_hour": 1, "per_mtok_cached": 1, "cached_share": 0.5}, "give one of them"),
        ({"requests_per_day": 5}, "money per month needs a price"),
        ({"per_mtok_in": 1, "currency": "EURO"}, "'EURO' is not a currency"),
        ({"per_mtok_in": 1, "currency": "$"}, r"'\$' is not a currency"),
    ],
)
def test_prices_that_mean_nothing_are_refused(prices: dict[str, Any], message: str) -> None:
    with pytest.raises(tb.TokbenchError, match=message):
        Prices(**prices)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (None, "–"), (0, "0.00"), (1234567.891, "1,234,567.89"), (1, "1.00"), (0.9999, "1.00"), (0.994, "0.994"),
        (0.5, "0.500"), (0.0123456, "0.0123"), (0.00001, "0.0000100"),
        (5.6e-13, "0.000000000000560"), (1e12, "1,000,000,000,000.00"),
    ],
)  # fmt: skip
def test_amounts_have_cents_or_three_digits(amount: float | None, written: str) -> None:
    assert write_money(amount) == written


def test_a_closed_model_has_tokens_and_money_only(counting_server: CountingServer, tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["abcd", "ab"], de=["abcdefgh", "ab"])
    arguments = ("cost", "anthropic:claude-x", "utf8", "-c", str(tmp_path / "c"), "--model", "70m", "--new-tokens", "3")
    arguments += ("--price-in", "2", "--price-out", "4", "--currency", "usd")
    refuse(*arguments, says="would be sent to 127.0.0.1")
    done = run(*arguments, "--allow-upload", "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    rows = pl.DataFrame(document["costs"])
    own = rows.filter(pl.col("tokenizer") == "anthropic:claude-x")
    assert set(own["quantity"]) == {"tokens", "new_tokens", "money"}
    money = own.filter(pl.col("lang").is_not_null(), quantity="money", per="request")
    assert dict(money.select("lang", "value").iter_rows()) == pytest.approx({"de": 22e-6, "en": 18e-6})
    assert [row["tokenizer"] for row in document["what_if"]] == ["utf8"]
    table = run(*arguments)
    assert table.returncode == 0, table.stderr
    assert "USD" in table.stdout
    alone = run("cost", "anthropic:claude-x", "-c", str(tmp_path / "c"), "-f", "json")
    assert json.loads(alone.stdout)["model"] is None
    assert "counted by API on" in table.stdout


def test_prices_of_the_command_line(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox"])
    command = ("cost", "utf8", "-c", str(tmp_path / "c"), "--model", "none")
    done = run(*command, "--price-per-mtok", "1", "--new-tokens", "3", "-f", "json")
    assert json.loads(done.stdout)["prices"]["per_mtok_out"] == 1
    refuse(*command, "--price-per-mtok", "1", "--price-in", "1", says="leave it out, or the others")
    refuse(*command, "--price-in", "1", "--cached-share", "2", says="--cached-share is '2'; use a share such as")
    refuse(*command, "--price-in", "1", "--price-cached", "1", says="give both --price-cached and --cached-share")
    refuse(*command, "--price-in", "1", "--currency", "euro", says="'EURO' is not a currency")
    refuse(*command, "--price-per-hour", "1", says="needs seconds, and no model is run")
    refuse(*command, "--backend", "ctranslate2", says="--backend ctranslate2 runs a model, and there is none")
    refuse("cost", "utf8", "-c", str(tmp_path / "c"), "--price-per-hour", "2", says="choose a backend (--backend")


@pytest.mark.parametrize(
    ("backends", "pairs"),
    [
        (["ctranslate2"], [("ctranslate2", "int8")]),
        (["llamacpp"], [("llamacpp", "q4_0")]),
        (["ctranslate2", "llamacpp"], [("ctranslate2", "int8"), ("llamacpp", "q4_0")]),
    ],
)
def test_the_default_type_of_weights_fits_the_backend(backends: list[str], pairs: list[tuple[str, str]]) -> None:
    pytest.importorskip("ctranslate2")
    pytest.importorskip("xllamacpp")
    assert list(pair_up(backends, None, "cpu")) == pairs
    assert [default_quantization(backend) for backend in backends] == [kind for _, kind in pairs]


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
    (tokens,) = [r for r in document["costs"] if (r["quantity"], r["lang"], r["per"]) == ("tokens", "th", "request")]
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
