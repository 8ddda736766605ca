"""Tokens that a model has hardly been trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from tokbench.analysis.vocabulary import (
    Indicator,
    Reference,
    UndertrainedTokens,
    Verification,
)
from tokbench.report._document_model import Plain, Points, Prose, Results
from tokbench.report._moved import write_texts
from tokbench.report._shares import format_percent
from tokbench.report._table import Table, tabulate
from tokbench.report._vocabulary import format_bytes, format_steps

INDICATORS = {
    Indicator.INPUT_NORM: "norm of the input row",
    Indicator.COSINE: "cosine distance of the output row to the mean of the reference rows",
    Indicator.COSINE_WITHOUT_COMPONENT: "cosine distance of the output row to the mean of the reference rows, without "
    "the first principal component",
}
REFERENCES = {
    Reference.PADDING: "padding rows, which no token has",
    Reference.UNREACHABLE: "rows of unreachable tokens",
    Reference.BYTES: "rows of byte tokens that occur in no valid UTF-8",
}
HEADERS = {
    "input_norm": "input norm",
    "output_cosine": "cosine",
    "output_cosine_without_pc": "cosine without 1st PC",
    "like_reference": "like reference",
}


def show(found: UndertrainedTokens, verification: Verification | None, top: int) -> Results:
    """Return the candidates, beside the classes of all rows.

    top: lines per list; the document and the frame have all of them.
    """
    return Results(
        lambda: lay_out(found, verification, top),
        lambda: to_document(found, verification),
        lambda: to_frame(found, verification),
    )


def lay_out(found: UndertrainedTokens, verification: Verification | None, top: int) -> list[Plain]:
    """Lay out the method, classes, the first candidates, and what the model said to them."""
    candidates = found.candidates()
    title = (
        f"{candidates.height:,} candidates, the lowest {format_percent(found.share, 1)} of the reachable tokens "
        f"(at most {found.threshold:.4g}):"
    )
    warnings = list_warnings(found)
    return [
        Prose(tuple(describe(found))),
        *([Points(warnings, warning=True)] if warnings else []),
        lay_out_classes(found),
        lay_out_tokens(candidates.head(top), title),
        *(lay_out_verification(verification, top) if verification else []),
    ]


def describe(found: UndertrainedTokens) -> list[str]:
    """Say in sentences what was compared with what."""
    tie = f"tied embeddings ({found.tied_by})" if found.tied_by else "untied embeddings"
    listed = ", ".join(f"{count:,} {kind.value}" for kind, count in found.available.items())
    return [
        f"{found.tokenizer} in {found.checkpoint}: {found.rows.height:,} rows x {found.width:,} of {found.dtype}, "
        f"{tie}: {', '.join(found.tensors)}",
        f"indicator: {INDICATORS[found.indicator]}",
        f"reference: {len(found.reference_ids):,} {REFERENCES[found.reference]} (ids "
        f"{format_steps(found.reference_ids.tolist()[:_MOST_IDS])}"
        f"{', ...' if len(found.reference_ids) > _MOST_IDS else ''}); available: {listed}",
    ]


_MOST_IDS = 40


def list_warnings(found: UndertrainedTokens) -> tuple[str, ...]:
    """List what makes the ranking doubtful."""
    warnings = []
    if found.random:
        warnings.append("the weights are marked as random: nothing here is about training")
    if not found.separates:
        warnings.append(
            "the indicator does not tell the reference rows from reachable tokens: candidates are only the lowest ones"
        )
    return tuple(warnings)


def lay_out_classes(found: UndertrainedTokens) -> Table:
    """Lay out rows by class, and those of them that the indicator finds."""
    rows = found.count_by_class().rename({"below": "at or below", "like_reference": "like reference"}).to_dicts()
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(("rows", "at or below", "like reference"), "{:,}".format)
    formats["median"] = "{:.4g}".format
    title = (
        f"all rows by class (threshold {found.threshold:.4g}; like the reference rows: at most {found.limit:.4g}, "
        f"halfway between their median, {found.middle[0]:.4g}, and that of reachable tokens):"
    )
    return tabulate(rows, title, formats=formats)


def lay_out_tokens(tokens: pl.DataFrame, title: str) -> Table:
    """Lay out tokens with their indicators."""
    present = [name for name in HEADERS if tokens[name].null_count() < tokens.height]
    shown = [
        {
            "id": row["id"],
            **{HEADERS[name]: row[name] for name in present},
            "token": format_bytes(row["bytes"]),
        }
        for row in tokens.to_dicts()
    ]
    formats: dict[str, Callable[[Any], str]] = {
        HEADERS[name]: "{:.4g}".format for name in present if name != "like_reference"
    }
    return tabulate(shown, title, formats=formats, optional=("cosine without 1st PC",))


def lay_out_verification(verification: Verification, top: int) -> Sequence[Plain]:
    """Lay out what the model said to candidates and to typical tokens."""
    (low, tried), (failed, controls) = verification.count("candidate"), verification.count("control")
    left = f"; {verification.left_out:,} more were not prompted" if verification.left_out else ""
    facts = (
        f"prompted on {verification.model}: {low:,} of {tried:,} candidates are repeated with a probability below "
        f"1 %{left}",
        f"of {controls:,} typical tokens, {failed:,} are: the fewer, the more the test says",
    )
    shown = [
        {
            "id": row["id"],
            "group": row["group"],
            "echo": row["echo"],
            "run": row["run"],
            "under-trained": row["under_trained"],
            "token": format_bytes(row["bytes"]),
        }
        for row in verification.tokens.filter(pl.col("group") == "candidate").head(top).to_dicts()
    ]
    formats = dict.fromkeys(("echo", "run"), "{:.2g}".format)
    return [Prose(facts), tabulate(shown, "probability that the model repeats the token:", formats=formats)]


def to_frame(found: UndertrainedTokens, verification: Verification | None) -> pl.DataFrame:
    """Return one row per row of the matrices, bytes in hexadecimal."""
    frame = write_texts(found.rows, "bytes")
    if verification is None:
        return frame
    asked = verification.tokens.select("id", "echo", "run", "probability", "under_trained")
    return frame.join(asked, on="id", how="left", maintain_order="left")


def to_document(found: UndertrainedTokens, verification: Verification | None) -> dict[str, Any]:
    """Convert to a JSON document: all candidates, and other rows that are as low."""
    columns = ["id", "bytes", "text", "class", *HEADERS]
    tokens = write_texts(found.lowest(), "bytes").select(columns).to_dicts()
    document: dict[str, Any] = {
        "tokenizer": found.tokenizer,
        "sha256": found.sha256,
        "checkpoint": found.checkpoint,
        "weights": "random" if found.random else "pretrained",
        "tensors": list(found.tensors),
        "dtype": found.dtype,
        "rows": found.rows.height,
        "width": found.width,
        "tied": found.tied_by is not None,
        "tied_by": found.tied_by,
        "indicator": found.indicator.value,
        "reference": {
            "kind": found.reference.value,
            "ids": found.reference_ids.tolist(),
            "available": {kind.value: count for kind, count in found.available.items()},
        },
        "share": found.share,
        "threshold": found.threshold,
        "medians": {"reference": found.middle[0], "reachable": found.middle[1]},
        "limit": found.limit,
        "separates": found.separates,
        "classes": found.count_by_class().to_dicts(),
        "candidates": [row for row in tokens if row["class"] == "reachable"],
        "others": [row for row in tokens if row["class"] != "reachable"],
    }
    if verification is not None:
        document["verification"] = {
            "model": verification.model,
            "left_out": verification.left_out,
            "tokens": write_texts(verification.tokens, "bytes").to_dicts(),
        }
    return document
