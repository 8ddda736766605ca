"""What a result shows in a notebook: what the command line prints of it."""

from __future__ import annotations

import tokbench


class Presented:
    """A mix-in for results that a notebook shows as tables, with charts if the extra `html` is installed."""

    def _repr_html_(self) -> str:
        """Return the tables and charts for notebooks."""
        return tokbench.load_presenter().show_found(self)
