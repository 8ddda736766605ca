"""Bits per byte: how well a model predicts a text, comparable across tokenizers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokbench._shared.environment import installed
from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, END_OF_TEXT, Ids, Runner
from tokbench.pythia.formats.checkpoint import Checkpoint

DEFAULT_TOKENIZER = "gpt-neox-20b"
"""The tokenizer Pythia was trained with."""

Scorer = Callable[[Ids], npt.NDArray[np.float32]]
"""Returns the natural log probability of each id except the first, given all preceding ids."""


@dataclass(frozen=True)
class Windows:
    """How a text is split for a model.

    window: maximum tokens per window.
    stride: tokens between the starts of windows.
    bos: start each text with `<|endoftext|>`, id 0, as in training; otherwise the model does not predict the first
        token of a text, which counts as one of V_rows equally likely ones.
    """

    window: int
    stride: int
    bos: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.stride < self.window:
            raise TokbenchError(
                f"a stride of {self.stride} with a window of {self.window}",
                "the stride must be at least 1 and below the window",
            )

    def __str__(self) -> str:
        bos = "endoftext" if self.bos else "none"
        return f"win:{self.window}|stride:{self.stride}|bos:{bos}"


@dataclass(frozen=True)
class Score:
    """The bits a model needs for texts of `bytes` UTF-8 bytes, in `tokens` tokens."""

    bits: float
    bytes: int
    tokens: int
    texts: int

    @property
    def bits_per_byte(self) -> float | None:
        """Return the sum of bits over the sum of bytes; None without bytes."""
        return self.bits / self.bytes if self.bytes else None

    @property
    def bits_per_token(self) -> float | None:
        """Return the sum of bits over the sum of tokens; None without tokens."""
        return self.bits / self.tokens if self.tokens else None


def count_bits(ids: Ids, scorer: Scorer, windows: Windows, vocab_rows: int) -> float:
    """Count the bits of one text: the sum of -log2 p over its tokens.

    Each token is predicted once, in the first window that contains it.
    """
    if not ids:
        return 0.0
    sequence = [END_OF_TEXT, *ids] if windows.bos else list(ids)
    nats = 0.0 if windows.bos else math.log(vocab_rows)
    done = 1  # the first of the sequence is given, or counted above
    for begin in range(0, len(sequence), windows.stride):
        if done >= len(sequence):
            break
        end = min(begin + windows.window, len(sequence))
        found = scorer(sequence[begin:end])
        nats -= float(found[done - begin - 1 :].sum(dtype=np.float64))
        done = end
    return nats / math.log(2)


def load_vocabulary(checkpoint: Checkpoint, *, offline: bool = False) -> Tokenizer:
    """Load the tokenizer of a checkpoint, or GPT-NeoX's if it has none.

    Raises TokbenchError if its ids do not fit.
    """
    tokenizer = load_tokenizer(str(checkpoint.tokenizer or DEFAULT_TOKENIZER), offline=offline)
    rows = checkpoint.architecture.vocab_rows
    if tokenizer.vocab_total > rows:
        message = f"{checkpoint.name} has {rows} rows, fewer than the {tokenizer.vocab_total} ids of {tokenizer.name}"
        raise TokbenchError(message, "use a checkpoint with a tokenizer.json of its own")
    return tokenizer


def score_texts(texts: Sequence[str], tokenizer: Tokenizer, runner: Runner, windows: Windows, vocab_rows: int) -> Score:
    """Score texts on a model in memory, each text separately.

    Raises TokbenchError where the model gives no finite probabilities.
    """
    batch = tokenizer.encode_batch(texts)
    sequences = [batch[i].tolist() for i in range(len(batch))]
    bits = [count_bits(ids, runner.score, windows, vocab_rows) for ids in sequences]
    for number, found in enumerate(bits, 1):
        if not math.isfinite(found):
            raise TokbenchError(
                f"the model's probabilities for text {number} are not finite numbers: weights are damaged or too large",
                "download the model again, or use another",
            )
    return Score(math.fsum(bits), sum(len(text.encode()) for text in texts), sum(map(len, sequences)), len(texts))


def sign_score(
    checkpoint: Checkpoint,
    backend: str,
    quantization: str,
    windows: Windows,
    *,
    tokenizer: tuple[str, str],
    corpus: tuple[str, str],
    language: str,
    texts: int,
) -> str:
    """Build the signature of a score, on one line.

    tokenizer, corpus: name and SHA-256.
    """
    from tokbench import __version__

    library = BACKENDS[backend].LIBRARIES[0]
    return "|".join(
        [
            "tokbench",
            f"model:{checkpoint.name}@sha256:{checkpoint.sha256}",
            f"weights:{checkpoint.weights}",
            f"eng:{library}=={installed(library)}/{quantization}",
            f"tok:{tokenizer[0]}@sha256:{tokenizer[1]}",
            str(windows),
            f"corp:{corpus[0]}@sha256:{corpus[1]}",
            f"lang:{language}",
            f"n:{texts}",
            "agg:micro",
            "m:bits_per_byte",
            f"v:{__version__}",
        ]
    )
