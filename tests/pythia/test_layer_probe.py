"""The layer probe: lines in layers, intervals, seconds of texts, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokbench as tb
from helpers.commands import run
from helpers.corpora import write_corpus
from tokbench._shared.environment import describe_environment
from tokbench.errors import TokbenchError
from tokbench.pythia.cost import cost
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make_in_cache
from tokbench.pythia.measure import groups, layer_probe, probe
from tokbench.pythia.measure._conversation import Conversation
from tokbench.pythia.measure._process_memory import Memory
from tokbench.pythia.measure.extrapolated import frame_probes
from tokbench.pythia.measure.layer_probe import (
    LayerProbe,
    check_shape,
    choose_layers,
    draw_rounds,
    plan_layers,
    probe_layers,
    probe_or_measure,
)
from tokbench.pythia.measure.measurement import BackendMeasurement, PhaseRounds
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.models import find_model
from tokbench.pythia.model.resolution import resolve_model
from tokbench.pythia.speed import measuring
from tokbench.pythia.speed.curves import Curve, Curves
from tokbench.pythia.speed.measuring import measure_speeds
from tokbench.pythia.speed.probed import ProbedSpeed
from tokbench.pythia.speed.speeds import MeasuredSpeed, TimedSpeed
from tokbench.report import format_results
from tokbench.report._layer_probes import show_probes

NEEDED = ("safetensors", "psutil", "ctranslate2", "xllamacpp", "gguf")
MISSING = [name for name in NEEDED if find_spec(name) is None]
needs_backends = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

SMALL = Architecture(layers=12, width=64, heads=4, vocab_rows=320, context=256)


def measured(layers: int, *timings: PhaseRounds, rss: int = 100, load: float = 1.0) -> BackendMeasurement:
    memory = Memory(rss, None)
    return BackendMeasurement(
        model=f"m-{layers}-layers",
        architecture=replace(SMALL, layers=layers),
        weights="random",
        sha256="0" * 64,
        backend="ctranslate2",
        quantization="int8",
        device="cpu",
        threads=2,
        context=256,
        generated_tokens=64,
        generation_prompt=32,
        file_bytes=rss,
        load_seconds=load,
        before=Memory(10, None),
        loaded=memory,
        generated=memory,
        peak=2 * rss,
        device_bytes=None,
        kv_bytes_per_value=4,
        settings={},
        libraries={},
        environment=describe_environment(),
        timings=timings,
    )


def timed(phase: str, tokens: int, *rounds: float, batch: int = 1) -> PhaseRounds:
    return PhaseRounds(phase, batch, tokens, rounds)  # type: ignore[arg-type]


TWO = measured(2, timed("prefill", 100, 5.0, 4.0, 6.0), timed("decode", 64, 1.0, 1.0, 1.0), rss=100, load=1.0)
FOUR = measured(4, timed("prefill", 100, 7.0, 9.0, 6.0), timed("decode", 64, 2.0, 2.0, 2.0), rss=150, load=1.5)
PROBE = LayerProbe("m", replace(SMALL, layers=12), TWO, FOUR, TWO)


def test_a_line_in_layers_through_the_fastest_rounds() -> None:
    assert PROBE.extend(lambda one: {2: 4.0, 4: 6.0}[one.architecture.layers]) == 4 + 10 * 1
    prefill, decode = (PROBE.extrapolate(work) for work in PROBE.works())
    assert prefill.value == 14.0
    assert (prefill.low or 0) < 14.0 < (prefill.high or 0)
    # All rounds of decoding are equal, and prefill's alternate ones are not: the A/A ratio alone is left.
    ratio = PROBE.aa_ratio
    assert ratio is not None
    assert ratio > 1
    assert (decode.low, decode.value, decode.high) == pytest.approx((6 / ratio, 6, 6 * ratio))
    assert PROBE.extrapolate_bytes("loaded") == PROBE.extrapolate_bytes("file_bytes") == 350
    assert PROBE.extrapolate_bytes("peak") == 700


def test_one_round_has_no_interval() -> None:
    """Nor is it known how far unchanged work differs."""
    once = [measured(layers, timed("decode", 64, float(layers))) for layers in (2, 4)]
    probe = LayerProbe("m", SMALL, once[0], once[1], once[0])
    (work,) = probe.works()
    found = probe.extrapolate(work)
    assert (found.value, found.low, found.high, probe.aa_ratio) == (12, None, None, None)
    rows = frame_probes([probe]).filter(figure="decode")
    assert rows.select("value", "low", "high").rows() == [(1 / 12, None, None)]
    assert "A/A ratio unknown" in ProbedSpeed(probe).note
    text = format_results(show_probes([probe, measured(3, timed("decode", 64, 0.5))]), "markdown")
    assert "A/A ratio unknown" in text
    assert "extrapolated: from the fastest rounds, 95 % with the A/A ratio; measured: median, slowest and" in text


def test_more_layers_never_take_less() -> None:
    assert PROBE.extend(lambda one: {2: 3.0, 4: 2.9}[one.architecture.layers]) == 3.0


def test_another_vocabulary_shares_the_layers() -> None:
    """Its own small model takes 1 second more for a prompt; the layers' share is that of the others."""
    wider = measured(2, timed("prefill", 100, 6.0, 5.0, 7.0), timed("decode", 64, 1.5, 1.5, 1.5), rss=120, load=1.2)
    probe = LayerProbe("m", replace(SMALL, layers=12, vocab_rows=640), wider, FOUR, TWO)
    assert [probe.extend_rounds(work) for work in probe.works()] == [15, 6.5]
    assert probe.extrapolate_bytes("loaded") == 120 + 10 * 25
    assert probe.extend(lambda one: one.load_seconds) == pytest.approx(1.2 + 10 * 0.25)
    assert probe.run == (wider, TWO, FOUR)
    assert PROBE.run == (TWO, FOUR)
    # The noise of the layers cancels in the difference, whatever rounds are drawn.
    draws = [ProbedSpeed(one).draw_seconds(np.array([100]), np.array([1])) for one in (probe, PROBE)]
    assert (draws[0] - draws[1] == 1).all()
    assert len(np.unique(draws[1])) > 1


@pytest.mark.parametrize("figure", ["file_bytes", "peak"])
def test_unknown_memory_stays_unknown(figure: str) -> None:
    unknown = replace(FOUR, **{figure: None})
    assert replace(PROBE, large=unknown).extrapolate_bytes(figure) is None


def test_a_peak_is_at_least_what_is_resident() -> None:
    """With 2 layers loading takes 70 more than stays, with 4 layers nothing: all 12 stay at 350."""
    probe = replace(PROBE, small=replace(TWO, peak=170), base=replace(TWO, peak=170), large=replace(FOUR, peak=150))
    assert probe.extrapolate_bytes("peak") == probe.extrapolate_bytes("generated") == 350
    assert PROBE.extrapolate_bytes("peak") == 700


def test_rounds_are_drawn_for_both_models_alike() -> None:
    work = PROBE.works()[0]
    chosen = np.array([[0, 0, 0], [1, 1, 2], [2, 2, 2]])
    # Rounds 1, 2 and 3 of the slope: 7 - 5, min(9, 6) - min(4, 6), 6 - 6.
    assert PROBE.draw(work, chosen).tolist() == [5 + 10, 4 + 10, 6]
    assert (draw_rounds(5) == draw_rounds(5)).all()
    assert draw_rounds(5).shape == (2000, 5)


def test_layers_are_chosen_above_the_knee() -> None:
    # 410m as q4_0: 27.6 MiB of unembedding and 6.8 MiB per layer reach 75 MiB at 7 layers.
    assert choose_layers(find_model("410m").architecture, "q4_0") == (7, 10)
    # 14, 30 and 34 layers more than the smaller one: a difference of 3, 5 and 6 layers is taken 4.7, 6 and 5.7 times.
    assert choose_layers(find_model("1b").architecture, "q4_0") == (2, 5)
    assert choose_layers(find_model("6.9b").architecture, "q4_0") == (2, 7)
    assert choose_layers(find_model("12b").architecture, "int8") == (2, 8)
    assert choose_layers(find_model("1b").architecture, "q4_0", knee=0) == (2, 5)
    # Models of few layers are measured themselves.
    worth = {
        size: plan_layers([find_model(size).architecture], "q4_0") is not None
        for size in ("70m", "160m", "410m", "1b", "12b")
    }
    assert worth == {"70m": False, "160m": False, "410m": True, "1b": True, "12b": True}


@given(st.integers(1, 300_000))
def test_another_vocabulary_changes_only_the_first_number(rows: int) -> None:
    first, second = choose_layers(replace(find_model("410m").architecture, vocab_rows=rows), "q4_0")
    assert 2 <= first < second
    assert second - first >= max(first // 2, 2)
    assert 24 - first <= 6 * (second - first)


def test_only_shapes_that_can_be_written_are_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    check_shape("m", SMALL)
    monkeypatch.setattr(layer_probe, "parameters", lambda _: 1)
    with pytest.raises(TokbenchError, match="no random weights of m: they are written for GPT-NeoX models only"):
        probe_layers("m", SMALL, "ctranslate2", "int8")


# ---- seconds of texts


def curve(tokens: list[int], seconds: list[float]) -> Curve:
    return Curve(np.array(tokens), np.array(seconds), np.array([seconds, [2 * s for s in seconds]]))


def test_prefill_and_steps_on_lines() -> None:
    found = Curves(curve([10, 20], [1.0, 3.0]), curve([64, 1064], [1.0, 3.0]))
    assert found.prefill_seconds(np.array([0, 5, 10, 15, 30])).tolist() == [0, 1, 1, 2, 5]
    # 101 new tokens after 64: 100 steps at contexts 65 to 164, 114.5 on average: 1 + 2 (114.5 - 64) / 1000 each.
    seconds = found.decode_seconds(np.array([64, 0, 64]), np.array([101, 101, 1]))
    assert seconds.tolist() == pytest.approx([110.1, 0, 0])
    draws = found.draw_seconds(np.array([[15, 0]] * 600), np.array([[1, 1]] * 600))
    assert draws.shape == (600, 2, 2)
    assert draws[599].tolist() == [[2, 4], [0, 0]]
    draws = found.draw_seconds(np.array([64]), np.array([101]))
    assert draws[0].tolist() == pytest.approx([121.9, 243.8])  # 110.1 and a prefill of 11.8, and twice as long


def test_one_context_and_falling_times() -> None:
    flat = Curves(curve([10], [1.0]), curve([64], [2.0]))
    assert flat.decode_seconds(np.array([5, 500]), np.array([3, 3])).tolist() == [4, 4]
    falling = Curves(None, curve([64, 1064], [2.0, 1.0]))
    assert falling.decode_seconds(np.array([64]), np.array([3])).tolist() == [4]
    with pytest.raises(TokbenchError, match="prefill was not timed at batch 1"):
        falling.prefill_seconds(np.array([1]))


def test_a_probed_and_a_measured_speed() -> None:
    speed = ProbedSpeed(PROBE)
    assert speed.basis == "extrapolated"
    assert "extrapolated from 2 and 4 layers to 12" in speed.note
    assert speed.prefill_seconds(np.array([100])).tolist() == [14]
    assert speed.decode_seconds(np.array([50]), np.array([11])).tolist() == pytest.approx([60])
    draws = speed.draw_seconds(np.array([100]), np.array([11]))
    assert draws.min() < 74 < draws.max()
    assert speed.aa_ratio == PROBE.aa_ratio
    whole = MeasuredSpeed(measured(12, timed("prefill", 100, 1.0, 3.0, 2.0), timed("decode", 64, 0.5, 0.5, 0.5)))
    assert whole.prefill_seconds(np.array([100])).tolist() == [2]
    assert np.unique(whole.draw_seconds(np.array([100]), np.array([3]))).tolist() == [2, 3, 4]
    assert isinstance(speed, TimedSpeed)
    assert isinstance(whole, TimedSpeed)


# ---- results and the command


def test_figures_say_what_they_are_based_on() -> None:
    frame = frame_probes([PROBE, measured(3, timed("decode", 64, 0.5))])
    assert frame["basis"].unique(maintain_order=True).to_list() == ["extrapolated", "measured"]
    rows = {(row["figure"], row["basis"]): row for row in frame.to_dicts()}
    assert rows["load", "extrapolated"]["value"] == 3.5
    assert rows["rss_peak", "extrapolated"]["value"] == 700
    assert rows["prefill", "extrapolated"]["value"] == pytest.approx(100 / 14)
    assert rows["prefill", "extrapolated"]["low"] < 100 / 14 < rows["prefill", "extrapolated"]["high"]
    assert rows["decode", "measured"]["value"] == 2
    document = show_probes([PROBE]).document()
    assert [one["model"] for one in document["measurements"]] == ["m-2-layers", "m-4-layers"]
    assert len(document["timings"]) == 4


@needs_backends
def test_two_small_models_are_made_and_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path))
    sizes = {"prompt_lengths": (64,), "decode_batches": (), "rounds": 2, "timer": "process_time"}
    found = probe_layers("m", SMALL, "ctranslate2", "int8", 1, layers=(2, 4), **sizes)
    assert [one.architecture.layers for one in (found.small, found.large)] == [2, 4]
    assert [one.model for one in (found.small, found.large)] == ["m-2-layers", "m-4-layers"]
    (work,) = found.works()
    assert work.small is work.base
    per_layer = max(work.large.least - work.base.least, 0) / 2
    assert found.extrapolate(work).value == pytest.approx(work.small.least + 10 * per_layer)
    assert (found.extrapolate_bytes("generated") or 0) > 5 * 2**20
    speeds = measure_speeds(
        [open_checkpoint(make_in_cache(replace(SMALL, layers=2, vocab_rows=rows), f"v{rows}")) for rows in (64, 128)],
        "ctranslate2",
        "int8",
        1,
        (64,),
        rounds=1,
        timer="process_time",
    )
    assert [shape.vocab_rows for shape in speeds] == [64, 128]
    assert all(speed.prefill_seconds(np.array([64]))[0] > 0 for speed in speeds.values())
    # Twelve small layers never reach the knee: such a model is measured itself.
    whole = probe_or_measure("m", SMALL, "ctranslate2", "int8", 1, **sizes)
    assert isinstance(whole, BackendMeasurement)
    assert whole.architecture == SMALL


@needs_backends
def test_vocabularies_are_probed_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two smallest fit into memory together, and the third is measured on its own."""
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path))
    together = []

    def measure(checkpoints: list[Checkpoint], *arguments: Any, **sizes: Any) -> tuple[BackendMeasurement, ...]:
        together.append([(one.architecture.vocab_rows, one.architecture.layers) for one in checkpoints])
        return probe.measure_together(checkpoints, *arguments, timer="process_time", **sizes)

    monkeypatch.setattr(groups, "measure_together", measure)
    monkeypatch.setattr(groups, "estimate_need", lambda *_, **__: 10)
    monkeypatch.setattr(groups, "read_free", lambda _: 25)
    shapes = [replace(SMALL, vocab_rows=rows) for rows in (640, 320)]
    shares: list[float] = []
    speeds = measuring.probe_speeds(
        "m", shapes, (2, 4), "ctranslate2", "int8", 1, (64,), rounds=2, on_share=shares.append
    )
    assert together == [[(320, 2), (320, 4)], [(640, 2)]]
    assert list(speeds) == shapes
    wide, narrow = (speed.probe for speed in speeds.values() if isinstance(speed, ProbedSpeed))
    assert wide.small.architecture == replace(SMALL, layers=2, vocab_rows=640)
    assert (wide.base, wide.large) == (narrow.small, narrow.large)
    assert [speed.took_turns for speed in (wide, narrow)] == [False, True]
    apart = ", timed one after the other, since they do not fit into memory together"
    assert [speed.note.endswith(apart) for speed in speeds.values()] == [True, False]
    assert [shares[-1], sorted(shares)] == [1.0, shares]
    assert max(share for share in shares if share <= 2 / 3) == pytest.approx(2 / 3)


@needs_backends
def test_rounds_of_small_models_lie_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round goes through all kinds of work, but for those of several texts, which are read once."""
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path))
    asked: list[tuple[Any, ...]] = []
    ask = Conversation.ask

    def record(process: Conversation, *order: Any) -> Any:
        asked.append(order)
        return ask(process, *order)

    monkeypatch.setattr(Conversation, "ask", record)
    checkpoint = open_checkpoint(make_in_cache(replace(SMALL, layers=2), "m"))
    sizes = {"prompt_lengths": (64,), "decode_contexts": (64,), "decode_batches": (1, 2), "rounds": 2, "new_tokens": 64}
    for spread, prefill in ((True, ["round"]), (False, ["round", "round"])):
        asked.clear()
        (found,) = probe.measure_together(
            [checkpoint], "ctranslate2", "int8", 1, **sizes, spread=spread, timer="process_time"
        )
        assert [len(timing.rounds) for timing in found.timings] == [2, 2, 2]
        words = [word for order in asked for word in order]
        once = ["open", 2, "round", "round", "close"]
        single = ["open", 0, *prefill, "close", "open", 1, *prefill, "close"]
        assert words == ["memory", *single, *once, *(single if spread else [])]


@needs_backends
def test_costs_of_two_vocabularies_are_extrapolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path))
    tiny = replace(resolve_model("1.4b"), architecture=SMALL)
    monkeypatch.setattr("tokbench.pythia.cost.costs.resolve_model", lambda *_, **__: tiny)
    monkeypatch.setattr(layer_probe, "choose_layers", lambda *_: (2, 4))
    monkeypatch.setattr(groups, "measure_together", partial(probe.measure_together, timer="process_time"))
    corpus = write_corpus(tmp_path / "c", en=["abcd efgh", "ab"], de=["abcdefgh ijkl", "ab"])
    texts = tb.compare(["utf8", "byt5"], corpus, throughput=False)
    steps: list[str] = []
    shares: list[float] = []
    costs = cost(
        texts, model="1.4b", backend="ctranslate2", extrapolate=True, threads=1, on_step=steps.append,
        on_share=shares.append,
    )  # fmt: skip
    assert [step.split(" (")[0] for step in steps] == [
        f"few layers of {tiny.name} with utf8",
        f"few layers of {tiny.name} with byt5",
    ]
    assert shares[-1] == 1
    assert all("extrapolated from 2 and 4 layers to 12" in note for note in costs.notes.values())
    seconds = costs.relative.filter(quantity="seconds")
    assert (seconds["low"] <= seconds["relative"]).all()
    assert (seconds["relative"] <= seconds["high"]).all()
    # The tokens are the same, so that all that differs is what was measured.
    own = seconds.filter(pl.col("tokenizer") == "byt5", pl.col("lang") == "en").row(0, named=True)
    assert own["low"] < own["high"]
    assert costs.relative.filter(tokenizer="byt5", quantity="tokens")["verdict"].unique().to_list() == ["equal"]


@needs_backends
def test_the_command_extrapolates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path))
    tiny = replace(resolve_model("1.4b"), architecture=SMALL)
    monkeypatch.setattr("tokbench.pythia.model.resolution.resolve_model", lambda *_, **__: tiny)
    monkeypatch.setattr(layer_probe, "choose_layers", lambda *_: (2, 4))
    monkeypatch.setattr(probe, "read_load", lambda: 99.0)
    together = partial(probe.measure_together, timer="process_time")
    monkeypatch.setattr(groups, "measure_together", together)
    common = ("model", "measure", "1.4b", "--extrapolate", "--backend", "llamacpp", "--quantization", "q4_0")
    sizes = ("--prompts", "64", "--batches", "1", "--decode-at", "64", "--rounds", "2", "--threads", "1")
    out = tmp_path / "m.json"
    result = run(*common, *sizes, "-o", str(out))
    assert result.returncode == 0
    assert "extrapolated from 2 and 4 layers to 12" in result.stdout
    assert "the load average is 99.0 on" in result.stderr
    document = json.loads(out.read_text("utf-8"))
    assert {row["basis"] for row in document["figures"]} == {"extrapolated"}
    assert [row["layers"] for row in document["timings"]] == [2, 2, 4, 4]
    result = run(*common, "--revision", "step1")
    assert result.returncode == 2
    assert "random weights have no revisions" in result.stderr
