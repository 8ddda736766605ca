"""Compare tokenizers on a parallel corpus.

Everything is loaded on first use: `tokbench rank` shows figures without loading an engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokbench._shared.lazy_names import import_lazily

if TYPE_CHECKING:
    from tokbench.comparison._compare import Unfinished as Unfinished
    from tokbench.comparison._compare import compare as compare
    from tokbench.comparison._comparison import FILES as FILES
    from tokbench.comparison._comparison import TESTS as TESTS
    from tokbench.comparison._comparison import Comparison as Comparison
    from tokbench.comparison._presentation import Presenter as Presenter
    from tokbench.comparison._presentation import View as View
    from tokbench.comparison.saved import load as load

_NAMES = {
    "_compare": ["Unfinished", "compare"],
    "_comparison": ["FILES", "TESTS", "Comparison"],
    "_presentation": ["Presenter", "View"],
    "saved": ["load"],
}

__all__, __getattr__, __dir__ = import_lazily(__name__, _NAMES)
