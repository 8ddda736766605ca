"""The tokenizers of a comparison: loaded before anything is measured, those that cannot be had named with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.errors import MissingExtraError, TokbenchError, UnavailableError

DEFAULT_TOKENIZERS = (
    *("llama", "belle", "moss", "p50k_base", "cl100k_base", "bloom", "chatglm-6b"),
    "gpt-neox-20b",
    *("mistral-v1", "mistral-v3", "mistral-tekken", "rwkv-world", "byt5"),
)
"""The table of 2023, GPT-NeoX, and what pip packages carry or needs no file at all."""


@dataclass(frozen=True)
class Skipped:
    """A tokenizer that could not be had: why, and what to do about it."""

    name: str
    reason: str
    remedy: str | None


def load_contenders(
    arguments: Sequence[str | Path | Tokenizer], *, skip_missing: bool = False, offline: bool = False
) -> tuple[list[Tokenizer], list[Skipped]]:
    """The tokenizers named, loaded, and those skipped because they cannot be had here.

    Raises TokbenchError for a name given twice, a file that is not usable, when none can be had, and, unless
    `skip_missing`, for the first that cannot be had.
    """
    loaded: list[Tokenizer] = []
    skipped: list[Skipped] = []
    for argument in arguments:
        if not isinstance(argument, str | Path):
            loaded.append(argument)
            continue
        try:
            loaded.append(load_tokenizer(str(argument), offline=offline))
        except (UnavailableError, MissingExtraError) as error:
            if not skip_missing:
                raise
            skipped.append(Skipped(str(argument), error.message, error.hint))
    names = [tokenizer.name for tokenizer in loaded]
    for name in names:
        if names.count(name) > 1:
            raise TokbenchError(f"two of the tokenizers are called {name!r}", "name each once")
    if not loaded:
        reasons = "; ".join(f"{s.name}: {s.reason}" for s in skipped) or "none was named"
        raise TokbenchError(f"there is no tokenizer to compare ({reasons})", skipped[0].remedy if skipped else None)
    return loaded, skipped
