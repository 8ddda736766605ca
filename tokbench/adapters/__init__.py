"""Run tokenizers: one module per engine, from files to a `Tokenizer`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from tokbench._shared.paths import expand_home
from tokbench._shared.registry import Registry
from tokbench.adapters._accelerated import EngineTokenizer, Facts, OnEngine, find_reference_tokenizer
from tokbench.adapters._cost import Cost, count_tokens, has_merges
from tokbench.adapters._counted import COUNTS, CountedTokenizer
from tokbench.adapters._encoding import EncodedBatch, Indices, Spans, TokenTable, Windows, view_windows
from tokbench.adapters._failures import explain_loading
from tokbench.adapters._library_objects import LibraryTokenizer, adopt_tokenizer
from tokbench.adapters._protocol import LocatingTokenizer, Tokenizer
from tokbench.adapters._ranges import Offsets, offsets_of, sum_ranges
from tokbench.adapters._reference import LoadedTokenizer
from tokbench.adapters._single_text import SingleText, TokenizedText, write_token
from tokbench.adapters._stages import Stage, View
from tokbench.adapters._token_kinds import CROSSING, OVER_WORDS, PARTIAL
from tokbench.adapters._trial import try_files
from tokbench.catalog.sources import Asset, find, record
from tokbench.errors import TokbenchError

__all__ = [
    "ADAPTERS",
    "COUNTS",
    "CROSSING",
    "OVER_WORDS",
    "PARTIAL",
    "Adapter",
    "Cost",
    "CountedTokenizer",
    "EncodedBatch",
    "Engine",
    "EngineTokenizer",
    "Facts",
    "Indices",
    "LibraryTokenizer",
    "LoadedTokenizer",
    "LocatingTokenizer",
    "Offsets",
    "OnEngine",
    "SingleText",
    "Spans",
    "Stage",
    "TokenTable",
    "TokenizedText",
    "Tokenizer",
    "View",
    "Windows",
    "adopt_tokenizer",
    "count_tokens",
    "find_asset",
    "find_cost",
    "find_engines",
    "find_reference_tokenizer",
    "has_merges",
    "load_asset",
    "load_on",
    "load_on_engine",
    "load_tokenizer",
    "offsets_of",
    "reference_adapter",
    "sum_ranges",
    "view_windows",
    "write_token",
]


class Adapter(Protocol):
    """A module of this package, or of an entry point in group `tokbench.adapters`."""

    REFERENCE_FOR: frozenset[str]
    """File formats (`tokbench.catalog.formats`) whose ids this engine defines."""

    def load(self, asset: Asset) -> Tokenizer:
        """Load the tokenizer in `asset`; TokbenchError if its files are not as expected."""
        ...


class Engine(Adapter, Protocol):
    """An adapter that also runs vocabularies whose ids another engine defines."""

    RUNS: Mapping[str, Cost]
    """The formats it runs, with the cost of loading and encoding; a reference that lists its formats competes too."""

    LIBRARY: str
    """The distribution whose version determines its behaviour."""


ADAPTERS: Registry[Adapter] = Registry("tokbench.adapters", "adapter")


def reference_adapter(file_format: str) -> str:
    """Return the name of the adapter whose ids define a file format.

    Raises TokbenchError if no adapter reads the format.
    """
    for name, adapter in ADAPTERS.items():
        if file_format in adapter.REFERENCE_FOR:
            return name
    raise TokbenchError(f"no adapter reads files of the format {file_format!r}", f"adapters: {', '.join(ADAPTERS)}")


def find_engines(file_format: str) -> dict[str, Engine]:
    """Find the engines other than the reference that run a format, by name."""
    engines = {}
    for name in ADAPTERS:
        module = cast(Engine, ADAPTERS[name])
        if file_format in getattr(module, "RUNS", {}) and file_format not in module.REFERENCE_FOR:
            engines[name] = module
    return engines


def find_cost(adapter: str, file_format: str) -> Cost | None:
    """Return the cost of an adapter on a format, or None if it does not state one."""
    cost: Cost | None = getattr(ADAPTERS[adapter], "RUNS", {}).get(file_format)
    return cost


def load_asset(asset: Asset, engine: str | None = None) -> Tokenizer:
    """Load a tokenizer from its files, on the reference engine or on `engine`.

    On any engine, its facts (sizes, special tokens, bytes of its ids, decoding) are those of the reference.
    """
    reference = reference_adapter(asset.format)
    if engine in (None, reference):
        loaded = load_on(asset, ADAPTERS[reference])
        record(asset)
        return loaded
    return load_on_engine(asset, ADAPTERS[engine])


def load_on_engine(asset: Asset, module: Adapter) -> EngineTokenizer:
    """Load a tokenizer on an engine that is not its reference.

    Its facts are those of the reference.
    """
    loaded = load_on(asset, module)
    record(asset)
    return loaded if isinstance(loaded, EngineTokenizer) else OnEngine(loaded, load_asset)


def load_on(asset: Asset, module: Adapter) -> Tokenizer:
    """Load a tokenizer by an adapter; files that the catalogue does not know are tried in another process first.

    Raises EngineError for a failure of the engine, such as a panic or an abort.
    """
    name = getattr(module, "__name__", None)
    if name in sys.modules:
        try_files(asset, str(name))
    with explain_loading(asset):
        return module.load(asset)


def load_tokenizer(
    argument: str | Path | LibraryTokenizer,
    *,
    name: str | None = None,
    engine: str | None = None,
    offline: bool = False,
) -> Tokenizer:
    """Find and load a tokenizer: a name, an alias, a path, or an `hf:` repository.

    A repository is given as `hf:org/name[@revision]`.
    A `Path` is never interpreted as a name. Special tokens are never added and their text is plain text; nothing is
    truncated.
    A `tokenizers.Tokenizer`, a fast tokenizer of transformers, a `tiktoken.Encoding` or a `SentencePieceProcessor` is
    copied as it is and runs on its own library.
    name: the label in tables; of an object by default its `name_or_path` or `name`, else library and hash.
    Raises UnavailableError if its files are not available here, TokbenchError if they are not usable.

    >>> load_tokenizer("utf8").encode("hé")
    [104, 195, 169]
    """
    if isinstance(argument, str | Path):
        asset = find_asset(argument, offline=offline)
        return load_asset(asset if name is None else replace(asset, name=name), engine)
    adopted = adopt_tokenizer(argument, name)
    if engine is not None:
        raise TokbenchError(
            f"{adopted.name} is an object and runs on {adopted.engine}", "give its file to choose the engine"
        )
    return adopted


def find_asset(argument: str | Path, *, offline: bool = False) -> Asset:
    """Find the files of the tokenizer that an argument names.

    A `Path` is never interpreted as a name.
    """
    named = argument if isinstance(argument, str) else str(expand_home(argument).absolute())
    return find(named, offline=offline)
