"""Costs of an engine beside speed: loading, first call, memory, hard input.

Each is measured in a separate process.
"""

from __future__ import annotations

import math
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tokbench._shared.process import single_thread
from tokbench.adapters import ADAPTERS
from tokbench.adapters._protocol import Tokenizer
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

GROWTH_MB = (1, 100)
LIMIT_SECONDS = 120.0
INPUT_SECONDS = 10.0
_SIZES = tuple(1000 * 2**doubling for doubling in range(10))
_BATCH_BYTES = 250_000
_MIB = 1 << 20
_CJK = "".join(map(chr, range(0x4E00, 0x4E00 + 500)))

INPUTS = {"a": "a", "CJK": _CJK, "spaces": " ", "digits": "0123456789"}
"""Input that cannot be split: the text that is repeated to the length, by name."""

R = TypeVar("R")


@dataclass(frozen=True)
class Footprint:
    """Loading and memory of one engine of one tokenizer, in seconds and MiB.

    Values are null beyond the time limit.
    load: seconds to read the files.
    first_call: seconds for one short text.
    loaded: resident memory added by loading.
    peak: maximum resident memory of the process.
    growth: (MB of distinct text encoded, resident memory added since loading).
    """

    name: str
    load: float
    first_call: float
    loaded: float | None
    peak: float | None
    growth: tuple[tuple[int, float | None], ...]


@dataclass(frozen=True)
class Scaling:
    """Growth of time with length on hard input, within the time limit.

    exponent: slope of log time over log length; null if fewer than three sizes took a millisecond.
    largest: the most characters encoded, in `seconds`. complete: whether all sizes were reached.
    """

    name: str
    input: str
    exponent: float | None
    largest: int
    seconds: float
    complete: bool


def read_memory(field: str) -> float | None:
    """Read resident memory (`VmRSS`) or its peak (`VmHWM`) in MiB, or None."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    lines = status.read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:")), None)


def make_distinct(texts: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield batches of `size` bytes in all, with words that no earlier batch had.

    Every copy of the texts marks its words.
    """
    done, copy, batch, held = 0, 0, [], 0
    while done < size:
        mark = "".join(chr(ord("a") + copy // 26**digit % 26) for digit in range(3)) if copy else ""
        for text in texts:
            marked = text.replace(" ", f" {mark}") if copy else text
            batch.append(marked)
            held += len(marked.encode())
            if held >= _BATCH_BYTES or done + held >= size:
                yield batch
                done, batch, held = done + held, [], 0
                if done >= size:
                    return
        copy += 1


def run_apart(function: Callable[..., R], *arguments: Any, limit: float) -> list[R]:
    """Return what a generator yields in a new process within `limit` seconds.

    The process is then killed.
    A TokbenchError that ends the function is raised here.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, function, arguments, list(sys.path)), daemon=True)
    process.start()
    theirs.close()
    values: list[R] = []
    end = time.monotonic() + limit
    try:
        while ours.poll(max(0.0, end - time.monotonic())):
            value = ours.recv()
            if isinstance(value, TokbenchError):
                raise value
            values.append(value)
    except EOFError:
        pass
    finally:
        process.kill()
        process.join()
        ours.close()
    return values


def _serve(
    pipe: Connection, function: Callable[..., Iterator[Any]], arguments: tuple[Any, ...], path: list[str]
) -> None:
    sys.path[:] = path
    try:
        for value in function(*arguments):
            pipe.send(value)
    except TokbenchError as error:
        pipe.send(TokbenchError(error.message, error.hint))  # its subclasses cannot be pickled


def _load(asset: Asset, engine: str) -> Tokenizer:
    return ADAPTERS[engine].load(asset)


def probe_memory(asset: Asset, engine: str, texts: Sequence[str], growth: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """Yield facts one by one, so that those before a time limit are kept."""
    ADAPTERS[engine]
    before = read_memory("VmRSS")
    start = time.perf_counter()
    tokenizer = _load(asset, engine)
    tokenizer.encode_batch([])
    yield "load", time.perf_counter() - start
    start = time.perf_counter()
    tokenizer.encode_batch(["The first text."])
    yield "first_call", time.perf_counter() - start
    loaded = read_memory("VmRSS")
    yield "loaded", None if loaded is None or before is None else loaded - before
    yield "peak", read_memory("VmHWM")
    done = 0
    with single_thread():
        for batch in make_distinct(texts, max(growth) * 1_000_000):
            tokenizer.encode_batch(batch)
            size = sum(len(text.encode()) for text in batch)
            for target in growth:
                if done < target * 1_000_000 <= done + size:
                    now = read_memory("VmRSS")
                    yield "growth", (target, None if now is None or loaded is None else now - loaded)
            done += size
    yield "peak", read_memory("VmHWM")


def measure_footprint(
    asset: Asset, engine: str, texts: Sequence[str], *, growth: Sequence[int] = GROWTH_MB, limit: float = LIMIT_SECONDS
) -> Footprint | None:
    """Measure the footprint of an engine in a separate process.

    Return None if it did not even load within the limit.
    """
    reported: list[tuple[str, Any]] = run_apart(probe_memory, asset, engine, list(texts), list(growth), limit=limit)  # type: ignore[arg-type]
    facts = dict(reported)
    if "first_call" not in facts:
        return None
    reached = {target: grown for key, (target, grown) in ((k, v) for k, v in reported if k == "growth")}
    return Footprint(
        engine,
        facts["load"],
        facts["first_call"],
        facts.get("loaded"),
        facts.get("peak"),
        tuple((target, reached.get(target)) for target in growth),
    )


def probe_input(asset: Asset, engine: str, piece: str) -> Iterator[tuple[int, float]]:
    """Yield each length in characters and its seconds.

    Of two calls on different texts, the faster one counts.
    """
    tokenizer = _load(asset, engine)
    tokenizer.encode_batch(["Warm-up."])
    for size in _SIZES:
        seconds = math.inf
        for shorter in (0, 1):
            text = (piece * (size // len(piece) + 1))[: size - shorter]
            start = time.perf_counter()
            tokenizer.encode_batch([text])
            seconds = min(seconds, time.perf_counter() - start)
        yield size, seconds


def measure_scaling(asset: Asset, engine: str, *, limit: float = INPUT_SECONDS) -> list[Scaling]:
    """Measure how time grows with length on each hard input.

    Each runs in a separate process that ends at the limit.
    """
    scalings = []
    for name, piece in INPUTS.items():
        times: list[tuple[int, float]] = run_apart(probe_input, asset, engine, piece, limit=limit)  # type: ignore[arg-type]
        largest, seconds = times[-1] if times else (0, 0.0)
        scalings.append(Scaling(engine, name, fit_exponent(times), largest, seconds, len(times) == len(_SIZES)))
    return scalings


def fit_exponent(times: Sequence[tuple[int, float]]) -> float | None:
    """Fit the slope of log time over log length by least squares.

    Only times of at least 1 ms count; None for fewer than three.

    >>> round(fit_exponent([(1000, 0.01), (2000, 0.04), (4000, 0.16)]), 3)
    2.0
    """
    points = [(math.log(size), math.log(taken)) for size, taken in times if taken >= 1e-3]
    if len(points) < 3:
        return None
    sizes, seconds = np.array(points).T
    return float(np.polyfit(sizes, seconds, 1)[0])
