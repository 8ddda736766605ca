"""The warning about a busy machine, whose times are longer than they would be alone."""

from __future__ import annotations

from tokbench.cli._progress import note


def announce_present_load() -> None:
    """Warn if other programs keep the machine busy now."""
    from tokbench._shared.environment import count_cores
    from tokbench.pythia.measure.machine_load import read_load

    announce_load(read_load(), count_cores())


def announce_load(load: float | None, cores: int) -> None:
    """Warn on standard error if other programs keep the machine busy."""
    from tokbench.pythia.measure.machine_load import warn_of_load

    warning = warn_of_load(load, cores)
    if warning:
        note(warning)
