"""Write the pages generated from the code: `python docs/build.py`. A test checks that they are current."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tokbench.metrics import METRICS, Metric

FOLDER = Path(__file__).resolve().parent
COMMANDS = (
    "compare",
    "cost",
    "bench",
    "encode",
    "corpus",
    "diff",
    "explain",
    "roundtrip",
    "vocab",
    "overlap",
    "explain-diff",
    "list",
    "pull",
    "report",
    "view",
)
GENERATED = "<!-- Written by docs/build.py; change the code instead. -->"


def write_metric(metric: Metric) -> str:
    """Write one metric as a section."""
    facts = [f"Unit: {metric.unit}."]
    if metric.better:
        facts.append(f"Better: {metric.better}.")
    if metric.compression:
        facts.append("Tokenizers that lose text are not ranked on it.")
    source = f"\n\nSource: {metric.citation}." if metric.citation else ""
    notes = f"Edge cases: {metric.edge_cases}\n\nOther definitions: {metric.other_definitions}"
    return f"## `{metric.name}`\n\n{metric.definition}\n\n{' '.join(facts)}\n\n{notes}{source}\n"


def write_metrics() -> str:
    """Write the page of all metrics."""
    intro = """# What every number means

t is the number of ids, without special tokens and without truncation; b are UTF-8 bytes, c Unicode characters, w words,
n segments. Every ratio is a ratio of sums over the segments, never a mean of ratios. Undefined values are null (a dash
in tables): a denominator of 0, a language without words, no reference. Every value comes with a signature.

A tokenizer is lossy in a language if a segment does not come back from `decode(encode(x))`, up to NFC and white space.
It keeps its row, in brackets, and is not ranked on compression: T5 "wins" on Chinese by writing one unknown token for a
whole clause.

Intervals cover 95 %. For ratios of sums, and for metrics over languages, they are a paired bootstrap over documents
(over segments if the corpus names no documents, or on request). For metrics over ids (entropies, efficiencies,
utilisation, types per token) they are a jackknife over 16 blocks of whole documents, or of segments if the corpus names
no documents: tokens of one document depend on each other, so intervals from single tokens would be too narrow. Blocks
are weighted by their documents (the delete-m_j jackknife of Busing, Meijer and van der Leeden 1999); the interval is
the value -+ Student's t times the standard error. It is for the expected value of a text of this size: the entropy of a
short text is biased low, and so is its interval; the Miller-Madow correction shifts both. Null for fewer than two
blocks. Token lengths and rarefied entropies have no intervals. In simulated texts of 80 documents these intervals cover
94 to 97 %; from blocks of single segments they would cover 62 to 92 % (`benchmarks/coverage.py`).
"""
    return "\n".join([GENERATED, "", intro, *(write_metric(metric) for metric in METRICS.values())])


def show_help(*arguments: str) -> str:
    """Return the output of `tokbench ... --help`, without frames, at a fixed width."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "TERMINAL_WIDTH": "100"}
    command = [sys.executable, "-m", "tokbench", *arguments, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def write_commands() -> str:
    """Write the page of all commands."""
    parts = [GENERATED, "", "# Commands", ""]
    for command in COMMANDS:
        parts += [f"## `tokbench {command}`", "", "```text", show_help(command), "```", ""]
    return "\n".join(parts)


PAGES = {"metrics.md": write_metrics, "commands.md": write_commands}


def main() -> None:
    """Write all pages."""
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
