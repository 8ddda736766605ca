"""What runs a tokenizer: one module an engine, each turning the files of a tokenizer into a `Tokenizer`."""

from __future__ import annotations

from typing import Protocol

from tokbench.adapters._batch import EncodedBatch, Spans, TokenTable
from tokbench.adapters._loaded import LoadedTokenizer
from tokbench.adapters._protocol import Tokenizer
from tokbench.assets import Asset, find
from tokbench.errors import TokbenchError
from tokbench.registry import Registry

__all__ = [
    "ADAPTERS",
    "Adapter",
    "EncodedBatch",
    "LoadedTokenizer",
    "Spans",
    "TokenTable",
    "Tokenizer",
    "load_asset",
    "load_tokenizer",
    "reference_adapter",
]


class Adapter(Protocol):
    """A module of this folder, or what an entry point of the group `tokbench.adapters` names."""

    REFERENCE_FOR: frozenset[str]
    """The file formats (`tokbench.filetype`) whose ids this engine defines."""

    def load(self, asset: Asset) -> Tokenizer:
        """The tokenizer in `asset`; TokbenchError when its files are not what they should be."""
        ...


ADAPTERS: Registry[Adapter] = Registry("tokbench.adapters", "adapter")


def reference_adapter(file_format: str) -> str:
    """The name of the adapter whose ids define a file format.

    Raises TokbenchError when no adapter reads the format.
    """
    for name, adapter in ADAPTERS.items():
        if file_format in adapter.REFERENCE_FOR:
            return name
    raise TokbenchError(f"no adapter reads files of the format {file_format!r}", f"adapters: {', '.join(ADAPTERS)}")


def load_asset(asset: Asset, adapter: str | None = None) -> Tokenizer:
    """The tokenizer in files that were found, on the reference engine of their format or on `adapter`."""
    return ADAPTERS[adapter or reference_adapter(asset.format)].load(asset)


def load_tokenizer(argument: str, *, adapter: str | None = None, offline: bool = False) -> Tokenizer:
    """Find and load a tokenizer: a catalogue name, an alias, a path, or `hf:org/name[@revision]`.

    Special tokens are never added and their text is plain text; nothing is truncated.
    Raises UnavailableError when its files cannot be had here, TokbenchError when they are not usable.

    >>> load_tokenizer("utf8").encode_batch(["hé"]).ids.tolist()
    [104, 195, 169]
    """
    return load_asset(find(argument, offline=offline), adapter)
