"""The task of measuring shards, for any executor: tokenizers are loaded in a worker exactly as they are here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from tokbench._shared.hashes import sha256_of
from tokbench._shared.threads import lend_cores
from tokbench.adapters import (
    CountedTokenizer,
    EngineTokenizer,
    Facts,
    LoadedTokenizer,
    Tokenizer,
    find_engines,
    load_asset,
    reference_adapter,
)
from tokbench.catalog.sources import Asset
from tokbench.corpora import Shard, ShardTexts, read_shard
from tokbench.errors import EngineError, TokbenchError
from tokbench.measurement.needs import Needs
from tokbench.measurement.shard_results import CountedShard, Fault, format_shard
from tokbench.measurement.shards import ShardResult, measure_shard
from tokbench.measurement.words import Segmenter

BUILT_IN = "built in"
"""Origin of the tokenizers that need no files."""


@dataclass(frozen=True)
class ShardSettings:
    """What is counted of each shard, apart from the tokenizers.

    spaced: whether the word segmenter fits each group, as far as a sample tells.
    """

    segmenter: Segmenter
    spaced: Mapping[str, bool]
    needs: Needs


@dataclass(frozen=True)
class LoadedTask:
    """Measures shards with tokenizers that are loaded, in this process."""

    tokenizers: tuple[Tokenizer, ...]
    settings: ShardSettings

    @property
    def files(self) -> Mapping[str, Path]:
        """No files."""
        return {}

    def start(self, files: Mapping[str, Path]) -> Callable[[Shard], bytes]:
        """Return what measures a shard; engines may use threads of their own, as nothing else runs."""

        def count(shard: Shard) -> bytes:
            with lend_cores():
                return count_shard(self.tokenizers, self.settings, shard)

        return count


@dataclass(frozen=True)
class ShardTask:
    """Measures shards with tokenizers that each worker loads, on the engines chosen here."""

    tokenizers: tuple[ShippedTokenizer, ...]
    settings: ShardSettings

    @property
    def files(self) -> Mapping[str, Path]:
        """The files of all tokenizers, by SHA-256."""
        return {sha256: path for one in self.tokenizers for sha256, path in one.list_files()}

    def start(self, files: Mapping[str, Path]) -> Callable[[Shard], bytes]:
        """Load the tokenizers, and return what measures a shard."""
        loaded = tuple(one.load(files) for one in self.tokenizers)
        return partial(count_shard, loaded, self.settings)


@dataclass(frozen=True)
class ShippedTokenizer:
    """A loaded tokenizer as a worker loads it again.

    asset: with the files of this machine. hashes: of the files. adapter: name of the engine's module.
    engine: the library with its version. facts: of the vocabulary, which workers need not read again.
    """

    asset: Asset
    hashes: tuple[str, ...]
    adapter: str
    engine: str
    facts: Facts

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> ShippedTokenizer:
        """Describe a loaded tokenizer; TokbenchError for one that has no files."""
        asset = tokenizer.asset
        if isinstance(tokenizer, CountedTokenizer) or not (asset.files or asset.origin == BUILT_IN):
            raise TokbenchError(
                f"{tokenizer.name} has no files that a worker could load", "give the path of a file, or no executor"
            )
        hashes = tuple(map(sha256_of, asset.files))
        stored = replace(asset, unrecorded=())
        return cls(stored, hashes, find_adapter(tokenizer), tokenizer.engine, Facts.of(tokenizer))

    def list_files(self) -> list[tuple[str, Path]]:
        """Return the SHA-256 and the path of each file."""
        return list(zip(self.hashes, self.asset.files, strict=True))

    def load(self, files: Mapping[str, Path]) -> Tokenizer:
        """Load the tokenizer from its files in a worker; TokbenchError if it runs on another engine there."""
        asset = replace(self.asset, files=tuple(files[sha256] for sha256 in self.hashes))
        loaded = load_asset(asset, self.adapter)
        if loaded.engine != self.engine:
            raise TokbenchError(f"{asset.name} runs on {loaded.engine} in a worker, not on {self.engine}")
        if isinstance(loaded, EngineTokenizer):
            loaded.adopt(self.facts)
        elif isinstance(loaded, LoadedTokenizer):
            loaded.adopt_table(self.facts.table)
        return loaded


def find_adapter(tokenizer: Tokenizer) -> str:
    """Return the name of the adapter that loaded a tokenizer."""
    file_format = tokenizer.asset.format
    library = tokenizer.engine.partition("==")[0]
    if isinstance(tokenizer, EngineTokenizer):
        return next(name for name, module in find_engines(file_format).items() if library == module.LIBRARY)
    return reference_adapter(file_format)


def count_shard(tokenizers: Sequence[Tokenizer], settings: ShardSettings, shard: Shard) -> bytes:
    """Measure a shard; a tokenizer that fails on one of its texts is left out, with the reason."""
    left, faults = list(tokenizers), []
    result: ShardResult | None = None
    reading = _Reading()
    while left and result is None:
        try:
            result = measure_shard(
                left,
                shard,
                read=reading.read,
                segmenter=settings.segmenter,
                spaced=settings.spaced,
                needs=settings.needs,
            )
        except EngineError as error:
            faults.append(Fault(error.tokenizer, f"{error.task} of {name_shard(shard)}", error.reason, error.hint))
            left = [tokenizer for tokenizer in left if tokenizer.name != error.tokenizer]
        except TokbenchError:
            if not reading.was_empty:
                raise
            break
    return format_shard(CountedShard(result, tuple(faults), list_unfit(result, settings)))


@dataclass
class _Reading:
    """Reads a shard, and tells whether it had no text at all: none may begin in a part of a file."""

    batches: int = 0
    was_empty: bool = False

    def read(self, shard: Shard) -> Iterator[ShardTexts]:
        """Yield the texts."""
        for batch in read_shard(shard):
            self.batches += 1
            yield batch
        self.was_empty = self.batches == 0


def list_unfit(result: ShardResult | None, settings: ShardSettings) -> tuple[str, ...]:
    """Return the groups without words of which this was not known before."""
    if result is None or not settings.needs.words:
        return ()
    texts = result.measurements.texts
    wordless = texts.filter(pl.col("words").is_null())["lang"].cast(pl.String)
    return tuple(sorted(set(wordless) - settings.spaced.keys()))


def name_shard(shard: Shard) -> str:
    """Return what messages call a shard: its file, and where it begins if the file has several."""
    return shard.name if shard.start == 0 else f"{shard.name} from {shard.start:,}"


def identify(tokenizers: Sequence[Tokenizer], settings: ShardSettings) -> dict[str, Any]:
    """Return all that the result of a shard depends on beside the shard, as a JSON document."""
    from tokbench import __version__

    return {
        "tokbench": __version__,
        "tokenizers": sorted([t.name, t.asset.sha256, t.engine, t.call] for t in tokenizers),
        "segmenter": settings.segmenter,
        "spaced": dict(sorted(settings.spaced.items())),
        "needs": dict(sorted(vars(settings.needs).items())),
    }
