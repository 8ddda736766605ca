"""Choose the engine of a tokenizer: the fastest exact one installed.

An engine is verified on hard texts once per tokenizer, and on a sample of each corpus. The outcomes, and the facts of
the tokenizer read on the way, are cached by the hash of its files and the versions of both engines.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from tokbench._shared.cache import cache_path, read_arrays, read_json, write_arrays, write_json
from tokbench._shared.environment import installed
from tokbench.adapters import (
    ADAPTERS,
    Engine,
    find_cost,
    find_engines,
    load_asset,
    load_on,
    load_on_engine,
    reference_adapter,
)
from tokbench.adapters._accelerated import Facts
from tokbench.adapters._cost import count_tokens, has_merges
from tokbench.adapters._encoding import TokenTable
from tokbench.adapters._hard_texts import HARD_BYTES, hard_texts_version
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters._reference import LoadedTokenizer
from tokbench.adapters.selection.verification import SAMPLE_BYTES, Sample, Verification, hide_folders, verify
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

AUTO, REFERENCE = "auto", "reference"
_LOG = logging.getLogger(__name__)


def check_engine_name(engine: str) -> None:
    """Raise TokbenchError if there is no engine with this name."""
    if engine not in (AUTO, REFERENCE):
        ADAPTERS[engine]


def load_engine(asset: Asset, engine: str, sample: Sample) -> Tokenizer:
    """Load a tokenizer on `engine`: `auto`, `reference`, or the name of an engine.

    `auto` chooses, of the installed engines that cost less than the reference on a corpus of this size (loading plus
    encoding), the cheapest whose ids equal the reference's on the hard texts and on the sample; the reference if the
    sample would be the whole corpus. Raises TokbenchError if a named engine does not run the format or gives other ids.
    """
    reference = reference_adapter(asset.format)
    if engine in (REFERENCE, reference):
        _LOG.info("%s runs on %s: the reference, as asked", asset.name, reference)
        return _load_reference(asset)
    engines = find_engines(asset.format)
    if engine != AUTO:
        return _load_named(asset, engine, engines, sample)
    known: Tokenizer | None = None
    for name in _order(asset, engines, reference, sample):
        loaded, known, verification = load_verified(asset, engines[name], sample, known)
        if loaded is not None:
            _LOG.info("%s runs on %s: the cheapest here, with the ids of %s", asset.name, name, reference)
            return loaded
        _LOG.info("%s does not run on %s: %s", asset.name, name, verification.reason)
    _LOG.info("%s runs on %s: no other exact engine is cheaper on %d bytes", asset.name, reference, sample.corpus_bytes)
    return _load_reference(asset) if known is None else known


def _load_reference(asset: Asset) -> Tokenizer:
    """Load a tokenizer on its reference engine, with the cached table of its tokens.

    The table is created if it is missing.
    """
    loaded = load_asset(asset)
    if isinstance(loaded, LoadedTokenizer) and asset.files:
        record = _Record(asset, loaded.engine)
        facts = record.read_facts()
        if facts is None:
            record.write_facts(Facts.of(loaded))
        else:
            loaded.adopt_table(facts.table)
    return loaded


def _order(asset: Asset, engines: Mapping[str, Engine], reference: str, sample: Sample) -> list[str]:
    """List the installed engines cheaper than the reference here, cheapest first.

    What must be verified first adds to the cost: the reference is loaded, and both encode the sample, and the hard
    texts if the tokenizer is new.
    """
    if not engines or sample.corpus_bytes < SAMPLE_BYTES or not has_merges(asset):
        return []
    tokens = count_tokens(asset)
    reference_cost = find_cost(reference, asset.format)
    costs = {}
    for name, module in engines.items():
        if installed(module.LIBRARY) is None:
            continue
        record = _Record(asset, describe_library(module))
        cost = module.RUNS[asset.format]
        costs[name] = cost.total(tokens, sample.corpus_bytes)
        unverified = HARD_BYTES * (record.read() is None) + SAMPLE_BYTES * (record.read(sample) is None)
        if reference_cost is not None and unverified:
            costs[name] += reference_cost.total(tokens, unverified) + cost.total(0, unverified)
    whole = sample.corpus_bytes
    paying = [name for name in costs if reference_cost is None or costs[name] < reference_cost.total(tokens, whole)]
    return sorted(paying, key=costs.__getitem__)


def _load_named(asset: Asset, name: str, engines: dict[str, Engine], sample: Sample) -> Tokenizer:
    if name not in engines:
        check_engine_name(name)
        ways = ", ".join([REFERENCE, *engines])
        raise TokbenchError(
            f"the engine {name} does not run {asset.name}, whose format is {asset.format}",
            f"choose auto, or one of: {ways}",
        )
    if installed(engines[name].LIBRARY) is None:
        return load_on(asset, engines[name])  # raises the error that names the extra to install
    loaded, _, verification = load_verified(asset, engines[name], sample, None)
    if loaded is None:
        raise TokbenchError(
            f"the engine {name} is not exact for {asset.name}: {verification.reason}", f"use --engine {AUTO}"
        )
    return loaded


def load_verified(
    asset: Asset, module: Engine, sample: Sample, reference: Tokenizer | None
) -> tuple[Tokenizer | None, Tokenizer | None, Verification]:
    """Return the tokenizer on an engine, the reference, and the verification.

    The tokenizer is None if it is inexact, the reference if it was not loaded.
    """
    library = describe_library(module)
    record = _Record(asset, library)
    known = record.read(), record.read(sample)
    for verification in known:
        if verification is not None and not verification.exact:
            return None, reference, verification
    try:
        loaded = load_on_engine(asset, module)
    except TokbenchError as error:
        failed = Verification(library, error.message)
        record.write(failed)
        return None, reference, failed
    facts = record.read_facts()
    if None not in known and facts is not None:
        loaded.adopt(facts)
        return loaded, reference, Verification(library, None)
    reference = load_asset(asset) if reference is None else reference
    loaded.adopt(reference)
    if facts is None:
        record.write_facts(Facts.of(reference))
    verification = _verify_once(loaded, reference, sample, record, known)
    loaded.adopt(facts or Facts.of(reference))
    return (loaded if verification.exact else None), reference, verification


def describe_library(module: Engine) -> str:
    """Return name and version of an engine's library, as in `Tokenizer.engine`."""
    return f"{module.LIBRARY}=={installed(module.LIBRARY)}"


def _verify_once(
    tokenizer: Tokenizer,
    reference: Tokenizer,
    sample: Sample,
    record: _Record,
    known: tuple[Verification | None, Verification | None],
) -> Verification:
    """Verify what is unknown so far, and record each outcome.

    That is on the hard texts and on the sample of the corpus.
    """
    of_texts, of_corpus = known
    if of_texts is None:
        record.write(of_texts := verify(tokenizer, reference))
    if of_corpus is None and of_texts.exact:
        record.write(of_corpus := verify(tokenizer, reference, sample), sample)
    return of_texts if of_corpus is None else of_corpus


class _Record:
    """Cached verifications of an engine and facts of a tokenizer.

    They save loading the reference.
    """

    def __init__(self, asset: Asset, engine: str) -> None:
        self.asset = asset
        reference = reference_adapter(asset.format)
        versions = {name: installed(name) for name in ("tokenizers", "tiktoken", "sentencepiece")}
        self.parts = (asset.sha256, asset.entry, engine, reference, versions, hard_texts_version())
        self.path = cache_path("engines", *self.parts)

    def find_outcome(self, sample: Sample | None) -> Path:
        """Return the cache path of an outcome: for a corpus sample, or the hard texts."""
        return self.path if sample is None else cache_path("engines", *self.parts, sample.sha256)

    def read(self, sample: Sample | None = None) -> Verification | None:
        """Return an outcome, or None if there is no intact one."""
        document = read_json(self.find_outcome(sample))
        return None if document is None else Verification(document["engine"], document["reason"])

    def write(self, verification: Verification, sample: Sample | None = None) -> None:
        """Record an outcome, without the folders where the files are now: they may be elsewhere next time."""
        reason = None if verification.reason is None else hide_folders(verification.reason, self.asset)
        write_json(self.find_outcome(sample), asdict(replace(verification, reason=reason)))

    def read_facts(self) -> Facts | None:
        """Return the facts of the tokenizer, or None if they are not cached."""
        cached = read_arrays(self.path, frozenset({"facts", "data", "offsets", "known", "partial"}))
        if cached is None:
            return None
        document = json.loads(cached["facts"].tobytes())
        prefix = document.pop("prefix")
        table = TokenTable(cached["data"], cached["offsets"], cached["known"])
        table.recall_partial(cached["partial"])
        special, reserved = document.pop("special"), document.pop("reserved")
        return Facts(
            **document,
            prefix=None if prefix is None else prefix.encode(),
            table=table,
            special={int(number): text for number, text in special.items()},
            reserved=tuple(reserved),
        )

    def write_facts(self, facts: Facts) -> None:
        """Record the facts of the tokenizer."""
        fields = {name: getattr(facts, name) for name in ("vocab_base", "vocab_total", "unk_id", "special", "reserved")}
        prefix = None if facts.prefix is None else facts.prefix.decode()
        text = np.frombuffer(json.dumps({**fields, "prefix": prefix}).encode(), np.uint8)
        table = facts.table
        flags = {"known": table.known, "partial": table.partial}
        write_arrays(self.path, {"facts": text, "data": table.data, "offsets": table.offsets, **flags})
