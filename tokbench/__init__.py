"""tokbench compares and analyses LLM tokenizers: what one costs, on this text, in this language, on this model.

>>> import tokbench as tb
>>> result = tb.compare(["utf8", "byt5"], tb.load_corpus(languages=["en", "zh"]), throughput=False)
>>> result
<Comparison of 2 tokenizers on tokbench14 (2 languages x 280 segments)>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokbench.adapters import EncodedBatch, Tokenizer, load_tokenizer
    from tokbench.adapters.selection import EngineCheck, check_engine
    from tokbench.comparison import Comparison, compare, load
    from tokbench.corpora import ParallelCorpus, load_corpus
    from tokbench.errors import TokbenchError

__version__ = "0.2.0"

_PLACES = {
    "Comparison": "tokbench.comparison",
    "EncodedBatch": "tokbench.adapters",
    "EngineCheck": "tokbench.adapters.selection",
    "ParallelCorpus": "tokbench.corpora",
    "TokbenchError": "tokbench.errors",
    "Tokenizer": "tokbench.adapters",
    "check_engine": "tokbench.adapters.selection",
    "compare": "tokbench.comparison",
    "load": "tokbench.comparison",
    "load_corpus": "tokbench.corpora",
    "load_tokenizer": "tokbench.adapters",
}

__all__ = [
    "Comparison",
    "EncodedBatch",
    "EngineCheck",
    "ParallelCorpus",
    "TokbenchError",
    "Tokenizer",
    "__version__",
    "check_engine",
    "compare",
    "load",
    "load_corpus",
    "load_tokenizer",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import tokbench` costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module 'tokbench' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
