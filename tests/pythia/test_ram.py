"""The arithmetic of resident memory against what was measured, and what is asked before a model is loaded."""

from __future__ import annotations

import pytest

from tokbench.errors import TokbenchError
from tokbench.pythia.measure import memory_needs
from tokbench.pythia.measure.machine_load import warn_of_load
from tokbench.pythia.measure.memory_needs import estimate_bytes
from tokbench.pythia.measure.ram import estimate_ram, find_cache_bytes
from tokbench.pythia.model.models import find_model

MIB = 1 << 20

# docs/pythia.md, "RAM, measured": MiB after 64 tokens generated after 32, and at the peak; context 2,048.
MEASURED = {
    ("70m", "q4_0"): (139.2, 139.2),
    ("70m", "q5_1"): (141.7, 141.7),
    ("70m", "q8_0"): (162.7, 162.7),
    ("70m", "f16"): (225.7, 225.7),
    ("70m", "int8"): (136.8, 156.3),
    ("70m", "float32"): (349.1, 495.6),
    ("160m", "q4_0"): (273.3, 273.3),
    ("160m", "q5_1"): (256.8, 256.8),
    ("160m", "q8_0"): (305.1, 305.1),
    ("160m", "f16"): (449.8, 449.8),
    ("160m", "int8"): (226.8, 320.8),
    ("160m", "float32"): (785.2, 1222.9),
    ("410m", "q4_0"): (642.2, 642.2),
    ("410m", "q5_1"): (553.3, 553.3),
    ("410m", "q8_0"): (674.0, 674.0),
    ("410m", "f16"): (1036.0, 1036.0),
    ("410m", "int8"): (474.5, 774.8),
    ("410m", "float32"): (1732.1, 3026.6),
    ("1b", "q4_0"): (1301.6, 1301.6),
    ("1b", "q5_1"): (1050.6, 1050.6),
    ("1b", "q8_0"): (1352.0, 1352.0),
    ("1b", "f16"): (2256.5, 2256.5),
    ("1b", "int8"): (1088.4, 1882.9),
    ("1b", "float32"): (4090.8, 7486.2),
}
"""llama.cpp's constant comes from the rows of 160m; CTranslate2's growth from those of 160m and 410m."""


def name_backend(kind: str) -> str:
    return "ctranslate2" if kind in ("int8", "float32") else "llamacpp"


@pytest.mark.parametrize(("size", "kind"), MEASURED)
def test_the_arithmetic_is_near_every_measured_row(size: str, kind: str) -> None:
    after, peak = MEASURED[size, kind]
    backend = name_backend(kind)
    found = estimate_ram(find_model(size).architecture, backend, kind, context=2048, used=96)
    assert found.resident / MIB == pytest.approx(after, rel=0.01 if backend == "llamacpp" else 0.05)
    assert found.resident == found.before + found.weights + found.kv_cache + found.rest
    # What is asked for is never less than the peak, and not far above it.
    assert 0.99 * peak < found.peak / MIB < 1.15 * peak


@pytest.mark.parametrize(
    ("size", "after", "peak"), [("70m", 190.6, 387.0), ("160m", 383.7, 678.3), ("410m", 781.2, 1174.0)]
)
def test_int8_with_mkl_on_an_amd_processor(size: str, after: float, peak: float) -> None:
    shape = find_model(size).architecture
    found = estimate_ram(shape, "ctranslate2", "int8", context=2048, used=96, linear_algebra="MKL on AMD")
    assert found.resident / MIB == pytest.approx(after, rel=0.2)
    assert found.peak / MIB == pytest.approx(peak, rel=0.05)
    plain = estimate_ram(shape, "ctranslate2", "float32", context=2048, used=96, linear_algebra="MKL on AMD")
    assert plain == estimate_ram(shape, "ctranslate2", "float32", context=2048, used=96)


@pytest.mark.parametrize(
    ("size", "kind", "after", "peak"),
    [
        ("70m", "int8", 141.5, 144.1),
        ("160m", "int8", 234.5, 240.5),
        ("410m", "int8", 477.3, 495.0),
        ("1b", "int8", 1073.3, 1098.1),
        ("70m", "float32", 341.4, 341.4),
        ("160m", "float32", 692.1, 700.3),
        ("410m", "float32", 1628.4, 1647.2),
        ("1b", "float32", 3954.8, 3979.3),
    ],
)
def test_one_dnn_packs_nothing(size: str, kind: str, after: float, peak: float) -> None:
    """An AMD processor with VNNI (EPYC 9004), measured as the table is."""
    shape = find_model(size).architecture
    found = estimate_ram(shape, "ctranslate2", kind, context=2048, used=96, linear_algebra="oneDNN")
    assert found.resident / MIB == pytest.approx(after, rel=0.02)
    assert found.peak / MIB == pytest.approx(peak, rel=0.05)


def test_only_q4_0_is_held_twice_without_the_unembedding() -> None:
    shape = find_model("410m").architecture
    once, twice = (estimate_ram(shape, "llamacpp", kind, context=2048, used=1).weights for kind in ("q5_1", "q4_0"))
    matrices = 12 * 24 * 1024**2
    assert twice - once == matrices * 18 // 32 - (matrices + 2 * 1024 * 50_304) * (24 - 18) // 32


def test_the_cache_has_the_bytes_that_run() -> None:
    assert [find_cache_bytes("ctranslate2", kind) for kind in ("int8", "float32", "int8_float16", "bfloat16")] == [
        4,
        4,
        2,
        2,
    ]
    assert [find_cache_bytes("llamacpp", kind) for kind in ("q4_0", "f16", "f32")] == [2, 2, 2]
    assert [find_cache_bytes("transformers", kind) for kind in ("float32", "bfloat16")] == [4, 2]
    shape = find_model("70m").architecture
    reserved = estimate_ram(shape, "llamacpp", "q4_0", context=2048, used=96, batch=2).kv_cache
    assert reserved == 2 * 2048 * 2 * 6 * 512 * 2
    assert (
        estimate_ram(shape, "ctranslate2", "int8", context=2048, used=96, batch=2).kv_cache == 2 * 96 * 2 * 6 * 512 * 4
    )


def test_memory_asked_for_is_the_peak_while_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = find_model("1b").architecture
    monkeypatch.setattr(memory_needs, "find_linear_algebra", lambda: "oneDNN")
    assert 5000 < estimate_bytes(shape, "ctranslate2", "float32", context=2048) / MIB < 5200
    monkeypatch.setattr(memory_needs, "find_linear_algebra", lambda: "MKL")
    asked = estimate_bytes(shape, "ctranslate2", "float32", context=2048)
    assert 7486 < asked / MIB < 7700
    # A batch of long texts needs more than loading.
    assert estimate_bytes(shape, "ctranslate2", "float32", context=2048, batch=64, used=1064) > 2 * asked
    with pytest.raises(TokbenchError, match="q4_3 cannot be run"):
        estimate_bytes(shape, "llamacpp", "q4_3", context=2048)


def test_a_busy_machine_is_mentioned() -> None:
    assert warn_of_load(2.0, 2) is None
    assert warn_of_load(None, 2) is None
    assert warn_of_load(2.5, 1) == (
        "the load average is 2.5 on 1 core: other programs are running, and times are longer than they would be alone"
    )
