"""Diagnose round trips: what is lost, at which stage, minimal examples."""

from tokbench.adapters import Stage
from tokbench.analysis.roundtrip._diagnosis import Breakage, RoundTrip, inspect_round_trip
from tokbench.analysis.roundtrip._probes import Probe, list_probes
from tokbench.analysis.roundtrip._shrinking import shrink
from tokbench.analysis.roundtrip._stages import TextClass

__all__ = ["Breakage", "Probe", "RoundTrip", "Stage", "TextClass", "inspect_round_trip", "list_probes", "shrink"]
