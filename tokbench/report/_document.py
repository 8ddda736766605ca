"""Compose a report: a chapter per result, preceded by common findings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from tokbench.comparison import Comparison
from tokbench.report._addenda import Addenda, write_analyses, write_models
from tokbench.report._completion import complete, list_chosen
from tokbench.report._document_model import Chapter, Document, Section
from tokbench.report._leads import Marks, find_best
from tokbench.report._method import write_method
from tokbench.report._opening import write_opening, write_subtitle
from tokbench.report._premiums import write_premiums
from tokbench.report._sections import write_boundaries, write_compression, write_losses, write_speed
from tokbench.report._side_by_side import write_side_by_side
from tokbench.report._vocabulary_section import write_vocabularies
from tokbench.report._worst_segments import write_examples


def compose(results: Mapping[str, Comparison], marks: Marks = find_best, addenda: Addenda | None = None) -> Document:
    """Compose the report on one or several named results.

    marks: which values of tables to mark as best.
    addenda: results of other commands that were asked for, which have sections of their own.
    """
    single, addenda = len(results) == 1, addenda or Addenda()
    completed = {name: complete(result) for name, result in results.items()}
    chapters = [
        Chapter(
            name_anchor(name, number),
            name,
            tuple(write_sections(result, marks, list_chosen(results[name]), addenda, single=single)),
        )
        for number, (name, result) in enumerate(completed.items(), start=1)
    ]
    if single:
        (result,) = results.values()
        return Document(f"Tokenizers on {result.corpus.name}", tuple(chapters), write_subtitle(result))
    together = Chapter("together", "Side by side", tuple(write_side_by_side(results)))
    extra = [*write_analyses(addenda), *write_models(addenda)]
    added = [Chapter("added", "Besides the comparisons", tuple(extra))] if extra else []
    subtitle = " ".join(f"{name}: {write_subtitle(result)}" for name, result in results.items())
    return Document(f"{len(results)} comparisons of tokenizers", (together, *chapters, *added), subtitle)


def name_anchor(name: str, number: int) -> str:
    """Return a unique name for anchors and files: ASCII letters, digits and hyphens."""
    return f"{number}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}".rstrip("-")


def write_sections(
    result: Comparison, marks: Marks, chosen: Sequence[str], addenda: Addenda, *, single: bool
) -> list[Section]:
    """Return the sections on one result; on one of several, those that differ between results."""
    return [
        *write_opening(result, marks, chosen),
        *write_premiums(result, marks),
        *write_compression(result, marks),
        *write_speed(result),
        *write_boundaries(result, marks),
        *(write_analyses(addenda) if single else []),
        *(write_vocabularies(result) if single else []),
        *(write_models(addenda, result) if single else []),
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
