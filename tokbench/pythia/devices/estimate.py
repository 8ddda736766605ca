"""What a device is estimated to do with a model, as frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from tokbench.errors import TokbenchError
from tokbench.pythia.cost.prices import Prices
from tokbench.pythia.devices.capacity import Capacity, find_capacity
from tokbench.pythia.devices.catalogue import find_device
from tokbench.pythia.devices.speeds import DEFAULT_EFFICIENCY, EFFICIENCY_RANGE, DeviceSpeed
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.work import Phase
from tokbench.pythia.serving.loads import Load, check_loads

PROMPTS = (128, 512)
BATCHES = (1, 8, 64)


@dataclass(frozen=True, eq=False)
class DeviceEstimate:
    """A model on a device.

    assumed: whether the efficiency is the default; times then come with a range.
    capacity: None if the device's memory is not published.
    price: of the device per hour; None without one.
    times: phase, batch, tokens (of the prompt, or the context), seconds (of the batch), low, high (null unless
        assumed), tokens_per_second, limit, joules_per_1000_tokens (at most; null if the power is not published),
        money_per_1000000_tokens (null without a price), basis.
    languages: lang, tokens (of a request), premium, prefill_seconds, answer_seconds (of one user), user_bytes, users
        (that fit), requests_per_second (of so many), money_per_1000_requests (likewise; null without a price),
        seconds_premium, users_premium, money_premium, basis; empty without loads.
    """

    speed: DeviceSpeed
    assumed: bool
    capacity: Capacity | None
    price: Prices | None
    times: pl.DataFrame
    languages: pl.DataFrame

    @property
    def fits(self) -> bool:
        """Return whether the weights fit the device, as far as its memory is known."""
        return self.capacity is None or self.capacity.fits

    def to_document(self) -> dict[str, Any]:
        """Convert to a JSON document."""
        device, room = self.speed.device, self.capacity
        return {
            "device": device.name,
            "title": device.title,
            "source": device.source,
            "announced": device.announced.isoformat(),
            "quantization": self.speed.quantization.label,
            "efficiency": self.speed.efficiency,
            "efficiency_assumed": self.assumed,
            "note": self.speed.note,
            "price_per_hour": None if self.price is None else self.price.per_hour,
            "currency": None if self.price is None else self.price.currency,
            "capacity": None
            if room is None
            else {
                "context": room.context,
                "usable_bytes": room.usable,
                "weight_bytes": room.weights,
                "bytes_per_sequence": room.per_sequence,
                "largest_batch": room.batch,
            },
            "times": self.times.to_dicts(),
            "languages": self.languages.to_dicts(),
        }


def estimate(
    architecture: Architecture,
    device: str,
    quantization: str = "float16",
    *,
    efficiency: float | None = None,
    context: int | None = None,
    loads: Sequence[Load] = (),
    reference: str | None = None,
    price: Prices | None = None,
) -> DeviceEstimate:
    """Estimate times, largest batch and joules of a model on a device.

    context: tokens of each text of the largest batch; the model's by default.
    loads, reference: requests by language, and the language that premiums refer to, if any.
    price: of the device per hour.

    Raises TokbenchError for an unknown device or type, for an efficiency or context out of range, and for requests that
    do not fit the model's context.
    """
    kind = find_quantization(quantization)
    speed = DeviceSpeed(
        find_device(device), architecture, kind, DEFAULT_EFFICIENCY if efficiency is None else efficiency
    )
    check_loads(loads, architecture.context)
    length = architecture.context if context is None else context
    memory = speed.device.memory
    capacity = None if memory is None else find_capacity(memory, architecture, kind, length)
    fits = capacity is None or capacity.fits
    rows = list_times(speed, length, capacity, assumed=efficiency is None) if fits else []
    langs = [estimate_load(speed, load) for load in loads] if fits else []
    if price is not None and price.per_hour is not None:
        add_money(rows, langs, price.per_hour / 3600)
    if loads:
        speed.require_flops()
    return DeviceEstimate(
        speed,
        efficiency is None,
        capacity,
        price,
        pl.DataFrame(rows, schema=_TIMES_SCHEMA),
        pl.DataFrame(add_premiums(langs, reference), schema=_LANGUAGES_SCHEMA),
    )


_TIMES_SCHEMA: dict[str, Any] = {
    "phase": pl.String,
    "batch": pl.Int64,
    "tokens": pl.Int64,
    "seconds": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "tokens_per_second": pl.Float64,
    "limit": pl.String,
    "joules_per_1000_tokens": pl.Float64,
    "money_per_1000000_tokens": pl.Float64,
    "basis": pl.String,
}
_LANGUAGES_SCHEMA: dict[str, Any] = {
    "lang": pl.String,
    "tokens": pl.Int64,
    "prefill_seconds": pl.Float64,
    "answer_seconds": pl.Float64,
    "user_bytes": pl.Int64,
    "users": pl.Int64,
    "requests_per_second": pl.Float64,
    "money_per_1000_requests": pl.Float64,
    "basis": pl.String,
    **dict.fromkeys(("premium", "seconds_premium", "users_premium", "money_premium"), pl.Float64),
}


def list_times(speed: DeviceSpeed, context: int, capacity: Capacity | None, *, assumed: bool) -> list[dict[str, Any]]:
    """List the times of prompts, and of decoding steps by batch, as far as they can be estimated and fit."""
    cases: list[tuple[Phase, int, int]] = [
        ("prefill", 1, tokens) for tokens in {*PROMPTS, context} if tokens <= context
    ]
    most = capacity.batch if capacity else max(BATCHES)
    sizes = [batch for batch in (*BATCHES, *([most] if capacity else [])) if 0 < batch <= most]
    cases = [*sorted(cases), *(("decode", batch, context) for batch in sorted({*sizes}))]
    rows = []
    for phase, batch, tokens in cases:
        try:
            seconds, limit = speed.time(phase, tokens, batch)
        except TokbenchError:  # no published FLOP/s: what arithmetic may limit is left out
            continue
        ends = [replace(speed, efficiency=end).time(phase, tokens, batch)[0] for end in EFFICIENCY_RANGE]
        counted = batch * (tokens if phase == "prefill" else 1)
        joules = speed.find_joules(seconds)
        rows.append(
            {
                "phase": phase,
                "batch": batch,
                "tokens": tokens,
                "seconds": seconds,
                "low": min(ends) if assumed else None,
                "high": max(ends) if assumed else None,
                "tokens_per_second": counted / seconds,
                "limit": limit,
                "joules_per_1000_tokens": None if joules is None else 1000 * joules / counted,
                "basis": speed.basis,
            }
        )
    return rows


def estimate_load(speed: DeviceSpeed, load: Load) -> dict[str, Any]:
    """Estimate a request of one user, and how many users with such requests fit the device.

    Requests per second are those of so many users at once, whose prompts are read together and answers written
    together, each step at the mean context.
    """
    prefill, _ = speed.time("prefill", load.prompt)
    steps, middle = load.new_tokens - 1, load.prompt + load.new_tokens // 2
    answer = steps * speed.time("decode", middle)[0]
    memory = speed.device.memory
    room = None if memory is None else find_capacity(memory, speed.architecture, speed.quantization, load.tokens)
    rate = None
    if room is not None and room.batch > 0:
        together = speed.time("prefill", load.prompt, room.batch)[0]
        rate = room.batch / (together + steps * speed.time("decode", middle, room.batch)[0])
    return {
        "lang": load.lang,
        "tokens": load.tokens,
        "prefill_seconds": prefill,
        "answer_seconds": answer,
        "user_bytes": None if room is None else room.per_sequence,
        "users": None if room is None else room.batch,
        "requests_per_second": rate,
        "basis": speed.basis,
    }


def add_money(rows: list[dict[str, Any]], langs: list[dict[str, Any]], per_second: float) -> None:
    """Add the money for 1,000,000 tokens of each batch, and for 1,000 requests of as many users as fit."""
    for row in rows:
        row["money_per_1000000_tokens"] = 1e6 * per_second / row["tokens_per_second"]
    for row in langs:
        rate = row["requests_per_second"]
        row["money_per_1000_requests"] = None if rate is None else 1000 * per_second / rate


def add_premiums(rows: Sequence[dict[str, Any]], reference: str | None) -> list[dict[str, Any]]:
    """Add what is relative to the reference language; None without one.

    premium (tokens), seconds_premium, users_premium (its users over the language's), money_premium.
    """
    base = next((row for row in rows if row["lang"] == reference), None)

    def sum_seconds(row: dict[str, Any]) -> float:
        return float(row["prefill_seconds"] + row["answer_seconds"])

    added = []
    for row in rows:
        ratios = dict.fromkeys(("premium", "seconds_premium", "users_premium", "money_premium"))
        if base is not None:
            users = base["users"] / row["users"] if row["users"] else None
            seconds = sum_seconds(row) / sum_seconds(base)
            ratios |= {"premium": row["tokens"] / base["tokens"], "seconds_premium": seconds, "users_premium": users}
            money, of = row.get("money_per_1000_requests"), base.get("money_per_1000_requests")
            ratios["money_premium"] = money / of if money is not None and of else None
        added.append({**row, **ratios})
    return added
