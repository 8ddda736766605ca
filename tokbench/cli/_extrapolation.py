"""`tokbench model measure --extrapolate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tokbench.cli._machine_load import announce_load
from tokbench.cli._output import delivering
from tokbench.cli._progress import measuring

if TYPE_CHECKING:
    from tokbench.pythia.measure.measurement import BackendMeasurement
    from tokbench.report._document_model import Results


def probe_models(
    names: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    threads: int | None,
    sizes: dict[str, Any],
    offline: bool,
    bring: Callable[[Results], None],
) -> None:
    """Extrapolate models from their layers, or measure those of few layers, and bring out the results."""
    from tokbench.pythia.measure.layer_probe import LayerProbe, probe_or_measure
    from tokbench.pythia.model.resolution import resolve_model
    from tokbench.report._layer_probes import show_probes

    models = [resolve_model(name, offline=offline) for name in names]
    found: list[LayerProbe | BackendMeasurement] = []
    with delivering(found, lambda: bring(show_probes(found))), measuring(len(models) * len(pairs)) as tell:
        for model in models:
            for engine, kind in pairs:
                tell(f"{model.name} as {kind} on {engine}")
                last = probe_or_measure(
                    model.name, model.architecture, engine, kind, threads, **sizes, on_share=tell.show_share
                )
                found.append(last)
                whole = last.large if isinstance(last, LayerProbe) else last
                announce_load(whole.load_average, whole.environment.cores)
