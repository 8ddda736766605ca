"""Compose a report: a chapter per result, preceded by common findings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from tokbench.comparison import Comparison
from tokbench.pythia.cost.overview import compute_overview
from tokbench.report._document_model import Chapter, Document, Section
from tokbench.report._leads import Marks, find_best
from tokbench.report._pythia_sections import write_costs
from tokbench.report._sections import (
    write_compression,
    write_examples,
    write_losses,
    write_method,
    write_opening,
    write_premiums,
    write_speed,
)
from tokbench.report._side_by_side import write_side_by_side
from tokbench.report._vocabulary_section import write_vocabularies


def compose(results: Mapping[str, Comparison], marks: Marks = find_best) -> Document:
    """Compose the report on one or several named results.

    marks: which values of tables to mark as best.
    """
    single = len(results) == 1
    chapters = [
        Chapter(
            name_anchor(name, number),
            name,
            tuple(write_sections(result, marks) if single else write_short(result, marks)),
        )
        for number, (name, result) in enumerate(results.items(), start=1)
    ]
    if single:
        (title,) = (f"Tokenizers on {result.corpus.name}" for result in results.values())
        return Document(title, tuple(chapters))
    together = Chapter("together", "Side by side", tuple(write_side_by_side(results)))
    return Document(f"{len(results)} comparisons of tokenizers", (together, *chapters))


def name_anchor(name: str, number: int) -> str:
    """Return a unique name for anchors and files: ASCII letters, digits and hyphens."""
    return f"{number}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}".rstrip("-")


def write_sections(result: Comparison, marks: Marks = find_best) -> list[Section]:
    """Return all sections on one result."""
    return [
        *write_opening(result, marks),
        *write_premiums(result, marks),
        *write_compression(result, marks),
        *write_speed(result),
        *write_vocabularies(result),
        *write_costs(compute_overview(result)),
        *write_examples(result),
        *write_losses(result),
        *write_method(result, write_command(result)),
    ]


def write_short(result: Comparison, marks: Marks = find_best) -> list[Section]:
    """Return the sections that differ between results."""
    return [
        *write_opening(result, marks),
        *write_premiums(result, marks),
        *write_compression(result, marks),
        *write_speed(result),
        *write_examples(result),
        *write_losses(result),
        *write_method(result, write_command(result)),
    ]


def write_command(result: Comparison) -> str:
    """Return the command that reproduces these values.

    Given the same files under the same names.
    """
    corpus = result.corpus
    words = ["tokbench", "compare", *result.names]
    words += [word for name in corpus.parts or (corpus.name,) for word in ("-c", name)]
    words += ["-l", ",".join(corpus.languages)]
    words += ["-n", str(corpus.segments if corpus.aligned else max(corpus.sizes.values()))]
    if corpus.shares:
        words += ["--weights", ",".join(f"{label}={share:.6g}" for label, share in corpus.shares.items())]
    if corpus.reference is not None:
        words += ["--reference", corpus.reference]
    if corpus.baseline is not None:
        words += ["--baseline", corpus.baseline]
    if corpus.bootstrap is None:
        words += ["--resamples", "0"]
    return shlex.join(words)
