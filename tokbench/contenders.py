"""The tokenizers of a comparison: loaded before anything is measured, those that cannot be had named with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokbench.adapters import Tokenizer, find_asset
from tokbench.catalog import find_name, fold
from tokbench.engines import AUTO, Sample, check_engine, load_engine
from tokbench.errors import MissingExtraError, TokbenchError, UnavailableError
from tokbench.places import is_path
from tokbench.threads import map_ordered

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
    arguments: str | Path | Sequence[str | Path | Tokenizer],
    sample: Sample,
    *,
    engine: str = AUTO,
    skip_missing: bool = False,
    offline: bool = False,
) -> tuple[list[Tokenizer], list[Skipped]]:
    """The tokenizers named, loaded, and those skipped because they cannot be had here; one alone needs no list.

    They are loaded on threads, on `engine` (as `load_engine` has it, verified on the sample). Raises TokbenchError
    for a name given twice, a file that is not usable, when none can be had, and, unless `skip_missing`, for the first
    that cannot be had.
    """
    check_engine(engine)
    loaded: list[Tokenizer] = []
    skipped: list[Skipped] = []

    def load(argument: str | Path | Tokenizer) -> Tokenizer | Skipped:
        if not isinstance(argument, str | Path):
            return argument
        try:
            return load_engine(find_asset(argument, offline=offline), engine, sample)
        except (UnavailableError, MissingExtraError) as error:
            if not skip_missing:
                raise
            return Skipped(str(argument), error.message, error.hint)

    for outcome in map_ordered(load, [arguments] if isinstance(arguments, str | Path) else arguments):
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
        else:
            loaded.append(outcome)
    names = [tokenizer.name for tokenizer in loaded]
    for name in names:
        if names.count(name) > 1:
            raise TokbenchError(
                f"two of the tokenizers are called {name!r}",
                "name each once, and rename one where two files are named alike",
            )
    if not loaded:
        reasons = "; ".join(f"{s.name}: {s.reason}" for s in skipped) or "none was named"
        raise TokbenchError(f"there is no tokenizer to compare ({reasons})", skipped[0].remedy if skipped else None)
    return loaded, skipped


def find_baseline(baseline: str, tokenizers: Sequence[Tokenizer]) -> str:
    """The name of the tokenizer that a baseline names: by its name, or as an argument names it (an alias, a path).

    Raises TokbenchError for one that is not among them.
    """
    names = [tokenizer.name for tokenizer in tokenizers]
    if baseline in names:
        return baseline
    if is_path(baseline):
        path = Path(baseline).expanduser().resolve()
        meant = [
            t.name for t in tokenizers for file in t.asset.files if path in (file.resolve(), file.resolve().parent)
        ]
    else:
        meant = [name for name in names if fold(name) == fold(baseline) or find_name(baseline) == name]
    if not meant:
        raise TokbenchError(f"the baseline {baseline!r} is not among the tokenizers", "add it to those compared")
    return meant[0]
