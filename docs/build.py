"""Write the pages generated from the code: `python docs/build.py`. A test checks that they are current."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from tokbench.analysis.atlas import read_atlas
from tokbench.cli import app
from tokbench.metrics import METRICS, Metric
from tokbench.report._markdown_document import write_document
from tokbench.report.atlas import lay_out_atlas

FOLDER = Path(__file__).resolve().parent
sys.path.append(str(FOLDER / "site"))
GENERATED = "<!-- Written by docs/build.py; change the code instead. -->"


def write_metric(metric: Metric) -> str:
    """Write one metric as a section."""
    facts = [f"Unit: {metric.unit}."]
    if metric.better:
        facts.append(f"Better: {metric.better}.")
    if metric.compression:
        facts.append("Tokenizers that lose text are not ranked on it.")
    if metric.on_request:
        facts.append("Only evaluated if it is named.")
    source = f"\n\nSource: {metric.citation}." if metric.citation else ""
    notes = f"Edge cases: {metric.edge_cases}\n\nOther definitions: {metric.other_definitions}"
    notes += f"\n\nEvidence that it predicts the quality of models: {metric.evidence}"
    return f"## `{metric.name}`\n\n{metric.definition}\n\n{' '.join(facts)}\n\n{notes}{source}\n"


def write_metrics() -> str:
    """Write the page of all metrics."""
    intro = """# What every number means

t is the number of ids, without special tokens and without truncation; b are UTF-8 bytes, c Unicode characters, w words,
n segments. Every ratio is a ratio of sums over the segments, never a mean of ratios. Undefined values are null (a dash
in tables): a denominator of 0, a language without words, no reference. Every value comes with a signature.

A tokenizer is lossy in a language if a segment does not come back from `decode(encode(x))`, up to NFC and white space.
It keeps its row, in brackets, and is not ranked on compression and boundaries: T5 "wins" on Chinese by writing one
unknown token for a whole clause.

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

## A sample instead of a pass

`--precision 1%` reads as much of a stream as it takes for intervals of +-1 %: how much that is follows from how much
the texts differ, not from how many there are.

Pieces. A window of 4 KiB on a fixed grid over each file is a piece; it holds the segments that start in it, whole, so
that every segment belongs to exactly one piece. Of Parquet, pieces are runs of about as many rows, and the row groups
that they lie in count as read; compressed files can only be read whole and are pieces as they are. The pieces of each
group of files are drawn without replacement, each with the same chance, in an order fixed by `--seed` and the group's
label. Values are ratios of sums over the drawn pieces (the classical ratio estimate, with pieces as clusters), and
intervals are a bootstrap over pieces: what neighbouring texts have in common is in them. Tokenizers encode the same
pieces, so that their ratios are paired. Values over all groups weight each group by the inverse of the part of it that
was drawn, in every resample alike: they are those of the whole source, though groups are drawn from unequally. Groups
told apart by a column are drawn from together.

Stopping. A sample of a group has 64, 70, 77, ... pieces: each size is 1.1 times the last, fixed beforehand. After each
round the interval of every chosen metric, tokenizer and group is looked at, and those of all groups together; groups
whose intervals are narrow enough are not drawn from again. Enough is a half-width of at most 1 % of the value, and of 1
percentage point for shares. The next size looked at is the first above 0.8 times what seems to be needed, and at most
4 times the last. A sample that stops as soon as its interval is narrow tends to stop where the spread is
underestimated: for normally distributed pieces, 95 % intervals of the last round cover 94.2 to 95.0 %, depending on the
spread (calculated by `benchmarks/precision.py --normal`). Intervals of a sample are therefore computed at 95.8 %, and
then 95.1 to 95.8 % of the last ones cover. They are not narrowed for the part of the source that was drawn, and are
too wide where that is large. A group that is exhausted first was read in full: its values are those of the full pass.

What it cannot give. Entropies, types per token, utilisation and the longest token grow with the text: the value of a
sample is not that of the whole. By default they are left out; if one is named by `-m`, everything is read. Rarefied
values (`utilisation_at_10k`, `entropy_at_10k`) are given, and Renyi efficiency, which depends on frequent tokens alone.
Metrics without intervals (percentiles of token lengths, rarefied entropies) do not decide how much is drawn, nor do
values over languages. What is rare may lie in no drawn piece: a share of 0 or 100 % has no interval in a sample, and a
tokenizer without losses in it may have some elsewhere.

Tried on 1.9 GB of text made of NTREX, FLORES and news in 21 groups, with two tokenizers, `--precision 1%` and 200 seeds
(`benchmarks/precision.py`): 76 MB were read (4.0 %, at most 4.2 %), and the value of the full pass lay in 95.5 to
96.1 % of the intervals of single groups, by metric, and in 96.0 to 96.5 % of those of all together. A language of 91 MB
takes 1.3 to 4 MB, nearly all of it for tokens per segment; for bytes per token, 0.3 MB. What varies more takes more:
130 languages in one group 10 MB, a dozen languages in different scripts in one group 67 MB for tokens per
word, which mean little there, and 21 MB for bytes per token.
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
    intro = "All commands with their options, as `tokbench COMMAND --help` prints them."
    parts = [GENERATED, "", "# Commands", "", intro, ""]
    for words in list_commands():
        heading = "#" * (len(words) + 1)
        parts += [f"{heading} `tokbench {' '.join(words)}`", "", "```text", show_help(*words), "```", ""]
    return "\n".join(parts)


def write_python() -> str:
    """Return the page of the Python interface."""
    from python_page import write_python

    return f"{GENERATED}\n\n{write_python()}"


def write_atlas() -> str:
    """Return the page of the stored figures: the first page of the atlas."""
    intro = """Which tokenizer writes my language in the fewest tokens, and which languages does a tokenizer
charge most? The tables below answer for every stored language and tokenizer. In more detail, without a network:

```sh
tokbench rank thai                       # every tokenizer in one language
tokbench rank --tokenizer o200k_base     # the best and the worst languages of one tokenizer
tokbench atlas --save atlas              # a page for each, with intervals and citations: open atlas/index.html
```
"""
    title, _, rest = write_document(lay_out_atlas(read_atlas()), {}).partition("\n")
    return f"{GENERATED}\n\n{title}\n\n{intro}{rest}"


PAGES = {"atlas.md": write_atlas, "metrics.md": write_metrics, "commands.md": write_commands, "python.md": write_python}


def main() -> None:
    """Write all pages."""
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
