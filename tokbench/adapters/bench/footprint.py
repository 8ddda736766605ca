"""What an engine costs beside its speed, each in a process of its own: loading, first call, memory, hard input."""

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

from tokbench._shared.threads import single_thread
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
"""Input without a place to split at: what is repeated to the length."""

R = TypeVar("R")


@dataclass(frozen=True)
class Footprint:
    """One engine of one tokenizer. Seconds; MiB; memory after distinct text, null beyond the time limit.

    load: reading the files. first_call: one short text. loaded: resident memory the loading added. peak: the most the
    process ever held. growth: MB of distinct text encoded, and the resident memory added since loading.
    """

    name: str
    load: float
    first_call: float
    loaded: float | None
    peak: float | None
    growth: tuple[tuple[int, float | None], ...]


@dataclass(frozen=True)
class Scaling:
    """Time against length on hard input: the exponent over the sizes that were reached within the time limit.

    exponent: slope of log time over log length; null where fewer than three sizes took a millisecond.
    largest: the most characters that were encoded, in `seconds`; complete: whether all sizes were.
    """

    name: str
    input: str
    exponent: float | None
    largest: int
    seconds: float
    complete: bool


def read_memory(field: str) -> float | None:
    """Resident memory (`VmRSS`) or its peak (`VmHWM`) of this process in MiB; None where the system does not say."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    lines = status.read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:")), None)


def make_distinct(texts: Sequence[str], size: int) -> Iterator[list[str]]:
    """Batches of texts of `size` bytes in all, with words that no batch before had: each copy marks its words anew."""
    done, copy, batch, held = 0, 0, [], 0
    while done < size:
        mark = "".join(chr(ord("a") + copy // 26**place % 26) for place in range(3)) if copy else ""
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
    """What a generator function gives in a new process within `limit` seconds; then the process is ended.

    A TokbenchError that ends it is raised here.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, function, arguments, list(sys.path)), daemon=True)
    process.start()
    theirs.close()
    found: list[R] = []
    end = time.monotonic() + limit
    try:
        while ours.poll(max(0.0, end - time.monotonic())):
            value = ours.recv()
            if isinstance(value, TokbenchError):
                raise value
            found.append(value)
    except EOFError:
        pass
    finally:
        process.kill()
        process.join()
        ours.close()
    return found


def _serve(
    pipe: Connection, function: Callable[..., Iterator[Any]], arguments: tuple[Any, ...], path: list[str]
) -> None:
    sys.path[:] = path
    try:
        for value in function(*arguments):
            pipe.send(value)
    except TokbenchError as error:
        pipe.send(TokbenchError(error.message, error.hint))  # the classes below it are not pickled whole


def _load(asset: Asset, engine: str) -> Tokenizer:
    return ADAPTERS[engine].load(asset)


def probe_memory(asset: Asset, engine: str, texts: Sequence[str], growth: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """Facts one after the other, so that those before a time limit are kept."""
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
    """The footprint of an engine, from a process of its own; None where it was not even loaded within the limit."""
    found: list[tuple[str, Any]] = run_apart(probe_memory, asset, engine, list(texts), list(growth), limit=limit)  # type: ignore[arg-type]
    facts = dict(found)
    if "first_call" not in facts:
        return None
    reached = {target: grown for key, (target, grown) in ((k, v) for k, v in found if k == "growth")}
    return Footprint(
        engine,
        facts["load"],
        facts["first_call"],
        facts.get("loaded"),
        facts.get("peak"),
        tuple((target, reached.get(target)) for target in growth),
    )


def probe_input(asset: Asset, engine: str, piece: str) -> Iterator[tuple[int, float]]:
    """Length in characters and seconds for each size in turn; the faster of two calls on texts that differ."""
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
    """How time grows with length on each hard input, each in a process of its own that ends at the limit."""
    found = []
    for name, piece in INPUTS.items():
        times: list[tuple[int, float]] = run_apart(probe_input, asset, engine, piece, limit=limit)  # type: ignore[arg-type]
        largest, seconds = times[-1] if times else (0, 0.0)
        found.append(Scaling(engine, name, fit_exponent(times), largest, seconds, len(times) == len(_SIZES)))
    return found


def fit_exponent(times: Sequence[tuple[int, float]]) -> float | None:
    """The slope of log time over log length, by least squares over what took at least a millisecond; None below three.

    >>> round(fit_exponent([(1000, 0.01), (2000, 0.04), (4000, 0.16)]), 3)
    2.0
    """
    kept = [(math.log(size), math.log(taken)) for size, taken in times if taken >= 1e-3]
    if len(kept) < 3:
        return None
    sizes, seconds = np.array(kept).T
    return float(np.polyfit(sizes, seconds, 1)[0])
