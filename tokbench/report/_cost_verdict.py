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

NOUNS = {"seconds": "milliseconds", "flops": "GFLOP", "tokens": "tokens"}


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
    rows = rank(costs, select_whole(costs.frame).filter(quantity=headline, per=per))
    subject = {"month": "A month", "1000 requests": "1,000 requests", "request": "A request"}[per]
    verb = {"money": "cost", "tokens": "read"}.get(headline, "take")
    written = []
    for row in rows.iter_rows(named=True):
        write = write_money if headline == "money" else write_number
        amount = write_interval(row["value"], row["low"], row["high"], SCALES.get(headline, 1), write)
        unit = NOUNS.get(headline, costs.prices.currency or "")
        lossy = " (which loses text)" if costs.loses_text(row["tokenizer"], row["lang"]) else ""
        written.append(f"{mark(row)}{amount} {unit}".rstrip() + f" with {row['tokenizer']}{lossy}")
    if len(written) > MOST_NAMED:
        compared = [text for text in written if not text.endswith(")")] or written
        written = [compared[0], f"up to {compared[-1]}"]
    plural = "" if per == "1000 requests" else "s"
    return [f"{subject} {verb}{plural} {join(written)}, {name_whole(costs)}."]


def rank(costs: Costs, whole: pl.DataFrame) -> pl.DataFrame:
    """Order values over all languages: cheapest first, those of tokenizers that lose text last."""
    lossy = [costs.loses_text(tokenizer, lang) for tokenizer, lang in whole.select("tokenizer", "lang").iter_rows()]
    return whole.with_columns(lossy=pl.Series(lossy, dtype=pl.Boolean)).sort("lossy", "value", maintain_order=True)


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
        shares = [f"{100 * share:.3g} % {lang}" for lang, share in costs.shares.items()]
        return f"if the requests are {join(shares)}"
    named = join(languages) if len(languages) <= MOST_NAMED + 1 else f"the {len(languages)} languages"
    return f"if {named} have equal shares of the requests"


def write_comparisons(costs: Costs) -> list[str]:
    """Say what the other tokenizers cost relative to the baseline: first to serve, then to train."""
    sentences = []
    for use, quantity in (("serving", find_headline(costs)), ("training", "flops")):
        rows = costs.relative.filter(use=use, quantity=quantity).filter(pl.col("tokenizer") != costs.baseline)
        whole = rank(costs, select_whole(rows).rename({"relative": "value"}))
        if whole.is_empty():
            continue
        named = [
            f"{write_interval(row['value'], row['low'], row['high'], 1, write_ratio)} with {row['tokenizer']}"
            + (f" ({row['verdict']})" if row["verdict"] else "")
            for row in whole.head(MOST_NAMED).iter_rows(named=True)
        ]
        more = f"; {len(whole) - MOST_NAMED} more in the table" if len(whole) > MOST_NAMED else ""
        unit = {"money": "cost", "seconds": "seconds", "flops": "FLOPs", "tokens": "tokens"}[quantity]
        verb = "Serving" if use == "serving" else "Training"
        sentences.append(f"{verb}, {unit} relative to {costs.baseline}: {join(named)}{more}.")
    return sentences


def write_dearest(costs: Costs) -> list[str]:
    """Say which language is dearest, with the cheapest and the dearest tokenizer that keep the reference's text.

    Languages in which a tokenizer loses text are left out.
    """
    reference = costs.reference
    if reference is None or len(costs.chars) < 2:
        return []
    rows = costs.frame.filter(quantity=find_headline(costs), per="request")
    order = rank(costs, select_whole(rows))
    kept = order.filter(~pl.col("lossy"))["tokenizer"].to_list() or [
        name for name in order["tokenizer"] if not costs.loses_text(name, reference)
    ]
    dearer, cheapest = [], []
    for tokenizer in dict.fromkeys((*kept[:1], *kept[-1:])):
        own = rows.filter(pl.col("lang").is_not_null(), pl.col("premium").is_not_null(), tokenizer=tokenizer)
        known = [row for row in own.iter_rows(named=True) if not costs.loses_text(tokenizer, row["lang"])]
        if len(known) < 2:
            continue
        row = max(known, key=lambda one: one["premium"])
        if row["lang"] == reference:
            cheapest.append(tokenizer)
        else:
            ratio = write_interval(row["premium"], row["premium_low"], row["premium_high"])
            dearer.append(f"{ratio} times as much in {row['lang']} with {tokenizer}")
    what = "such a request" if isinstance(costs.request.new_tokens, int) else "the same text"
    sentences = [f"Relative to {reference}, {what} costs up to {join(dearer)}."] if dearer else []
    if cheapest:
        sentences.append(f"With {join(cheapest)}, {what} costs the most in {reference}.")
    return sentences


def write_assumptions(costs: Costs) -> str:
    """Return in a line what the costs assume of requests and prices."""
    parts = [describe_request(costs), "no system prompt", *write_prices(costs.prices)]
    return f"Assumed: {'; '.join(parts)}."


def describe_request(costs: Costs) -> str:
    """Return what a request reads and writes."""
    request, chars = costs.request, sorted(set(costs.chars.values()))
    span = write_length(chars[0]) if len(chars) == 1 else f"{write_length(chars[0])} to {write_length(chars[-1])}"
    of = f" of {costs.reference}" if costs.reference else ""
    mean = " (the mean segment)" if request.prompt_chars is None else ""
    translated = " or their translation" if costs.reference and len(costs.chars) > 1 else ""
    if isinstance(request.new_tokens, int):
        written = f"{request.new_tokens:,} tokens, which is more text with some tokenizers than with others"
    elif request.new_text is not None:
        written = f"{write_length(request.new_text)} characters"
    else:
        written = "as much text"
    return f"a request reads {span} characters{of}{mean}{translated}, and writes {written}"


def write_length(chars: float) -> str:
    """Format a number of characters: whole ones without decimals."""
    return f"{chars:,.0f}" if chars == int(chars) else write_number(chars)


def write_prices(prices: Prices) -> list[str]:
    """List what the prices are and mean."""
    unit = f" {prices.currency}" if prices.currency else ""
    notes = []
    if prices.per_token:
        given = {"read": prices.per_mtok_in, "written": prices.per_mtok_out}
        notes.append(
            "prices per million tokens: "
            + ", ".join(f"{price or 0:,.12g}{unit} {word}" for word, price in given.items())
            + (f", {prices.per_mtok_cached:,.12g}{unit} cached" if prices.per_mtok_cached is not None else "")
            + (f", of {prices.source}" if prices.source else "")
        )
        notes += [f"tokens {word} have no price and cost nothing" for word, price in given.items() if price is None]
        if prices.undated:
            notes.append("the list does not say since when")
    if prices.cached_share:
        notes.append(f"{100 * prices.cached_share:g} % of the tokens read in every request are billed as cached")
    if prices.per_hour is not None:
        notes.append(f"price of the machine: {prices.per_hour:,.12g}{unit} per hour, one request at a time")
    if prices.requests_per_day is not None:
        days = f"{DAYS_PER_MONTH} days of {prices.requests_per_day:,} requests"
        notes.append(f"month: {days} (in the row of a language: all in it)")
    return notes


def write_notes(costs: Costs) -> list[str]:
    """List the notes below the tables."""
    timed = costs.relative.filter(quantity="seconds")["low"].count()
    notes = [
        f"[low, high]: {100 * costs.level:g} % confidence intervals over texts like these (paired bootstrap)"
        if costs.frame["low"].count()
        else "no intervals: they need several documents or segments",
        f"premium: the same text, relative to {costs.reference}"
        if costs.reference
        else "no premiums: they need parallel text",
    ]
    notes += write_losses(costs)
    if costs.frame["tokenizer"].n_unique() > 1:
        notes.append(f"relative to {costs.baseline}, {name_baseline(costs)}; unclear: the interval includes 1")
    bases = sorted(set(costs.frame["basis"]) - EXACT)
    if bases:
        notes.append(f"~ {join(bases)}, not measured")
    if costs.frame["measured_low"].count():
        notes.append(
            "measurement: interval of the seconds themselves, for these texts"
            + ("; relative costs and premiums that follow from them hold it too" if timed else "")
        )
    if costs.model is not None:
        notes.append(f"V rows: of the embedding; NSL: tokens relative to {costs.baseline}")
    if costs.model is not None and "seconds" not in set(costs.frame["quantity"]):
        notes.append("no timings: the analytic backend runs nothing; use --backend, --device or --timings")
    notes += [f"{name}: {note}" for name, note in merge_notes(costs)]
    return notes


def write_losses(costs: Costs) -> list[str]:
    """Say which tokenizers lose text, and where."""
    notes = []
    for name, segments in costs.losses.items():
        named = [f"{lang} {lost:,}" for lang, lost in sorted(segments.items(), key=lambda item: -item[1])]
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        notes.append(
            f"(...) {name} loses text, which saves tokens, so its costs are too low and not compared: segments "
            f"with losses: {', '.join(named[:MOST_NAMED])}{more}"
        )
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
        return "the first named" if costs.baseline == costs.frame["tokenizer"][0] else "the first that loses no text"
    if costs.baseline == costs.own_tokenizer:
        return f"the tokenizer of {costs.model}"
    if costs.own_tokenizer is None:
        return f"since the tokenizer of {costs.model} is not known"
    return f"since {costs.own_tokenizer}, the tokenizer of {costs.model}, is not compared"
