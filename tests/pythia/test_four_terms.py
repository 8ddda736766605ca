"""The sum of four terms: known coefficients recovered, chosen where it predicts better, and on measured figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokbench.pythia.measure.timings import TIMINGS_SCHEMA
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.models import find_model
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.work import Phase, count_work
from tokbench.pythia.speed._four_terms import list_terms, solve_non_negative
from tokbench.pythia.speed._prediction import predict_seconds
from tokbench.pythia.speed.rates import Rates
from tokbench.pythia.speed.roofline import Estimate, fit, predict, predict_generation, tabulate_seconds

TINY = Architecture(layers=2, width=32, heads=4, vocab_rows=128)


def test_terms_by_hand() -> None:
    prompt = count_work(TINY, find_quantization("f32"), "prefill", tokens=10)
    # 24 L d^2 S + 2 d V; L d S; 2 L d S (S + 1); L.
    assert list_terms("prefill", TINY, prompt, 10, 1) == (491_520 + 8_192, 640.0, 14_080, 2.0)
    step = count_work(TINY, find_quantization("f32"), "decode", tokens=10, batch=3)
    assert list_terms("decode", TINY, step, 10, 3) == (step.moved_bytes, 3 * (49_152 + 8_192), 192.0, 2.0)


def test_a_negative_coefficient_is_left_out() -> None:
    # Exactly 2 a - b; without b, least squares of 2 a / seconds - 1.
    amounts = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
    seconds = np.array([1.0, 3.0, 5.0])
    found = solve_non_negative(amounts, seconds)
    shares = amounts[:, 0] / seconds
    assert found.tolist() == pytest.approx([shares.sum() / (shares**2).sum(), 0.0])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=4, max_size=4), st.integers(0, 99))
def test_a_solution_satisfies_the_conditions_of_non_negative_least_squares(values: list[float], seed: int) -> None:
    amounts = np.random.default_rng(seed).uniform(0.1, 10, (9, 4))
    seconds = amounts @ np.array(values) + np.random.default_rng(seed).uniform(0.01, 5, 9)
    found = solve_non_negative(amounts, seconds)
    assert (found >= 0).all()
    shares = amounts / seconds[:, None]
    gradient = shares.T @ (shares @ found - 1)
    assert (gradient >= -1e-6).all()  # no coefficient should grow
    assert abs(gradient @ found) < 1e-6  # those above 0 are optimal


def tabulate(
    figures: dict[str, tuple[tuple[float, ...], tuple[float, ...]]], backend: str, kind: str, cache: int
) -> pl.DataFrame:
    rows = []
    for size, (prefill, decode) in figures.items():
        shape = find_model(size).architecture
        common = (backend, "cpu", kind, 2, cache, size, shape.layers, shape.width, shape.heads, shape.vocab_rows)
        rows += [(*common, "prefill", 1, s, s / rate) for s, rate in zip((128, 512, 2048), prefill, strict=True)]
        rows += [(*common, "decode", b, 64, b / rate) for b, rate in zip((1, 8), decode, strict=True)]
    return pl.DataFrame(rows, schema=dict(TIMINGS_SCHEMA), orient="row")


# Tokens per second at 128, 512 and 2,048 tokens of prefill, and at batch 1 and 8 of decoding, on two cores.
CTRANSLATE2 = {"70m": ((6298, 5274, 2397), (198, 558)), "160m": ((2265, 2510, 905), (77, 243))}
LLAMACPP = {"70m": ((2850, 2826, 1922), (532, 685)), "160m": ((724, 655, 497), (159, 211))}


def test_the_terms_replace_rates_that_elementwise_work_misleads() -> None:
    found = fit(tabulate(CTRANSLATE2, "ctranslate2", "int8", 4))
    assert found.prefill_terms is not None
    shape = find_model("410m").architecture
    measured = {128: 0.1326, 512: 0.6289}
    for tokens, seconds in measured.items():
        by_terms = predict(found, shape, "prefill", tokens=tokens)
        assert isinstance(by_terms, Estimate)
        assert by_terms.seconds == pytest.approx(seconds, rel=0.1)
        by_rates = predict(replace(found, prefill_terms=None), shape, "prefill", tokens=tokens)
        assert isinstance(by_rates, Estimate)
        assert by_rates.seconds > 2 * seconds


def test_the_rates_stay_where_they_predict_better() -> None:
    found = fit(tabulate(LLAMACPP, "llamacpp", "q4_0", 2))
    assert found.prefill_terms is None
    assert found.decode_terms is None


def simulate(coefficients: dict[Phase, tuple[float, ...]], sizes: list[str]) -> pl.DataFrame:
    rows = []
    for size in sizes:
        shape = find_model(size).architecture
        points: list[tuple[Phase, int, int]] = [("prefill", 1, s) for s in (32, 128, 512, 2048)]
        points += [("decode", b, s) for b in (1, 8) for s in (64, 1000)]
        for phase, batch, tokens in points:
            work = count_work(shape, find_quantization("int8"), phase, tokens=tokens, batch=batch, kv_bytes_per_value=4)
            seconds = np.dot(coefficients[phase], list_terms(phase, shape, work, tokens, batch))
            row = ("x", "cpu", "int8", 2, 4, size, shape.layers, shape.width, shape.heads, shape.vocab_rows)
            rows.append((*row, phase, batch, tokens, float(seconds)))
    return pl.DataFrame(rows, schema=dict(TIMINGS_SCHEMA), orient="row")


def test_known_terms_are_recovered_and_tabulated() -> None:
    true: dict[Phase, tuple[float, ...]] = {
        "prefill": (1e-12, 2e-8, 5e-11, 1e-4),
        "decode": (1e-10, 1e-11, 3e-8, 1e-4),
    }
    found = fit(simulate(true, ["70m", "160m", "1b"]))
    assert found.prefill_terms == pytest.approx(true["prefill"], rel=1e-6)
    assert found.decode_terms == pytest.approx(true["decode"], rel=1e-6)
    shape = find_model("410m").architecture
    estimate = predict(found, shape, "decode", tokens=500, batch=8)
    assert isinstance(estimate, Estimate)
    assert estimate.seconds == pytest.approx(predict_seconds(found, shape, "decode", 500, 8))
    assert estimate.limit == "bandwidth"  # 0.12 s of bytes, 0.06 s of arithmetic
    assert estimate.relative_error == pytest.approx(0, abs=1e-6)
    table = tabulate_seconds(found, shape, "decode", tokens=110)
    whole = predict_generation(found, shape, prompt=100, new_tokens=4)
    assert isinstance(whole, Estimate)
    assert whole.seconds == pytest.approx(table[101:104].sum())


def test_rates_without_terms_are_as_before() -> None:
    rates = Rates("x", "cpu", "int8", 2, 4, 2e11, 5e10, None, 1e10, ())
    work = count_work(TINY, find_quantization("int8"), "decode", tokens=7, kv_bytes_per_value=4)
    assert predict_seconds(rates, TINY, "decode", 7, 1) == max(rates.times("decode", work))
