"""What happens to a text before the model sees it, as the files declare it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tokbench.adapters.huggingface import flatten
from tokbench.adapters.tiktoken import TiktokenTokenizer
from tokbench.analysis.soundness._declarations import find_form, find_grouping, list_patterns
from tokbench.analysis.soundness._subject import Subject
from tokbench.catalog.sentencepiece_settings import read_settings

NONE = "none"

_SHOWN = 40
"""Characters of a text in a step that are shown."""


@dataclass(frozen=True)
class Pipeline:
    """What happens to a text before the model sees it.

    normalizer: the Unicode form and other changes, in words; `none` if text is left as it is.
    pre_tokenizer: the steps that cut text before the model, in words; `none` if there are none.
    patterns: the regular expressions that cut text.
    digits: the most digits that one token may hold, as declared; None if runs of digits are not cut.
    byte_based: whether every byte of UTF-8 has a token, so that no text is unknown.
    """

    normalizer: str
    pre_tokenizer: str
    patterns: tuple[str, ...]
    digits: int | None
    byte_based: bool


def describe_pipeline(subject: Subject) -> Pipeline:
    """Collect what the files of a tokenizer, or the catalogue for them, declare."""
    grouping = find_grouping(subject)
    return Pipeline(
        normalizer=describe_normalizer(subject),
        pre_tokenizer=describe_pre_tokenizer(subject),
        patterns=tuple(list_patterns(subject)),
        digits=None if grouping is None else grouping.digits,
        byte_based=subject.tokenizer.unk_id is None,
    )


def describe_normalizer(subject: Subject) -> str:
    """Return how text is normalised, in words."""
    if subject.pipeline is not None:
        listed = [describe_step(step) for step in flatten(subject.pipeline.parts.get("normalizer"))]
    elif subject.model is not None:
        listed = list(list_rules(subject))
    else:
        form = find_form(subject)
        listed = [] if form.name is None else [f"{form.name} (by {form.where})"]
    return ", then ".join(listed) or NONE


def list_rules(subject: Subject) -> Iterator[str]:
    """Yield what a SentencePiece model does with text before it is cut."""
    assert subject.model is not None
    rule = read_settings(subject.model.model).rule
    if rule and rule != "identity":
        yield f"rule {rule}"
    if subject.model.prefix:
        yield "a space before the text"


def describe_pre_tokenizer(subject: Subject) -> str:
    """Return how text is cut before the model, in words."""
    if isinstance(subject.reference, TiktokenTokenizer):
        return "split by a regular expression"
    if subject.pipeline is not None:
        steps = flatten(subject.pipeline.parts.get("pre_tokenizer"))
        return ", then ".join(map(describe_step, steps)) or NONE
    if subject.model is not None:
        return "SentencePiece: tokens start at spaces, which are written as U+2581"
    return NONE


def describe_step(step: Mapping[str, Any]) -> str:
    r"""Return a step of a pipeline of `tokenizers` in words: its type, and what it is set to.

    >>> describe_step({"type": "Digits", "individual_digits": True})
    'Digits (individual_digits)'
    >>> describe_step({"type": "Replace", "pattern": {"String": " "}, "content": "_"})
    "Replace (pattern ' ', content '_')"
    """
    kind = str(step["type"])
    if kind == "Precompiled":
        return "Precompiled (rules compiled by SentencePiece)"
    settings = [words for key, value in step.items() if key != "type" and (words := describe_setting(key, value))]
    return f"{kind} ({', '.join(settings)})" if settings else kind


def describe_setting(key: str, value: Any) -> str | None:
    """Return a setting of a step in words; None for one that is off, or has nothing to do with ids."""
    if key == "trim_offsets" or value in (None, False, "Isolated"):
        return None
    if key == "use_regex":
        return "split by GPT-2's pattern"
    if value is True:
        return key
    if isinstance(value, dict) and "Regex" in value:
        return "by a regular expression"
    text = next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value
    shown = repr(text)
    return f"{key} {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'}"
