"""Location of the cache: downloads and records."""

from __future__ import annotations

import os
from pathlib import Path

from tokbench._shared.paths import expand_home


def find_cache_folder() -> Path:
    """Return the cache folder: TOKBENCH_CACHE, or else in the user's cache folder."""
    named = os.environ.get("TOKBENCH_CACHE")
    if named:
        return expand_home(named)
    from platformdirs import user_cache_path

    return user_cache_path("tokbench", appauthor=False)
