"""Files of a report that are not comparisons: costs, and measurements of models."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokbench._shared.paths import shorten
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.cost import Costs
    from tokbench.pythia.measure.probe import BackendMeasurement
    from tokbench.report._cost_sections import Addenda

FULL = frozenset({"html", "markdown", "latex"})
"""Formats with chapters on costs."""

LARGEST = 256 * 2**20
"""Bytes of the largest file that is looked into."""


def sort_files(paths: Sequence[Path]) -> tuple[list[Path], Addenda | None]:
    """Return the paths of comparisons, and what the other files hold; None if there are none.

    Raises TokbenchError if none is a comparison, and for damaged files.
    """
    from tokbench.report._cost_sections import Addenda

    documents = {path: found for path in paths if (found := read_document(path)) is not None}
    compared = [path for path in paths if path not in documents]
    if not compared:
        raise TokbenchError("a report needs a comparison besides costs", "add a result of `tokbench compare`")
    if not documents:
        return compared, None
    costs: dict[str, Costs] = {}
    models: dict[str, Sequence[BackendMeasurement]] = {}
    for path, document in documents.items():
        name = path.name.removesuffix(".json")
        if name in costs or name in models:
            raise TokbenchError(f"two files are called {name!r}", "rename one: reports use the file names")
        try:
            if "costs" in document:
                from tokbench.pythia.cost.saved import read_costs

                costs[name] = read_costs(document)
            else:
                from tokbench.pythia.measure.saved import read_measurements

                models[name] = read_measurements(document)
        except (ValueError, RecursionError) as error:
            reason = str(error).partition("\n")[0]
            raise TokbenchError(f"{shorten(str(path))}: damaged ({reason:.200})", "create it again") from error
    return compared, Addenda(costs, models)


def check_addenda(addenda: Addenda | None, formats: Sequence[str]) -> None:
    """Raise TokbenchError for costs in a format without chapters on them."""
    for name in formats:
        if addenda is not None and name not in FULL:
            raise TokbenchError(f"{name} holds comparisons, not costs", "use .html, .md or .tex, or leave them out")


def read_document(path: Path) -> dict[str, Any] | None:
    """Return the JSON of costs or of measured models; None for anything else, which is left to its own reader."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return None
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if isinstance(document, dict) and ({"costs", "what_if"} <= set(document) or "measurements" in document):
        return document
    return None
