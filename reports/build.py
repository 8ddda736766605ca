"""Rebuild the example reports: `python reports/build.py [NAME...]`. A test checks the Markdown against the code.

Tokenizers are found as by `tokbench compare` (TOKBENCH_TOKENIZERS, pip packages, caches), but not downloaded. There are
no speeds, since they depend on the machine.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tokbench as tb
from tokbench.adapters.selection import REFERENCE
from tokbench.comparison import Comparison
from tokbench.metrics.resampling import Bootstrap
from tokbench.pythia.cost import cost
from tokbench.report import render_all
from tokbench.report._cost_sections import Addenda
from tokbench.report.markdown import render_with_charts

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Example:
    """A report: tokenizers, and languages of the bundled corpus (None: all)."""

    tokenizers: tuple[str, ...]
    languages: tuple[str, ...] | None
    baseline: str | None
    costs: bool = False


EXAMPLES: Mapping[str, Example] = {
    "table-of-2023": Example(
        ("llama", "moss", "p50k_base", "cl100k_base", "chatglm-6b", "gpt-neox-20b"), ("zh", "en"), "gpt-neox-20b"
    ),
    "world": Example(
        ("gpt-neox-20b", "llama", "cl100k_base", "o200k_base", "llama3", "qwen2.5", "rwkv-world", "t5"), None, None
    ),
    "pythia": Example(
        ("gpt-neox-20b", "llama3", "o200k_base", "rwkv-world", "byt5"),
        ("en", "de", "zh", "hi", "th"),
        "gpt-neox-20b",
        costs=True,
    ),
}


def measure(example: Example) -> Comparison:
    """Run the comparison behind a report, on the reference engines."""
    corpus = tb.load_corpus(languages=example.languages)
    return tb.compare(
        example.tokenizers, corpus, baseline=example.baseline, throughput=False, engine=REFERENCE, offline=True
    )


def compute_costs(example: Example, result: Comparison) -> Addenda | None:
    """Compute the costs that a report shows; None without them."""
    if not example.costs:
        return None
    return Addenda({"pythia-1.4b": cost(result, model="pythia-1.4b", bootstrap=Bootstrap(), offline=True)}, {})


def main(names: list[str]) -> None:
    """Write these reports, by default all: Markdown with charts, and HTML."""
    for name in names or EXAMPLES:
        result = measure(EXAMPLES[name])
        addenda = compute_costs(EXAMPLES[name], result)
        text, drawings = render_with_charts({name: result}, f"{name}_files", addenda=addenda)
        folder = FOLDER / f"{name}_files"
        folder.mkdir(exist_ok=True)
        for file, drawing in drawings.items():
            (folder / file).write_text(drawing, encoding="utf-8")
        (FOLDER / f"{name}.md").write_text(text, encoding="utf-8")
        (FOLDER / f"{name}.html").write_text(render_all({name: result}, "html", addenda), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
