"""The folder of what tokbench downloads and keeps."""

from __future__ import annotations

import os
from pathlib import Path


def find_cache_folder() -> Path:
    """The folder of tokbench's own downloads and records: TOKBENCH_CACHE, or the user's cache folder."""
    named = os.environ.get("TOKBENCH_CACHE")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("tokbench", appauthor=False)
