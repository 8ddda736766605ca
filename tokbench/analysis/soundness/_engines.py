"""Checks of an engine of one's own: it must give the ids of the reference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tokbench.adapters import EncodedBatch, Tokenizer, find_reference_tokenizer
from tokbench.adapters._hard_texts import common_texts, hard_texts, surround_tokens
from tokbench.adapters.selection import find_mismatch
from tokbench.adapters.selection._pipe import PipeError
from tokbench.adapters.selection.engine_check import ContractError, Engine, FunctionTokenizer
from tokbench.adapters.selection.random_texts import draw_texts
from tokbench.analysis.roundtrip import shrink
from tokbench.analysis.soundness._calls import compare_batches, compare_calls
from tokbench.analysis.soundness._checks import name_verdict, pick_checks
from tokbench.analysis.soundness._verdict import (
    Check,
    Finding,
    Severity,
    Soundness,
    Verdict,
    not_applicable,
    passed,
)
from tokbench.corpora import load_corpus
from tokbench.errors import EngineError, TokbenchError

RANDOM_TEXTS = 2000
_TRIES = 400
"""Calls that shrinking a text may take."""


@dataclass(eq=False)
class EngineSubject:
    """An engine under check, and the tokenizer that defines its ids.

    texts: how many random texts to draw, from `seed`.
    """

    candidate: FunctionTokenizer
    reference: Tokenizer
    texts: int = RANDOM_TEXTS
    seed: int = 0
    tries: int = field(default=_TRIES)

    @cached_property
    def common(self) -> list[str]:
        """The common hard texts that the reference encodes."""
        return self.keep_encodable(common_texts())

    def keep_encodable(self, texts: Sequence[str]) -> list[str]:
        """Return the texts for which the reference defines ids."""
        try:
            self.reference.encode_batch(texts)
        except EngineError:
            return [text for text in texts if self.has_ids(text)]
        return list(texts)

    def has_ids(self, text: str) -> bool:
        """Return whether the reference defines ids for a text."""
        try:
            self.reference.encode_batch([text])
        except EngineError:
            return False
        return True

    def differs(self, text: str) -> bool:
        """Return whether the engine gives other ids for a text; false once shrinking has tried enough."""
        self.tries -= 1
        if self.tries < 0 or not self.has_ids(text):
            return False
        try:
            return self.candidate.encode(text) != self.reference.encode(text)
        except TokbenchError:
            return False

    def compare(self, texts: Sequence[str], what: str) -> Finding:
        """Compare the ids of texts with the reference's."""
        kept = self.keep_encodable(texts)
        if not kept:
            return not_applicable(f"there are no {what}")
        expected, got = self.reference.encode_batch(kept), self.candidate.encode_batch(kept)
        mismatch = find_mismatch(expected, got, kept)
        if mismatch is None:
            return passed(f"{len(kept):,} {what} have the ids of {self.reference.engine}")
        wrong = sum(a.tolist() != b.tolist() for a, b in zip(expected, got, strict=True))
        text = kept[mismatch.text]
        self.tries = _TRIES
        smallest = shrink(text, self.differs) if self.differs(text) else text
        return Finding(
            Severity.ERROR,
            f"{wrong:,} of {len(kept):,} {what} have other ids than with {self.reference.engine}",
            smallest,
            self.describe(smallest),
        )

    def describe(self, text: str) -> str:
        """Show the ids of both for a text."""
        try:
            return f"{self.candidate.encode(text)} instead of {self.reference.encode(text)}"
        except TokbenchError as error:
            return error.message


def check_contract(subject: EngineSubject) -> Finding:
    """Check that the engine answers with one row of ids per text, all in range, also for none and the empty text."""
    none, empty = subject.candidate.encode_batch([]), subject.candidate.encode_batch([""])
    if len(none) or len(empty) != 1:
        return Finding(Severity.ERROR, "it gives another number of rows than texts", "")
    batch = subject.candidate.encode_batch(subject.common)
    return passed(f"{len(batch):,} texts have a row of ids each, from 0 to {subject.reference.vocab_total - 1:,}")


def check_repeats(subject: EngineSubject) -> Finding:
    """Encode texts twice."""
    encode = subject.candidate.encode_batch
    return compare_calls(encode(subject.common), encode(subject.common), subject.common, "a second call gives")


def check_batches(subject: EngineSubject) -> Finding:
    """Encode texts together, alone and in reverse order."""
    encode: Callable[[Sequence[str]], EncodedBatch] = subject.candidate.encode_batch
    return compare_batches(encode, subject.common)


def check_hard_texts(subject: EngineSubject) -> Finding:
    """Compare the hard texts."""
    return subject.compare(hard_texts(), "hard texts")


def check_special_text(subject: EngineSubject) -> Finding:
    """Compare the texts of special and added tokens, which are plain text but for added tokens that are not special."""
    return subject.compare(list(surround_tokens(subject.reference.reserved_texts())), "texts with special tokens")


def check_random_texts(subject: EngineSubject) -> Finding:
    """Compare random texts."""
    return subject.compare(draw_texts(subject.reference, subject.texts, subject.seed), "random texts")


def check_corpus(subject: EngineSubject) -> Finding:
    """Compare the embedded corpus."""
    corpus = load_corpus()
    return subject.compare(corpus.frame["text"].to_list(), f"segments of {corpus.name}")


ENGINE_CHECKS: tuple[Check[EngineSubject], ...] = (
    Check("contract", "one row of ids per text, all in range", check_contract),
    Check("repeats", "a second call gives the same ids", check_repeats),
    Check("batches", "a batch gives the ids of single texts", check_batches),
    Check("hard-texts", "hard texts have the ids of the reference", check_hard_texts),
    Check("special-text", "the text of special tokens has the ids of the reference", check_special_text),
    Check("random-texts", "random texts have the ids of the reference", check_random_texts),
    Check("corpus", "the embedded corpus has the ids of the reference", check_corpus),
)
"""The checks of an engine, in the order in which they are reported."""


def check_function(
    function: Engine,
    reference: Tokenizer,
    *,
    select: Collection[str] | None = None,
    texts: int = RANDOM_TEXTS,
    seed: int = 0,
) -> Soundness:
    """Check that a function from texts to ids gives those of a tokenizer's reference engine.

    texts, seed: random texts to draw.
    What another process does wrong (it dies, is late, prints something else) is an error, after which nothing else is
    tried. Raises TokbenchError if that process cannot be started, or a check does not exist.
    """
    owner = find_reference_tokenizer(reference)
    subject = EngineSubject(FunctionTokenizer(function, owner), owner, texts, seed)
    verdicts: list[Verdict] = []
    failed = False
    for check in pick_checks(ENGINE_CHECKS, select):
        if failed:
            verdicts.append(name_verdict(check, not_applicable("not tried after the failure")))
            continue
        verdict, failed = run(check, subject)
        verdicts.append(verdict)
    return Soundness(subject.candidate.engine, owner.engine, owner.asset.sha256, tuple(verdicts))


def run(check: Check[EngineSubject], subject: EngineSubject) -> tuple[Verdict, bool]:
    """Run a check; return its verdict, and whether the engine failed so that it is not to be called again."""
    try:
        return name_verdict(check, check.find(subject)), False
    except PipeError as error:
        return Verdict(check.name, Severity.ERROR, str(error), error.text), True
    except EngineError as error:
        return Verdict(check.name, Severity.ERROR, f"it {error.fault}", error.text), False
    except ContractError as error:
        return Verdict(check.name, Severity.ERROR, error.message, error.text), True
