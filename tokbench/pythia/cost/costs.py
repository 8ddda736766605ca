"""Costs of texts on a model, by tokenizer and language.

Per segment and per 1,000 characters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tokbench.comparison import Comparison
from tokbench.errors import TokbenchError
from tokbench.metrics.resampling import Bootstrap
from tokbench.pythia.cost.checks import ANALYTIC, check_seconds, default_quantization
from tokbench.pythia.cost.groups import tabulate_groups
from tokbench.pythia.cost.prices import Prices
from tokbench.pythia.cost.tabulation import tabulate_costs
from tokbench.pythia.cost.whatif import WhatIf, what_if
from tokbench.pythia.cost.workload import NewTokens, Request, Workload
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import flops_per_token, parameters, training_flops_of_text
from tokbench.pythia.model.memory import weight_bytes
from tokbench.pythia.model.models import Model, find_model
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.speed.speeds import EstimatedSpeed, MeasuredSpeed, Speed, find_rates, prompt_grid

if TYPE_CHECKING:
    from tokbench.pythia.speed.rates import Rates

OWN_TOKENIZER = "gpt-neox-20b"
"""The catalogue name of Pythia's own tokenizer, the baseline of every what-if."""

ROUNDS = 3

Report = Callable[[str], None]


@dataclass(frozen=True, eq=False, repr=False)
class Costs:
    """The costs of a comparison's texts on a model.

    frame: tokenizer, lang, quantity, per (segment, 1000 characters; money also 1000 requests, month), value, low, high,
        premium, premium_low, premium_high, unit, basis (counted, computed, measured, estimated), n.
    what_if: one row per tokenizer with a vocabulary of known size: the model with that tokenizer.
    model: None for tokens and money without a model.
    notes: what the seconds, or the counts of a closed model, are based on, by tokenizer.
    """

    frame: pl.DataFrame
    what_if: pl.DataFrame
    model: str | None
    backend: str
    quantization: str
    new_tokens: NewTokens
    prices: Prices
    reference: str | None
    signature: str
    notes: Mapping[str, str]

    def to_document(self) -> dict[str, Any]:
        """Convert to a JSON document."""
        return {
            "signature": self.signature,
            "model": self.model,
            "backend": self.backend,
            "quantization": self.quantization,
            "new_tokens": self.new_tokens,
            "prices": asdict(self.prices),
            "reference": self.reference,
            "notes": dict(self.notes),
            "costs": self.frame.to_dicts(),
            "what_if": self.what_if.to_dicts(),
        }

    def _repr_html_(self) -> str:
        """Show the costs per segment in notebooks."""
        return self.frame.filter(pl.col("per") == "segment")._repr_html_()

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
    new_tokens: NewTokens = 64,
    threads: int | None = None,
    prices: Prices | None = None,
    rates: Sequence[Rates] = (),
    bootstrap: Bootstrap | None = None,
    offline: bool = False,
    on_step: Report = ignore_report,
) -> Costs:
    """Compute the costs of a comparison's texts on a Pythia model.

    With Pythia's own tokenizer the model is unchanged; other tokenizers give a what-if. Closed models, whose vocabulary
    is not known, have tokens and money only.

    model: None for tokens and money alone.
    backend: `analytic` computes; with `rates`, fitted to measurements of other models, it also estimates seconds. Any
        other backend measures on this machine, with one model per vocabulary size.
    quantization: by default int8, or what the backend has instead.
    new_tokens: number generated after each segment, or "same" for as many as the segment has.

    Raises TokbenchError for an unknown model, a comparison without its measurements, a type or size that cannot be
    run, and a price per hour without seconds.
    """
    if result.measurements is None:
        raise TokbenchError("this comparison was loaded without its measurements", "load the folder, not the JSON file")
    if new_tokens != "same" and new_tokens < 1:
        raise TokbenchError(f"new_tokens is {new_tokens}", "use at least 1, or 'same'")
    kind = quantization or default_quantization(backend)
    paid = prices or Prices()
    check_seconds(paid, model, backend, rates)
    sized = [t for t in result.tokenizers if t.vocab_total is not None]
    found = find_model(model) if model is not None and sized else None
    changes = (
        {t.name: what_if(found.architecture, t.id_space, multiple=found.vocab_multiple) for t in sized} if found else {}
    )
    workload = Workload.read(result.measurements, result.corpus.languages, result.names)
    request = Request(new_tokens)
    shapes = {name: change.changed for name, change in changes.items()}
    if backend == ANALYTIC or found is None:
        speeds: dict[str, Speed] = estimate_speeds(shapes, rates, kind, workload, request)
    else:
        speeds = measure_speeds(found, shapes, backend, kind, threads, workload, offline, on_step)
    reference = result.corpus.reference or result.corpus.languages[0]
    tabulate = tabulate_costs
    if not result.corpus.aligned:
        tabulate = partial(tabulate_groups, tabulate_costs, result.measurements)
    frame = tabulate(
        workload,
        shapes,
        reference=reference,
        request=request,
        speeds=speeds,
        prices=paid,
        bootstrap=bootstrap or Bootstrap(),
    )
    return Costs(
        frame=frame,
        what_if=tabulate_what_ifs(changes, workload, result, kind),
        model=found.name if found else None,
        backend=backend,
        quantization=kind,
        new_tokens=new_tokens,
        prices=paid,
        reference=reference if result.corpus.aligned else None,
        signature="|".join(
            [
                result.signature(long=False),
                f"model:{found.name}|be:{backend}/{kind}" if found else "model:none",
                f"new:{new_tokens}",
                *([f"price:{paid.sign()}"] if paid.given else []),
            ]
        ),
        notes={
            **{t.name: t.origin for t in result.tokenizers if t.counted},
            **{name: speed.note for name, speed in speeds.items()},
        },
    )


def estimate_speeds(
    shapes: Mapping[str, Architecture], rates: Sequence[Rates], quantization: str, workload: Workload, request: Request
) -> dict[str, Speed]:
    """Estimate the times of each tokenizer's model; none without rates."""
    if not rates:
        return {}
    chosen = find_rates(rates, None, quantization)
    speeds: dict[str, Speed] = {}
    for name, shape in shapes.items():
        speed = EstimatedSpeed(chosen, shape)
        longest = max(int((t + request.count_new(t)).max(initial=1)) for t in workload.of(name))
        speed.check(min(longest, shape.context))
        speeds[name] = speed
    return speeds


def measure_speeds(
    model: Model,
    shapes: Mapping[str, Architecture],
    backend: str,
    quantization: str,
    threads: int | None,
    workload: Workload,
    offline: bool,
    on_step: Report,
) -> dict[str, Speed]:
    """Measure the times of each tokenizer's model on this machine.

    Measures the model itself, or one of that shape with random weights.
    """
    from tokbench.pythia.formats.opening import open_checkpoint
    from tokbench.pythia.formats.random_weights import make_in_cache, open_or_make
    from tokbench.pythia.measure.probe import measure_backend

    speeds: dict[str, Speed] = {}
    done: dict[int, Speed] = {}
    for name, shape in shapes.items():
        on_step(f"{model.name} with {name} ({shape.vocab_rows:,} rows) on {backend}")
        if shape.vocab_rows not in done:
            if shape == model.architecture:
                checkpoint = open_or_make(model.name, offline=offline)
            else:
                checkpoint = open_checkpoint(make_in_cache(shape, f"{model.name}-v{shape.vocab_rows}"))
            alike = [n for n, other in shapes.items() if other == shape]
            lengths = np.concatenate([tokens for n in alike for tokens in workload.of(n)])
            grid = [length for length in prompt_grid(lengths) if length <= shape.context]
            measured = measure_backend(
                checkpoint,
                backend,
                quantization,
                threads,
                prompt_lengths=grid,
                decode_batches=(1,),
                new_tokens=32,
                rounds=ROUNDS,
            )
            done[shape.vocab_rows] = MeasuredSpeed(measured)
        speeds[name] = done[shape.vocab_rows]
    return speeds


def tabulate_what_ifs(
    changes: Mapping[str, WhatIf], workload: Workload, result: Comparison, quantization: str
) -> pl.DataFrame:
    """Tabulate the model with each tokenizer, and whether it pays off.

    On the texts of the comparison.

    nsl: tokens over those of Pythia's own tokenizer; null if that is not among those compared.
    relative_flops: forward FLOPs of the texts over the original's, excluding attention.
    training_flops: FLOPs to train on the corpus once.
    """
    kind = find_quantization(quantization)
    size = int(result.measurements.texts["bytes"].cast(pl.Int64).sum()) if result.measurements else 0
    own = workload.total(OWN_TOKENIZER) if OWN_TOKENIZER in workload.tokenizers else None
    rows = []
    for name, change in changes.items():
        total = workload.total(name)
        verdict = change.judge(total / own) if own else None
        rows.append(
            {
                "tokenizer": name,
                "vocabulary": change.vocabulary,
                "vocab_rows": change.changed.vocab_rows,
                "parameters": parameters(change.changed),
                "weight_bytes": weight_bytes(change.changed, kind),
                "flops_per_token": flops_per_token(change.changed),
                "training_flops": training_flops_of_text(change.changed, size, size / total) if total else None,
                "nsl": verdict.nsl if verdict else None,
                "break_even_nsl": change.break_even_nsl,
                "relative_flops": verdict.relative_flops if verdict else None,
                "verdict": verdict.word if verdict else None,
            }
        )
    if not rows:
        return pl.DataFrame()
    integers = dict.fromkeys(("vocabulary", "vocab_rows", "parameters", "weight_bytes"), pl.Int64)
    floats = dict.fromkeys(("training_flops", "nsl", "relative_flops"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides={**integers, **floats, "verdict": pl.String})
