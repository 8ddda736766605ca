"""Load tests: what users wait for, by their number, and how many fit a machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.commands import refuse, run
from helpers.made import train_byte_level
from tokbench._shared.environment import Environment
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.serving._load_process import time_tokens
from tokbench.pythia.serving.load_test import Case, LoadTest, LoadTester, Round, count_cache_bytes, make_cases
from tokbench.pythia.serving.loads import Load
from tokbench.pythia.serving.summary import fit_memory, frame_figures, frame_memory, frame_premiums, list_figures
from tokbench.report import format_results
from tokbench.report._load_test import show_load_test

MISSING = [name for name in ("safetensors", "psutil", "ctranslate2", "xllamacpp", "gguf") if find_spec(name) is None]
needs_backends = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

SMALL = Architecture(layers=2, width=128, heads=4, vocab_rows=420, context=256)
MIB = 1 << 20
PLACE = Environment("2026-11-28T10:00:00Z", "0.2.0", "3.11", "Linux", "a processor", 4, {})


# ---- what rounds say


def make_round(
    first: list[float], gaps: list[list[float]], served: int = 100 * MIB, joules: float | None = None
) -> Round:
    """Return a round whose last token is that of the slowest user."""
    seconds = max(one + sum(between) for one, between in zip(first, gaps, strict=True))
    return Round(tuple(first), tuple(map(tuple, gaps)), seconds, 20 * MIB, 90 * MIB, served, joules)


def make_test(rounds: dict[Case, tuple[Round, ...]], **facts: Any) -> LoadTest:
    """Return a load test of made-up rounds."""
    fields: dict[str, Any] = {
        "model": "pythia-70m",
        "architecture": SMALL,
        "weights": "random",
        "sha256": "0" * 64,
        "backend": "llamacpp",
        "quantization": "q4_0",
        "device": "cpu",
        "threads": 2,
        "settings": {"mmap": "yes"},
        "kv_bytes_per_value": 2,
        "libraries": {"xllamacpp": "1"},
        "environment": PLACE,
        "available": 1020 * MIB,
        "busy": 0.1,
        "joules_note": None,
    }
    return LoadTest(**{**fields, **facts}, rounds=rounds)


def test_figures_are_those_worked_out_by_hand() -> None:
    case = Case(Load(10, 3), users=2)
    rounds = (
        make_round([1.0, 2.0], [[0.1, 0.3], [0.1, 0.1]], joules=12.0),
        make_round([3.0, 4.0], [[0.5, 0.5], [0.2, 0.2]], joules=24.0),
    )
    found = {one.name: (one.value, one.low, one.high, one.unit) for one in list_figures(case, rounds)}
    assert found["ttft_p50"] == (2.5, 1.5, 3.5, "s")
    # 1, 2, 3, 4: the 95th percentile lies 0.95 of the way through three gaps.
    assert found["ttft_p95"][0] == pytest.approx(3.85)
    # 0.1 0.1 0.1 0.2 0.2 0.3 0.5 0.5
    assert found["itl_p50"][:3] == pytest.approx((0.2, 0.1, 0.35))
    assert found["itl_p99"][0] == pytest.approx(0.5)
    # 1.4, 2.2 | 4.0, 4.4
    assert found["request_p50"][:3] == pytest.approx((3.1, 1.8, 4.2))
    # 6 tokens in 2.2 and 4.4 s: median time 3.3 s for the value of both rates.
    assert found["throughput"] == (pytest.approx((6 / 2.2 + 6 / 4.4) / 2), 6 / 4.4, 6 / 2.2, "tokens/s")
    assert found["joules"] == (3.0, 2.0, 4.0, "J/token")
    without = [one.name for one in list_figures(case, (replace(rounds[0], joules=None),))]
    assert "joules" not in without


waits = st.floats(1e-4, 10)


@given(st.lists(st.tuples(waits, st.lists(waits, min_size=3, max_size=3)), min_size=1, max_size=5))
def test_percentiles_rise_and_lie_within_what_was_seen(users: list[tuple[float, list[float]]]) -> None:
    one = make_round([first for first, _ in users], [gaps for _, gaps in users])
    found = {figure.name: figure.value for figure in list_figures(Case(Load(8, 4), len(users)), (one,))}
    for kind, seen in (("ttft", one.first), ("itl", [gap for gaps in one.gaps for gap in gaps])):
        ranks = [found[f"{kind}_p{percent}"] for percent in (50, 95, 99)]
        assert ranks == sorted(ranks)
        assert min(seen) <= ranks[0] * (1 + 1e-12)
        assert ranks[2] <= max(seen) * (1 + 1e-12)
    assert found["throughput"] == pytest.approx(4 * len(users) / one.seconds)


def test_memory_per_user_is_the_slope_and_says_how_many_fit() -> None:
    """70 MiB without users, 5 MiB each, in a process of 20 MiB: (1,020 - 20 - 70) / 5 = 186 users."""
    load = Load(96, 32)
    cases = {
        Case(load, users): (make_round([1.0] * users, [[0.1]] * users, served=(20 + 70 + 5 * users) * MIB),)
        for users in (1, 2, 8)
    }
    found = make_test(cases)
    memory = fit_memory(found, list(cases))
    assert memory.measured == pytest.approx(5 * MIB)
    assert memory.base == pytest.approx(70 * MIB)
    assert memory.fitting == 186
    assert memory.computed == 2 * 2 * 128 * 128 * 2  # keys and values, layers, width, tokens, bytes
    alone = make_test({Case(load, 4): cases[Case(load, 2)]})
    assert frame_memory(alone).select("measured", "base", "fitting").row(0) == (None, None, None)


def test_a_slope_that_is_noise_says_nothing_of_users() -> None:
    cases = {Case(Load(8, 4), users): (make_round([1.0], [[0.1]], served=(99 - users) * MIB),) for users in (1, 2)}
    assert fit_memory(make_test(cases), list(cases)).fitting is None


@pytest.mark.parametrize(("kind", "size"), [(None, 65_536), ("f16", 65_536), ("q8_0", 34_816), ("q4_0", 18_432)])
def test_the_cache_takes_the_bytes_of_its_type(kind: str | None, size: int) -> None:
    """64 tokens x 2 layers x 128 values x 2 = 32,768 values, in blocks of 32 that take 34 and 18 bytes."""
    assert count_cache_bytes(SMALL, Case(Load(32, 32), 1, kind), 2) == size


def test_premiums_compare_languages_at_the_same_number_of_users() -> None:
    cases = {
        Case(Load(10, 10, "en"), 1): (make_round([1.0], [[0.1] * 9]),),
        Case(Load(20, 20, "th"), 1): (make_round([3.0], [[0.2] * 19]),),
        Case(Load(20, 20, "th"), 2): (make_round([3.0, 3.0], [[0.2] * 19] * 2),),
    }
    frame = frame_premiums(make_test(cases), "en")
    assert frame["lang"].to_list() == ["en", "th"]  # nobody measured English with 2 users
    row = frame.row(1, named=True)
    assert row["tokens_premium"] == row["memory_premium"] == 2
    assert row["ttft_premium"] == 3
    assert row["itl_premium"] == pytest.approx(2)
    assert [row["request_premium"], row["throughput_premium"]] == [pytest.approx(6.8 / 1.9)] * 2


@pytest.mark.parametrize(("busy", "warns"), [(0.4, False), (4.0, False), (4.1, True), (None, False)])
def test_a_loaded_machine_is_warned_of(busy: float | None, warns: bool) -> None:
    cases = {Case(Load(8, 4), 1): (make_round([1.0], [[0.1]]),)}
    found = make_test(cases, busy=busy)
    assert bool(found.warning) is warns
    assert ("other programs are running" in format_results(show_load_test(found, None), "markdown")) is warns


@pytest.mark.parametrize("name", ["table", "markdown", "json", "csv", "html", "latex"])
def test_every_format_holds_a_load_test(name: str) -> None:
    cases = {
        Case(Load(10, 3, lang), users): (make_round([1.0] * users, [[0.25, 0.25]] * users),)
        for lang in ("en", "th")
        for users in (1, 2)
    }
    text = format_results(show_load_test(make_test(cases), "en"), name)
    assert text == format_results(show_load_test(make_test(cases), "en"), name)
    assert "250" in text or "0.25" in text
    assert (text.count("<svg") == 1) is (name == "html")


def test_one_number_of_users_has_no_chart() -> None:
    results = show_load_test(make_test({Case(Load(8, 3), 1): (make_round([1.0], [[0.1, 0.1]]),)}), None)
    assert results.figures is not None
    assert list(results.figures()) == []


# ---- timing


class Speaker:
    """Reports tokens as told, one user after the other."""

    def __init__(self, reported: int) -> None:
        self.reported = reported

    def stream(self, prompts: list[list[int]], new_tokens: int, on_token: Any) -> None:
        for _ in range(self.reported):
            for number in range(len(prompts)):
                on_token(number)


def ticks() -> Iterator[float]:
    yield from np.arange(0.0, 100.0)


def test_times_are_those_of_each_users_tokens() -> None:
    clock = ticks()
    found = time_tokens(Speaker(3), [[1], [2]], 3, lambda: next(clock))  # type: ignore[arg-type]
    assert found == ([1.0, 2.0], [[2.0, 2.0], [2.0, 2.0]], 6.0)


def test_a_backend_that_holds_tokens_back_is_refused() -> None:
    clock = ticks()
    with pytest.raises(TokbenchError, match="the backend reported 2 of 3 tokens"):
        time_tokens(Speaker(2), [[1], [2]], 3, lambda: next(clock))  # type: ignore[arg-type]


# ---- on backends


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A random model with a tokenizer of its own."""
    folder = make(SMALL, tmp_path_factory.mktemp("models") / "pythia-70m", seed=1)
    train_byte_level(400).save(str(folder / "tokenizer.json"))
    return open_checkpoint(folder)


@needs_backends
@pytest.mark.parametrize(
    ("backend", "kind"), [("llamacpp", "q8_0"), ("ctranslate2", "int8"), ("transformers", "float32")]
)
def test_every_token_of_every_user_is_reported(
    small: Checkpoint, backend: str, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if backend == "transformers":
        pytest.importorskip("torch")
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path))
    path = BACKENDS[backend].prepare(small, kind)
    runner = BACKENDS[backend].load(path, kind, threads=1, context=32, batch=3)
    seen: list[int] = []
    runner.stream([[3, 4, 5], [6, 7, 8], [9, 10, 11]], 5, seen.append)
    assert sorted(seen) == sorted([0, 1, 2] * 5)
    with pytest.raises(TokbenchError, match="context of 32"):
        runner.stream([[3] * 30], 5, seen.append)
    runner.close()


@needs_backends
def test_the_command_measures_users_and_cache_types(small: Checkpoint, tmp_path: Path) -> None:
    page, document = tmp_path / "load.html", tmp_path / "load.json"
    arguments = ("model", "load-test", str(small.path), "--quantization", "q8_0", "--users", "1,3", "--rounds", "1")
    sizes = ("--prompts", "24", "--new-tokens", "8", "--cache-types", "f16,q8_0", "--threads", "1")
    done = run(*arguments, *sizes, "-o", str(page), "-o", str(document), TOKBENCH_CACHE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "weights: random" in done.stdout
    found = json.loads(document.read_text("utf-8"))
    assert [(case["cache"], case["users"]) for case in found["cases"]] == [
        ("f16", 1),
        ("f16", 3),
        ("q8_0", 1),
        ("q8_0", 3),
    ]
    for case in found["cases"]:
        (one,) = case["rounds"]
        assert len(one["first"]) == len(one["gaps"]) == case["users"]
        assert {len(gaps) for gaps in one["gaps"]} == {7}
        assert 0 < max(one["first"]) < one["seconds"]
        assert 0 < one["before"] < one["served"]
    assert {row["figure"] for row in found["figures"]} >= {"ttft_p50", "itl_p99", "throughput", "memory"}
    assert [row["computed"] for row in found["memory"]] == [32_768, 17_408]
    assert page.read_text("utf-8").count("<svg") == 1


@needs_backends
def test_the_command_measures_languages(small: Checkpoint, tmp_path: Path) -> None:
    corpus = tmp_path / "texts.tsv"
    corpus.write_text("en\tth\nwater and bread\tน้ำและขนมปัง\nthe sun\tดวงอาทิตย์\n", "utf-8")
    done = run(
        *("model", "load-test", str(small.path), "--backend", "ctranslate2", "--users", "2", "--rounds", "1"),
        *("-c", str(corpus), "--threads", "1", "--json"),
        TOKBENCH_CACHE=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    english, thai = found["premiums"]
    assert (english["lang"], english["tokens_premium"], thai["lang"]) == ("en", 1, "th")
    assert thai["tokens_premium"] == thai["tokens"] / english["tokens"] > 1.5


@needs_backends
def test_what_cannot_be_measured_is_refused_before_anything_runs(small: Checkpoint, tmp_path: Path) -> None:
    def refused(*more: str, says: str) -> None:
        refuse("model", "load-test", str(small.path), "-q", *more, says=says)

    refused("--users", "0", says="--users is '0'")
    refused("--prompts", "128", "-l", "en", says="a corpus sets the lengths of requests")
    refused("--prompts", "250", says="a request needs 314 tokens, and the context holds 256")
    refused("--cache-types", "q4_1", says="llamacpp has no cache of type q4_1; it has f16, q8_0, q4_0")
    refused("--backend", "ctranslate2", "--cache-types", "q8_0", says="ctranslate2 has no cache of type q8_0")
    refused("--reference", "en", says="--reference needs parallel texts")
    refused("--backend", "vllm", says="vllm")
    narrow = replace(small, architecture=replace(SMALL, heads=8))
    cases = make_cases([Load(8, 4)], [1], ["q8_0"])
    with pytest.raises(TokbenchError, match="heads of 16 values cannot be cached as q8_0"):
        LoadTester(narrow, "llamacpp", "q8_0", 1, cases)
    assert not list(tmp_path.iterdir())


# ---- on a device


def test_show_estimates_a_model_on_a_device() -> None:
    done = run("model", "show", "12b", "--device", "h100", "--json")
    found = json.loads(done.stdout)["device"]
    assert found["capacity"]["largest_batch"] == 31
    assert (found["efficiency"], found["efficiency_assumed"]) == (0.5, True)
    rows = {(row["phase"], row["batch"], row["tokens"]): row for row in found["times"]}
    assert list(rows) == [*(("prefill", 1, n) for n in (128, 512, 2048)), *(("decode", n, 2048) for n in (1, 8, 31))]
    step = rows["decode", 1, 2048]
    assert step["seconds"] == pytest.approx(0.014736, rel=1e-4)
    assert (step["low"], step["high"]) == pytest.approx((step["seconds"] / 1.5, step["seconds"] / 0.6))
    assert step["joules_per_1000_tokens"] == pytest.approx(1000 * 700 * step["seconds"])
    assert {row["basis"] for row in found["times"]} == {"estimated"}


def test_show_marks_estimates_and_says_what_is_not_published() -> None:
    shown = run("model", "show", "12b", "--device", "m4-max").stdout
    assert "no FLOP/s are published" in shown
    assert "no joules: the power is not published" in shown
    assert "prefill" not in shown.partition("Estimated at 50%")[2]
    assert "the weights do not fit NVIDIA L4" in run("model", "show", "12b", "--device", "l4").stdout
    assert " ms  " in (shown := run("model", "show", "70m", "--device", "l4", "--efficiency", "40%").stdout)
    assert "Estimated at 40% of the peaks" in shown
    assert " to " not in shown.partition("Estimated at")[2].partition("https")[0]


def test_show_says_what_a_language_costs_on_a_device(tmp_path: Path) -> None:
    corpus = tmp_path / "texts.tsv"
    corpus.write_text("en\tth\nwater and bread\tน้ำและขนมปัง\n", "utf-8")
    arguments = ("model", "show", "410m", "--device", "l4", "-c", str(corpus), "--json")
    english, thai = json.loads(run(*arguments).stdout)["device"]["languages"]
    assert english["premium"] == english["seconds_premium"] == english["users_premium"] == 1
    assert thai["premium"] == thai["tokens"] / english["tokens"] > 2
    assert thai["users"] < english["users"]
    assert thai["users_premium"] == english["users"] / thai["users"]


def test_show_refuses_what_is_not_of_a_device() -> None:
    refuse("model", "show", "70m", "--device", "h10", says="no device is called 'h10'")
    refuse("model", "show", "70m", "--efficiency", "0.4", says="--efficiency is of estimates on a device")
    refuse("model", "show", "70m", "--device", "h100", "--efficiency", "1.5", says="use a share such as 1%")
    refuse("model", "show", "70m", "--device", "h100", "--context", "4096", says="a context of 4,096 tokens")
    refuse("model", "show", "70m", "--device", "h100", "--quantization", "q3", says="q3")
    refuse("model", "show", "70m", "--device", "m2", "-l", "en,th", says="no FLOP/s in fp16 are published for Apple M2")


def test_devices_are_listed_with_their_figures() -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "devices", "--json").stdout)}
    assert rows["h100-sxm"]["fp16"] == 989.5
    assert (rows["h100-sxm"]["GB/s"], rows["h100-sxm"]["GB"], rows["h100-sxm"]["W"]) == (3350, 80, 700)
    assert rows["h100-sxm"]["source"].startswith("https://")
    assert rows["m4-max"]["fp16"] is None


def test_figures_are_a_frame_of_one_row_each() -> None:
    cases = {Case(Load(8, 3), users): (make_round([1.0] * users, [[0.1, 0.1]] * users),) for users in (1, 2)}
    frame = frame_figures(make_test(cases))
    assert frame.height == 2 * 11
    assert frame.filter(pl.col("figure") == "throughput")["users"].to_list() == [1, 2]


def test_dates_are_taken_from_the_clock(small: Checkpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path))
    cases = make_cases([Load(8, 4)], [1], [None])
    tester = LoadTester(small, "ctranslate2", "float32", 1, cases, clock=lambda: datetime(2026, 11, 28, 10, tzinfo=UTC))
    assert tester.result.environment.date == "2026-11-28T10:00:00Z"
    assert len(tester) == 0
