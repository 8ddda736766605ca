"""Costs of the same text on a model, by tokenizer and language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from tokbench._shared.notebook import Presented
from tokbench.comparison import Comparison
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.metrics.resampling import Bootstrap
from tokbench.pythia.cost.amounts import Amounts
from tokbench.pythia.cost.checks import ANALYTIC, check_requests, check_seconds, check_source, default_quantization
from tokbench.pythia.cost.losses import Losses, find_losses, loses_text
from tokbench.pythia.cost.prices import Prices
from tokbench.pythia.cost.quantities import Costing
from tokbench.pythia.cost.request import NewTokens, Request
from tokbench.pythia.cost.tabulation import compute, tabulate_costs, tabulate_relative
from tokbench.pythia.cost.timing import Report, choose_cache_bytes, estimate_speeds, extrapolate_speeds, measure_speeds
from tokbench.pythia.cost.whatif import WhatIf, swap_tokenizer
from tokbench.pythia.cost.whatif_table import tabulate_what_ifs
from tokbench.pythia.measure.probe import OnShare, ignore_share
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.resolution import ModelSpec, resolve_model
from tokbench.pythia.speed.speeds import Speed

if TYPE_CHECKING:
    from tokbench.pythia.speed.rates import Rates

OWN_TOKENIZER = "gpt-neox-20b"
"""The catalogue name of Pythia's own tokenizer."""


@dataclass(frozen=True, eq=False, repr=False)
class Costs(Presented):
    """The costs of a comparison's texts on a model.

    frame: tokenizer, lang (null: over all), quantity, per (request, 1000 requests, 1000000 characters; money also
        month), value, low, high, premium, premium_low, premium_high, measured_low, measured_high, unit, basis (counted,
        computed, measured, estimated, ...), n. A million characters are of the reference language's text, whose
        translation the other languages have.
    relative: tokenizer, lang (null: over all), use (serving, training), quantity, relative, low, high, verdict: ratios
        of the values in `frame`.
    what_if: one row per tokenizer with a vocabulary of known size: the model with that tokenizer.
    model: None for tokens and money without a model.
    baseline: the tokenizer that `relative` is to: the model's own if it is compared, else the comparison's baseline or
        the first that loses no text. `own_tokenizer` is the model's own, None if unknown.
    chars: characters that a request reads, by language: of the reference language, or of each group.
    shares: of the languages in values over all; empty for equal ones.
    notes: what the seconds, or the counts of a closed model, are based on, by tokenizer.
    level: coverage of the intervals.
    losses: segments that lost text, by tokenizer and language: dropped text saves tokens, so that these costs are too
        low, and no verdict compares them.
    """

    frame: pl.DataFrame
    relative: pl.DataFrame
    what_if: pl.DataFrame
    model: str | None
    own_tokenizer: str | None
    baseline: str
    backend: str
    quantization: str
    request: Request
    chars: Mapping[str, float]
    shares: Mapping[str, float]
    prices: Prices
    reference: str | None
    signature: str
    notes: Mapping[str, str]
    level: float = 0.95
    losses: Losses = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """Convert to a JSON document."""
        return {
            "signature": self.signature,
            "model": self.model,
            "own_tokenizer": self.own_tokenizer,
            "baseline": self.baseline,
            "backend": self.backend,
            "quantization": self.quantization,
            "request": {**asdict(self.request), "chars": dict(self.chars)},
            "shares": dict(self.shares),
            "prices": asdict(self.prices),
            "reference": self.reference,
            "notes": dict(self.notes),
            "level": self.level,
            "losses": {name: dict(segments) for name, segments in self.losses.items()},
            "costs": self.frame.to_dicts(),
            "relative": self.relative.to_dicts(),
            "what_if": self.what_if.to_dicts(),
        }

    def loses_text(self, tokenizer: str, lang: str | None) -> bool:
        """Return whether a tokenizer loses text in a language, or in any that a value over all (None) is of."""
        return loses_text(self.losses, tokenizer, (self.shares or self.chars) if lang is None else (lang,))

    def __repr__(self) -> str:
        number = self.frame["tokenizer"].n_unique()
        where = f" on {self.model}, {self.backend} {self.quantization}" if self.model else ""
        return f"<Costs of {number} tokenizers{where}>"


def ignore_report(step: str) -> None:
    """Ignore a progress report."""


def cost(
    result: Comparison,
    *,
    model: str | None,
    backend: str = ANALYTIC,
    quantization: str | None = None,
    prompt_chars: float | None = None,
    new_text: float | None = None,
    new_tokens: NewTokens | None = None,
    threads: int | None = None,
    prices: Prices | None = None,
    rates: Sequence[Rates] = (),
    speed_of: Callable[[Architecture], Speed] | None = None,
    extrapolate: bool = False,
    bootstrap: Bootstrap | None = None,
    offline: bool = False,
    on_step: Report = ignore_report,
    on_share: OnShare = ignore_share,
) -> Costs:
    """Compute what requests of the same text cost, by tokenizer and language.

    With the model's own tokenizer it is unchanged; other tokenizers give a what-if. Closed models, whose vocabulary is
    not known, have tokens and money only.

    model: what `--model` names; None for tokens and money alone.
    backend: `analytic` computes; with `rates`, fitted to measurements of other models, it also estimates seconds. Any
        other backend measures on this machine, with one model per vocabulary size.
    quantization: by default int8, or what the backend has instead.
    prompt_chars, new_text, new_tokens: what a request reads and writes, as in `Request`; by default, the corpus' mean
        segment is read, and as much text is written.
    speed_of: times of a shape from elsewhere, instead of `rates` or a backend.
    extrapolate: whether a backend measures models with few of the layers, instead of the model.
    on_step: called as each tokenizer's model is made.
    on_share: called while they are measured.

    Raises TokbenchError for an unknown model, a comparison without its measurements, a type or size that cannot be
    run, a price per hour without seconds, and seconds from two sources.
    """
    measurements = find_measurements(result)
    asked, paid = Request(prompt_chars, new_text, new_tokens), prices or Prices()
    kind = quantization or default_quantization(backend)
    check_source(backend, bool(rates), speed_of is not None)
    check_seconds(paid, model, backend, bool(rates) or speed_of is not None)
    sized = [t for t in result.tokenizers if t.vocab_total is not None]
    spec = resolve_model(model, offline=offline) if model is not None and sized else None
    changes = change_vocabularies(spec, result) if spec else {}
    reference = (result.corpus.reference or result.corpus.languages[0]) if result.corpus.aligned else None
    amounts = Amounts.read(measurements, result.corpus.languages, result.names, reference, bootstrap or Bootstrap())
    chars = amounts.request_chars(asked)
    shapes = {name: change.changed for name, change in changes.items()}
    counted = {name: asked.count(chars, amounts.tokens[name]) for name in result.names}
    check_requests(counted, shapes, paid)
    if spec is None:
        speeds: dict[str, Speed] = {}
    elif speed_of is not None:
        speeds = {name: speed_of(shape) for name, shape in shapes.items()}
    elif backend == ANALYTIC:
        longest = {name: (counted[name][0] + counted[name][1])[:1] for name in shapes}
        speeds = estimate_speeds(shapes, rates, kind, longest)
    else:
        prompts = {name: counted[name][0] for name in shapes}
        speeds = (
            extrapolate_speeds(spec, shapes, backend, kind, threads, prompts, on_step, on_share)
            if extrapolate
            else measure_speeds(spec, shapes, backend, kind, threads, prompts, offline, on_step, on_share)
        )
    kv_bytes = choose_cache_bytes(backend, kind, rates)
    costings = {name: Costing(shapes.get(name), speeds.get(name), paid, kv_bytes) for name in result.names}
    computed = compute(amounts, asked, costings, result.corpus.shares)
    baseline, losses = find_baseline(result, spec), find_losses(result)
    relative = tabulate_relative(computed, baseline, losses, result.corpus.shares)
    return Costs(
        frame=tabulate_costs(computed, costings),
        relative=relative,
        what_if=tabulate_what_ifs(changes, relative, kind),
        model=spec.name if spec else None,
        own_tokenizer=spec.tokenizer if spec else None,
        baseline=baseline,
        backend=backend,
        quantization=kind,
        request=asked,
        chars=dict(zip(amounts.languages, chars.tolist(), strict=True)),
        shares=dict(result.corpus.shares),
        prices=paid,
        reference=reference,
        signature="|".join(
            [
                result.signature(long=False),
                f"model:{spec.name}|be:{backend}/{kind}" if spec else "model:none",
                *(f"sec:{source}" for source in sorted({speed.source for speed in speeds.values()})),
                asked.sign(),
                *([f"price:{paid.sign()}"] if paid.given else []),
            ]
        ),
        notes={
            **{t.name: t.origin for t in result.tokenizers if t.counted},
            **{name: speed.note for name, speed in speeds.items()},
        },
        level=amounts.level,
        losses=losses,
    )


def find_measurements(result: Comparison) -> Measurements:
    """Return the counts of a comparison; TokbenchError without them."""
    if result.measurements is None:
        raise TokbenchError("this comparison was loaded without its measurements", "load the folder, not the JSON file")
    return result.measurements


def change_vocabularies(spec: ModelSpec, result: Comparison) -> dict[str, WhatIf]:
    """Return the model with each tokenizer whose vocabulary is known; with its own it is unchanged."""
    return {t.name: swap_tokenizer(spec, t.name, t.id_space) for t in result.tokenizers if t.vocab_total is not None}


def find_baseline(result: Comparison, spec: ModelSpec | None) -> str:
    """Return the tokenizer that costs are relative to.

    The model's own, else the comparison's baseline, else the first that loses no text, else the first.
    """
    for name in (spec.tokenizer if spec else None, result.corpus.baseline):
        if name is not None and name in result.names:
            return name
    return next((name for name in result.names if not result.is_lossy(name)), result.names[0])
