"""Published evaluations: figures known from elsewhere, what is picked, costs worked out by hand, the command."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.commands import run as run_command
from helpers.data import ROOT, SHARED_DATA
from tokbench.errors import TokbenchError
from tokbench.pythia import find_model, published_results
from tokbench.pythia.devices import device_speed
from tokbench.pythia.model.arithmetic import kv_cache_bytes, parameters, request_flops
from tokbench.pythia.model.models import models
from tokbench.pythia.results.published import read_source, read_table, with_intervals
from tokbench.pythia.results.quality import Request, find_shape, join_costs, time_request, weigh_models
from tokbench.report._quality_chart import chart_quality, choose_points

LAMBADA = {"70m": 0.185, "160m": 0.328, "410m": 0.516, "1b": 0.562, "1.4b": 0.616, "2.8b": 0.647, "6.9b": 0.673}
LAMBADA |= {"12b": 0.705}
STEPS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 3000, *range(13000, 143001, 10000)]


# ---- figures


@pytest.mark.parametrize("size", LAMBADA)
def test_accuracies_on_lambada_are_those_published(size: str) -> None:
    row = published_results(size, tasks="lambada_openai", metrics=["acc"]).row(0, named=True)
    assert (row["model"], row["step"], row["shots"]) == (f"pythia-{size}", 143_000, 0)
    assert round(row["value"], 3) == LAMBADA[size]
    assert row["stderr"] == pytest.approx(math.sqrt(row["value"] * (1 - row["value"]) / (5153 - 1)), rel=1e-4)
    assert row["low"] == pytest.approx(row["value"] - 1.96 * row["stderr"], rel=1e-4)
    assert row["high"] == pytest.approx(row["value"] + 1.96 * row["stderr"], rel=1e-4)


def test_every_model_of_the_suite_has_its_steps_and_tasks() -> None:
    names = [model.name for model in models() if model.size.lower() not in ("14m", "31m")]
    for shots, steps in ((0, STEPS), (5, [1000, 3000, *range(13000, 143001, 10000)][-15:])):
        found = published_results(step="all", shots=shots)
        suite = found.filter(pl.col("step").is_not_null())
        assert {*names} >= {*suite["model"].unique()}
        assert suite["model"].n_unique() == 16
        for _, rows in suite.group_by("model"):
            if shots == 0:
                assert rows["step"].unique().sort().to_list() == steps
            assert rows["step"].n_unique() == len(steps)
            assert (rows.group_by("step").len()["len"] == 14).all()
    others = read_table().filter(pl.col("step").is_null())
    assert others["model"].n_unique() == 13
    assert set(others["shots"]) == {0}


def test_shares_are_shares_of_the_questions() -> None:
    """Accuracies are whole numbers of right answers: rounding has kept their digits."""
    questions = {"lambada_openai": 5153, "piqa": 1838, "winogrande": 1267, "wsc": 104, "arc_easy": 2376}
    questions |= {"arc_challenge": 1172, "sciq": 1000, "logiqa": 651}
    for row in read_table().filter(pl.col("metric") != "ppl").iter_rows(named=True):
        count = questions[row["task"]]
        assert 0 <= row["value"] <= 1
        assert abs(row["value"] * count - round(row["value"] * count)) < 0.01
        assert round(row["value"] * count) / count == pytest.approx(row["value"], abs=5e-7)


def test_the_table_says_where_it_is_from() -> None:
    source = read_source()
    assert source.licence == "Apache-2.0"
    assert len(source.commit) == 40
    assert str(source).startswith("https://github.com/EleutherAI/pythia, folder evals at ")
    names = ["model", "shots", "step", "task", "metric", "value", "stderr"]
    assert read_table().columns == names
    assert not read_table().select("model", "shots", "step", "task", "metric").is_duplicated().any()


def load_script() -> ModuleType:
    place = ROOT / "benchmarks" / "published_results.py"
    spec = importlib.util.spec_from_file_location("published_results", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_makes_the_table_that_is_here() -> None:
    file = (SHARED_DATA or ROOT) / "pythia-evals" / "results.parquet"
    if not file.is_file():
        pytest.skip("no evaluations among the test data")
    made = load_script().make(pl.read_parquet(file))
    assert made.equals(read_table())


def test_files_are_named_by_model_step_and_shots() -> None:
    name_file = load_script().name_file
    folder = "evals/pythia-v1"
    assert name_file(f"{folder}/pythia-1b-bf16/zero-shot/1b-bf16_step64.json") == {
        "model": "pythia-1b",
        "step": 64,
        "shots": 0,
    }
    assert name_file(f"{folder}/pythia-12b-deduped/five-shot/x_step1000.json")["shots"] == 5
    assert name_file("evals/opt/opt-66b.json") == {"model": "opt-66b", "step": None, "shots": None}
    for other in ("pythia-70m-0.25MtokBS/five-shot", "pythia-1b/zero-shot", "pythia-70m-deduped/intervention"):
        assert name_file(f"{folder}/{other}/x_step64.json") is None


# ---- what is picked


def test_models_tasks_and_steps_are_picked_in_the_order_named() -> None:
    found = published_results(["bloom-7b1", "EleutherAI/pythia-160M", "70m"], tasks=["sciq"], metrics=["acc"])
    assert found["model"].to_list() == ["bloom-7b1", "pythia-160m", "pythia-70m"]
    assert found["step"].to_list() == [None, 143_000, 143_000]
    early = published_results("pythia-70m", step=512, tasks=["sciq"], metrics=["acc"])
    assert early["step"].to_list() == [512]
    assert early["value"][0] < found["value"][2]
    assert published_results("70m", shots=5)["shots"].unique().to_list() == [5]


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ({"models": "pythia-33m"}, "no Pythia model is called", "160M"),
        ({"models": "opt-1.4b"}, "no published evaluations of 'opt-1.4b'", "did you mean 'opt-1.3b'?"),
        ({"tasks": "lambada"}, "with the task 'lambada'", "did you mean 'lambada_openai'?"),
        ({"tasks": "mmlu"}, "with the task 'mmlu'", "choose from: lambada_openai"),
        ({"metrics": ["f1"]}, "with the metric 'f1'", "choose from: acc"),
        ({"tasks": "wsc", "metrics": ["ppl"]}, "the tasks have no metric ppl", "lambada_openai"),
        ({"step": 2000}, "at the step 2000", "the nearest one is 1000"),
        ({"step": 142_999}, "at the step 142999", "the nearest one is 143000"),
        ({"models": "opt-1.3b", "step": 64}, "after training only", "leave out the step"),
        ({"models": "opt-1.3b", "shots": 5}, "opt-1.3b: no evaluations with 5 examples", "use 0"),
        ({"shots": 3}, "no evaluations with 3 examples", "use 0 or 5"),
    ],
)
def test_what_is_not_there_is_named(arguments: dict[str, object], message: str, hint: str) -> None:
    with pytest.raises(TokbenchError) as error:
        published_results(**arguments)  # type: ignore[arg-type]
    assert message in str(error.value)
    assert hint in str(error.value)


@given(st.floats(0, 1), st.floats(0, 0.5))
def test_intervals_hold_their_value_and_stay_shares(value: float, stderr: float) -> None:
    rows = pl.DataFrame({"metric": ["acc", "ppl"], "value": [value, 1 + value], "stderr": [stderr, stderr]})
    share, perplexity = with_intervals(rows).select("low", "high").rows()
    assert 0 <= share[0] <= value <= share[1] <= 1
    assert 1 <= perplexity[0] <= 1 + value <= perplexity[1]
    assert perplexity[1] == pytest.approx(1 + value + 1.959964 * stderr)


# ---- costs


class Steady:
    """A model that reads a token in a millisecond and writes one in 10."""

    basis, note, source = "measured", "by hand", "by hand"

    def prefill_seconds(self, tokens: object) -> object:
        return tokens * 0.001  # type: ignore[operator]

    def decode_seconds(self, prompts: object, new_tokens: object) -> object:
        return (new_tokens - 1) * 0.01  # type: ignore[operator]


def test_costs_worked_out_by_hand() -> None:
    request = Request(100, 51, "float16", price_per_hour=7.2, currency="EUR")
    costs, speed = weigh_models(["pythia-70m", "opt-of-nobody"], request, lambda _: Steady())  # type: ignore[arg-type,return-value]
    assert costs["model"].to_list() == ["pythia-70m"]
    (row,) = costs.rows(named=True)
    shape = find_model("70m").architecture
    assert row["flops"] == request_flops(shape, 100, 51)
    assert row["ram"] == 2 * parameters(shape) + kv_cache_bytes(shape, 151)
    assert row["seconds"] == pytest.approx(0.1 + 0.5)
    assert row["money"] == pytest.approx(0.6 * 7.2 / 3600)
    assert speed is not None
    assert time_request(speed, request) == row["seconds"]
    without, speed = weigh_models(["pythia-70m"], Request())
    assert (without["seconds"][0], without["money"][0], speed) == (None, None, None)


def test_costs_that_cannot_be_computed_are_refused() -> None:
    with pytest.raises(TokbenchError, match="a price per hour needs seconds"):
        weigh_models(["pythia-70m"], Request(price_per_hour=1))
    with pytest.raises(TokbenchError, match="at least one token"):
        Request(prompt_tokens=0)
    with pytest.raises(TokbenchError, match="no quantization is called"):
        Request(quantization="int3")


def test_points_of_a_chart() -> None:
    frame = published_results(["70m", "70m-deduped", "160m"], tasks="sciq", metrics=["acc"])
    costs, _ = weigh_models(frame["model"].to_list(), Request())
    points = choose_points(join_costs(frame, costs), "ram")
    assert points["label"].to_list() == ["70m", None, "160m"]
    assert points["cost"].to_list() == [value / 2**30 for value in costs["ram"]]
    first = (frame["value"][0] + frame["value"][1]) / 2
    assert points["mean"].to_list() == pytest.approx([first, first, frame["value"][2]])


def test_charts_have_a_panel_per_task() -> None:
    pytest.importorskip("altair")
    frame = published_results(["70m", "160m"], metrics=["acc"])
    joined = join_costs(frame, weigh_models(["pythia-70m", "pythia-160m"], Request())[0])
    several = chart_quality(joined, "flops", "FLOPs")
    assert several["facet"]["sort"] == frame["task"].unique(maintain_order=True).to_list()
    single = chart_quality(joined.filter(pl.col("task") == "wsc"), "flops", "FLOPs")
    assert "facet" not in single
    assert len(single["layer"]) == 4


# ---- the command


def results(*arguments: str) -> str:
    done = run_command("model", "results", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_results_of_one_model_have_intervals_and_their_source() -> None:
    shown = results("pythia-1.4b", "--task", "lambada_openai")
    assert "pythia-1.4b, step 143,000, 0 examples in the prompt" in shown
    assert ["lambada_openai", "acc", "0.616", "0.603", "0.629"] in [line.split() for line in shown.splitlines()]
    assert "Apache-2.0" in shown
    assert "step 3,000" in results("70m", "--step", "step3000")


def test_results_of_several_models_are_side_by_side() -> None:
    shown = results("70m,12b", "opt-125m", "--task", "lambada_openai,sciq")
    assert "pythia-12b  143,000    0.705 ±0.012  0.902 ±0.018" in shown
    assert "opt-125m          –    0.379" in shown
    assert results("70m", "--step", "all", "--task", "sciq").count("pythia-70m") == 27


def test_results_in_other_formats() -> None:
    document = json.loads(results("70m", "-f", "json", "--shots", "5"))
    assert document["source"]["licence"] == "Apache-2.0"
    assert {row["shots"] for row in document["results"]} == {5}
    assert document["results"] == published_results("70m", shots=5).to_dicts()
    rows = list(csv.DictReader(io.StringIO(results("opt-1.3b", "-f", "csv"))))
    assert len(rows) == 14
    assert rows[0]["model"] == "opt-1.3b"
    assert "| lambada_openai | acc | 0.185 |" in results("70m", "-f", "markdown")


def test_accuracy_beside_costs_and_a_chart_on_a_page(tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    page = tmp_path / "quality.html"
    arguments = ("70m", "opt-1.3b", "--task", "sciq", "--against", "ram", "-o", str(page))
    shown = run_command("model", "results", *arguments)
    assert shown.returncode == 0
    assert "128 tokens read, 64 written, weights in float16" in shown.stdout
    known = find_shape("opt-1.3b") is not None
    assert ("opt-1.3b" in shown.stdout) is known
    assert ("no costs of opt-1.3b: the shape is not known" in shown.stderr) is not known
    first = page.read_bytes()
    assert b'<figure id="figure-quality">' in first
    assert b"<svg" in first
    run_command("model", "results", *arguments)
    assert page.read_bytes() == first


def test_seconds_and_money_come_from_timings(tmp_path: Path) -> None:
    timings = tmp_path / "timings.json"
    shape = {"layers": 6, "width": 512, "heads": 8, "vocab_rows": 50304}
    common = {"backend": "ctranslate2", "device": "cpu", "quantization": "int8", "threads": 2, "kv_bytes_per_value": 4}
    rows = [
        common | {"model": "pythia-70m", **shape} | dict(zip(("phase", "batch", "tokens", "seconds"), row, strict=True))
        for row in (("prefill", 1, 128, 0.02), ("prefill", 1, 512, 0.1), ("decode", 1, 64, 0.005))
    ]
    timings.write_text(json.dumps({"timings": rows}), "utf-8")
    arguments = ("70m", "--task", "sciq", "--against", "money", "--timings", str(timings), "--price-per-hour", "2")
    document = json.loads(results(*arguments, "--currency", "EUR", "-f", "json"))
    (row,) = document["results"]
    assert row["seconds"] > 0.3
    assert row["money"] == pytest.approx(row["seconds"] * 2 / 3600)
    assert document["speed"].startswith("estimated, ")


def test_seconds_and_money_of_a_device() -> None:
    """Those of `device_speed`; models that do not fit it are named."""
    line = ("model", "results", "12b,opt-66b,70m", "--task", "sciq", "--against", "money", "--price-per-hour", "3600")
    done = run_command(*line, "--device", "rtx-4090", "--efficiency", "40%", "-f", "json")
    assert done.returncode == 0, done.stderr
    assert "left out 12b" not in done.stderr
    assert "left out pythia-12b, opt-66b: the weights in float16 do not fit" in " ".join(done.stderr.split())
    document = json.loads(done.stdout)
    (row,) = document["results"]
    speed = device_speed("rtx-4090", find_model("70m").architecture, "float16", 0.4)
    read, written = np.array([128]), np.array([64])
    seconds = speed.prefill_seconds(read)[0] + speed.decode_seconds(read, written)[0]
    assert (row["model"], row["seconds"], row["money"]) == (
        "pythia-70m",
        pytest.approx(seconds),
        pytest.approx(seconds),
    )
    assert document["speed"] == f"estimated, {speed.note}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--step", "x"), "--step is 'x'"),
        (("--step", "2000"), "the nearest one is 1000"),
        (("--shots", "3"), "use 0 or 5"),
        (("--against", "seconds"), "--against seconds needs seconds; add --device, or --timings"),
        (("--against", "money", "--price-per-hour", "1"), "add --device, or --timings"),
        (("--against", "seconds", "--device", "h100", "--timings", "x.json"), "seconds come from one source"),
        (("--against", "flops", "--efficiency", "40%"), "--efficiency is of a device"),
        (("--device", "h100"), "add --against"),
        (("--against", "seconds", "--device", "h101"), "h100"),
        (("opt-66b", "--against", "seconds", "--device", "l4"), "the weights of opt-66b in float16 do not fit"),
        (("--price-per-hour", "1"), "add --against"),
        (("opt-1.3b\x1b",), "no published evaluations of"),
        (("70m,,12b",), "a model has an empty name"),
        (("--against", "flops", "--quantization", "int3"), "no quantization is called"),
    ],
)
def test_bad_options_are_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    done = run_command("model", "results", *arguments, "-o", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())
    assert "\x1b" not in done.stderr
    assert not file.exists()
