"""tokbench compares and analyses LLM tokenizers: what one costs, on this text, in this language, on this model.

>>> import tokbench as tb
>>> result = tb.compare(["utf8", "byt5"], tb.load_corpus(languages=["en", "zh"]), throughput=False)
>>> result
<Comparison of 2 tokenizers on tokbench14 (2 languages x 280 segments)>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from tokbench._shared.lazy_names import import_lazily

if TYPE_CHECKING:
    from tokbench.adapters import EncodedBatch as EncodedBatch
    from tokbench.adapters import Tokenizer as Tokenizer
    from tokbench.adapters import load_tokenizer as load_tokenizer
    from tokbench.adapters.selection import EngineCheck as EngineCheck
    from tokbench.adapters.selection import check_engine as check_engine
    from tokbench.analysis.cards import Card as Card
    from tokbench.analysis.cards import card as card
    from tokbench.analysis.ranking import rank as rank
    from tokbench.comparison import Comparison as Comparison
    from tokbench.comparison import Presenter
    from tokbench.comparison import compare as compare
    from tokbench.comparison import load as load
    from tokbench.corpora import ParallelCorpus as ParallelCorpus
    from tokbench.corpora import TextGroups as TextGroups
    from tokbench.corpora import load_corpus as load_corpus
    from tokbench.errors import CacheWarning as CacheWarning
    from tokbench.errors import EngineError as EngineError
    from tokbench.errors import MissingExtraError as MissingExtraError
    from tokbench.errors import TokbenchError as TokbenchError
    from tokbench.errors import UnavailableError as UnavailableError
    from tokbench.measurement import Measurements as Measurements
    from tokbench.measurement import measure as measure
    from tokbench.measurement.api_counts import count_by_api as count_by_api
    from tokbench.metrics import METRICS as METRICS
    from tokbench.metrics import Metric as Metric
    from tokbench.metrics import Reference as Reference
    from tokbench.metrics import evaluate as evaluate
    from tokbench.metrics.resampling import Bootstrap as Bootstrap

__version__ = "0.2.0"

_NAMES = {
    "analysis.cards": ["Card", "card"],
    "analysis.ranking": ["rank"],
    "adapters": ["EncodedBatch", "Tokenizer", "load_tokenizer"],
    "adapters.selection": ["EngineCheck", "check_engine"],
    "comparison": ["Comparison", "compare", "load"],
    "corpora": ["ParallelCorpus", "TextGroups", "load_corpus"],
    "errors": ["CacheWarning", "EngineError", "MissingExtraError", "TokbenchError", "UnavailableError"],
    "measurement": ["Measurements", "measure"],
    "measurement.api_counts": ["count_by_api"],
    "metrics": ["METRICS", "Metric", "Reference", "evaluate"],
    "metrics.resampling": ["Bootstrap"],
}

__all__, __getattr__, __dir__ = import_lazily(__name__, _NAMES)
__all__ += ["__version__"]


def load_presenter() -> Presenter:
    """Return what shows comparisons.

    `Comparison` asks for it here, where all packages are known: it holds data and imports no format.
    """
    return cast("Presenter", import_module("tokbench.report"))
