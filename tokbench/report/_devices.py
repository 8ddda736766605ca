"""Devices as data, and a model on one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tokbench.pythia.devices import DeviceSpec
from tokbench.pythia.devices.estimate import DeviceEstimate
from tokbench.report._cost import write_money
from tokbench.report._document_model import Facts, Plain, Points, Results
from tokbench.report._table import Table, tabulate

_GIB = 1 << 30


def list_device_rows(every: tuple[DeviceSpec, ...]) -> list[dict[str, Any]]:
    """Return one row per device: dense TFLOP/s by number type, GB/s, GB, W, source and date."""
    return [
        {
            "name": one.name,
            "title": one.title,
            **{kind: write_peak(one.flops.get(kind)) for kind in ("fp32", "tf32", "fp16", "fp8", "int8")},
            "GB/s": one.bandwidth / 1e9,
            "GB": None if one.memory is None else one.memory / 1e9,
            "W": one.power,
            "announced": one.announced.isoformat(),
            "aliases": list(one.aliases),
            "source": one.source,
            "note": one.note,
        }
        for one in every
    ]


def write_peak(rate: float | None) -> float | None:
    """Return a rate in TFLOP/s, without the noise of its binary form."""
    return None if rate is None else round(rate / 1e12, 6)


def add_device(results: Results, found: DeviceEstimate) -> Results:
    """Return a model's facts, followed by what a device is estimated to do with it."""
    return Results(
        lambda: [*results.parts(), *lay_out(found)],
        lambda: {**results.document(), "device": found.to_document()},
        lambda: found.times,
    )


def lay_out(found: DeviceEstimate) -> list[Plain]:
    """Lay out the memory, the times, the languages, and what they are based on."""
    parts: list[Plain] = [Facts(tuple(list_facts(found).items()))]
    if not found.fits:
        message = f"the weights do not fit {found.speed.device.title}"
        return [*parts, Points((message,), warning=True)]
    parts.append(lay_out_times(found))
    if found.languages.height:
        parts.append(lay_out_languages(found))
    return [*parts, Points(tuple(list_notes(found)))]


def list_facts(found: DeviceEstimate) -> dict[str, str]:
    """Return what the device is, and how its memory is divided."""
    device, room = found.speed.device, found.capacity
    facts = {"device": device.title, "weights as": found.speed.quantization.label}
    if room is None:
        facts["memory"] = "not published: it depends on the machine"
        return facts
    return {
        **facts,
        "usable memory": f"{room.usable / _GIB:,.1f} GiB (90 % of {(device.memory or 0) / 1e9:,.0f} GB)",
        "weights": f"{room.weights / _GIB:,.2f} GiB",
        "per text": f"{room.per_sequence / 2**20:,.1f} MiB (16-bit cache of {room.context:,} tokens, and its logits)",
        "largest batch": f"~{room.batch:,}",
    }


def lay_out_times(found: DeviceEstimate) -> Table:
    """Lay out estimated times; a tilde marks them."""
    rows = []
    for row in found.times.iter_rows(named=True):
        spread = f" ({write_time(row['low'])} to {write_time(row['high'])})" if row["low"] is not None else ""
        joules = row["joules_per_1000_tokens"]
        rows.append(
            {
                "phase": row["phase"],
                "batch": f"{row['batch']:,}",
                "tokens": f"{row['tokens']:,}",
                "limited by": row["limit"],
                "ms": f"~{write_time(row['seconds'])}{spread}",
                "tokens/s": f"~{row['tokens_per_second']:,.0f}",
                "J per 1,000 tokens": None if joules is None else f"<{write_short(joules)}",
                **write_price(found, "million tokens", row["money_per_1000000_tokens"]),
            }
        )
    title = f"Estimated at {found.speed.efficiency:.0%} of the peaks"
    return replace(tabulate(rows, title), labels=3, texts=frozenset({3}))


def lay_out_languages(found: DeviceEstimate) -> Table:
    """Lay out what the same text takes in each language."""
    rows = [
        {
            "lang": row["lang"],
            "tokens": f"{row['tokens']:,}",
            "x": write_ratio(row["premium"]),
            "TTFT ms": f"~{write_time(row['prefill_seconds'])}",
            "request ms": f"~{write_time(row['prefill_seconds'] + row['answer_seconds'])}",
            "x ": write_ratio(row["seconds_premium"]),
            "MiB per user": None if row["user_bytes"] is None else f"{row['user_bytes'] / 2**20:,.1f}",
            "users": None if row["users"] is None else f"~{row['users']:,}",
            "x  ": write_ratio(row["users_premium"]),
            "requests/s": None if row["requests_per_second"] is None else f"~{row['requests_per_second']:,.3g}",
            **write_price(found, "1,000 requests", row["money_per_1000_requests"]),
            **({"x   ": write_ratio(row["money_premium"])} if found.price is not None else {}),
        }
        for row in found.languages.iter_rows(named=True)
    ]
    title = "By language: a segment of mean length is read, and as much text written; users that fit at once"
    return as_numbers(tabulate(rows, title), 1)


def write_price(found: DeviceEstimate, per: str, amount: float | None) -> dict[str, str | None]:
    """Return the column of money for something, empty without a price."""
    if found.price is None:
        return {}
    return {f"{found.price.currency or 'money'} per {per}": None if amount is None else f"~{write_money(amount)}"}


def list_notes(found: DeviceEstimate) -> list[str]:
    """Return what the estimates are based on."""
    device = found.speed.device
    notes = [found.speed.note]
    if found.assumed:
        notes.append("the efficiency is an assumption: ranges are those at 75 % and 30 %; --efficiency sets it")
    if found.languages.height:
        notes.append("TTFT and request: of one user alone; requests/s: of all users that fit, served at once")
    if found.price is not None:
        unit = f" {found.price.currency}" if found.price.currency else ""
        notes.append(f"price of the device: {found.price.per_hour:g}{unit} per hour, paid while it serves so many")
    if device.power is None:
        notes.append("no joules: the power is not published")
    else:
        notes.append(f"joules: at most, from the power limit of {device.power:,.0f} W")
    if not device.flops:
        notes.append("no FLOP/s are published: only single texts are decoded, limited by bandwidth")
    if device.note:
        notes.append(device.note)
    return [*notes, f"{device.source} (announced {device.announced})"]


def as_numbers(table: Table, labels: int) -> Table:
    """Return a table whose columns after the first `labels` hold numbers, written as text."""
    return replace(table, labels=labels, texts=frozenset())


def write_time(seconds: float) -> str:
    """Format seconds as milliseconds, to three digits."""
    return write_short(seconds * 1e3)


def write_short(value: float) -> str:
    """Format a number to three digits, or whole."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write_ratio(value: float | None) -> str | None:
    """Format a premium."""
    return None if value is None else f"{value:.2f}"
