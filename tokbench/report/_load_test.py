"""Results of `tokbench model load-test`: waiting times, throughput, memory, premiums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from tokbench._shared.quantities import write_count
from tokbench.pythia.serving.load_test import Case, LoadTest
from tokbench.pythia.serving.summary import Figure as Value
from tokbench.pythia.serving.summary import frame_figures, frame_memory, frame_premiums, list_figures, to_document
from tokbench.report._document_model import Figure, Plain, Points, Results, Signature
from tokbench.report._load_chart import chart_load
from tokbench.report._table import Table, tabulate

_MIB = 1 << 20


def show_load_test(found: LoadTest, reference: str | None) -> Results:
    """Return a load test; premiums over the reference language if there is one."""
    return Results(
        lambda: lay_out(found, reference),
        lambda: to_document(found, reference),
        lambda: frame_figures(found),
        lambda: draw(found),
    )


def lay_out(found: LoadTest, reference: str | None) -> list[Plain]:
    """Lay out the tables, then warnings and notes."""
    parts: list[Plain] = [lay_out_times(found), lay_out_memory(found)]
    if reference is not None:
        parts.append(lay_out_premiums(found, reference))
    if found.warning:
        parts.append(Points((found.warning,), warning=True))
    return [*parts, Points(tuple(write_notes(found))), Signature(describe(found))]


def lay_out_times(found: LoadTest) -> Table:
    """Lay out waiting times and throughput, one row per case."""
    shown = choose_keys(found)
    rows = []
    for case, rounds in found.rounds.items():
        values = {one.name: one for one in list_figures(case, rounds)}
        row = {**{name: read(case) for name, read in shown.items()}, "users": case.users}
        row["TTFT p50"] = write_spread(values["ttft_p50"], 1e3)
        row |= {"p95": write(values["ttft_p95"].value, 1e3), "ITL p50": write_spread(values["itl_p50"], 1e3)}
        row |= {f" p{rank}": write(values[f"itl_p{rank}"].value, 1e3) for rank in (95, 99)}
        row["request p50"] = write(values["request_p50"].value, 1e3)
        row["tokens/s"] = write_spread(values["throughput"], 1)
        if "joules" in values:
            row["J/token"] = write_spread(values["joules"], 1)
        rows.append(row)
    table = tabulate(rows, "Waiting times, ms, and new tokens per second of all users (range of the rounds)")
    return mark_numbers(table, len(shown) + 1)


def lay_out_memory(found: LoadTest) -> Table:
    """Lay out what each further user takes, and how many users fit."""
    where = "of the CUDA device" if found.device == "cuda" else "resident"
    title = f"Memory ({where}), MiB; users that fit the {found.available / 2**30:.1f} GiB that were free"
    shown = choose_keys(found)
    kinds = {"lang": "lang", "prompt": "prompt", "new_tokens": "new", "cache": "cache"}
    rows = []
    for row in frame_memory(found).iter_rows(named=True):
        named = {new: row[old] for old, new in kinds.items() if new in shown}
        if "cache" in named:
            named["cache"] = row["cache"] or "default"
        sizes = {"per user": row["measured"], "cache per user": row["computed"], "without users": row["base"]}
        written = {name: None if size is None else f"{size / _MIB:,.2f}" for name, size in sizes.items()}
        rows.append({**named, **written, "users that fit": None if row["fitting"] is None else f"{row['fitting']:,}"})
    return mark_numbers(tabulate(rows, title), len(shown))


def lay_out_premiums(found: LoadTest, reference: str) -> Table:
    """Lay out what languages cost beside the reference."""
    rows = [
        {
            "lang": row["lang"],
            **({"cache": row["cache"] or "default"} if "cache" in choose_keys(found) else {}),
            "users": row["users"],
            "tokens": f"{row['tokens']:,}",
            **{name.removesuffix("_premium"): f"{row[name]:.2f}" for name in row if name.endswith("_premium")},
        }
        for row in frame_premiums(found, reference).rename({"tokens_premium": "tokens x_premium"}).iter_rows(named=True)
    ]
    title = f"The same text in other languages, relative to {reference}; medians"
    return mark_numbers(tabulate(rows, title), 1 + ("cache" in choose_keys(found)))


def choose_keys(found: LoadTest) -> Mapping[str, Callable[[Case], Any]]:
    """Return the columns that tell cases apart, apart from the users."""
    every: dict[str, Callable[[Case], Any]] = {
        "lang": lambda case: case.load.lang,
        "prompt": lambda case: case.load.prompt,
        "new": lambda case: case.load.new_tokens,
        "cache": lambda case: case.cache_type or "default",
    }
    return {name: read for name, read in every.items() if len({read(case) for case in found.rounds}) > 1}


def mark_numbers(table: Table, labels: int) -> Table:
    """Return a table whose columns after the first `labels` hold numbers, written as text."""
    from dataclasses import replace

    return replace(table, labels=labels, texts=frozenset())


def write(value: float, factor: float) -> str:
    """Format a number to three digits."""
    shown = value * factor
    return f"{shown:,.0f}" if shown >= 100 else f"{shown:#.3g}".rstrip(".")


def write_spread(value: Value, factor: float) -> str:
    """Format a value, with the lowest and highest round if there are several."""
    if value.low == value.high:
        return write(value.value, factor)
    return f"{write(value.value, factor)} ({write(value.low, factor)} to {write(value.high, factor)})"


def write_notes(found: LoadTest) -> Iterator[str]:
    """Yield what the figures are of."""
    yield (
        "all users send one request at the same moment; TTFT: until a user's first token; ITL: between a user's "
        "tokens; percentiles over users and rounds"
    )
    if found.weights == "random":
        yield "weights: random; speed and memory are real, generated text is meaningless"
    if found.joules_note:
        yield found.joules_note
    else:
        yield "joules of the processor packages, with idle power and other programs"


def describe(found: LoadTest) -> str:
    """Describe on one line what the figures depend on."""
    place = found.environment
    loads = dict.fromkeys(case.load for case in found.rounds)
    requests = ", ".join(
        f"{load.prompt} + {load.new_tokens} tokens{f' ({load.lang})' if load.lang else ''}" for load in loads
    )
    rounds = max(map(len, found.rounds.values()), default=0)
    libraries = ", ".join(f"{name} {version}" for name, version in found.libraries.items())
    settings = "".join(f", {name}: {value}" for name, value in found.settings.items())
    return (
        f"{place.date[:10]}, {found.model} {found.quantization} on {found.backend}, {place.processor}, "
        f"{place.cores} cores, {place.system}, {found.threads} threads, {found.device}, {requests}, "
        f"{write_count(rounds, 'round')}, weights: {found.weights}{settings}, tokbench {place.tokbench}, {libraries}"
    )


def draw(found: LoadTest) -> list[Figure]:
    """Return a chart of throughput against the wait between tokens; none for a single number of users."""
    if len({case.users for case in found.rounds}) < 2:
        return []
    shown = choose_keys(found)
    rows = []
    for case, rounds in found.rounds.items():
        values = {one.name: one.value for one in list_figures(case, rounds)}
        series = ", ".join(f"{name} {read(case)}" for name, read in shown.items()) or found.model
        rows.append({"series": series, "users": case.users, "throughput": values["throughput"]})
        rows[-1]["latency"] = values["itl_p95"] * 1e3
    formats = dict.fromkeys(("throughput", "latency"), partial(write, factor=1))
    caption = "New tokens per second of all users against the wait between tokens (95th percentile), by users"
    return [Figure("load", caption, lambda: chart_load(rows), tabulate(rows, formats=formats))]
