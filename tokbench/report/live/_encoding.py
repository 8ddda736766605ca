"""Compute what the page shows about a text: counts, pieces, differences, costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench._shared.threads import map_ordered
from tokbench.adapters import Tokenizer
from tokbench.errors import EngineError, TokbenchError
from tokbench.pythia.cost.whatif import swap_tokenizer
from tokbench.pythia.model.arithmetic import kv_cache_bytes, prefill_flops
from tokbench.pythia.model.resolution import ModelSpec, resolve_named
from tokbench.report.live._chat import write_text
from tokbench.report.live._pieces import AHEAD, Pieces, cut_pieces
from tokbench.report.live._question import Question

Ids = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
Kept = dict[str, tuple[Tokenizer, str, bool, Ids]]
"""Per name the tokenizer, the second text encoded last, and whether special tokens were read: it changes rarely."""
Watch = Callable[[str], AbstractContextManager[None]]
"""A context in which the tokenizer of a name encodes."""
MOST_SHOWN = 200_000
"""Pieces of all tokenizers and texts of one answer."""


@dataclass(frozen=True)
class Shown:
    """The first tokens of a text.

    differs: per piece, whether the reference has no token at the same place; None if the bytes of the tokens are not
        those of the text, or if the reference encodes another text.
    """

    cut: Pieces
    differs: tuple[bool, ...] | None

    def to_document(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {"pieces": self.cut.pieces, "groups": self.cut.groups, "differs": self.differs}


@dataclass(frozen=True)
class Cost:
    """What a text costs on a Pythia model: compute to read it, size of its KV cache, whether it fits the context."""

    gflop: float
    kv_mib: float
    fits: bool


@dataclass(frozen=True)
class Encoded:
    """A text encoded by one tokenizer.

    bytes, chars: of the text, which is that of its own chat template if messages were given.
    tokens, second_tokens: number of tokens (None without a second text).
    exact: whether the text can be restored from the tokens.
    ids: all ids, if they were asked for.
    """

    tokenizer: str
    bytes: int
    chars: int
    tokens: int
    second_tokens: int | None
    cost: Cost | None
    exact: bool
    first: Shown
    second: Shown | None
    ids: tuple[int, ...] | None = None

    @property
    def ratio(self) -> float | None:
        """Tokens of the first text over those of the second."""
        return self.tokens / self.second_tokens if self.second_tokens else None

    def to_document(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {
            "tokenizer": self.tokenizer,
            "bytes": self.bytes,
            "chars": self.chars,
            "tokens": self.tokens,
            "second_tokens": self.second_tokens,
            "ratio": self.ratio,
            "exact": self.exact,
            "cost": None if self.cost is None else vars(self.cost),
            **self.first.to_document(),
            "second": None if self.second is None else self.second.to_document(),
            "ids": self.ids,
        }


@dataclass(frozen=True)
class Refused:
    """A tokenizer that cannot encode a text, and why."""

    tokenizer: str
    error: str

    def to_document(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return vars(self)


@dataclass(frozen=True, eq=False)
class _Encoding:
    """The ids of a text.

    prefix: bytes of the tokens before the text. places: start and end of each token in bytes, as one number.
    Both are None if the bytes of the tokens are not those of the text.
    """

    tokenizer: Tokenizer
    text: str
    ids: Ids
    prefix: bytes | None
    places: Places | None

    @classmethod
    def of(cls, tokenizer: Tokenizer, text: str, ids: Ids) -> _Encoding:
        # Without a known prefix (a tokenizer that normalises), the bytes may still be those of this text.
        prefix = tokenizer.prefix or b""
        located = tokenizer.token_table().locate(ids, prefix, text.encode())
        if located is None:
            return cls(tokenizer, text, ids, None, None)
        starts, ends = (np.maximum(bound, 0) for bound in located)
        return cls(tokenizer, text, ids, prefix, (starts << 32) | ends)

    @property
    def is_exact(self) -> bool:
        """Whether the bytes of the tokens are those of the text, special tokens apart, of which none is unknown."""
        unknown = self.tokenizer.unk_id
        if unknown is not None and bool((self.ids == unknown).any()):
            return False
        return self.places is not None or bool(np.isin(self.ids, [*self.tokenizer.special_tokens()]).any())

    def show(self, reference: _Encoding | None, most: int) -> Shown:
        cut = cut_pieces(self.tokenizer, self.ids[: most + AHEAD].tolist(), most, self.prefix)
        return Shown(cut, self._compare(reference, len(cut.pieces)))

    def _compare(self, reference: _Encoding | None, most: int) -> tuple[bool, ...] | None:
        if reference is None or self.places is None or reference.places is None or reference.text != self.text:
            return None
        return tuple((~np.isin(self.places[:most], reference.places)).tolist())


def answer(
    question: Question, tokenizers: Mapping[str, Tokenizer], kept: Kept | None = None, watch: Watch | None = None
) -> list[Encoded | Refused]:
    """Encode the text with each requested tokenizer; one that is not loaded is refused.

    watch: entered for each tokenizer while it encodes, in several threads.
    Raises TokbenchError for an unknown model.
    """
    watching = watch or nullcontext

    def encode_watched(tokenizer: Tokenizer) -> tuple[_Encoding, _Encoding | None] | Refused:
        with watching(tokenizer.name):
            return encode(tokenizer, question, memory)

    model = None if question.model is None else resolve_named(question.model)
    memory = {} if kept is None else kept
    chosen = [tokenizers[name] for name in question.tokenizers if name in tokenizers]
    encodings = dict(zip((one.name for one in chosen), map_ordered(encode_watched, chosen), strict=True))
    reference = pick_reference(question, encodings)
    lanes = len(chosen) * (2 if question.second else 1)
    most = min(question.pieces, MOST_SHOWN // max(lanes, 1))
    found: list[Encoded | Refused] = []
    for name in question.tokenizers:
        encoded = encodings.get(name, Refused(name, "it is not loaded: add it again"))
        found.append(encoded if isinstance(encoded, Refused) else describe(encoded, reference, question, model, most))
    return found


def pick_reference(
    question: Question, encodings: Mapping[str, tuple[_Encoding, _Encoding | None] | Refused]
) -> tuple[_Encoding | None, _Encoding | None]:
    """Return both encodings of the tokenizer from which differences are marked: by default, of the first."""
    names = [question.reference] if question.reference in encodings else question.tokenizers
    for name in names:
        encoded = encodings.get(name or "")
        if isinstance(encoded, tuple):
            return encoded
    return None, None


def encode(tokenizer: Tokenizer, question: Question, kept: Kept) -> tuple[_Encoding, _Encoding | None] | Refused:
    """Encode both texts; None without a second one."""
    try:
        text = write_text(tokenizer, question)
        first = _Encoding.of(tokenizer, text, encode_text(tokenizer, text, question.special or bool(question.messages)))
        if not question.second:
            return first, None
        encoder, before, special, ids = kept.get(tokenizer.name, (None, "", False, first.ids))
        if encoder is not tokenizer or (before, special) != (question.second, question.special):
            ids = encode_text(tokenizer, question.second, question.special)
            kept[tokenizer.name] = tokenizer, question.second, question.special, ids
        return first, _Encoding.of(tokenizer, question.second, ids)
    except EngineError as error:
        return Refused(tokenizer.name, f"{error.fault}; {error.hint}" if error.hint else error.fault)
    except TokbenchError as error:
        return Refused(tokenizer.name, str(error))


def encode_text(tokenizer: Tokenizer, text: str, special: bool) -> Ids:
    """Return the ids of a text.

    special: whether the texts of special tokens become those tokens; some engines refuse that with TokbenchError.
    """
    if special and any(tokenizer.special_tokens().values()):
        return tokenizer.encode_with_special([text]).ids
    return tokenizer.encode_batch([text]).ids


def describe(
    encoded: tuple[_Encoding, _Encoding | None],
    reference: tuple[_Encoding | None, _Encoding | None],
    question: Question,
    model: ModelSpec | None,
    most: int,
) -> Encoded:
    """Collect counts, costs and the first `most` pieces of one tokenizer."""
    first, second = encoded
    return Encoded(
        tokenizer=first.tokenizer.name,
        bytes=len(first.text.encode()),
        chars=len(first.text),
        tokens=len(first.ids),
        second_tokens=None if second is None else len(second.ids),
        cost=None if model is None else compute_cost(model, first),
        exact=first.is_exact and (second is None or second.is_exact),
        first=first.show(reference[0], most),
        second=None if second is None else second.show(reference[1], most),
        ids=tuple(first.ids.tolist()) if question.ids else None,
    )


def compute_cost(model: ModelSpec, encoding: _Encoding) -> Cost:
    """Compute the cost of a text on a model with this tokenizer's vocabulary."""
    shape = swap_tokenizer(model, encoding.tokenizer.name, encoding.tokenizer.vocab_total).changed
    tokens = len(encoding.ids)
    return Cost(prefill_flops(shape, tokens) / 1e9, kv_cache_bytes(shape, tokens) / 2**20, tokens <= shape.context)
