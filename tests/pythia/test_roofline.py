"""The roofline: known rates recovered from simulated timings, errors, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.memory import weigh
from tokbench.pythia.model.models import find_model
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.work import Phase, count_work
from tokbench.pythia.speed.rates import Fit, Rates
from tokbench.pythia.speed.roofline import (
    TIMINGS_SCHEMA,
    Estimate,
    Refusal,
    fit,
    fit_each,
    predict,
    predict_generation,
    tabulate_seconds,
    validate,
)

TRUE = Rates("simulated", "cpu", "int8", 2, 4, 2e11, 5e10, None, 1e10, ())
APART = replace(TRUE, attention_flops=2e10)
GRID: list[tuple[Phase, int, int]] = [
    *[("prefill", 1, tokens) for tokens in (4, 128, 512, 2048)],
    *[("decode", batch, context) for batch in (1, 8, 32) for context in (64, 1024)],
]


def simulate(rates: Rates, sizes: list[str], noise: float = 0.0, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    rows = []
    for size in sizes:
        shape = find_model(size).architecture
        for phase, batch, tokens in GRID:
            kind = find_quantization(rates.quantization)
            work = count_work(shape, kind, phase, tokens=tokens, batch=batch, kv_bytes_per_value=4)
            row = (rates.backend, rates.device, rates.quantization, rates.threads, rates.kv_bytes_per_value, size)
            seconds = max(rates.times(phase, work)) * float(np.exp(noise * random.standard_normal()))
            shape_of = (shape.layers, shape.width, shape.heads, shape.vocab_rows)
            rows.append((*row, *shape_of, phase, batch, tokens, seconds))
    return pl.DataFrame(rows, schema=dict(TIMINGS_SCHEMA), orient="row")


def rates_of(rates: Rates) -> list[float]:
    found = (rates.prefill_flops, rates.decode_flops, rates.attention_flops, rates.bandwidth)
    return [rate for rate in found if rate is not None]


def test_work_by_hand() -> None:
    tiny = Architecture(layers=2, width=32, heads=4, vocab_rows=128)
    weights = weigh(tiny, find_quantization("f32"))
    step = count_work(tiny, find_quantization("f32"), "decode", tokens=10, batch=3, kv_bytes_per_value=2)
    assert step.flops == 3 * (49_152 + 256 * 10 + 8_192)
    assert step.attention_flops == 3 * 2_560
    # Three rows of the embedding of 32 values, and three caches of 10 tokens, 256 bytes each.
    assert step.moved_bytes == weights.layers + weights.unembedding + 3 * 128 + 3 * 2_560
    prompt = count_work(tiny, find_quantization("f32"), "prefill", tokens=10, kv_bytes_per_value=2)
    assert prompt.flops == 10 * 49_152 + 256 * 55 + 8_192
    assert prompt.moved_bytes == weights.layers + weights.unembedding + 10 * 128 + 2_560
    for tokens, batch in ((0, 1), (1, 0)):
        with pytest.raises(TokbenchError, match="no work"):
            count_work(tiny, find_quantization("f32"), "decode", tokens=tokens, batch=batch)


@settings(max_examples=25, deadline=None)
@given(
    # Ridges between the intensities of the grid, so that timings are on both bounds in both phases.
    bandwidth=st.floats(1e8, 1e13),
    prefill_ridge=st.floats(12, 200),
    decode_ridge=st.floats(4, 30),
    name=st.sampled_from(["int8", "int8_float16"]),
)
def test_known_rates_are_recovered(bandwidth: float, prefill_ridge: float, decode_ridge: float, name: str) -> None:
    true = replace(
        TRUE,
        quantization=name,
        prefill_flops=prefill_ridge * bandwidth,
        decode_flops=decode_ridge * bandwidth,
        bandwidth=bandwidth,
    )
    found = fit(simulate(true, ["70m", "160m"]))
    assert found.attention_flops is None
    assert rates_of(found) == pytest.approx(rates_of(true), rel=1e-9)
    assert [fitted.held_in for fitted in found.fits] == pytest.approx([0, 0], abs=1e-9)
    errors = validate(found, simulate(true, ["410m", "1.4b"]))["error"]
    assert errors.abs().max() == pytest.approx(0, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(1e10, 1e13), st.floats(0.05, 5))
def test_a_rate_of_attention_is_recovered(speed: float, ratio: float) -> None:
    true = replace(TRUE, prefill_flops=speed, attention_flops=ratio * speed, bandwidth=speed / 20)
    found = fit(simulate(true, ["70m", "160m"]), attention_apart=True)
    assert found.prefill_flops == pytest.approx(true.prefill_flops, rel=1e-6)
    assert found.attention_flops == pytest.approx(true.attention_flops, rel=1e-6)


def test_noise_becomes_the_stated_error() -> None:
    timings = simulate(TRUE, ["70m", "160m"], noise=0.1, seed=1)
    found = fit(timings)
    assert rates_of(found)[0] == pytest.approx(2e11, rel=0.15)
    assert found.bandwidth == pytest.approx(1e10, rel=0.15)
    for fitted in found.fits:
        assert fitted.models == ("70m", "160m")
        assert fitted.largest_batch == {"prefill": 1, "decode": 32}[fitted.phase]
        assert fitted.held_out is not None
        assert 0.02 < fitted.held_in < 0.2
        assert fitted.error == fitted.held_out >= fitted.held_in
    # The stated error is the root mean square of the logarithms of the ratios.
    checked = validate(found, timings)
    logs = checked.filter(pl.col("phase") == "prefill").select((pl.col("error") + 1).log()).to_series().to_numpy()
    prefill = found.find_fit("prefill")
    assert prefill is not None
    assert np.expm1(np.sqrt(np.mean(logs**2))) == pytest.approx(prefill.held_in)


def test_a_fit_is_the_best_that_there_is() -> None:
    timings = simulate(TRUE, ["70m", "160m", "410m"], noise=0.3, seed=7)
    found = fit(timings)

    def squares(rates: Rates) -> float:
        return float(np.sum(np.log1p(validate(rates, timings)["error"].to_numpy()) ** 2))

    best = squares(found)
    assert best < squares(replace(TRUE, fits=found.fits))
    for name in ("prefill_flops", "decode_flops", "bandwidth"):
        for factor in (0.5, 0.98, 1.02, 2):
            assert squares(replace(found, **{name: factor * getattr(found, name)})) > best


def test_held_out_rows_are_marked() -> None:
    found = fit(simulate(TRUE, ["70m"]))
    checked = validate(found, simulate(TRUE, ["70m", "410m"]))
    assert checked.group_by("model", maintain_order=True).agg(pl.col("held_out").all()).rows() == [
        ("70m", False),
        ("410m", True),
    ]
    assert found.fits[0].held_out is None
    estimate = predict(found, find_model("1b").architecture, "prefill", tokens=512)
    assert isinstance(estimate, Estimate)
    assert not estimate.held_out


def test_one_phase_alone() -> None:
    timings = simulate(TRUE, ["70m", "160m"])
    steps = fit(timings.filter(pl.col("phase") == "decode"))
    assert steps.prefill_flops is None
    assert rates_of(steps) == pytest.approx([5e10, 1e10])
    refused = predict(steps, find_model("410m").architecture, "prefill", tokens=128)
    assert refused == Refusal("there are no timings of prefill with simulated int8 on cpu with 2 threads")
    checked = validate(steps, timings)
    assert checked.filter(pl.col("phase") == "prefill")["predicted"].null_count() == 8
    with pytest.raises(TokbenchError, match="no timings of prefill"):
        tabulate_seconds(steps, find_model("70m").architecture, "prefill", tokens=3)
    # At batch 1 nothing is known of the FLOP/s of decoding, and a batch is refused.
    single = fit(timings.filter((pl.col("phase") == "decode") & (pl.col("batch") == 1)))
    assert single.bandwidth == pytest.approx(1e10)
    assert isinstance(predict(single, find_model("410m").architecture, "decode", tokens=64), Estimate)
    refused = predict(single, find_model("410m").architecture, "decode", tokens=64, batch=8)
    assert isinstance(refused, Refusal)
    assert refused.reason == "a batch of 8 is larger than the largest timed in decode, 1"


def test_estimates_are_refused_beyond_the_stated_error() -> None:
    found = fit(simulate(TRUE, ["70m", "160m"], noise=1.0, seed=3))
    refused = predict(found, find_model("410m").architecture, "prefill", tokens=512)
    assert isinstance(refused, Refusal)
    assert refused.relative_error is not None
    assert refused.relative_error > 0.5
    assert "more than 50%" in refused.reason
    wider = predict(found, find_model("410m").architecture, "prefill", tokens=512, max_error=1000)
    assert isinstance(wider, Estimate)
    assert wider.relative_error == refused.relative_error
    refused = predict(found, find_model("410m").architecture, "prefill", tokens=2049, max_error=1000)
    assert refused == Refusal("2049 tokens do not fit into the context of 2048")


def test_which_bound_holds() -> None:
    found = fit(simulate(TRUE, ["70m", "160m"]))
    shape = find_model("410m").architecture
    limits = {}
    for phase, batch, tokens in GRID:
        estimate = predict(found, shape, phase, tokens=tokens, batch=batch)
        assert isinstance(estimate, Estimate)
        work = count_work(shape, find_quantization("int8"), phase, tokens=tokens, batch=batch, kv_bytes_per_value=4)
        speed = 2e11 if phase == "prefill" else 5e10
        assert estimate.seconds == pytest.approx(max(work.flops / speed, work.moved_bytes / 1e10))
        limits[phase, batch, tokens] = estimate.limit
    assert limits["decode", 1, 64] == "bandwidth"
    assert limits["decode", 32, 64] == "arithmetic"
    assert limits["prefill", 1, 2048] == "arithmetic"
    assert limits["prefill", 1, 4] == "bandwidth"


FITTED = replace(APART, fits=tuple(Fit(phase, 1, ("70m",), 32, 0.1, 0.2) for phase in ("prefill", "decode")))


@settings(max_examples=60, deadline=None)
@given(
    phase=st.sampled_from(["prefill", "decode"]),
    tokens=st.integers(1, 2000),
    batch=st.integers(1, 31),
    what=st.sampled_from(["layers", "width", "vocab_rows", "tokens", "batch"]),
)
def test_more_costs_more(phase: Phase, tokens: int, batch: int, what: str) -> None:
    shape = find_model("160m").architecture
    less = predict(FITTED, shape, phase, tokens=tokens, batch=batch)
    larger: dict[str, Any] = {"layers": 13, "width": 1536, "vocab_rows": 60_000}
    shape = replace(shape, **{what: larger[what]}) if what in larger else shape
    more = predict(FITTED, shape, phase, tokens=tokens + (what == "tokens"), batch=batch + (what == "batch"))
    assert isinstance(less, Estimate)
    assert isinstance(more, Estimate)
    assert more.seconds > less.seconds


def test_generation_is_the_sum_of_its_steps() -> None:
    shape = find_model("70m").architecture
    steps = [predict(FITTED, shape, "decode", tokens=100 + step) for step in (1, 2, 3)]
    assert all(isinstance(step, Estimate) for step in steps)
    whole = predict_generation(FITTED, shape, prompt=100, new_tokens=4)
    assert isinstance(whole, Estimate)
    assert whole.seconds == pytest.approx(sum(step.seconds for step in steps if isinstance(step, Estimate)))
    assert (whole.relative_error, whole.held_out) == (0.2, True)
    one = predict_generation(FITTED, shape, prompt=2048, new_tokens=1)
    assert isinstance(one, Estimate)
    assert one.seconds == 0
    assert isinstance(predict_generation(FITTED, shape, prompt=2048, new_tokens=2), Refusal)
    for prompt, new_tokens in ((0, 1), (1, 0)):
        with pytest.raises(TokbenchError, match="cannot generate"):
            predict_generation(FITTED, shape, prompt=prompt, new_tokens=new_tokens)
    table = tabulate_seconds(FITTED, shape, "decode", tokens=110)
    assert table.shape == (111,)
    assert table[0] == 0
    total = np.cumsum(table)
    assert total[103] - total[100] == pytest.approx(whole.seconds)


def test_groups_are_fitted_on_their_own() -> None:
    other = replace(TRUE, threads=4, bandwidth=2e10)
    both = pl.concat([simulate(TRUE, ["70m", "160m"]), simulate(other, ["70m", "160m"])])
    found = fit_each(both)
    assert [rates.threads for rates in found] == [2, 4]
    assert [rates.bandwidth for rates in found] == pytest.approx([1e10, 2e10])
    with pytest.raises(TokbenchError, match="more than one threads: 2, 4"):
        fit(both)
    with pytest.raises(TokbenchError, match=r"with 2 threads cannot be checked on timings of .* with 4 threads"):
        validate(found[0], simulate(other, ["70m"]))


def test_bad_timings_are_refused() -> None:
    good = simulate(TRUE, ["70m"])
    for bad, reason in (
        (good.drop("seconds", "batch"), "lack the columns batch, seconds"),
        (good.drop("threads"), "lack the columns threads"),
        (good.clear(), "there are no timings"),
        (good.with_columns(pl.lit(0.0).alias("seconds")), "row 0: 0.0 seconds"),
        (good.with_columns(pl.lit(float("nan")).alias("seconds")), "row 0: nan seconds"),
        (good.with_columns(pl.lit(None, pl.String).alias("model")), "row 0: no model"),
        (good.with_columns(pl.lit("read").alias("phase")), "no phase is called 'read'"),
        (good.with_columns(vocab_rows=pl.lit(-2147483649)), "vocab_rows is -2147483649; use 1 to 2,147,483,647"),
        (good.with_columns(width=pl.lit(2**40)), "width is 1099511627776; use 1 to 2,147,483,647"),
        (good.with_columns(pl.col("tokens").cast(pl.String)), "tokens is String, not Int64"),
        (good.with_columns(pl.lit("q9").alias("quantization")), "no quantization is called 'q9'"),
    ):
        for function in (fit, fit_each):
            with pytest.raises(TokbenchError, match=reason):
                function(bad)


def test_timings_of_other_families_are_refused_by_fits() -> None:
    row = {
        "backend": "ctranslate2",
        "device": "cpu",
        "quantization": "float32",
        "threads": 2,
        "kv_bytes_per_value": 4,
        "model": "llama-like",
        "layers": 2,
        "width": 64,
        "heads": 4,
        "vocab_rows": 512,
        "pythia_layers": False,
        "phase": "prefill",
        "batch": 1,
        "tokens": 8,
        "seconds": 0.1,
    }
    with pytest.raises(TokbenchError, match="fitted to GPT-NeoX models, and the timings have llama-like"):
        fit(pl.DataFrame([row]))
