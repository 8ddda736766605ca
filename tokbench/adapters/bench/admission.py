"""Which engines a benchmark ranks: those that load and give the ids of the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokbench._shared.environment import installed
from tokbench.adapters import ADAPTERS, find_engines, load_asset, load_on, reference_adapter
from tokbench.adapters._encoding import EncodedBatch
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters.selection import Mismatch, encode_hard_texts, find_mismatch
from tokbench.adapters.selection._pipe import PipeError
from tokbench.adapters.selection.engine_check import ContractError, Engine, FunctionTokenizer
from tokbench.catalog.sources import Asset
from tokbench.corpora import Corpus
from tokbench.errors import EngineError, TokbenchError


@dataclass(frozen=True)
class EngineResult:
    """An engine that was asked for: loaded and exact, or why it is not ranked."""

    name: str
    engine: str
    path: str | None
    side_work: str | None
    tokenizer: Tokenizer | None
    reason: str | None
    mismatch: Mismatch | None = None

    @property
    def ranked(self) -> bool:
        """Whether it loads and all its ids are those of the reference."""
        return self.reason is None


@dataclass(frozen=True)
class ExpectedIds:
    """Texts and the ids that the reference gives them; `where` names them in a sentence."""

    where: str
    texts: Sequence[str]
    ids: EncodedBatch


def list_engines(asset: Asset, wanted: Sequence[str]) -> list[str]:
    """List adapters for a tokenizer, its reference first: those wanted, or all for `all`.

    Raises TokbenchError for a name that is no engine of its format.
    """
    every = [reference_adapter(asset.format), *find_engines(asset.format)]
    if "all" in wanted:
        return every
    for name in wanted:
        ADAPTERS[name]
        if name not in every:
            raise TokbenchError(f"the engine {name} does not run {asset.name}", f"choose of: {', '.join(every)}")
    return [name for name in every if name in (every[0], *wanted)]


def admit(
    asset: Asset, wanted: Sequence[str], corpus: Corpus, functions: Mapping[str, Engine] | None = None
) -> list[EngineResult]:
    """Load each engine and compare its ids with the reference's; the reference comes first.

    functions: engines of the caller's own, by name.

    Compared are the whole corpus and the hard texts, those that the reference gives up on left out.
    """
    names = list_engines(asset, wanted)
    texts = corpus.frame["text"].to_list()
    reference = load_asset(asset)
    hard, hard_ids = encode_hard_texts(reference)
    expected = [
        ExpectedIds("the corpus", texts, reference.encode_batch(texts)),
        ExpectedIds("the hard texts", hard, hard_ids),
    ]
    first = EngineResult(names[0], reference.engine, reference.call, _side_work(names[0]), reference, None)
    own = [
        _compare((name, name, "per text", None), FunctionTokenizer(function, reference), expected)
        for name, function in (functions or {}).items()
    ]
    return [first, *(_admit(name, asset, expected) for name in names[1:]), *own]


def _side_work(name: str) -> str | None:
    return getattr(ADAPTERS[name], "SIDE_WORK", None)


def _admit(name: str, asset: Asset, expected: Sequence[ExpectedIds]) -> EngineResult:
    library = getattr(ADAPTERS[name], "LIBRARY", name)
    label = f"{library}=={installed(library)}"
    try:
        tokenizer = load_on(asset, ADAPTERS[name])
    except TokbenchError as error:
        return EngineResult(name, label, None, _side_work(name), None, f"cannot load: {error.message}")
    return _compare((name, tokenizer.engine, tokenizer.call, _side_work(name)), tokenizer, expected)


def _compare(
    facts: tuple[str, str, str | None, str | None], tokenizer: Tokenizer, expected: Sequence[ExpectedIds]
) -> EngineResult:
    """Compare the ids of an engine; facts: its name, engine, call and side work."""
    for part in expected:
        try:
            mismatch = find_mismatch(part.ids, tokenizer.encode_batch(part.texts), part.texts)
        except EngineError as error:
            return EngineResult(*facts, None, error.fault)
        except (PipeError, ContractError) as error:
            return EngineResult(*facts, None, f"fails in {part.where}: {error.message}")
        if mismatch is not None:
            return EngineResult(*facts, tokenizer, f"differs in {part.where}: {mismatch}", mismatch)
    return EngineResult(*facts, tokenizer, None)
