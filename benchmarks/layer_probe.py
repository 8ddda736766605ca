"""The layer probe against the models themselves: errors of seconds and memory, and how often the intervals cover.

`python benchmarks/layer_probe.py results.jsonl [--models 410m,1b] [--types q4_0,int8] [--minutes 12]` measures one cell
(model, backend, type) after the other, two small models and the whole one taking turns in every round, and appends each
to the file; cells that the file already has with these layers are skipped, and none is begun after `--minutes`.
`--report` prints the tables of a file in markdown.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokbench.errors import TokbenchError
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make_in_cache
from tokbench.pythia.measure.layer_probe import LayerProbe, choose_layers, list_extrapolated
from tokbench.pythia.measure.measurement import BackendMeasurement
from tokbench.pythia.measure.probe import measure_together
from tokbench.pythia.model.models import find_model

TYPES = {"q4_0": "llamacpp", "q8_0": "llamacpp", "f16": "llamacpp", "int8": "ctranslate2", "float32": "ctranslate2"}
MIB = 1 << 20


def measure(model: str, kind: str, layers: tuple[int, ...], rounds: int, new_tokens: int) -> list[dict[str, Any]]:
    """Measure one cell, and compare every figure."""
    found = find_model(model)
    shape = found.architecture
    if layers[1] >= shape.layers:
        raise TokbenchError(f"{model} has too few layers for a probe of {layers[0]} and {layers[1]}")
    shapes = [replace(shape, layers=count) for count in layers]
    folders = [make_in_cache(one, f"{found.name}-{one.layers}-layers") for one in shapes]
    checkpoints = [open_checkpoint(folder) for folder in (*folders, make_in_cache(shape, found.name))]
    small, large, whole = measure_together(
        checkpoints, TYPES[kind], kind, prompt_lengths=(128, 512), new_tokens=new_tokens, rounds=rounds, spread=True
    )
    probe = LayerProbe(found.name, shape, small, large, small)
    common = {"model": model, "backend": TYPES[kind], "type": kind, "layers": list(layers), "aa_ratio": whole.aa_ratio}
    common["load_average"] = whole.load_average
    return [{**common, **row} for row in compare(probe, whole)]


def compare(probe: LayerProbe, whole: BackendMeasurement) -> Iterator[dict[str, Any]]:
    """Yield extrapolated and measured figures: seconds by the fastest round, memory in MiB."""
    for (timing, seconds), measured in zip(list_extrapolated(probe), whole.timings, strict=True):
        yield {
            "figure": timing.phase,
            "batch": timing.batch,
            "tokens": timing.tokens,
            "measured": measured.least,
            "median": measured.seconds,
            "extrapolated": seconds.value,
            "low": seconds.low,
            "high": seconds.high,
        }
    for name in ("loaded", "generated", "peak"):
        size = getattr(whole, name)
        measured_bytes = size if isinstance(size, int) else size.rss
        yield {
            "figure": f"RAM {name}",
            "measured": measured_bytes / MIB,
            "extrapolated": (probe.extrapolate_bytes(name) or 0) / MIB,
        }
    yield {
        "figure": "load",
        "measured": whole.load_seconds,
        "extrapolated": probe.extend(lambda one: one.load_seconds),
    }


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows measured so far."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def report(rows: list[dict[str, Any]]) -> None:
    """Print all figures, and the shares within limits."""
    print("| model | type | layers | figure | batch | tokens | measured | extrapolated | error | interval covers |")
    print("|---|---|--:|---|--:|--:|--:|--:|--:|---|")
    for row in rows:
        unit = "MiB" if row["figure"].startswith("RAM") else "ms"
        scale = 1 if unit == "MiB" else 1e3
        covers = "" if row.get("low") is None else ("yes" if covered(row) else "no")
        print(
            f"| {row['model']} | {row['type']} | {row['layers'][0]}, {row['layers'][1]} | {row['figure']} | "
            f"{row.get('batch', '')} | {row.get('tokens', '')} | {row['measured'] * scale:,.1f} {unit} | "
            f"{row['extrapolated'] * scale:,.1f} | {100 * find_error(row):+.1f} % | {covers} |"
        )
    seconds = [row for row in rows if "low" in row]
    memory = [row for row in rows if row["figure"] in ("RAM loaded", "RAM generated")]
    print(
        f"\nSeconds ({len(seconds)}): {share(abs(find_error(row)) <= 0.1 for row in seconds)} within 10 %, "
        f"{share(abs(find_error(row)) <= 0.2 for row in seconds)} within 20 %; intervals cover "
        f"{share(covered(row) for row in seconds if row['low'] is not None)}. Resident memory ({len(memory)}): "
        f"{share(abs(find_error(row)) <= 0.03 for row in memory)} within 3 %."
    )


def find_error(row: dict[str, Any]) -> float:
    """Return extrapolated / measured - 1."""
    return float(row["extrapolated"] / row["measured"] - 1)


def covered(row: dict[str, Any]) -> bool:
    """Return whether the interval holds the measured value."""
    return bool(row["low"] <= row["measured"] <= row["high"])


def share(values: Any) -> str:
    """Format the share of true values."""
    listed = list(values)
    return f"{100 * sum(listed) / len(listed):.0f} %" if listed else "none"


def main() -> None:
    """Measure what is missing, or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--models", default="410m,1b")
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--layers", default="", help="of the small models, as 2,4; default: chosen by the probe")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--new-tokens", type=int, default=32, help="per timed generation")
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    rows = read(options.file)
    if not options.report:
        done = {(row["model"], row["type"], tuple(row["layers"])) for row in rows}
        begun = time.monotonic()
        given = tuple(int(count) for count in options.layers.split(",") if count)
        for model in options.models.split(","):
            for kind in options.types.split(","):
                layers = given or choose_layers(find_model(model).architecture, kind)
                if (model, kind, layers) in done or time.monotonic() - begun > 60 * options.minutes:
                    continue
                started = time.monotonic()
                try:
                    found = measure(model, kind, layers, options.rounds, options.new_tokens)
                except TokbenchError as error:
                    print(f"{model} {kind}: {error}", file=sys.stderr)
                    continue
                with options.file.open("a", encoding="utf-8") as stream:
                    stream.writelines(json.dumps(row) + "\n" for row in found)
                rows += found
                print(f"{model} {kind} {layers}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    report(rows)


if __name__ == "__main__":
    main()
