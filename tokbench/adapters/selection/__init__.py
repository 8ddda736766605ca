"""Choose the engine of a tokenizer: the fastest verified to give identical ids."""

from tokbench.adapters.selection._choice import AUTO, REFERENCE, check_engine_name, load_engine
from tokbench.adapters.selection.engine_check import EngineCheck, check_engine
from tokbench.adapters.selection.installed_engines import InstalledEngine, verify_engines
from tokbench.adapters.selection.verification import (
    SAMPLE_BYTES,
    Mismatch,
    Sample,
    encode_hard_texts,
    find_mismatch,
    take_sample,
    verify,
)

__all__ = [
    "AUTO",
    "REFERENCE",
    "SAMPLE_BYTES",
    "EngineCheck",
    "InstalledEngine",
    "Mismatch",
    "Sample",
    "check_engine",
    "check_engine_name",
    "encode_hard_texts",
    "find_mismatch",
    "load_engine",
    "take_sample",
    "verify",
    "verify_engines",
]
