"""Fixtures of the tests of corpora."""

from __future__ import annotations

import pytest

from tokbench.corpora import arrow, parquet


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the trial of Parquet and Arrow in a process of its own, which costs a second per file."""
    for reader in (arrow, parquet):
        monkeypatch.setattr(reader, "try_reading", lambda *_: None)
