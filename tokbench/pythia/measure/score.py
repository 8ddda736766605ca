"""Bits per byte: how well a model predicts a text, comparable across tokenizers."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokbench._shared.environment import installed
from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, Ids, Runner
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.configuration import KIND
from tokbench.pythia.formats.special_ids import SpecialIds, has_vocabulary
from tokbench.pythia.measure.windows import HarnessWindows, Splitting, Windows

DEFAULT_TOKENIZER = "gpt-neox-20b"
"""The tokenizer Pythia was trained with."""

Scorer = Callable[[Ids], npt.NDArray[np.float32]]
"""Returns the natural log probability of each id except the first, given all preceding ids."""


@dataclass(frozen=True)
class Score:
    """The bits a model needs for texts of `bytes` UTF-8 bytes, in `tokens` tokens.

    words: parts of the texts between white space, as the LM Evaluation Harness counts them.
    """

    bits: float
    bytes: int
    tokens: int
    texts: int
    words: int

    @property
    def bits_per_byte(self) -> float | None:
        """Return the sum of bits over the sum of bytes; None without bytes."""
        return self.bits / self.bytes if self.bytes else None

    @property
    def bits_per_token(self) -> float | None:
        """Return the sum of bits over the sum of tokens; None without tokens."""
        return self.bits / self.tokens if self.tokens else None

    @property
    def byte_perplexity(self) -> float | None:
        """Return 2 to the power of the bits per byte; None without bytes, and beyond the largest number."""
        return raise_two(self.bits, self.bytes)

    @property
    def word_perplexity(self) -> float | None:
        """Return 2 to the power of the bits per word; None without words, and beyond the largest number."""
        return raise_two(self.bits, self.words)


def raise_two(bits: float, count: int) -> float | None:
    """Return 2 ** (bits / count); None without a count, or if a float cannot hold it."""
    if not count or bits / count >= sys.float_info.max_exp:
        return None
    return math.exp2(bits / count)


def count_words(text: str) -> int:
    """Count the parts of a text between white space, empty ones at its ends included, as the harness does."""
    return len(re.split(r"\s+", text))


def count_bits(ids: Ids, scorer: Scorer, windows: Splitting, vocab_rows: int) -> float:
    """Count the bits of one text: the sum of -log2 p over its tokens.

    Each token is predicted once.
    """
    if not ids:
        return 0.0
    nats = 0.0 if windows.bos else math.log(vocab_rows)
    for part, new in windows.split(ids):
        nats -= float(scorer(part)[-new:].sum(dtype=np.float64))
    return nats / math.log(2)


def load_vocabulary(checkpoint: Checkpoint, *, offline: bool = False) -> Tokenizer:
    """Load the tokenizer of a checkpoint, that in a GGUF file, or GPT-NeoX's for a model of that family without one.

    Raises TokbenchError for another model without a tokenizer, or if its ids do not fit.
    """
    own = checkpoint.path if has_vocabulary(checkpoint) else checkpoint.tokenizer
    if own is None and checkpoint.architecture.family != KIND:
        raise TokbenchError(
            f"{checkpoint.name} has no tokenizer of its own", "put its tokenizer.json, with its settings, beside it"
        )
    tokenizer = load_tokenizer(DEFAULT_TOKENIZER if own is None else own, offline=offline)
    rows = checkpoint.architecture.vocab_rows
    if tokenizer.vocab_total > rows:
        message = f"{checkpoint.name} has {rows} rows, fewer than the {tokenizer.vocab_total} ids of {tokenizer.name}"
        raise TokbenchError(message, "use a checkpoint with a tokenizer.json of its own")
    return tokenizer


def score_texts(
    texts: Sequence[str], tokenizer: Tokenizer, runner: Runner, windows: Splitting, vocab_rows: int
) -> Score:
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
    return Score(
        math.fsum(bits),
        sum(len(text.encode()) for text in texts),
        sum(map(len, sequences)),
        len(texts),
        sum(map(count_words, texts)),
    )


def choose_windows(
    context: int,
    backend: str,
    *,
    window: int | None,
    stride: int | None,
    bos: bool,
    harness: bool,
    special: SpecialIds,
) -> Splitting:
    """Return the windows for a model and a backend.

    context: of the model, in tokens.
    window: by default the context, and half of it as stride. Windows of the harness are one token shorter on llama.cpp,
        which reads at most context - 1 tokens before it predicts one.
    special: of the model, the ids with which texts begin.

    Raises TokbenchError for windows beyond the context, and for what the harness does not have.
    """
    most = context - 1 if harness and backend == "llamacpp" else context
    if window is not None and window > most:
        raise TokbenchError(
            f"windows of {window} tokens are longer than the {most} that the model reads on {backend}",
            f"use at most --window {most}",
        )
    length = window or most
    if not harness:
        return Windows(length, stride or length // 2, bos, special)
    if stride is not None or not bos:
        raise TokbenchError(
            "windows of the harness have no stride, and start as the model's texts do",
            "leave out --stride and --no-bos",
        )
    return HarnessWindows(length, special)


def choose_score_quantization(checkpoint: Checkpoint, supported: Sequence[str]) -> str:
    """Return the type to score in where none is named: a GGUF file's own, else the most exact common one."""
    if checkpoint.format == "gguf":
        return checkpoint.stored
    return next((kind for kind in ("float32", "f32") if kind in supported), supported[0])


def sign_score(
    checkpoint: Checkpoint,
    backend: str,
    quantization: str,
    windows: Splitting,
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
