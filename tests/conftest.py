"""Fixtures: where the real data lies, and a private home for every test."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest
from hypothesis import settings

from helpers.data import SHARED_DATA
from tokbench._shared.environment import list_processor_flags, name_processor
from tokbench.pythia.backends._ctranslate2_library import needs_mkl

# As tokbench itself does before it imports ctranslate2, which a test may do first.
if needs_mkl(platform.machine(), name_processor(), list_processor_flags()):
    os.environ.setdefault("CT2_USE_MKL", "1")

# No test is timed: a machine under load fails none of them.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, or a skip that says why."""
    if SHARED_DATA is None:
        pytest.skip("no test data: set TOKBENCH_TEST_DATA to the folder of real tokenizers and corpora")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a cache of its own, real tokenizers where they are, and no network."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TOKBENCH_CACHE", str(home / "tokbench"))
    monkeypatch.setenv("HF_HOME", str(home / "huggingface"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TOKBENCH_CONFIG", "none")
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    if SHARED_DATA is not None:
        monkeypatch.setenv("TOKBENCH_TOKENIZERS", str(SHARED_DATA / "tokenizers"))
    else:
        monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
