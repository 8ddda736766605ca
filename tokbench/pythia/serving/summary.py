"""Load tests as frames: percentiles of waiting times, throughput, memory per user, and how many users fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from tokbench.pythia.serving.load_test import Case, LoadTest, Round, count_cache_bytes

PERCENTILES = (50, 95, 99)

FIGURES_SCHEMA: dict[str, Any] = {
    "lang": pl.String,
    "prompt": pl.Int64,
    "new_tokens": pl.Int64,
    "cache": pl.String,
    "users": pl.Int64,
    "figure": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "unit": pl.String,
}


@dataclass(frozen=True)
class Figure:
    """A figure of a case: its value over all rounds, and the lowest and highest of single rounds."""

    name: str
    value: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class UserMemory:
    """Memory that each further user takes, for one kind of request and cache, in bytes.

    measured: slope of the least-squares line through memory and number of users; None for a single number of users.
    computed: keys and values at the end of a request.
    base: memory without users: the line's value at 0.
    fitting: users that fit the memory that was free; None if the slope is not above 0.
    """

    measured: float | None
    computed: int
    base: float | None
    fitting: int | None


def list_figures(case: Case, rounds: Sequence[Round]) -> Iterator[Figure]:
    """Yield the figures of a case.

    ttft: seconds to a user's first token. itl: seconds between a user's tokens (inter-token latency). request: seconds
    to a user's last token. Percentiles are over users and rounds, linearly interpolated. throughput: new tokens per
    second of all users. memory: after the last token.
    """

    def summarize(name: str, unit: str, value: float, each: list[float]) -> Figure:
        return Figure(name, value, min(each), max(each), unit)

    for kind, read in _WAITS.items():
        values = [read(one) for one in rounds]
        pooled = [seconds for one in values for seconds in one]
        for percent in PERCENTILES:
            each = [float(np.percentile(one, percent)) for one in values]
            yield summarize(f"{kind}_p{percent}", "s", float(np.percentile(pooled, percent)), each)
    tokens = case.users * case.load.new_tokens
    each = [tokens / one.seconds for one in rounds]
    yield summarize("throughput", "tokens/s", median(each), each)
    each = [float(one.served) for one in rounds]
    yield summarize("memory", "B", median(each), each)
    each = [one.joules / tokens for one in rounds if one.joules is not None]
    if each:
        yield summarize("joules", "J/token", median(each), each)


_WAITS: Mapping[str, Callable[[Round], list[float]]] = {
    "ttft": lambda one: list(one.first),
    "itl": lambda one: [gap for gaps in one.gaps for gap in gaps],
    "request": lambda one: [first + sum(gaps) for first, gaps in zip(one.first, one.gaps, strict=True)],
}


def frame_figures(found: LoadTest) -> pl.DataFrame:
    """Tabulate every figure, one per row; `cache` is null for the backend's own type."""
    rows = [
        {**_identify(case), "users": case.users, "figure": one.name, **_drop_name(one)}
        for case, rounds in found.rounds.items()
        for one in list_figures(case, rounds)
    ]
    return pl.DataFrame(rows, schema=FIGURES_SCHEMA)


def _identify(case: Case) -> dict[str, Any]:
    load = case.load
    return {"lang": load.lang, "prompt": load.prompt, "new_tokens": load.new_tokens, "cache": case.cache_type}


def _drop_name(one: Figure) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "name"}


def group_cases(found: LoadTest) -> dict[Case, list[Case]]:
    """Return the cases that differ in users alone, by the first of them."""
    groups: dict[tuple[Any, ...], list[Case]] = {}
    for case in found.rounds:
        groups.setdefault((case.load, case.cache_type), []).append(case)
    return {cases[0]: cases for cases in groups.values()}


def fit_memory(found: LoadTest, cases: Sequence[Case]) -> UserMemory:
    """Find the memory per user from cases that differ in users alone."""
    computed = count_cache_bytes(found.architecture, cases[0], found.kv_bytes_per_value)
    if len({case.users for case in cases}) < 2:
        return UserMemory(None, computed, None, None)
    points = [(case.users, one.served - one.before) for case in cases for one in found.rounds[case]]
    users, sizes = (np.array(column, np.float64) for column in zip(*points, strict=True))
    spread = users - users.mean()
    slope = float(spread @ sizes / (spread @ spread))
    base = float(sizes.mean() - slope * users.mean())
    before = median(one.before for case in cases for one in found.rounds[case]) if found.device == "cpu" else 0
    fitting = max(int((found.available - before - base) / slope + 1e-9), 0) if slope > 0 else None
    return UserMemory(slope, computed, base, fitting)


def frame_memory(found: LoadTest) -> pl.DataFrame:
    """Tabulate memory per user: columns lang, prompt, new_tokens, cache, and those of `UserMemory`."""
    rows = [{**_identify(first), **asdict(fit_memory(found, cases))} for first, cases in group_cases(found).items()]
    names = {name: FIGURES_SCHEMA[name] for name in ("lang", "prompt", "new_tokens", "cache")}
    sizes = {"measured": pl.Float64, "computed": pl.Int64, "base": pl.Float64, "fitting": pl.Int64}
    return pl.DataFrame(rows, schema=names | sizes)


def frame_premiums(found: LoadTest, reference: str) -> pl.DataFrame:
    """Tabulate what languages cost beside the reference language, for the same number of users and cache.

    Columns: lang, cache, users, tokens (of a request), and ratios to the reference: tokens_premium, ttft_premium,
    itl_premium, request_premium (medians), throughput_premium (requests per second of the reference over the
    language's) and memory_premium (of a user's cache). Empty if the reference was not measured.
    """
    figures = frame_figures(found)
    rows = []
    for case in found.rounds:
        base = next(
            (
                other
                for other in found.rounds
                if other.load.lang == reference and (other.users, other.cache_type) == (case.users, case.cache_type)
            ),
            None,
        )
        if case.load.lang is None or base is None:
            continue
        own, other = _look_up(figures, case), _look_up(figures, base)
        requests = [found_["throughput"] / one.load.new_tokens for found_, one in ((own, case), (other, base))]
        rows.append(
            {
                "lang": case.load.lang,
                "cache": case.cache_type,
                "users": case.users,
                "tokens": case.load.tokens,
                "tokens_premium": case.load.tokens / base.load.tokens,
                "ttft_premium": own["ttft_p50"] / other["ttft_p50"],
                "itl_premium": own["itl_p50"] / other["itl_p50"],
                "request_premium": own["request_p50"] / other["request_p50"],
                "throughput_premium": requests[1] / requests[0],
                "memory_premium": case.load.tokens / base.load.tokens,
            }
        )
    names = {"lang": pl.String, "cache": pl.String, "users": pl.Int64, "tokens": pl.Int64}
    ratios = ("tokens", "ttft", "itl", "request", "throughput", "memory")
    return pl.DataFrame(rows, schema=names | {f"{ratio}_premium": pl.Float64 for ratio in ratios})


def _look_up(figures: pl.DataFrame, case: Case) -> dict[str, float]:
    chosen = figures.filter(
        pl.col("lang").eq_missing(pl.lit(case.load.lang)),
        pl.col("cache").eq_missing(pl.lit(case.cache_type)),
        pl.col("prompt") == case.load.prompt,
        pl.col("new_tokens") == case.load.new_tokens,
        pl.col("users") == case.users,
    )
    return dict(zip(chosen["figure"].to_list(), chosen["value"].to_list(), strict=True))


def to_document(found: LoadTest, reference: str | None) -> dict[str, Any]:
    """Convert everything to a JSON document."""
    apart = ("rounds", "architecture", "environment", "settings", "libraries")
    return {
        **{name: value for name, value in vars(found).items() if name not in apart},
        "settings": dict(found.settings),
        "libraries": dict(found.libraries),
        "architecture": asdict(found.architecture),
        "environment": asdict(found.environment),
        "warning": found.warning,
        "cases": [
            {**_identify(case), "users": case.users, "rounds": [asdict(one) for one in rounds]}
            for case, rounds in found.rounds.items()
        ],
        "figures": frame_figures(found).to_dicts(),
        "memory": frame_memory(found).to_dicts(),
        "premiums": [] if reference is None else frame_premiums(found, reference).to_dicts(),
    }
