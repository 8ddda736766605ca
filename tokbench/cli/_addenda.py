"""Files of a report that are not comparisons: costs, measured models, robustness and checks."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokbench._shared.paths import shorten
from tokbench._shared.visible_text import reveal
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.comparison import Comparison
    from tokbench.report._addenda import Addenda

FULL = frozenset({"html", "markdown", "latex"})
"""Formats with chapters on the results of other commands."""

LARGEST = 256 * 2**20
"""Bytes of the largest file that is looked into."""

KEYS = (
    ("costs", frozenset({"costs", "what_if"})),
    ("models", frozenset({"measurements"})),
    ("robustness", frozenset({"perturbations", "values"})),
    ("checks", frozenset({"reports"})),
)
"""Kinds of documents, and the keys by which one is told from a comparison."""


@dataclass(frozen=True)
class MeasuredTokenizer:
    """A tokenizer that a file has values of; signature: where the hash of its files stands, after its name."""

    file: str
    name: str
    signature: str


def sort_files(paths: Sequence[Path]) -> tuple[list[Path], Addenda | None]:
    """Return the paths of comparisons, and what the other files hold; None if there are none.

    Raises TokbenchError if none is a comparison, and for damaged files.
    """
    from tokbench.report._addenda import Addenda

    documents = {path: read for path in paths if (read := read_document(path)) is not None}
    compared = [path for path in paths if path not in documents]
    if not compared:
        raise TokbenchError(
            "a report needs a comparison besides results of other commands", "add a result of `tokbench compare`"
        )
    if not documents:
        return compared, None
    found: dict[str, dict[str, Any]] = {kind: {} for kind, _ in KEYS}
    for path, (kind, document) in documents.items():
        name = path.name.removesuffix(".json")
        if any(name in named for named in found.values()):
            raise TokbenchError(f"two files are called {name!r}", "rename one: reports use the file names")
        try:
            found[kind][name] = convert(kind, document)
        except (ValueError, RecursionError) as error:
            reason = reveal(str(error).partition("\n")[0])
            raise TokbenchError(f"{shorten(str(path))}: damaged ({reason:.200})", "create it again") from error
    return compared, Addenda(**found)


def convert(kind: str, document: Mapping[str, Any]) -> object:
    """Return what a document of a kind holds; ValueError with the first fault."""
    if kind == "costs":
        from tokbench.pythia.cost.saved import read_costs

        return read_costs(document)
    if kind == "models":
        from tokbench.pythia.measure.saved import read_measurements

        return read_measurements(document)
    if kind == "robustness":
        from tokbench.analysis.robustness import read_robustness

        return read_robustness(document)
    from tokbench.analysis.soundness import read_checks

    return read_checks(document)


def check_addenda(addenda: Addenda | None, formats: Sequence[str]) -> None:
    """Raise TokbenchError for results of other commands in a format without chapters on them."""
    for name in formats:
        if addenda is not None and name not in FULL:
            given = {"costs": addenda.costs, "models": addenda.models, "robustness": addenda.robustness}
            kind = next((kind for kind, files in given.items() if files), "checks")
            raise TokbenchError(f"{name} holds comparisons, not {kind}", "use .html, .md or .tex, or leave them out")


def check_tokenizers(addenda: Addenda | None, comparisons: Sequence[Comparison]) -> None:
    """Raise TokbenchError for values of a tokenizer that is not compared, or has other files under its name."""
    for one in () if addenda is None else list_measured(addenda):
        compared = [t for comparison in comparisons for t in comparison.tokenizers if t.name == one.name]
        name = reveal(one.name[:80])
        if not compared:
            raise TokbenchError(
                f"{one.file} has values of {name}, which is not compared", "leave the file out, or compare it too"
            )
        if not any(f"{one.name}@sha256:{t.sha256[:8]}" in one.signature for t in compared):
            raise TokbenchError(
                f"{one.file} has values of {name} with other files than those compared", "create it again"
            )


def list_measured(addenda: Addenda) -> Iterator[MeasuredTokenizer]:
    """Yield the tokenizers that the files have values of; measured models have none."""
    for file, costs in addenda.costs.items():
        for name in costs.frame["tokenizer"].unique(maintain_order=True):
            yield MeasuredTokenizer(file, name, costs.signature)
    for file, robustness in addenda.robustness.items():
        for name in robustness.tokenizers:
            yield MeasuredTokenizer(file, name, robustness.signature)
    for file, checks in addenda.checks.items():
        for report in checks.reports:
            yield MeasuredTokenizer(file, report.subject, f"{report.subject}@sha256:{report.sha256}")


def read_document(path: Path) -> tuple[str, dict[str, Any]] | None:
    """Return the kind and JSON of a result of another command; None for anything else, left to its own reader."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return None
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    kind = next((kind for kind, keys in KEYS if keys <= document.keys()), None)
    return None if kind is None else (kind, document)
