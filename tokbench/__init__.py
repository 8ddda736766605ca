"""tokbench compares and analyses LLM tokenizers: what one costs, on this text, in this language, on this model.

>>> import tokbench as tb
>>> result = tb.compare(["utf8", "byt5"], tb.load_corpus(languages=["en", "zh"]), throughput=False)
>>> result
<Comparison of 2 tokenizers on tokbench14 (2 languages x 280 segments)>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from tokbench.adapters import EncodedBatch, Tokenizer, load_tokenizer
    from tokbench.adapters.selection import EngineCheck, check_engine
    from tokbench.comparison import Comparison, Presenter, compare, load
    from tokbench.corpora import ParallelCorpus, load_corpus
    from tokbench.errors import CacheWarning, EngineError, MissingExtraError, TokbenchError, UnavailableError
    from tokbench.measurement import Measurements, measure
    from tokbench.metrics import METRICS, Metric, Reference, evaluate
    from tokbench.metrics.resampling import Bootstrap

__version__ = "0.2.0"

_PLACES = {
    "METRICS": "tokbench.metrics",
    "Bootstrap": "tokbench.metrics.resampling",
    "CacheWarning": "tokbench.errors",
    "Comparison": "tokbench.comparison",
    "EncodedBatch": "tokbench.adapters",
    "EngineCheck": "tokbench.adapters.selection",
    "EngineError": "tokbench.errors",
    "Measurements": "tokbench.measurement",
    "Metric": "tokbench.metrics",
    "MissingExtraError": "tokbench.errors",
    "ParallelCorpus": "tokbench.corpora",
    "Reference": "tokbench.metrics",
    "TokbenchError": "tokbench.errors",
    "Tokenizer": "tokbench.adapters",
    "UnavailableError": "tokbench.errors",
    "check_engine": "tokbench.adapters.selection",
    "compare": "tokbench.comparison",
    "evaluate": "tokbench.metrics",
    "load": "tokbench.comparison",
    "load_corpus": "tokbench.corpora",
    "load_tokenizer": "tokbench.adapters",
    "measure": "tokbench.measurement",
}

__all__ = [
    "METRICS",
    "Bootstrap",
    "CacheWarning",
    "Comparison",
    "EncodedBatch",
    "EngineCheck",
    "EngineError",
    "Measurements",
    "Metric",
    "MissingExtraError",
    "ParallelCorpus",
    "Reference",
    "TokbenchError",
    "Tokenizer",
    "UnavailableError",
    "__version__",
    "check_engine",
    "compare",
    "evaluate",
    "load",
    "load_corpus",
    "load_tokenizer",
    "measure",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import tokbench` costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module 'tokbench' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def load_presenter() -> Presenter:
    """Return what shows comparisons.

    `Comparison` asks for it here, where all packages are known: it holds data and imports no format.
    """
    return cast("Presenter", import_module("tokbench.report"))


def __dir__() -> list[str]:
    return sorted(__all__)
