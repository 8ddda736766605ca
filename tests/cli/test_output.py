"""Standard output: closed, full, or of an encoding that lacks characters. The figures come out as far as they can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

import tokbench as tb
import tokbench.pythia.cost as pythia_cost
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from tokbench._shared import files
from tokbench.adapters import EncodedBatch
from tokbench.adapters.bench import speed
from tokbench.adapters.bench.throughput import measure_throughput
from tokbench.catalog.sources import Asset
from tokbench.comparison import _compare
from tokbench.errors import EngineError
from tokbench.measurement.recorded import RecordedTokenizer
from tokbench.pythia.measure import machine_load

SMALL = ("compare", "utf8", "-l", "en,zh", "-n", "2", "-q", "--resamples", "0", "--no-throughput")


def run_with(arguments: tuple[str, ...], **changes: str) -> subprocess.CompletedProcess[bytes]:
    """A real process: encodings and descriptors belong to one."""
    return subprocess.run(
        [sys.executable, "-m", "tokbench", *arguments], capture_output=True, check=False, env={**os.environ, **changes}
    )


@pytest.mark.parametrize("encoding", ["latin-1", "cp437"])
def test_a_table_has_a_plain_form(encoding: str) -> None:
    done = run_with(SMALL, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"tokens per segment, fewer is better" in done.stdout
    assert b"\\u" not in done.stdout


def test_characters_that_an_encoding_lacks_are_escaped_and_told(tmp_path: Path) -> None:
    write_corpus(tmp_path / "\u4f60", en=["a"])
    done = run_with((*SMALL[:2], "-c", str(tmp_path / "\u4f60"), *SMALL[-4:]), PYTHONIOENCODING="latin-1")
    assert done.returncode == 1
    assert done.stdout.startswith(b"\\u4f60: 1 language")
    assert b"1 characters are shown as \\u...; set PYTHONUTF8=1" in done.stderr  # in the title


# ---- what was measured comes out, whatever fails

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
def test_a_full_standard_output_costs_no_file(tmp_path: Path) -> None:
    file, folder = tmp_path / "out.json", tmp_path / "saved"
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tokbench", *SMALL, "-o", str(file), "--save", str(folder)],
            stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == b"tokbench: the output cannot be written: no space is left on the device\n"
    assert tb.load(file).frame.equals(tb.load(folder).frame)


@pytest.mark.skipif(os.name != "posix", reason="descriptors are inherited as POSIX has it")
def test_a_closed_standard_output_costs_no_file(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    line = [sys.executable, "-m", "tokbench", *SMALL, "-o", str(file)]
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *line], capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr == b"tokbench: standard output is closed: the result was not printed; use -o FILE\n"
    assert tb.load(file).names == ("utf8",)


def test_a_reader_that_left_costs_no_file(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    line = [sys.executable, "-m", "tokbench", *SMALL, "-o", str(file)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 1)
    assert tb.load(file).names == ("utf8",)


def test_a_file_that_cannot_be_written_costs_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk: the folder could be written when that was checked."""
    write_whole = files.write_whole

    def fill_disk(path: Path, content: bytes) -> None:
        if path.suffix == ".csv":
            raise tb.TokbenchError(f"cannot write {path}: No space left on device", "name another file")
        write_whole(path, content)

    monkeypatch.setattr(files, "write_whole", fill_disk)
    done = run(*SMALL, "-o", str(tmp_path / "a.csv"), "-o", str(tmp_path / "b.json"))
    assert done.returncode == 1
    assert done.stdout.startswith("tokbench14: 2 languages x 2 segments")
    assert "a.csv: No space left on device" in done.stderr
    assert tb.load(tmp_path / "b.json").names == ("utf8",)


def test_a_dash_is_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*SMALL, "-o", "-").stdout == run(*SMALL).stdout
    saved = tb.compare("utf8", {"en": ["a"]}, throughput=False)
    (tmp_path / "r.json").write_text(saved.report("r.json") or (tmp_path / "r.json").read_text())
    assert run("report", "r.json", "-o", "-").stdout.startswith("# Tokenizers on texts")
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_where_a_comparison_is_to_be_saved_is_checked_first(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    refuse(*SMALL, "--save", str(tmp_path), says="it holds other files (mine); name a new folder")
    refuse(*SMALL, "--save", str(tmp_path / "mine"), says="it is a file")


@pytest.mark.parametrize("step", ["find_examples", "find_differences", "measure_throughput"])
def test_an_error_in_a_late_step_keeps_the_counts(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    late = [*SMALL[:-3], "--save", str(tmp_path / "r")]
    expected = run(*SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(_compare, step, fail)
        done = run(*late, "-q")
    assert done.returncode != 0
    assert [line.split()[-3:] for line in done.stdout.splitlines()[1:4]] == [
        line.split()[-3:] for line in expected.stdout.splitlines()[1:4]
    ]
    assert "without intervals, tests, speeds and examples" in done.stderr
    assert tb.load(tmp_path / "r").measurements is not None


def test_an_engine_that_fails_while_it_is_timed_has_no_speed_but_its_figures() -> None:
    class Tiring(RecordedTokenizer):
        def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
            raise EngineError("tiring", "encode these texts", "tired", None)

    plain = tb.load_tokenizer("utf8")
    failures: list[EngineError] = []
    table = plain.token_table()
    tiring = Tiring(replace(plain.asset, name="tiring"), table, prefix=b"", unk_id=None)
    speeds = measure_throughput([plain, tiring], tb.load_corpus(), clock=perf_counter, on_failure=failures.append)
    assert [speed.tokenizer for speed in speeds] == ["utf8"]
    assert [failure.tokenizer for failure in failures] == ["tiring"]
    with pytest.raises(EngineError, match="tired"):
        measure_throughput([tiring], tb.load_corpus(), clock=perf_counter)


def test_bench_keeps_the_tokenizers_before_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    benchmark = speed.benchmark_engines

    def fail_for_byt5(asset: Asset, *arguments: Any, **options: Any) -> Any:
        if asset.name == "byt5":
            raise MemoryError
        return benchmark(asset, *arguments, **options)

    monkeypatch.setattr(speed, "benchmark_engines", fail_for_byt5)
    file = tmp_path / "b.json"
    done = run("bench", "utf8", "byt5", "-n", "2", "--rounds", "2", "-o", str(file), "-q", COLUMNS="80")
    assert done.returncode != 0
    assert "\ntokenizer  engine  times slower" in done.stdout  # the second part of the table, too, names the engines
    assert "utf8" in done.stdout
    assert [b["tokenizer"] for b in json.loads(file.read_text())["benchmarks"]] == ["utf8"]


def test_cost_keeps_the_tokens_where_measuring_ends_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = pythia_cost.cost

    def fail_while_measuring(*arguments: Any, backend: str, on_step: Callable[[str], None], **options: Any) -> Any:
        if backend != pythia_cost.ANALYTIC:
            on_step("the model")
            raise MemoryError
        return cost(*arguments, backend=backend, on_step=on_step, **options)

    monkeypatch.setattr(pythia_cost, "cost", fail_while_measuring)
    monkeypatch.setattr(machine_load, "read_load", lambda: 99.0)
    line = ("cost", "utf8", "-l", "en,zh", "-n", "2", "--model", "70m")
    done = run(*line, "--backend", "ctranslate2")
    assert done.returncode != 0
    assert "the load average is 99.0 on" in done.stderr
    assert done.stdout == run(*line).stdout
    hourly = run(*line, "--backend", "ctranslate2", "--price-per-hour", "2", "--currency", "USD")
    assert (hourly.returncode, hourly.stdout, hourly.stderr) == (done.returncode, done.stdout, done.stderr)
