"""Output of `tokbench model measure` and `score`: tables, JSON, CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tokbench._shared.visible_text import reveal_controls
from tokbench.cli.listing import write_field, write_rows

if TYPE_CHECKING:
    from tokbench.pythia.measure.probe import BackendMeasurement

Rows = list[dict[str, Any]]


class Format(StrEnum):
    """Output format of results."""

    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


def render_measurements(found: Sequence[BackendMeasurement], output_format: Format) -> str:
    """Format measurements.

    Tables of memory, speed and loading, or all figures as JSON or CSV.
    """
    from tokbench.pythia.measure.measured import frame_figures, frame_ram, frame_timings, to_document

    if output_format is Format.json:
        return json.dumps(to_document(found), ensure_ascii=False, indent=1) + "\n"
    if output_format is Format.csv:
        return reveal_controls(frame_figures(found).write_csv())
    columns = ["model", "backend", "quantization", "weights", "phase", "batch", "tokens", "tokens_per_second"]
    speed = frame_timings(found).select(*columns, "low", "high").to_dicts()
    tables = {
        "Resident memory, MiB (2023: figures of that year's ggml model card)": frame_ram(found).to_dicts(),
        "Speed, tokens per second (median; low and high: slowest and fastest round)": speed,
        "Loading": [
            {
                "model": one.model,
                "backend": one.backend,
                "quantization": one.quantization,
                "file MiB": one.file_bytes / 2**20,
                "seconds": f"{one.load_seconds:.3f}",
                "settings": ", ".join(f"{key}: {value}" for key, value in one.settings.items()),
            }
            for one in found
        ],
    }
    parts = [draw(title, rows, output_format) for title, rows in tables.items()]
    return "\n".join([*parts, *sorted({describe(one) + "\n" for one in found})])


def describe(found: BackendMeasurement) -> str:
    """Describe on one line what measurements depend on."""
    place = found.environment
    libraries = ", ".join(f"{name} {version}" for name, version in found.libraries.items())
    return (
        f"{place.date[:10]}, {place.processor}, {place.cores} cores, {place.system}, {found.threads} threads, "
        f"{found.device}, context {found.context}, {found.generated_tokens} tokens generated after "
        f"{found.generation_prompt}, weights: {found.weights}, tokbench {place.tokbench}, {libraries}"
    )


def render_scores(rows: Rows, output_format: Format) -> str:
    """Format scores; in tables, the signatures follow below."""
    if output_format is Format.json:
        return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    if output_format is Format.csv:
        import polars as pl

        return reveal_controls(pl.DataFrame(rows).write_csv())
    shown = [{key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()} for row in rows]
    mark = "`" if output_format is Format.markdown else ""
    signatures = [mark + re.sub(r"(?<=sha256:.{8})[0-9a-f]+", "", row["signature"]) + mark for row in rows]
    table = [{key: value for key, value in row.items() if key != "signature"} for row in shown]
    return "\n".join([draw("Bits per byte", table, output_format), *signatures]) + "\n"


def draw(title: str, rows: Rows, output_format: Format) -> str:
    """Format a table for the terminal or as Markdown.

    One decimal; missing values are a dash.
    """
    written = [
        {key: f"{value:,.1f}" if isinstance(value, float) else write_field(value) for key, value in row.items()}
        for row in rows
    ]
    if output_format is not Format.markdown:
        return f"{title}\n\n{write_rows(written)}"
    headers = list(written[0]) if written else []
    lines = [headers, ["---"] * len(headers), *([row[header] for header in headers] for row in written)]
    return f"### {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
