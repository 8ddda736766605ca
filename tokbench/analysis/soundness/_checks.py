"""The checks of a tokenizer, in their order."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from tokbench._shared.environment import Clock
from tokbench._shared.registry import closest
from tokbench.adapters import Tokenizer
from tokbench.analysis.soundness._bytes import check_alphabet, check_bytes
from tokbench.analysis.soundness._calls import (
    check_batches,
    check_failures,
    check_long_runs,
    check_repeats,
    check_threads,
)
from tokbench.analysis.soundness._declared import check_digits, check_normalizer, check_unknown
from tokbench.analysis.soundness._files import check_files
from tokbench.analysis.soundness._ids import check_ids, check_lengths, check_merges, check_reach
from tokbench.analysis.soundness._special import check_special_ids, check_special_text
from tokbench.analysis.soundness._subject import Subject
from tokbench.analysis.soundness._text import (
    check_invisible,
    check_notation,
    check_plain_text,
    check_pre_tokenizer,
    check_white_space,
)
from tokbench.analysis.soundness._verdict import Check, Finding, S, Severity, Soundness, Verdict, passed
from tokbench.errors import EngineError, TokbenchError

LOADS = Check[Subject]("loads", "its files are read as a tokenizer", lambda _: passed("its files are a tokenizer"))

CHECKS: tuple[Check[Subject], ...] = (
    LOADS,
    Check("encodes", "no hard text makes its engine fail", check_failures),
    Check("plain-text", "plain text comes back", check_plain_text),
    Check("bytes", "all bytes survive", check_bytes),
    Check("alphabet", "every byte of UTF-8 is a token", check_alphabet),
    Check("normalizer", "the declared Unicode form is applied, and no other", check_normalizer),
    Check("white-space", "white space, tabs, line ends and indentation survive", check_white_space),
    Check("pre-tokenizer", "the pre-tokenizer drops nothing", check_pre_tokenizer),
    Check("invisible", "emoji, joiners and controls survive", check_invisible),
    Check("notation", "text in the vocabulary's own notation survives", check_notation),
    Check("unknown", "no letter is unknown", check_unknown),
    Check("digits", "digits are grouped as declared", check_digits),
    Check("special-ids", "special ids are distinct, in range and come back as themselves", check_special_ids),
    Check("special-text", "the text of special tokens is plain text", check_special_text),
    Check("repeats", "a second call gives the same ids", check_repeats),
    Check("batches", "a batch gives the ids of single texts", check_batches),
    Check("threads", "threads give the same ids", check_threads),
    Check("ids", "ids are contiguous and distinct", check_ids),
    Check("lengths", "no token is overlong", check_lengths),
    Check("reach", "text produces every token", check_reach),
    Check("merges", "every merge can fire", check_merges),
    Check("files", "companion files and the model's configuration agree", check_files),
    Check("long-runs", "time grows in proportion to length", check_long_runs),
)
"""The checks of a tokenizer, in the order in which they are reported."""


def check_tokenizer(
    tokenizer: Tokenizer,
    *,
    select: Collection[str] | None = None,
    clock: Clock = time.process_time,
) -> Soundness:
    """Run the checks on a tokenizer, one verdict each.

    select: names of the checks to run, by default all. clock: seconds, for the growth of time over length.

    Raises TokbenchError for the name of a check that does not exist.
    """
    subject = Subject(tokenizer, clock)
    verdicts = [run(check, subject) for check in pick_checks(CHECKS, select)]
    return Soundness(tokenizer.name, tokenizer.engine, tokenizer.asset.sha256, tuple(verdicts))


def run(check: Check[S], subject: S) -> Verdict:
    """Run one check; what makes the engine fail is an error of the tokenizer."""
    try:
        return name_verdict(check, check.find(subject))
    except EngineError as error:
        return Verdict(check.name, Severity.ERROR, error.fault, error.text)


def name_verdict(check: Check[S], finding: Finding) -> Verdict:
    """Return a finding as the verdict of a check."""
    return Verdict(check.name, finding.severity, finding.evidence, finding.example, finding.result)


def report_unloadable(name: str, error: TokbenchError) -> Soundness:
    """Return the report on files that cannot be loaded: one error."""
    return Soundness(name, "", "", (Verdict(LOADS.name, Severity.ERROR, str(error)),))


def pick_checks(checks: Sequence[Check[S]], select: Collection[str] | None) -> list[Check[S]]:
    """Return the checks with these names, all for None; TokbenchError for an unknown name."""
    known = [check.name for check in checks]
    for name in select or ():
        if name not in known:
            near = closest(name, known)
            raise TokbenchError(
                f"no check is called {name!r}", f"did you mean {near!r}?" if near else f"checks: {', '.join(known)}"
            )
    return [check for check in checks if select is None or check.name in select]
