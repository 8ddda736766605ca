"""Devices as data: times, largest batches and joules from peak figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokbench.errors import TokbenchError
from tokbench.pythia.devices import DEFAULT_EFFICIENCY, DeviceSpeed, device_speed, devices, find_capacity, find_device
from tokbench.pythia.devices.catalogue import choose_number_type
from tokbench.pythia.devices.energy import find_counters
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.memory import weight_bytes
from tokbench.pythia.model.quantization import QUANTIZATIONS, find_quantization
from tokbench.pythia.model.resolution import resolve_model

SHAPE = Architecture(layers=2, width=64, heads=4, vocab_rows=128, context=256)
F16 = find_quantization("float16")


# ---- the data


def test_every_device_has_a_source_a_date_and_plausible_figures() -> None:
    names = [name for one in devices() for name in (one.name, *one.aliases)]
    assert len(set(names)) == len(names)
    for one in devices():
        assert one.source.startswith("https://")
        assert 2020 <= one.announced.year <= 2026
        assert 100e9 <= one.bandwidth <= 10e12
        assert one.memory is None or 24e9 <= one.memory <= 512e9
        assert one.power is None or 72 <= one.power <= 750
        assert all(7e12 <= rate <= 3e15 for rate in one.flops.values())
        if one.kind == "apple":  # which publishes neither
            assert (dict(one.flops), one.power) == ({}, None)
        else:
            assert {"fp32", "fp16", "int8"} <= set(one.flops)
            assert one.flops["fp32"] <= one.flops["fp16"] <= one.flops["int8"]


def test_figures_are_of_dense_products() -> None:
    """Of datasheets that print both: A100 312 (624 sparse), L40S 362.05 (733), MI300X 1307.4 (2614.9), in fp16."""
    found = {name: find_device(name).flops["fp16"] / 1e12 for name in ("a100", "h100", "h200", "l40s", "mi300x")}
    assert found == {"a100": 312, "h100": 989.5, "h200": 989.5, "l40s": 362.05, "mi300x": 1307.4}


def test_names_and_aliases_are_found_in_any_case() -> None:
    assert find_device("H100") is find_device("h100-sxm") is find_device(" h100 sxm ")
    with pytest.raises(TokbenchError, match=r"no device is called 'h10O'") as caught:
        find_device("h10O")
    assert caught.value.hint == "did you mean 'h100'?"


def test_each_type_is_multiplied_in_one_kind_of_number() -> None:
    assert choose_number_type(find_quantization("float32")) == choose_number_type(find_quantization("f32")) == "fp32"
    assert choose_number_type(find_quantization("int8_float16")) == "int8"
    assert {choose_number_type(find_quantization(name)) for name in ("q4_0", "q8_0", "f16", "bfloat16")} == {"fp16"}


# ---- times


def test_times_are_those_worked_out_by_hand() -> None:
    """12B in float16 on an H100 at 50 %: 494.75 TFLOP/s and 1,675 GB/s.

    d = 5120, L = 36, V = 50,688. Bytes of a step at context 2,048: 2 (12 L d^2 + 13 L d + 2 d + d V), one row of the
    embedding, 2 d, and the cache, 2 L d 2,048 2. Prefill of 2,048 tokens: 24 L d^2 S + 2 L d S (S + 1) + 2 d V FLOPs.
    """
    speed = device_speed("h100", resolve_model("12b").architecture, "float16")
    d, layers, rows, s = 5120, 36, 50_688, 2048
    moved = 2 * (12 * layers * d**2 + 13 * layers * d + 2 * d + d * rows) + 2 * d + 2 * layers * d * s * 2
    assert speed.time("decode", s) == (pytest.approx(moved / 1675e9, rel=1e-12), "bandwidth")
    flops = 24 * layers * d**2 * s + 2 * layers * d * s * (s + 1) + 2 * d * rows
    assert speed.time("prefill", s) == (pytest.approx(flops / 494.75e12, rel=1e-12), "arithmetic")
    assert speed.basis == "estimated"
    assert "50% of 989.5 TFLOP/s (fp16) and 3,350 GB/s assumed" in speed.note


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120)), min_size=1, max_size=6))
def test_texts_take_the_sum_of_their_steps(pairs: list[tuple[int, int]]) -> None:
    speed = device_speed("l4", SHAPE, F16, 0.4)
    prompts, new = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    expected = [
        sum(speed.time("decode", context)[0] for context in range(prompt + 1, prompt + count)) if prompt else 0.0
        for prompt, count in pairs
    ]
    assert speed.decode_seconds(prompts, new) == pytest.approx(expected, rel=1e-9)
    read = [speed.time("prefill", prompt)[0] if prompt else 0.0 for prompt, _ in pairs]
    assert list(speed.prefill_seconds(prompts)) == read


@given(st.sampled_from(devices()), st.floats(0.01, 1), st.integers(1, 200), st.integers(1, 64))
def test_times_scale_with_the_inverse_of_the_efficiency(device: object, share: float, context: int, batch: int) -> None:
    full = DeviceSpeed(device, SHAPE, F16, 1.0)  # type: ignore[arg-type]
    part = DeviceSpeed(device, SHAPE, F16, share)  # type: ignore[arg-type]
    size = batch if "fp16" in full.device.flops else 1
    assert part.time("decode", context, size)[0] == pytest.approx(full.time("decode", context, size)[0] / share)
    joules = part.find_joules(3.0)
    assert joules == (None if full.device.power is None else 3 * full.device.power)


def test_without_published_flops_only_single_texts_are_decoded() -> None:
    speed = DeviceSpeed(find_device("m4-max"), SHAPE, F16)
    assert speed.time("decode", 100)[1] == "bandwidth"
    for phase, batch in (("prefill", 1), ("decode", 2)):
        with pytest.raises(TokbenchError, match="no FLOP/s in fp16 are published for Apple M4 Max"):
            speed.time(phase, 100, batch)
    with pytest.raises(TokbenchError, match="no FLOP/s"):
        device_speed("m4-max", SHAPE, "float16")


@pytest.mark.parametrize("share", [0.0, -0.5, 1.01, float("nan")])
def test_an_efficiency_is_a_share(share: float) -> None:
    with pytest.raises(TokbenchError, match="an efficiency of"):
        device_speed("h100", SHAPE, "float16", share)


def test_the_default_efficiency_is_assumed_where_none_is_given() -> None:
    assert device_speed("h100", SHAPE, "float16").efficiency == DEFAULT_EFFICIENCY == 0.5


# ---- memory


def test_the_largest_batch_is_that_worked_out_by_hand() -> None:
    """12B in float16 on 80 GB: (72e9 - 23,692,144,640) / (2,048 x 737,280 + 4 x 50,688) = 31.99."""
    found = find_capacity(80e9, resolve_model("12b").architecture, F16, 2048)
    assert (found.usable, found.weights) == (72_000_000_000, 23_692_144_640)
    assert found.per_sequence == 2048 * 737_280 + 4 * 50_688
    assert (found.batch, found.fits) == (31, True)


def test_weights_that_do_not_fit_leave_no_room() -> None:
    found = find_capacity(24e9, resolve_model("12b").architecture, find_quantization("float32"), 2048)
    assert (found.batch, found.fits) == (0, False)


@given(
    st.sampled_from([one for one in QUANTIZATIONS if SHAPE.width % one.block_size == 0]),
    st.floats(1e6, 1e9),
    st.integers(1, 256),
)
def test_the_largest_batch_fits_and_one_more_does_not(quantization: object, memory: float, context: int) -> None:
    found = find_capacity(memory, SHAPE, quantization, context)  # type: ignore[arg-type]
    weights = weight_bytes(SHAPE, quantization)  # type: ignore[arg-type]
    assert weights + found.batch * found.per_sequence <= 0.9 * memory < weights + (found.batch + 1) * found.per_sequence


@pytest.mark.parametrize("context", [0, 257])
def test_a_context_is_one_of_the_model(context: int) -> None:
    with pytest.raises(TokbenchError, match=f"a context of {context}"):
        find_capacity(1e9, SHAPE, F16, context)


# ---- energy counters


def make_zone(powercap: Path, zone: str, name: str, energy: str, highest: int = 262_143_328_850) -> Path:
    """Make a zone as the kernel shows it."""
    folder = powercap / zone
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text(f"{highest}\n")
    return folder


def test_joules_are_those_of_all_packages(tmp_path: Path) -> None:
    first = make_zone(tmp_path, "intel-rapl:0", "package-0", "1000000")
    second = make_zone(tmp_path, "intel-rapl:1", "package-1", "262143000000")
    make_zone(tmp_path, "intel-rapl:0:0", "dram", "5")  # part of a package
    make_zone(tmp_path, "intel-rapl:2", "psys", "5")  # holds the packages
    counters = find_counters(tmp_path)
    assert (counters.folders, counters.reason) == ((first, second), None)
    before = counters.read()
    (first / "energy_uj").write_text("3500000\n")
    (second / "energy_uj").write_text("671149\n")  # wrapped around: 328,850 + 1 + 671,149 = 1,000,000
    assert counters.find_joules(before, counters.read()) == 3.5


def test_without_counters_one_note_says_why(tmp_path: Path) -> None:
    nowhere = find_counters(tmp_path / "missing")
    assert nowhere.reason == f"joules not measured: {tmp_path / 'missing'} has no counters of the processor"
    assert nowhere.find_joules(nowhere.read(), nowhere.read()) is None
    make_zone(tmp_path, "intel-rapl:0", "package-0", "none")
    assert find_counters(tmp_path).reason == "joules not measured: intel-rapl:0/energy_uj: not a number"
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    found = find_counters(tmp_path)
    assert found.reason == "joules not measured: intel-rapl:0/energy_uj: No such file or directory"
