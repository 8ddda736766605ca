"""Report section on how the values were made, in sentences."""

from __future__ import annotations

from tokbench._shared.quantities import write_count
from tokbench.comparison import Comparison
from tokbench.corpora import name_language
from tokbench.measurement.jackknife_blocks import BLOCKS
from tokbench.report._alignment import name_rows
from tokbench.report._document_model import Facts, Part, Points, Prose, Section
from tokbench.report._leads import read_bootstrap
from tokbench.report._table import ABSENT, Cell, Table, write_skipped

METHODS = {"percentile": "percentile bootstrap", "bca": "bias-corrected and accelerated bootstrap"}


def write_method(comparison: Comparison, command: str | None) -> list[Section]:
    """Return the method behind the values."""
    corpus = comparison.corpus
    shown = set(comparison.frame["metric"])
    definitions = tuple((m.title, m.definition) for m in comparison.metrics.values() if m.name in shown)
    facts = [(f"{name_rows(comparison)}s", ", ".join(map(name_language, corpus.languages)))]
    if corpus.sha256:
        facts.append(("SHA-256 of the corpus", corpus.sha256))
    if command is not None:
        facts.append(("command", command))
    facts.append(("signature", comparison.signature()))
    parts: list[Part] = [
        Prose((*describe_texts(comparison), *describe_intervals(comparison), *describe_machine(comparison))),
        lay_out_tokenizers(comparison),
    ]
    skipped = write_skipped(comparison)
    if skipped:
        parts += [Prose(("Not compared:",)), Points(tuple(skipped))]
    parts += [Facts(tuple(facts)), Facts(definitions, f"Definitions of {write_count(len(definitions), 'metric')}")]
    return [Section("method", "Method", tuple(parts))]


def describe_texts(comparison: Comparison) -> list[str]:
    """Say what was encoded."""
    corpus = comparison.corpus
    parallel = "parallel" if corpus.aligned else "not parallel"
    licence = f" under the licence {corpus.licence}" if corpus.licence else ""
    text = f"The texts are {corpus.name}{licence}: {corpus.describe_size()}, {parallel}, read as {corpus.format}."
    if corpus.reference is not None:
        text += f" Premiums are relative to {name_language(corpus.reference)}."
    if corpus.baseline is not None:
        text += f" Tests of tokenizers are against {corpus.baseline}."
    return [text, "Every tokenizer encoded each segment by itself, without special tokens."]


def describe_intervals(comparison: Comparison) -> list[str]:
    """Say how intervals and tests were computed."""
    bootstrap = read_bootstrap(comparison)
    if bootstrap is None:
        return ["No intervals were computed."]
    method = METHODS.get(bootstrap.method, bootstrap.method)
    text = (
        f"Intervals are 95 % intervals of a {method}: {bootstrap.resamples:,} resamples of {bootstrap.draw}, the same "
        f"for all tokenizers and languages (seed {bootstrap.seed})."
    )
    shown = set(comparison.frame["metric"])
    if any(m.level == "ids" and m.interval and m.name in shown for m in comparison.metrics.values()):
        text += f" Those of metrics over ids come from a jackknife over {BLOCKS} blocks of documents or segments."
    return [text]


def describe_machine(comparison: Comparison) -> list[str]:
    """Say when, with what, and where it matters on which machine values were measured."""
    machine = comparison.environment
    versions = {"tokbench": machine.tokbench, "Python": machine.python, **machine.libraries}
    text = f"Measured on {machine.date} with {', '.join(f'{name} {version}' for name, version in versions.items())}."
    if "throughput" in set(comparison.frame["metric"]):
        text += f" The speeds are of one thread of {machine.processor}, {machine.cores} cores, {machine.system}."
    return [text]


def lay_out_tokenizers(comparison: Comparison) -> Table:
    """Lay out which files were read, and their licences."""
    rows = tuple(
        tuple(
            map(
                Cell,
                (
                    t.name,
                    t.format,
                    t.algorithm or ABSENT,
                    f"{t.engine.replace('==', ' ')}, {t.path}",
                    t.licence or "not known",
                    t.sha256[:16] if t.ids_as_in is None else f"{t.sha256[:16]}, ids as in {t.ids_as_in}",
                ),
            )
        )
        for t in comparison.tokenizers
    )
    headers = ("tokenizer", "format", "algorithm", "engine, function", "licence", "SHA-256, first 16 digits")
    return Table("The tokenizers", headers, rows, labels=6)
