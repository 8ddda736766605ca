"""`tokbench morphology`: whether tokens end where morphemes do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._options import Json, Offline, TokenizerNames, expand_tokenizers
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.analysis.morphology import Lead


def run(
    tokenizers: TokenizerNames,
    gold: Annotated[
        list[Path] | None,
        typer.Option(
            "--gold",
            metavar="FILE",
            help="Words with their segments: a MorphScore, MorphyNet, CoNLL-U or plain TSV file. Repeatable.",
            show_default=False,
        ),
    ] = None,
    gold_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT", help="morphscore, morphynet, conllu or tsv. [default: what the file looks like]"
        ),
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What is between segments. [default: as the format, or the words, have it]"),
    ] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Encode words alone, not after a space.")] = False,
    both: Annotated[bool, typer.Option("--both", help="Encode words after a space, and alone.")] = False,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Compare the ends of tokens inside words with the boundaries of their segments.

    Recall: the share of boundaries at which a token ends. Precision: the share of token ends inside words that are at a
    boundary. Both are given without words of one token, and with them, as words whose boundaries were missed. If the
    file has frequencies, values weighted by these are given too. Intervals are from a bootstrap over words.

    No gold data comes with tokbench: bring your own file. A plain TSV has a word, its segments (walk|ed) and, if you
    like, a frequency per line.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.morphology import measure_morphology, read_gold
    from tokbench.report._morphology import show

    if not gold:
        raise TokbenchError(
            "no gold file is named", "for example: --gold words.tsv, with lines such as walked TAB walk|ed"
        )
    golds = [read_gold(file, gold_format, separator) for file in gold]
    loaded = [load_tokenizer(name, offline=offline) for name in expand_tokenizers(tokenizers, offline=offline)]
    found = measure_morphology(loaded, golds, leads=pick_leads(bare=bare, both=both))
    print_results(show(found), "json" if as_json else "table")


def pick_leads(*, bare: bool, both: bool) -> tuple[Lead, ...]:
    """Return what precedes words; TokbenchError if both options are given."""
    if bare and both:
        raise TokbenchError("--bare and --both are given", "give one of them")
    if both:
        return ("space", "none")
    return ("none",) if bare else ("space",)
