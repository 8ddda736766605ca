"""The tokenizers that the page offers: those of the catalogue, and repositories of the hub."""

from __future__ import annotations

from typing import Any

from tokbench._shared.registry import closest
from tokbench.catalog import locations, sources
from tokbench.catalog.counting_apis import is_counting_model, refuse_counting_model
from tokbench.catalog.entries import CATALOG, find_name
from tokbench.catalog.hub_ids import is_hub_id
from tokbench.errors import TokbenchError
from tokbench.report.live._listing import Wanted

LONGEST_NAME = 300


def list_catalog() -> list[dict[str, Any]]:
    """Return each entry: its name, other names, licence, and where its files are here (None: to be downloaded)."""
    return [
        {
            "name": entry.name,
            "aliases": [*entry.aliases, *entry.used_by],
            "licence": entry.licence,
            "here": sources.locate(entry),
        }
        for entry in CATALOG.values()
    ]


def choose(name: str, *, online: bool) -> Wanted:
    """Return the tokenizer that a name or hub id means.

    Paths are not read: a page may name only what is published, or a folder in TOKBENCH_TOKENIZERS.
    Raises TokbenchError for anything else.
    """
    wanted = name.strip()
    if not wanted or len(wanted) > LONGEST_NAME:
        raise TokbenchError("no name is given" if not wanted else "the name is too long", "choose one of the list")
    known = find_name(wanted)
    if known is not None:
        return Wanted(known, known, online=online)
    if is_counting_model(wanted):
        raise refuse_counting_model(wanted)
    repository = wanted.removeprefix("hf:")
    if wanted.startswith("hf:") or locations.is_hub_argument(wanted):
        where, _, revision = repository.partition("@")
        if "/" not in where or not is_hub_id(where, revision or None):
            raise TokbenchError(f"{repository!r} is no repository of the hub", "give it as organisation/name")
        return Wanted(repository, f"hf:{repository}", online=online)
    if not locations.is_path(wanted) and next(locations.list_folders(wanted), None) is not None:
        return Wanted(wanted, wanted)
    if locations.is_path(wanted):
        raise TokbenchError("paths are not read from the page", "open the file with the button instead")
    near = closest(wanted, list(CATALOG))
    hint = f"did you mean {near!r}?" if near else "choose one of the list, give organisation/name, or open its file"
    raise TokbenchError(f"no tokenizer is called {wanted!r}", hint)
