"""Which engine runs a tokenizer: the fastest one that is here and gives the ids of the reference.

An engine is verified on hard texts once for each tokenizer, and on a sample of each corpus. The outcomes, and the
facts of the tokenizer that were read on the way, are kept in the cache by the hash of its files and the versions of
both engines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tokbench._shared.cache import cache_path, read_arrays, read_json, write_arrays, write_json
from tokbench._shared.environment import installed
from tokbench.adapters import ADAPTERS, Engine, find_cost, find_engines, load_asset, load_on_engine, reference_adapter
from tokbench.adapters._accelerated import Facts
from tokbench.adapters._cost import count_tokens, has_merges
from tokbench.adapters._encoding import TokenTable
from tokbench.adapters._hard_texts import HARD_BYTES, hard_texts_version
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters._reference import LoadedTokenizer
from tokbench.adapters.selection.verification import SAMPLE_BYTES, Sample, Verification, verify
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

AUTO, REFERENCE = "auto", "reference"


def check_engine_name(engine: str) -> None:
    """TokbenchError where no engine has this name."""
    if engine not in (AUTO, REFERENCE):
        ADAPTERS[engine]


def load_engine(asset: Asset, engine: str, sample: Sample) -> Tokenizer:
    """The tokenizer on `engine`: `auto`, `reference`, or the name of an adapter that runs its format.

    `auto` takes, among the engines that are installed and cost less than the reference on a corpus of this size
    (loading and encoding together), the cheapest whose ids equal the reference's on the hard texts and on the sample;
    the reference where the sample would be the whole corpus. Raises TokbenchError where a named engine
    does not run the format or gives other ids.
    """
    reference = reference_adapter(asset.format)
    if engine in (REFERENCE, reference):
        return _load_reference(asset)
    engines = find_engines(asset.format)
    if engine != AUTO:
        return _load_named(asset, engine, engines, sample)
    known: Tokenizer | None = None
    for name in _order(asset, engines, reference, sample):
        loaded, known, _ = _load_verified(asset, engines[name], sample, known)
        if loaded is not None:
            return loaded
    return _load_reference(asset) if known is None else known


def _load_reference(asset: Asset) -> Tokenizer:
    """The tokenizer on its reference engine, with the table of its tokens that was kept; else it is kept now."""
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
    """List the engines that are installed and cost less than the reference on this corpus, cheapest first.

    What has to be verified first costs too: the reference is loaded, and both encode the sample, and the hard texts
    where the tokenizer is new.
    """
    if not engines or sample.corpus_bytes < SAMPLE_BYTES or not has_merges(asset):
        return []
    tokens = count_tokens(asset)
    own = find_cost(reference, asset.format)
    costs = {}
    for name, module in engines.items():
        if installed(module.LIBRARY) is None:
            continue
        record = _Record(asset, describe_library(module))
        cost = module.RUNS[asset.format]
        costs[name] = cost.total(tokens, sample.corpus_bytes)
        unverified = HARD_BYTES * (record.read() is None) + SAMPLE_BYTES * (record.read(sample) is None)
        if own is not None and unverified:
            costs[name] += own.total(tokens, unverified) + cost.total(0, unverified)
    paying = [name for name in costs if own is None or costs[name] < own.total(tokens, sample.corpus_bytes)]
    return sorted(paying, key=costs.__getitem__)


def _load_named(asset: Asset, name: str, engines: dict[str, Engine], sample: Sample) -> Tokenizer:
    if name not in engines:
        check_engine_name(name)
        ways = ", ".join([REFERENCE, *engines])
        raise TokbenchError(
            f"the engine {name} does not run {asset.name}, which is of the format {asset.format}",
            f"choose auto, or of: {ways}",
        )
    if installed(engines[name].LIBRARY) is None:
        return engines[name].load(asset)  # says which extra to install
    loaded, _, verification = _load_verified(asset, engines[name], sample, None)
    if loaded is None:
        raise TokbenchError(
            f"the engine {name} is not exact for {asset.name}: {verification.reason}", f"use --engine {AUTO}"
        )
    return loaded


def _load_verified(
    asset: Asset, module: Engine, sample: Sample, reference: Tokenizer | None
) -> tuple[Tokenizer | None, Tokenizer | None, Verification]:
    """The tokenizer on an engine, None where it is not exact; the reference, where it was loaded; the verification."""
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
    """Name an engine's library and its installed version, as `Tokenizer.engine` does."""
    return f"{module.LIBRARY}=={installed(module.LIBRARY)}"


def _verify_once(
    tokenizer: Tokenizer,
    reference: Tokenizer,
    sample: Sample,
    record: _Record,
    known: tuple[Verification | None, Verification | None],
) -> Verification:
    """Verify what is not known yet, the hard texts and the sample of the corpus, and keep what comes of each."""
    of_texts, of_corpus = known
    if of_texts is None:
        record.write(of_texts := verify(tokenizer, reference))
    if of_corpus is None and of_texts.exact:
        record.write(of_corpus := verify(tokenizer, reference, sample), sample)
    return of_texts if of_corpus is None else of_corpus


class _Record:
    """The verifications of an engine in the cache, and the facts of the tokenizer, so that no reference is loaded."""

    def __init__(self, asset: Asset, engine: str) -> None:
        reference = reference_adapter(asset.format)
        versions = {name: installed(name) for name in ("tokenizers", "tiktoken", "sentencepiece")}
        self.parts = (asset.sha256, asset.entry, engine, reference, versions, hard_texts_version())
        self.place = cache_path("engines", *self.parts)

    def find_outcome(self, sample: Sample | None) -> Path:
        """Return where the outcome for a sample of a corpus is kept, or that for the hard texts."""
        return self.place if sample is None else cache_path("engines", *self.parts, sample.sha256)

    def read(self, sample: Sample | None = None) -> Verification | None:
        """Return an outcome, None where there is none that is intact."""
        document = read_json(self.find_outcome(sample))
        return None if document is None else Verification(document["engine"], document["reason"])

    def write(self, verification: Verification, sample: Sample | None = None) -> None:
        """Keep an outcome."""
        write_json(self.find_outcome(sample), asdict(verification))

    def read_facts(self) -> Facts | None:
        """The facts of the tokenizer, None where they are not kept."""
        kept = read_arrays(self.place, frozenset({"facts", "data", "offsets", "known", "partial"}))
        if kept is None:
            return None
        document = json.loads(kept["facts"].tobytes())
        prefix = document.pop("prefix")
        table = TokenTable(kept["data"], kept["offsets"], kept["known"])
        table.recall_partial(kept["partial"])
        special, reserved = document.pop("special"), document.pop("reserved")
        return Facts(
            **document,
            prefix=None if prefix is None else prefix.encode(),
            table=table,
            special={int(number): text for number, text in special.items()},
            reserved=tuple(reserved),
        )

    def write_facts(self, facts: Facts) -> None:
        """Keep the facts of the tokenizer."""
        fields = {name: getattr(facts, name) for name in ("vocab_base", "vocab_total", "unk_id", "special", "reserved")}
        prefix = None if facts.prefix is None else facts.prefix.decode()
        text = np.frombuffer(json.dumps({**fields, "prefix": prefix}).encode(), np.uint8)
        table = facts.table
        flags = {"known": table.known, "partial": table.partial}
        write_arrays(self.place, {"facts": text, "data": table.data, "offsets": table.offsets, **flags})
