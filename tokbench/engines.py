"""Which engine runs a tokenizer: the fastest one that is here and gives the ids of the reference.

An engine is verified on hard texts and on a sample of the very corpus; the outcome, and the facts of the tokenizer
that were read on the way, are kept in the cache by the hash of its files and the versions of both engines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from tokbench.adapters import (
    ADAPTERS,
    EncodedBatch,
    Engine,
    EngineTokenizer,
    Facts,
    LoadedTokenizer,
    Tokenizer,
    TokenTable,
    find_cost,
    find_engines,
    load_asset,
    reference_adapter,
)
from tokbench.assets import Asset
from tokbench.corpora import ParallelCorpus
from tokbench.environment import installed
from tokbench.errors import EngineError, TokbenchError
from tokbench.hard_texts import hard_texts, hard_texts_version
from tokbench.kept import explain_damage, find_place, make_folder, read_arrays, write_arrays
from tokbench.output import write_whole

AUTO, REFERENCE = "auto", "reference"
SAMPLE_BYTES = 200_000
"""UTF-8 bytes of the corpus on which an engine is verified, spread evenly over languages and segments."""

_SHOWN = 8
"""Ids and characters of context on each side of a difference."""


@dataclass(frozen=True)
class Difference:
    """The first place where an engine's ids are not the reference's: which text, which token, what is there."""

    text: int
    token: int
    expected: tuple[int, ...]
    got: tuple[int, ...]
    excerpt: str

    def __str__(self) -> str:
        return f"token {self.token} of text {self.text} ({self.excerpt!r}): {self.got} instead of {self.expected}"


@dataclass(frozen=True)
class Sample:
    """Texts of a corpus that engines are verified on, and the size of the whole corpus in UTF-8 bytes."""

    texts: tuple[str, ...]
    corpus_bytes: int


@dataclass(frozen=True)
class Verification:
    """What came of holding an engine against the reference. `reason`: why it is not used, None where it is exact."""

    engine: str
    reason: str | None

    @property
    def exact(self) -> bool:
        """Whether all ids were equal."""
        return self.reason is None


def check_engine(engine: str) -> None:
    """TokbenchError where no engine has this name."""
    if engine not in (AUTO, REFERENCE):
        ADAPTERS[engine]


def find_difference(expected: EncodedBatch, got: EncodedBatch, texts: Sequence[str]) -> Difference | None:
    """The first difference between two encodings of the same texts, None where they are equal."""
    if np.array_equal(expected.offsets, got.offsets) and np.array_equal(expected.ids, got.ids):
        return None
    for number, text in enumerate(texts):
        mine, theirs = expected[number], got[number]
        if np.array_equal(mine, theirs):
            continue
        shorter = min(len(mine), len(theirs))
        unequal = np.flatnonzero(mine[:shorter] != theirs[:shorter])
        token = int(unequal[0]) if len(unequal) else shorter
        start = int(len(text) * token / max(len(mine), 1))
        return Difference(
            number,
            token,
            tuple(mine[token : token + _SHOWN].tolist()),
            tuple(theirs[token : token + _SHOWN].tolist()),
            text[max(0, start - _SHOWN) : start + 2 * _SHOWN],
        )
    return None


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
    for name in _order(asset, engines, reference, sample.corpus_bytes):
        loaded, known, _ = _load_verified(asset, engines[name], sample, known)
        if loaded is not None:
            return loaded
    return known or _load_reference(asset)


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


def _order(asset: Asset, engines: Mapping[str, Engine], reference: str, corpus_bytes: int) -> list[str]:
    """The engines that are installed and cost less than the reference on a corpus of this size, cheapest first."""
    if not engines or corpus_bytes < SAMPLE_BYTES:
        return []
    file_bytes = sum(path.stat().st_size for path in asset.files)
    own = find_cost(reference, asset.format)
    costs = {
        name: module.RUNS[asset.format].total(file_bytes, corpus_bytes)
        for name, module in engines.items()
        if installed(module.LIBRARY) is not None
    }
    paying = [name for name in costs if own is None or costs[name] < own.total(file_bytes, corpus_bytes)]
    return sorted(paying, key=costs.__getitem__)


def _load_named(asset: Asset, name: str, engines: dict[str, Engine], sample: Sample) -> Tokenizer:
    if name not in engines:
        check_engine(name)
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
    library = f"{module.LIBRARY}=={installed(module.LIBRARY)}"
    record = _Record(asset, library)
    verification = record.read()
    if verification is not None and not verification.exact:
        return None, reference, verification
    try:
        loaded = module.load(asset)
    except TokbenchError as error:
        failed = Verification(library, error.message)
        record.write(failed)
        return None, reference, failed
    facts = record.read_facts() if verification is not None else None
    if verification is None or facts is None:
        reference = reference or load_asset(asset)
        if isinstance(loaded, EngineTokenizer):
            loaded.adopt(reference)
        verification = verify(loaded, reference, sample)
        facts = Facts.of(reference)
        record.write(verification, facts)
    if isinstance(loaded, EngineTokenizer):
        loaded.adopt(facts)
    return (loaded if verification.exact else None), reference, verification


def verify(tokenizer: Tokenizer, reference: Tokenizer, sample: Sample) -> Verification:
    """Hold a tokenizer against the same on its reference engine, on the hard texts and on a sample of the corpus."""
    for texts, where in ((hard_texts(), "the hard texts"), (sample.texts, "the corpus")):
        try:
            difference = find_difference(reference.encode_batch(texts), tokenizer.encode_batch(texts), texts)
        except EngineError as error:
            return Verification(tokenizer.engine, f"in {where}, it {error.fault}")
        if difference is not None:
            return Verification(tokenizer.engine, f"in {where}, {difference}")
    return Verification(tokenizer.engine, None)


class _Record:
    """One verification in the cache, and the facts of the tokenizer, so that the reference need not be loaded."""

    def __init__(self, asset: Asset, engine: str) -> None:
        reference = reference_adapter(asset.format)
        versions = {name: installed(name) for name in ("tokenizers", "tiktoken", "sentencepiece")}
        parts = (asset.sha256, asset.entry, engine, reference, versions, hard_texts_version())
        self.place = find_place("engines", *parts)
        self.outcome = self.place.with_suffix(".json")

    def read(self) -> Verification | None:
        """The outcome, None where there is none; TokbenchError where the record is damaged."""
        try:
            document = json.loads(self.outcome.read_bytes())
            return Verification(document["engine"], document["reason"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise explain_damage(self.outcome, error) from error

    def read_facts(self) -> Facts | None:
        """The facts of the tokenizer, None where they are not kept."""
        kept = read_arrays(self.place, frozenset({"facts", "data", "offsets", "known", "partial"}))
        if kept is None:
            return None
        document = json.loads(kept["facts"].tobytes())
        prefix = document.pop("prefix")
        table = TokenTable(kept["data"], kept["offsets"], kept["known"])
        table.recall_partial(kept["partial"])
        return Facts(**document, prefix=None if prefix is None else prefix.encode(), table=table)

    def write(self, verification: Verification, facts: Facts | None = None) -> None:
        """Keep an outcome and, where they are known, the facts."""
        make_folder(self.outcome.parent)
        if facts is not None and verification.exact:
            self.write_facts(facts)
        write_whole(self.outcome, json.dumps(asdict(verification)).encode())

    def write_facts(self, facts: Facts) -> None:
        """Keep the facts of the tokenizer."""
        fields = {name: getattr(facts, name) for name in ("vocab_base", "vocab_total", "unk_id")}
        prefix = None if facts.prefix is None else facts.prefix.decode()
        text = np.frombuffer(json.dumps({**fields, "prefix": prefix}).encode(), np.uint8)
        table = facts.table
        flags = {"known": table.known, "partial": table.partial}
        write_arrays(self.place, {"facts": text, "data": table.data, "offsets": table.offsets, **flags})


def take_sample(corpus: ParallelCorpus) -> Sample:
    """Texts spread evenly over the languages and segments of a corpus, about `SAMPLE_BYTES` of them in all."""
    step = max(1, corpus.size // SAMPLE_BYTES)
    chosen: list[str] = []
    offset = 0
    for column in corpus.columns.values():
        # The same places as in one list of all texts, language after language.
        if offset < corpus.n:
            chosen.extend(column.gather_every(step, offset))
        offset = (offset - corpus.n) % step
    return Sample(tuple(chosen), corpus.size)
