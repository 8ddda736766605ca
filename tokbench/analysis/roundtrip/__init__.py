"""Diagnose round trips: what is lost, at which stage, minimal examples."""

from tokbench.adapters import Stage
from tokbench.analysis.roundtrip._diagnosis import (
    Breakage,
    RoundTrip,
    explain_changed,
    inspect_round_trip,
    list_changed,
)
from tokbench.analysis.roundtrip._probes import Probe, list_probes
from tokbench.analysis.roundtrip._shrinking import shrink
from tokbench.analysis.roundtrip._stages import TextClass

__all__ = [
    "Breakage",
    "Probe",
    "RoundTrip",
    "Stage",
    "TextClass",
    "explain_changed",
    "inspect_round_trip",
    "list_changed",
    "list_probes",
    "shrink",
]
