"""Measure joules with the energy counters of the processor (RAPL), where Linux lets us read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
_JOULE = 1_000_000  # microjoules


@dataclass(frozen=True)
class EnergyCounters:
    """The counters of the processor packages.

    folders: of the packages' zones, such as `intel-rapl:0`.
    reason: why there are none; None if there are some.
    """

    folders: tuple[Path, ...]
    reason: str | None = None

    def read(self) -> Mapping[Path, int]:
        """Read the counters, in microjoules."""
        return {folder: _read_number(folder / "energy_uj") for folder in self.folders}

    def find_joules(self, before: Mapping[Path, int], after: Mapping[Path, int]) -> float | None:
        """Return the joules of all packages between two readings, idle power and other programs included.

        A counter that wrapped around once is corrected; at full load that happens every few minutes, and more than one
        wrap cannot be seen. None without counters.
        """
        if not self.folders:
            return None
        total = 0
        for folder in self.folders:
            change = after[folder] - before[folder]
            if change < 0:
                change += _read_number(folder / "max_energy_range_uj") + 1
            total += change
        return total / _JOULE


def find_counters(powercap: Path = POWERCAP) -> EnergyCounters:
    """Return the counters of this machine's packages that can be read, or why there are none.

    powercap: the folder of the kernel's interface.
    """
    zones = sorted(powercap.glob("intel-rapl:*")) if powercap.is_dir() else []
    packages = [zone for zone in zones if zone.name.count(":") == 1 and _read_name(zone).startswith("package")]
    if not packages:
        return EnergyCounters((), f"joules not measured: {powercap} has no counters of the processor")
    try:
        for zone in packages:
            _read_number(zone / "energy_uj")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a number"
        return EnergyCounters((), f"joules not measured: {packages[0].name}/energy_uj: {why}")
    return EnergyCounters(tuple(packages))


def _read_name(zone: Path) -> str:
    name = zone / "name"
    return name.read_text("utf-8").strip() if name.is_file() else ""


def _read_number(path: Path) -> int:
    with path.open("rb") as stream:
        return int(stream.read(32))
