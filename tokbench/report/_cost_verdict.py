"""What costs say in sentences, what they assume, and the notes below their tables."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tokbench.pythia.cost import DAYS_PER_MONTH, Costs, Prices
from tokbench.report._cost import (
    EXACT,
    SCALES,
    find_headline,
    mark,
    write_interval,
    write_money,
    write_number,
    write_ratio,
)
from tokbench.report._findings import join

MOST_NAMED = 3
"""Tokenizers, and languages, that a sentence names one by one."""

NOUNS = {"seconds": "milliseconds", "flops": "GFLOP", "tokens": "tokens read"}


def write_verdict(costs: Costs) -> list[str]:
    """Return the verdict: amounts, whether seconds are measured, relative costs, the dearest language.

    Every number in it is one of the tables.
    """
    return [*write_amounts(costs), *write_basis(costs), *write_comparisons(costs), *write_dearest(costs)]


def write_amounts(costs: Costs) -> list[str]:
    """Say what requests cost over all languages, cheapest first."""
    headline = find_headline(costs)
    month = costs.prices.requests_per_day is not None
    per = "request" if headline != "money" else "month" if month else "1000 requests"
    rows = select_whole(costs.frame).filter(quantity=headline, per=per).sort("value", maintain_order=True)
    subject = {"month": "A month", "1000 requests": "1,000 requests", "request": "A request"}[per]
    verb = "take" if headline != "money" else "cost"
    written = []
    for row in rows.iter_rows(named=True):
        write = write_money if headline == "money" else write_number
        amount = write_interval(row["value"], row["low"], row["high"], SCALES.get(headline, 1), write)
        unit = NOUNS.get(headline, costs.prices.currency or "")
        written.append(f"{mark(row)}{amount} {unit}".rstrip() + f" with {row['tokenizer']}")
    if len(written) > MOST_NAMED:
        written = [written[0], f"up to {written[-1]}"]
    plural = "" if per == "1000 requests" else "s"
    return [f"{subject} {verb}{plural} {join(written)}, {name_whole(costs)}."]


def write_basis(costs: Costs) -> list[str]:
    """Say how seconds are known, if they are, and that money follows from them where the machine has a price."""
    bases = costs.frame.filter(quantity="seconds")["basis"].unique(maintain_order=True).to_list()
    if not bases:
        return []
    subject = "Seconds, and the money that they cost," if costs.prices.per_hour is not None else "Seconds"
    if bases == ["measured"]:
        return [f"{subject} are measured: {costs.model} ran on {costs.backend}, {costs.quantization}."]
    return [
        f"{subject} are {join(bases)}, not measured." if "measured" not in bases else f"{subject} are {join(bases)}."
    ]


def select_whole(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows over all languages, or those of the only one."""
    return frame.filter(pl.col("lang").is_null() | (pl.lit(frame["lang"].null_count() == 0)))


def name_whole(costs: Costs) -> str:
    """Say over what languages a value is."""
    languages = list(costs.chars)
    if len(languages) == 1:
        return f"in {languages[0]}"
    if costs.shares:
        shares = [f"{lang} {100 * share:.3g} %" for lang, share in costs.shares.items()]
        return f"over the mixture {join(shares)}"
    return f"over {join(languages) if len(languages) <= MOST_NAMED + 1 else f'{len(languages)} languages'} alike"


def write_comparisons(costs: Costs) -> list[str]:
    """Say what the other tokenizers cost relative to the baseline: first to serve, then to train."""
    sentences = []
    for use, quantity in (("serving", find_headline(costs)), ("training", "flops")):
        rows = costs.relative.filter(use=use, quantity=quantity).filter(pl.col("tokenizer") != costs.baseline)
        whole = select_whole(rows).sort("relative", maintain_order=True)
        if whole.is_empty():
            continue
        named = [
            f"{write_interval(row['relative'], row['low'], row['high'], 1, write_ratio)} with {row['tokenizer']}"
            + (f" ({row['verdict']})" if row["verdict"] else "")
            for row in whole.head(MOST_NAMED).iter_rows(named=True)
        ]
        more = f"; {len(whole) - MOST_NAMED} more in the table" if len(whole) > MOST_NAMED else ""
        unit = {"money": "cost", "seconds": "seconds", "flops": "FLOPs", "tokens": "tokens"}[quantity]
        verb = "Serving" if use == "serving" else "Training"
        sentences.append(f"{verb}, {unit} relative to {costs.baseline}: {join(named)}{more}.")
    return sentences


def write_dearest(costs: Costs) -> list[str]:
    """Say which language is dearest, with the tokenizer that is cheapest over all."""
    headline = find_headline(costs)
    rows = costs.frame.filter(quantity=headline, per="request")
    order = select_whole(rows).sort("value", maintain_order=True)["tokenizer"].to_list()
    if costs.reference is None or len(costs.chars) < 2:
        return []
    parts = []
    for tokenizer in dict.fromkeys((order[0], order[-1])):
        own = rows.filter(pl.col("lang").is_not_null(), tokenizer=tokenizer).sort("premium", maintain_order=True)
        row = own.row(-1, named=True)
        if row["premium"] is not None:
            ratio = write_interval(row["premium"], row["premium_low"], row["premium_high"])
            parts.append(f"{ratio} times as much in {row['lang']} with {tokenizer}")
    what = "such a request" if isinstance(costs.request.new_tokens, int) else "the same text"
    return [f"Relative to {costs.reference}, {what} costs up to {join(parts)}."] if parts else []


def write_assumptions(costs: Costs) -> str:
    """Return in a line what the costs assume of requests and prices."""
    parts = [describe_request(costs), "no system prompt", *write_prices(costs.prices)]
    return f"Assumed: {'; '.join(parts)}."


def describe_request(costs: Costs) -> str:
    """Return what a request reads and writes."""
    request, chars = costs.request, sorted(set(costs.chars.values()))
    span = write_number(chars[0]) if len(chars) == 1 else f"{write_number(chars[0])} to {write_number(chars[-1])}"
    of = f" of {costs.reference}" if costs.reference else ""
    mean = " (the mean segment)" if request.prompt_chars is None else ""
    translated = " or their translation" if costs.reference and len(costs.chars) > 1 else ""
    if isinstance(request.new_tokens, int):
        written = f"{request.new_tokens:,} tokens, which is more text with some tokenizers than with others"
    elif request.new_text is not None:
        written = f"{write_number(request.new_text)} characters"
    else:
        written = "as much text"
    return f"a request reads {span} characters{of}{mean}{translated}, and writes {written}"


def write_prices(prices: Prices) -> list[str]:
    """List what the prices are and mean."""
    unit = f" {prices.currency}" if prices.currency else ""
    notes = []
    if prices.per_token:
        given = {"read": prices.per_mtok_in, "written": prices.per_mtok_out}
        notes.append(
            "prices per million tokens: "
            + ", ".join(f"{price or 0:g}{unit} {word}" for word, price in given.items())
            + (f", {prices.per_mtok_cached:g}{unit} cached" if prices.per_mtok_cached is not None else "")
            + (f", of {prices.source}" if prices.source else "")
        )
        notes += [f"tokens {word} have no price and cost nothing" for word, price in given.items() if price is None]
    if prices.cached_share:
        notes.append(f"{100 * prices.cached_share:g} % of the tokens read in every request are billed as cached")
    if prices.per_hour is not None:
        notes.append(f"price of the machine: {prices.per_hour:g}{unit} per hour, one request at a time")
    if prices.requests_per_day is not None:
        notes.append(f"month: {DAYS_PER_MONTH} days of {prices.requests_per_day:,} requests")
    return notes


def write_notes(costs: Costs) -> list[str]:
    """List the notes below the tables."""
    notes = [
        "[low, high]: 95 % confidence intervals over texts like these (paired bootstrap)",
        f"premium: the same text, relative to {costs.reference}"
        if costs.reference
        else "no premiums: they need parallel text",
    ]
    if costs.frame["tokenizer"].n_unique() > 1:
        notes.append(f"relative to {costs.baseline}, {name_baseline(costs)}; unclear: the interval includes 1")
    bases = sorted(set(costs.frame["basis"]) - EXACT)
    if bases:
        notes.append(f"~ {join(bases)}, not measured")
    if costs.frame["measured_low"].count():
        notes.append("measurement: interval of the seconds themselves, for these texts")
    if costs.model is not None and "seconds" not in set(costs.frame["quantity"]):
        notes.append("no timings: the analytic backend runs nothing; use --backend, --device or --timings")
    notes += [f"{name}: {note}" for name, note in merge_notes(costs)]
    return notes


def merge_notes(costs: Costs) -> Sequence[tuple[str, str]]:
    """Return each note once, with the tokenizers that it is about."""
    names: dict[str, list[str]] = {}
    for name, note in costs.notes.items():
        names.setdefault(note, []).append(name)
    return [(", ".join(listed), note) for note, listed in names.items()]


def name_baseline(costs: Costs) -> str:
    """Say why the baseline is the baseline."""
    if costs.model is None:
        return "the first named"
    if costs.baseline == costs.own_tokenizer:
        return f"the tokenizer of {costs.model}"
    if costs.own_tokenizer is None:
        return f"since the tokenizer of {costs.model} is not known"
    return f"since {costs.own_tokenizer}, the tokenizer of {costs.model}, is not compared"
