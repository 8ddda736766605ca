"""Read measurements of models that were saved as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tokbench.pythia.measure.measurement import BackendMeasurement


def read_measurements(document: Mapping[str, Any]) -> tuple[BackendMeasurement, ...]:
    """Return measurements from the JSON of `tokbench model measure`; ValueError with the first fault."""
    return msgspec.convert(document.get("measurements"), tuple[BackendMeasurement, ...])
