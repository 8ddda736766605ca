"""Write the pages generated from the code: `python docs/build.py`. A test checks that they are current."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from tokbench.cli import app
from tokbench.metrics import METRICS, Metric

FOLDER = Path(__file__).resolve().parent
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

The counts of a language with more than 4,096 segments are added up as they come, by unit: by document, or by run of
neighbouring documents or segments where there are more than 4,096. Values are those of the segments; intervals and
tests draw units. In simulated corpora of 40,960 segments in 8,192 documents, intervals over units cover 94 to 96 %
(`benchmarks/coverage.py`).

## Groups

Texts that are not translations of each other are groups: a folder of code, prompts, several `-c` side by side. Whatever
compares a text with its translation is null: metrics relative to a reference language, and spreads of tokens per
segment over languages (Gini, max/min). The rest is as for languages. Each group resamples its own documents or
segments, from a seed that depends on its label, so that other groups do not change its intervals; a resample of all
groups together is the sum of one of each (a stratified bootstrap). Tests pair tokenizers, not languages: both have
encoded the same segments of each group.

## Mixtures

`--weights en=60,zh=20,code=20` makes the values over all languages those of a mixture: a text in which each language or
group has its share s (weight over the sum of weights) of the UTF-8 bytes, with counts per byte as in the corpus. A
ratio of sums becomes sum(s * numerator / b) / sum(s * denominator / b), where the sums and the bytes b are those of one
language. So tokens per byte are the mean of the languages' tokens per byte, weighted by s, and bytes per token are its
inverse. A language without a weight has no share; the weight of one of several corpora is divided among its languages
by their bytes. Values by register, script and family are of whole texts, and have no mixture. Intervals come from the
same resamples as those of the languages, in which b varies too; tests shuffle the weighted counts. Metrics over ids and
token lengths have no value of a mixture; medians, maxima and Gini over languages stay unweighted. Weights are in the
signature.
"""
    return "\n".join([GENERATED, "", intro, *(write_metric(metric) for metric in METRICS.values())])


def list_commands() -> list[tuple[str, ...]]:
    """Return every command of the app by its words, each group before its own commands."""
    return list(walk_commands(get_command(app)))


def walk_commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command and of those below it; the app itself has none."""
    if words:
        yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from walk_commands(below, (*words, name))


def show_help(*arguments: str) -> str:
    """Return what `tokbench ... --help` prints, at a fixed width."""
    environment = {"NO_COLOR": "1", "TERM": "dumb"}
    done = CliRunner().invoke(app, [*arguments, "--help"], prog_name="tokbench", env=environment, terminal_width=98)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def write_commands() -> str:
    """Return the page of all commands."""
    parts = [GENERATED, "", "# Commands", ""]
    for words in list_commands():
        heading = "#" * (len(words) + 1)
        parts += [f"{heading} `tokbench {' '.join(words)}`", "", "```text", show_help(*words), "```", ""]
    return "\n".join(parts)


PAGES = {"metrics.md": write_metrics, "commands.md": write_commands}


def main() -> None:
    """Write all pages."""
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
