"""`tokbench robust`: how tokens change when people type the same text in another way."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tokbench.cli._numbers import whole_option
from tokbench.cli._options import (
    Corpus,
    Json,
    Languages,
    Offline,
    Segments,
    Split,
    TokenizerNames,
    expand_tokenizers,
    list_option,
    open_corpus,
)
from tokbench.cli._progress import show_progress
from tokbench.cli._results import print_results


class By(StrEnum):
    """What values are of, besides all languages."""

    language = "language"
    script = "script"
    family = "family"


def run(
    tokenizers: TokenizerNames,
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    split: Split = None,
    perturbations: Annotated[
        list[str] | None,
        list_option(
            "-p",
            "--perturbations",
            metavar="PERTURBATION",
            help="Only these: upper, title, typo, double_space, nbsp, full_width, bold, zero_width_space, "
            "zero_width_joiner, nfd, no_diacritics, homoglyphs, ocr. [default: all]",
        ),
    ] = None,
    by: Annotated[By, typer.Option(help="Rows: languages, or their scripts or families.")] = By.language,
    seed: Annotated[int, whole_option("--seed", help="Seed of random errors and of the bootstrap.")] = 0,
    resamples: Annotated[
        int, whole_option("--resamples", high=1_000_000, help="Bootstrap resamples for intervals; 0 for no intervals.")
    ] = 1000,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Measure how tokens change when the same text is typed in another way.

    Each text is encoded as it is and perturbed: in capitals, with typing errors, odd spaces, decorated letters,
    decomposed, without diacritics, and so on. Shows tokens after / tokens before, and the share of the tokens that are
    still there, in the same order, with intervals.

    A perturbation has no value in a language where it changes less than half of the texts, as upper case in Thai.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.robustness import choose_perturbations, measure_robustness
    from tokbench.report._groups import GROUPINGS
    from tokbench.report._robustness import show

    choose_perturbations(perturbations)
    names = expand_tokenizers(tokenizers, offline=offline)
    texts = open_corpus(corpus, languages, segments, split)
    loaded = [load_tokenizer(name, offline=offline) for name in names]
    groups = None if by == By.language else {lang: GROUPINGS[by](lang) for lang in texts.languages}
    with show_progress() as progress:
        found = measure_robustness(
            loaded, texts, perturbations, seed=seed, resamples=resamples, groups=groups, by=by.value, progress=progress
        )
    print_results(show(found), "json" if as_json else "table")
