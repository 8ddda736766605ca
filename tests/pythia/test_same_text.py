"""Requests are text: the same for every language and tokenizer, in tables and verdicts alike."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from tokbench.cli._ledger import trace
from tokbench.comparison import Comparison
from tokbench.metrics.resampling import Bootstrap
from tokbench.pythia.cost import Costs, Prices, Request, cost
from tokbench.pythia.cost.amounts import resample
from tokbench.pythia.cost.quantities import Costing, interpolate
from tokbench.pythia.cost.spread import join_intervals
from tokbench.pythia.cost.tabulation import compute, tabulate_costs, tabulate_relative
from tokbench.pythia.cost.timing import choose_lengths
from tokbench.pythia.cost.workload import Workload
from tokbench.pythia.formats.random_weights import make
from tokbench.pythia.measure import memory_needs
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import TRAINING_FACTOR, flops_per_token, request_flops
from tokbench.pythia.model.models import find_model
from tokbench.pythia.model.resolution import resolve_model
from tokbench.pythia.speed.rates import Rates
from tokbench.report import format_results
from tokbench.report._cost_results import show
from tokbench.report._cost_verdict import write_notes, write_verdict
from tokbench.report._document_model import Results

SHAPE = find_model("70m").architecture
RATES = Rates("llamacpp", "cpu", "int8", 2, 4, 2e11, 5e10, None, 1e10, ())

Tokens = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]


class Measured:
    """Times worked out by hand, with what their measurement leaves open: 10 % down, 20 % up.

    factor: of all times.
    lag: draws by which the machine's noise comes later.
    """

    basis = "extrapolated"
    note = "by hand"
    source = "by hand"
    noise = np.array([0.9] * 10 + [1.0] * 80 + [1.2] * 10)

    def __init__(self, factor: float = 1.0, lag: int = 0, aa_ratio: float | None = 1.0) -> None:
        self.factor, self.lag, self.aa_ratio = factor, lag, aa_ratio

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        return self.factor * tokens * 1e-3

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        return self.factor * np.maximum(new_tokens - 1, 0) * 1e-2

    def draw_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        seconds = self.prefill_seconds(prompts) + self.decode_seconds(prompts, new_tokens)
        return seconds[..., None] * np.roll(self.noise, self.lag)


class Still(Measured):
    """The same times, of which nothing is known but the value."""

    noise = np.ones(100)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Means of 3 characters in English and 5 in German, in as many bytes."""
    corpus = write_corpus(tmp_path_factory.mktemp("same") / "c", en=["abcd", "ab"], de=["abcdefgh", "ab"])
    return tb.compare(["utf8", "byt5"], corpus, throughput=False)


def value(costs: Costs, quantity: str, lang: str | None, per: str = "request", tokenizer: str = "utf8") -> float:
    own = pl.col("lang").eq_missing(pl.lit(lang))
    found: float = costs.frame.filter(own, tokenizer=tokenizer, quantity=quantity, per=per)["value"].item()
    return found


# ---- the request


def test_a_request_is_counted_by_hand() -> None:
    """30 characters at 0.5 and 2 tokens each; none where the text is empty."""
    chars, rates = np.array([30.0, 30.0, 30.0]), np.array([[0.5, 2.0, 0.0]])
    for request, written in (
        (Request(), [15, 60, 0]),
        (Request(new_tokens="same"), [15, 60, 0]),
        (Request(new_text=10), [5, 20, 0]),
        (Request(new_tokens=7), [7, 7, 0]),
    ):
        read, answer = request.count(chars, rates)
        assert (read.tolist(), answer.tolist()) == ([[15, 60, 0]], [written])


def test_text_is_of_the_reference_language(result: Comparison) -> None:
    """600 characters of English are 600 bytes, and 1,000 of their German translation."""
    costs = cost(result, model=None, prompt_chars=600, new_text=60)
    assert [value(costs, "tokens", lang) for lang in ("en", "de", None)] == pytest.approx([600, 1000, 800])
    assert [value(costs, "new_tokens", lang) for lang in ("en", "de")] == pytest.approx([60, 100])
    assert value(costs, "tokens", "de", "1000 requests") == pytest.approx(1e6)
    assert value(costs, "tokens", "de", "1000000 characters") == pytest.approx(1e6 * 5 / 3)
    assert dict(costs.chars) == {"de": 600, "en": 600}
    assert "|read:600|write:60" in costs.signature


def test_by_default_the_mean_segment_is_read_and_as_much_written(result: Comparison) -> None:
    costs = cost(result, model="70m")
    by_hand = request_flops(replace(SHAPE, vocab_rows=256), 5, 5)
    assert value(costs, "flops", "de") == by_hand
    assert costs.frame.equals(cost(result, model="70m", new_tokens="same").frame)
    training = TRAINING_FACTOR * flops_per_token(replace(SHAPE, vocab_rows=256), 2048)
    assert value(costs, "training_flops", "en", "1000000 characters") == pytest.approx(1e6 * training)


def test_fractions_of_tokens_lie_on_lines_between_whole_ones() -> None:
    asked: list[tuple[list[int], list[int]]] = []

    def count(read: Tokens, written: Tokens) -> Seconds:
        asked.append((read.tolist(), written.tolist()))
        return read.astype(float) ** 2 + 10 * written

    amounts = np.array([[3.0, 2.5, 2.5, np.nan]])
    found = interpolate(count, amounts, np.array([[1.0, 1.0, 1.25, 1.0]]))
    assert found[0, :3].tolist() == [19, 6.5 + 10, 6.5 + 12.5]
    assert np.isnan(found[0, 3])
    assert asked == [([2, 2, 3, 3], [1, 2, 1, 2])]  # each pair once


@given(st.floats(0, 5000), st.floats(0, 5000))
@settings(max_examples=50, deadline=None)
def test_what_is_linear_in_tokens_is_exact(read: float, written: float) -> None:
    found = interpolate(lambda s, n: 3.0 * s + 7.0 * n, np.array([[read]]), np.array([[written]]))
    assert found[0, 0] == pytest.approx(3 * read + 7 * written, rel=1e-9, abs=1e-9)


# ---- table and verdict


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    segments = draw(st.integers(2, 6))
    counts = st.lists(st.integers(1, 60), min_size=segments, max_size=segments)
    languages = ("a", "b", "c")[: draw(st.integers(1, 3))]
    tokens = {(name, lang): np.array(draw(counts), np.int64) for name in ("x", "y") for lang in languages}
    chars, size = ({lang: np.array(draw(counts), np.float64) for lang in languages} for _ in range(2))
    return Workload(languages, ("x", "y"), chars, size, tokens, None)


@given(workloads(), st.booleans(), st.sampled_from([Request(), Request(50, 20), Request(new_tokens=9)]))
@settings(max_examples=20, deadline=None)
def test_verdicts_are_ratios_of_the_table(workload: Workload, weighted: bool, request: Request) -> None:
    shares = {lang: (i + 1) / sum(range(len(workload.languages) + 1)) for i, lang in enumerate(workload.languages)}
    prices = Prices(per_mtok_in=3, per_mtok_out=15, requests_per_day=7)
    costings = {name: Costing(replace(SHAPE, vocab_rows=rows, context=100_000), Measured(), prices)
                for name, rows in (("x", 50304), ("y", 100352))}  # fmt: skip
    computed = compute(resample(workload, "a", Bootstrap(resamples=10)), request, costings, shares if weighted else {})
    frame = tabulate_costs(computed, costings)
    relative = tabulate_relative(computed, "x", {}, shares if weighted else {})
    assert set(relative["quantity"]) == {"tokens", "flops", "seconds", "money"}
    cells = {
        tuple(key): number for *key, number in frame.select("lang", "quantity", "per", "tokenizer", "value").rows()
    }
    for row in relative.iter_rows(named=True):
        quantity = "training_flops" if row["use"] == "training" else row["quantity"]
        for per in ("request", "1000 requests", "1000000 characters", "month"):  # a verdict does not depend on the unit
            both = [cells.get((row["lang"], quantity, per, name)) for name in (row["tokenizer"], "x")]
            if None not in both:
                assert row["relative"] == pytest.approx(both[0] / both[1], rel=1e-12)
        if row["tokenizer"] == "x":
            assert (row["relative"], row["low"], row["high"], row["verdict"]) == (1, 1, 1, "equal")
        else:
            words = {"cheaper": row["high"] < 1, "dearer": row["low"] > 1}
            assert words.get(row["verdict"], row["low"] <= 1 <= row["high"])


@pytest.mark.parametrize("request_", [{}, {"prompt_chars": 40, "new_text": 7}, {"new_tokens": 64}])
def test_an_identical_tokenizer_costs_the_same_everywhere(result: Comparison, request_: dict[str, int]) -> None:
    """Bytes as utf8 and byt5 have them, on a model whose rows are padded to 512 with both."""
    costs = cost(result, model="12b", prices=Prices(per_mtok_in=1, per_mtok_out=1), **request_)  # type: ignore[arg-type]
    assert costs.relative.height == 2 * 3 * 4
    for column in ("relative", "low", "high"):
        assert costs.relative[column].unique().to_list() == [1.0]
    assert costs.relative["verdict"].unique().to_list() == ["equal"]
    assert costs.what_if["serving"].to_list() == costs.what_if["training"].to_list() == [1, 1]
    assert "1.000 [1.000, 1.000] with byt5 (equal)" in " ".join(write_verdict(costs))


def test_premiums_in_flops_are_those_in_tokens() -> None:
    """Within 2 %: attention grows with the length, and the last token written is not read."""
    texts = tb.load_corpus(languages=["en", "zh", "de"])
    costs = cost(tb.compare(["utf8"], texts, throughput=False), model="410m")
    premiums = costs.frame.filter(pl.col("per") == "request").pivot("quantity", index="lang", values="premium")
    for tokens, flops in premiums.filter(pl.col("lang").is_not_null()).select("tokens", "flops").iter_rows():
        assert flops == pytest.approx(tokens, rel=0.02)
    assert (premiums["tokens"] != premiums["flops"]).any()


# ---- mixtures


def test_mixtures_are_of_requests_when_serving_and_of_bytes_when_training(tmp_path: Path) -> None:
    """1 token and 2 bytes a character of English, 3 tokens and 6 bytes in the other language."""
    corpus = write_corpus(tmp_path / "c", en=["éé", "é"], th=["สส", "ส"])
    texts = tb.compare(["utf8"], corpus, throughput=False, weights={"en": 3, "th": 1})
    costs = cost(texts, model="70m", prompt_chars=100)
    assert [value(costs, "tokens", lang) for lang in ("en", "th")] == [200, 300]
    assert value(costs, "tokens", None) == pytest.approx(0.75 * 200 + 0.25 * 300)
    assert value(costs, "tokens", None, "1000000 characters") == pytest.approx(2.25e6)
    # Of bytes, 3 to 1; of text, 3/2 to 1/3: 9 to 2.
    english, thai = (value(costs, "training_flops", lang, "1000000 characters") for lang in ("en", "th"))
    mixed = value(costs, "training_flops", None, "1000000 characters")
    assert mixed == pytest.approx((9 * english + 2 * thai) / 11)
    assert "if the requests are 75 % en and 25 % th" in " ".join(write_verdict(costs))


# ---- seconds from elsewhere


def test_any_speed_gives_seconds_with_the_spread_of_its_measurement(result: Comparison) -> None:
    shapes = []

    def speed_of(shape: object) -> Measured:
        shapes.append(shape)
        return Measured()

    costs = cost(result, model="70m", speed_of=speed_of, prices=Prices(per_hour=3600), prompt_chars=3)
    assert [shape.vocab_rows for shape in shapes] == [256, 384]  # type: ignore[attr-defined]
    seconds = costs.frame.filter(lang="de", quantity="seconds", per="request", tokenizer="utf8").row(0, named=True)
    assert seconds["value"] == pytest.approx(5e-3 + 4e-2)
    assert (seconds["measured_low"], seconds["measured_high"]) == pytest.approx((0.9 * 0.045, 1.2 * 0.045))
    money = costs.frame.filter(lang="de", quantity="money", per="1000 requests", tokenizer="utf8").row(0, named=True)
    assert (money["value"], money["measured_high"], money["basis"]) == (
        pytest.approx(45),
        pytest.approx(54),
        "extrapolated",
    )
    table = format_results(show(costs), "markdown")
    assert "extrapolated" in table
    assert "[40.50, 54.00]" in table
    assert "~45.00" in table
    assert costs.signature.count("|sec:by hand|") == 1
    for other in ({"backend": "ctranslate2"}, {"rates": [RATES]}):
        with pytest.raises(tb.TokbenchError, match="seconds come from one source"):
            cost(result, model="70m", speed_of=speed_of, **other)  # type: ignore[arg-type]
    with pytest.raises(tb.TokbenchError, match="choose one of --backend, --timings and --device"):
        cost(result, model="70m", rates=[RATES], backend="ctranslate2")


def test_money_per_token_is_exact_whatever_the_seconds_are(result: Comparison) -> None:
    costs = cost(result, model="70m", speed_of=lambda _: Measured(), prices=Prices(per_mtok_in=2.0, per_mtok_out=8.0))
    assert set(costs.frame.filter(quantity="money")["basis"]) == {"computed"}
    assert set(costs.frame.filter(quantity="seconds")["basis"]) == {"extrapolated"}
    assert "~" not in write_verdict(costs)[0]


def test_unequal_and_unknown_aa_ratios(result: Comparison) -> None:
    """Logarithms 3 and 4 have a root mean square of 3.536; nothing is known from a single round."""

    def speeds(own: float | None, other: float | None) -> Costs:
        return cost(
            result, model="70m", speed_of=lambda shape: Measured(aa_ratio=own if shape.vocab_rows == 256 else other)
        )

    costs = speeds(float(np.exp(0.3)), float(np.exp(0.4)))
    row = costs.relative.filter(quantity="seconds", tokenizer="byt5", lang="en").row(0, named=True)
    assert np.log([row["low"], row["high"]]).tolist() == pytest.approx([-np.sqrt(0.125), np.sqrt(0.125)])
    unknown = speeds(None, None)
    seconds = unknown.relative.filter(quantity="seconds").sort("tokenizer", descending=True)
    assert seconds.filter(tokenizer="utf8")["verdict"].unique().to_list() == ["equal"]
    assert seconds.filter(tokenizer="byt5").select("low", "high", "verdict").unique().rows() == [(None, None, None)]
    german = unknown.frame.filter(quantity="seconds", lang="de", per="request")
    assert german.select("measured_low", "measured_high", "premium_low").unique().rows() == [(None, None, None)]
    assert german["low"].null_count() == 0


def test_both_parts_of_an_interval_have_its_level(result: Comparison) -> None:
    """Half of all draws are the value itself: what lies 10 % below and 20 % above is outside."""
    costs = cost(result, model="70m", speed_of=lambda _: Measured(), bootstrap=tb.Bootstrap(level=0.5))
    row = costs.frame.filter(lang="de", quantity="seconds", per="request", tokenizer="utf8").row(0, named=True)
    assert row["measured_low"] == row["value"] == row["measured_high"]
    assert any(note.startswith("[low, high]: 50 % confidence") for note in write_notes(costs))
    assert any(note.endswith("follow from them hold it too") for note in write_notes(costs))


def test_a_single_text_has_the_spread_of_its_seconds_alone(tmp_path: Path) -> None:
    texts = tb.compare(["utf8", "byt5"], write_corpus(tmp_path / "c", en=["abcd"], de=["abcdef"]), throughput=False)
    costs = cost(texts, model="70m", speed_of=lambda _: Measured(aa_ratio=1.1))
    assert costs.relative.filter(tokenizer="byt5")["low"].null_count() == costs.relative.filter(tokenizer="byt5").height
    notes = write_notes(costs)
    assert "no intervals: they need several documents or segments" in notes
    assert "measurement: interval of the seconds themselves, for these texts" in notes


def test_lengths_to_measure_span_all_prompts_up_to_the_context() -> None:
    """A resampled prompt beyond the context, 2,048, does not take the longest one with it."""
    spec = resolve_model("70m")
    counted, resampled = [300.0, 500.0, 900.0, 2000.0], [310.0, 480.0, 880.0, 2060.0]
    lengths = choose_lengths(spec, {"a": np.array([counted, resampled]), "b": np.array([[1.5, np.nan, 7.0, 9.0]])})
    assert lengths[-1] == 2048
    assert lengths[0] == 2
    assert choose_lengths(spec, {"a": np.array([[10.0, 40.0]])})[-1] == 40


def test_requests_and_memory_are_asked_before_anything_is_made(
    result: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path))
    steps: list[str] = []
    run_70m = {"model": "70m", "backend": "llamacpp", "quantization": "q4_0", "on_step": steps.append}
    with pytest.raises(tb.TokbenchError, match="the context holds 2,048"):
        cost(result, **run_70m, prompt_chars=20_000)  # type: ignore[arg-type]
    limited = Prices(per_mtok_in=1.0, per_mtok_out=1.0, most_tokens=2)
    with pytest.raises(tb.TokbenchError, match="above 2 another price applies"):
        cost(result, **run_70m, prices=limited)  # type: ignore[arg-type]
    assert steps == []
    monkeypatch.setattr(memory_needs, "read_free", lambda _: 1 << 20)
    for extrapolate in (False, True):
        with pytest.raises(tb.TokbenchError, match="pythia-70m as q4_0 on llamacpp would need about"):
            cost(result, **run_70m, extrapolate=extrapolate)  # type: ignore[arg-type]
    with pytest.raises(tb.TokbenchError, match="2 layers of pythia-12b as q8_0 on llamacpp would need about"):
        cost(result, model="12b", backend="llamacpp", quantization="q8_0", extrapolate=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("factor", "lag", "aa_ratio", "low", "high", "verdict"),
    [
        (1.05, 0, 1.0, 1.05, 1.05, "dearer"),  # what the machine did, it did to both
        (1.05, 0, 1.1, 1.05 / 1.1, 1.05 * 1.1, "unclear"),  # measured again, they may differ by 10 %
        (1.05, 50, 1.0, 1.05 / 1.2, 1.05 * 1.2, "unclear"),  # the noise of one has nothing to do with the other's
        (0.5, 50, 1.1, 0.5 / 1.32, 0.5 * 1.32, "cheaper"),
        (1.0, 0, 1.0, 1.0, 1.0, "equal"),
    ],
)
def test_verdicts_on_seconds_know_what_the_measurement_leaves_open(
    result: Comparison, factor: float, lag: int, aa_ratio: float, low: float, high: float, verdict: str
) -> None:
    """Both read the same bytes, so that the texts leave nothing open; byt5 has more rows."""

    def speed_of(shape: Architecture) -> Measured:
        return Measured(factor, lag, aa_ratio) if shape.vocab_rows == 384 else Measured(aa_ratio=aa_ratio)

    costs = cost(result, model="70m", speed_of=speed_of, prices=Prices(per_hour=3600))
    for quantity in ("seconds", "money"):
        for row in costs.relative.filter(quantity=quantity, tokenizer="byt5").iter_rows(named=True):
            assert [row["relative"], row["low"], row["high"]] == pytest.approx([factor, low, high])
            assert row["verdict"] == verdict
    # Each is exactly itself, and what was not measured does not know.
    own = costs.relative.filter(tokenizer="utf8")
    assert own.select("relative", "low", "high").unique().rows() == [(1, 1, 1)]
    assert own["verdict"].unique().to_list() == ["equal"]
    assert costs.relative.filter(quantity="tokens")["verdict"].unique().to_list() == ["equal"]
    assert costs.relative.filter(quantity="flops", tokenizer="byt5")["verdict"].unique().to_list() == ["dearer"]


def test_premiums_of_seconds_know_what_the_measurement_leaves_open(result: Comparison) -> None:
    """One model in the same rounds: noise that is the same in both languages cancels."""

    class Uneven(Measured):
        def draw_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
            seconds = self.prefill_seconds(prompts) + self.decode_seconds(prompts, new_tokens)
            return seconds[..., None] * self.noise ** (prompts > 3)[..., None]  # prompts of one language alone

    for kind, below, above in ((Measured, 1.0, 1.0), (Uneven, 0.9, 1.2)):
        costs = cost(result, model="70m", speed_of=lambda _, kind=kind: kind(aa_ratio=1.5))
        rows = costs.frame.filter(lang="de", per="request", tokenizer="utf8")
        texts = rows.filter(quantity="prefill_seconds").row(0, named=True)  # of the texts alone
        seconds = rows.filter(quantity="seconds").row(0, named=True)
        assert texts["measured_low"] is None
        spread = [np.log(seconds[f"premium_{side}"] / seconds["premium"]) for side in ("low", "high")]
        assert costs.frame.filter(lang="en", quantity="seconds")["premium_high"].unique().to_list() == [1]
        with_texts = cost(result, model="70m", speed_of=lambda _: Still()).frame
        still = with_texts.filter(lang="de", per="request", tokenizer="utf8", quantity="seconds").row(0, named=True)
        plain = [np.log(still[f"premium_{side}"] / still["premium"]) for side in ("low", "high")]
        assert spread == pytest.approx([-np.hypot(plain[0], np.log(below)), np.hypot(plain[1], np.log(above))])


finite = st.floats(0.01, 100)


@given(finite, finite, finite, finite, finite)
def test_joined_intervals_hold_both(value: float, one: float, two: float, three: float, four: float) -> None:
    texts, measurement = [
        (np.array([min(*pair, value)]), np.array([max(*pair, value)])) for pair in ((one, two), (three, four))
    ]
    low, high = join_intervals(np.array([value]), texts, measurement)
    assert low[0] <= min(texts[0][0], measurement[0][0]) * (1 + 1e-9)
    assert high[0] >= max(texts[1][0], measurement[1][0]) * (1 - 1e-9)


def test_joined_intervals_by_hand() -> None:
    """Logarithms 3 and 4 give 5, and a ratio outside an interval is its bound there."""
    e = np.e
    low, high = join_intervals(
        np.array([1.0, 1.0, 1.0]),
        (np.array([e**-3, 2.0, np.nan]), np.array([e**6, 3.0, np.nan])),
        (np.array([e**-4, 1.0, 0.5]), np.array([e**8, 1.0, 2.0])),
    )
    assert low[:2].tolist() == pytest.approx([e**-5, 1])
    assert high[:2].tolist() == pytest.approx([e**10, 3])
    assert np.isnan([low[2], high[2]]).all()


# ---- the command


def test_the_first_screen_has_the_answer(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["abcd", "ab"], de=["abcdefgh", "ab"])
    line = ("cost", "utf8", "byt5", "-c", str(tmp_path / "c"), "--model", "none", "--price-in", "2", "--price-out", "8")
    done = run(*line, "--currency", "usd", "--requests-per-day", "1000000")
    assert done.returncode == 0, done.stderr
    first = " ".join(done.stdout.splitlines()[:12])
    assert "A month costs 1,200.00 [" in first  # 30 million requests of 4 tokens read and written, at 10 per million
    assert "Assumed: a request reads 3 characters of en (the mean segment) or their translation" in first
    assert max(map(len, done.stdout.splitlines())) <= 80
    document = json.loads(run(*line, "-f", "json").stdout)
    assert document["verdict"][0].startswith("1,000 requests cost 0.0400 [")
    assert document["assumptions"] in " ".join(run(*line).stdout.split())


def test_numbers_of_the_verdict_are_in_the_tables(result: Comparison) -> None:
    costs = cost(result, model="70m", prices=Prices(per_mtok_in=2, per_mtok_out=8, requests_per_day=10**7))
    tables = format_results(show(costs), "markdown").split("|", 1)[1]
    for number in re.findall(r"[0-9]+[0-9.,]*[0-9]", " ".join(write_verdict(costs))):
        if number not in ("1,000", "70"):
            assert number in tables


def test_wrong_requests_are_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox"], de=["der Fuchs"])
    line = ("cost", "utf8", "-c", str(tmp_path / "c"))
    refuse(*line, "--prompt-chars", "0", says="--prompt-chars is '0'; use a whole number from 1")
    refuse(*line, "--prompt-chars", "1.5", says="--prompt-chars is '1.5'")
    refuse(*line, "--new-text", "5", "--new-tokens", "5", says="not both")
    refuse(*line, "--weights", "fr=1", says="no 'fr' to weigh")
    refuse(*line, "--efficiency", "0.5", says="name it with --device")
    refuse(*line, "--efficiency", "nan", "--device", "h100", says="--efficiency is 'nan'")
    refuse(*line, "--prompt-chars", "2000", says="the context holds 2,048; read or write less (--prompt-chars")
    refuse("cost", "--ledger", "abc", "--backend", "ctranslate2", "--prompt-chars", "5", says="--ledger reads its text")


def test_the_ledger_is_written_in_the_formats_asked_for(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ctranslate2")
    small = make(Architecture(layers=1, width=64, heads=2, vocab_rows=50304, context=64), tmp_path / "small")

    def trace_small(text: str, names: list[str], model: str, *options: Any) -> Results:
        return trace(text, names, str(small), *options)

    monkeypatch.setattr("tokbench.cli.cost.trace", trace_small)
    file = tmp_path / "ledger.csv"
    line = ("cost", "--ledger", "Guten Morgen", "--backend", "ctranslate2", "--offline", "-q")
    done = run(*line, "-f", "json", "-o", str(file))
    assert done.returncode == 0, done.stderr
    stages = ["read", "tokenize", "prefill", "decode", "detokenize", "whole"]
    assert [row["stage"] for row in json.loads(done.stdout)] == stages
    assert pl.read_csv(file)["stage"].to_list() == stages
    assert "4 tokens, 4 new tokens" in run(*line).stdout  # as much as is read
