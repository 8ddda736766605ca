"""Where the repository and the real data lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def find_shared_data() -> Path | None:
    """The folder of real tokenizers, corpora and vectors, where there is one."""
    named = os.environ.get("TOKBENCH_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if (folder / "tokenizers.json").is_file() else None


SHARED_DATA = find_shared_data()
needs_data = pytest.mark.skipif(
    SHARED_DATA is None, reason="no test data: set TOKBENCH_TEST_DATA to the folder of real tokenizers and corpora"
)
