"""A tokenizer under check, with what several checks need of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tokbench._shared.environment import Clock
from tokbench.adapters import Stage, Tokenizer, find_reference_tokenizer
from tokbench.adapters._hard_texts import common_texts
from tokbench.adapters.huggingface import HuggingFaceTokenizer
from tokbench.adapters.sentencepiece import SentencePieceTokenizer
from tokbench.analysis.roundtrip import RoundTrip, inspect_round_trip, shrink
from tokbench.analysis.roundtrip._stages import find_stage, has_unknown
from tokbench.analysis.soundness._verdict import Severity
from tokbench.analysis.vocabulary import Reach
from tokbench.analysis.vocabulary._reachability import classify_reach
from tokbench.errors import EngineError

DECLARED = (Stage.TEXT_RULE, Stage.NORMALIZER)
"""Stages that change text on purpose: what they lose is declared."""


@dataclass(frozen=True)
class Loss:
    """A text that does not come back: what it decodes to, and the stage that changes it."""

    text: str
    decoded: str
    stage: Stage

    @property
    def severity(self) -> Severity:
        """A note if a declared stage changes the text, otherwise a warning."""
        return Severity.NOTE if self.stage in DECLARED else Severity.WARNING


@dataclass(eq=False)
class Subject:
    """A tokenizer under check.

    clock: measures the time of long runs.
    """

    tokenizer: Tokenizer
    clock: Clock = field(default=time.process_time)

    @cached_property
    def reference(self) -> Tokenizer:
        """The tokenizer on its reference engine, which knows its pipeline."""
        return find_reference_tokenizer(self.tokenizer)

    @cached_property
    def pipeline(self) -> HuggingFaceTokenizer | None:
        """The reference if it is a pipeline of `tokenizers`."""
        return self.reference if isinstance(self.reference, HuggingFaceTokenizer) else None

    @cached_property
    def model(self) -> SentencePieceTokenizer | None:
        """The reference if it is a SentencePiece model."""
        return self.reference if isinstance(self.reference, SentencePieceTokenizer) else None

    @cached_property
    def texts(self) -> list[str]:
        """The common hard texts that the engine encodes."""
        texts = list(common_texts())
        try:
            self.tokenizer.encode_batch(texts)
        except EngineError:
            return [text for text in texts if self.is_encodable(text)]
        return texts

    @cached_property
    def round_trip(self) -> RoundTrip:
        """The round trips of the built-in probes."""
        return inspect_round_trip(self.tokenizer)

    @cached_property
    def reach(self) -> dict[int, Reach]:
        """The reach of each id that has bytes."""
        return classify_reach(self.tokenizer)

    @cached_property
    def is_byte_based(self) -> bool:
        """Whether the vocabulary claims to have tokens for bytes, so that no text is unknown."""
        if self.pipeline is not None:
            return self.pipeline.byte_level or self.pipeline.byte_fallback
        if self.model is not None:
            return any(piece.startswith("<0x") and self.model.processor.is_byte(i) for i, piece in self.pieces)
        return True  # rank files, RWKV and plain bytes

    @property
    def pieces(self) -> list[tuple[int, str]]:
        """The ids and pieces of a SentencePiece model."""
        return [] if self.model is None else list(enumerate(self.model.pieces))

    def is_encodable(self, text: str) -> bool:
        """Return whether the engine gives ids for a text."""
        try:
            self.tokenizer.encode_batch([text])
        except EngineError:
            return False
        return True

    def find_losses(self, texts: Sequence[str], *, unknown: bool = False) -> list[Loss]:
        """Return the texts that do not come back.

        unknown: include those that hold unknown characters, which have a check of their own.
        """
        backs = self.come_back(texts)
        changed = [(text, back) for text, back in zip(texts, backs, strict=True) if text != back]
        return [
            Loss(text, back, find_stage(self.tokenizer, text, back))
            for text, back in changed
            if unknown or not has_unknown(self.tokenizer, text)
        ]

    def come_back(self, texts: Sequence[str]) -> list[str]:
        """Encode and decode texts."""
        return self.tokenizer.decode_batch(self.tokenizer.encode_batch(texts)) if texts else []

    def shrink(self, loss: Loss) -> Loss:
        """Return the smallest part of a lost text that is lost as well, by a declared stage or not."""
        declared = loss.stage in DECLARED

        def fails(text: str) -> bool:
            (back,) = self.come_back([text])
            return back != text and (find_stage(self.tokenizer, text, back) in DECLARED) is declared

        smallest = shrink(loss.text, fails)
        return Loss(smallest, self.come_back([smallest])[0], loss.stage)


def pick_smallest(losses: Sequence[Loss]) -> Loss:
    """Return the worst loss with the shortest text."""
    return min(losses, key=lambda loss: (loss.severity.rank, len(loss.text), loss.text))
