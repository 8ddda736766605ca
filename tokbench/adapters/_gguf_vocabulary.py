"""The rows of a GGUF vocabulary: tokens, types as in llama.cpp, and padding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tokbench.catalog.gguf_header import read_header
from tokbench.catalog.ids import check_id
from tokbench.errors import TokbenchError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""Token types of the format (`tokenizer.ggml.token_type`)."""

_ADDED_SCORE = -1000.0
"""The score that llama.cpp's converter gives to tokens added to a SentencePiece model."""

_ENDS_GENERATION = frozenset(
    [
        "<|eot_id|>",
        "<|im_end|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "<|calls|>",
        "<|flush|>",
        "<end_of_turn>",
        "<|endoftext|>",
        "</s>",
        "<|eom_id|>",
        "<EOT>",
        "_<EOT>",
        "[EOT]",
        "[EOS]",
        "<|end_of_text|>",
        "<end_of_utterance>",
        "<eos>",
        "<turn|>",
        "<|tool_response>",
        "[e~[",
        "<｜end▁of▁sentence｜>",
    ]
)
_FILLS_IN = frozenset(
    [
        "<|fim_prefix|>",
        "<fim-prefix>",
        "<fim_prefix>",
        "<PRE>",
        "▁<PRE>",
        "<|code_prefix|>",
        "<|prefix|>",
        "<｜fim▁begin｜>",
        "<|fim_suffix|>",
        "<fim-suffix>",
        "<fim_suffix>",
        "<SUF>",
        "▁<SUF>",
        "<|code_suffix|>",
        "<|suffix|>",
        "<｜fim▁hole｜>",
        "<|fim_middle|>",
        "<fim-middle>",
        "<fim_middle>",
        "<MID>",
        "▁<MID>",
        "<|code_middle|>",
        "<|middle|>",
        "<｜fim▁end｜>",
        "<|fim_pad|>",
        "<fim-pad>",
        "<fim_pad>",
        "<PAD>",
        "[PAD]",
        "<|fim_repo|>",
        "<|repo_name|>",
        "<fim-repo>",
        "<REPO>",
        "<reponame>",
        "<|file_sep|>",
    ]
)
_ALWAYS_READ = frozenset({"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"})


Value = TypeVar("Value")


@dataclass(frozen=True)
class Vocabulary:
    """Rows in the order of their ids, up to the last one that is a token.

    types: as used by llama.cpp; UNUSED for a row that is not a token. base: V_base.
    """

    path: Path
    fields: Mapping[str, Any]
    tokens: tuple[str, ...]
    types: tuple[int, ...]
    base: int

    def get(self, key: str, default: Value) -> Value:
        """Return a value of the tokenizer's metadata, of the type of the default."""
        if f"tokenizer.ggml.{key}" not in self.fields:
            return default
        return read_field(self.path, self.fields, key, type(default))

    def list_ids(self, *types: int) -> list[int]:
        """List the ids of all rows of these types."""
        return [number for number, kind in enumerate(self.types) if kind in types]

    def select(self, *types: int) -> dict[int, str]:
        """Map the ids of these types to their tokens."""
        return {number: self.tokens[number] for number in self.list_ids(*types)}


def read_field(path: Path, fields: Mapping[str, Any], key: str, kind: type[Value]) -> Value:
    """Read a value of the tokenizer's metadata.

    Raises TokbenchError if it is missing or of another type.
    """
    if (name := f"tokenizer.ggml.{key}") not in fields:
        raise TokbenchError(f"{path}: there is no field {name!r}", "download it again")
    value = fields[name]
    if type(value) is not kind:
        raise TokbenchError(f"{path}: the field {name!r} is not of the expected type", "download it again")
    return value


def read_vocabulary(path: Path) -> Vocabulary:
    """Read the vocabulary of a GGUF file; TokbenchError if it is damaged."""
    fields = read_header(path).fields
    tokens = read_field(path, fields, "tokens", list)
    types = read_field(path, fields, "token_type", np.ndarray).tolist()
    if len(tokens) != len(types):
        raise TokbenchError(f"{path}: {len(tokens)} tokens have {len(types)} types", "download it again")
    check_id(max(len(tokens) - 1, 0), str(path), what="highest id")
    odd = next((number for number, kind in enumerate(types) if kind not in range(BYTE + 1)), None)
    if odd is not None:
        raise TokbenchError(f"{path}: the token {odd} is of the unknown type {types[odd]}", "download it again")
    types = [
        UNUSED if _is_padding(number, token) else kind
        for number, (token, kind) in enumerate(zip(tokens, types, strict=True))
    ]
    end = _find_end(types, lambda kind: kind != UNUSED)
    tokens, types = tokens[:end], types[:end]
    token, count = Counter(tokens).most_common(1)[0] if tokens else ("", 0)
    if count != 1:
        raise TokbenchError(f"{path}: {count} rows contain the token {token!r}", "download it again")
    return Vocabulary(path, fields, tuple(tokens), tuple(_retype(tokens, types)), _find_base(path, fields, types))


def _is_padding(number: int, token: str) -> bool:
    """Return whether a row is padding: empty, or named after its number."""
    return not token or token == f"[PAD{number}]"


def _find_end(types: list[int], counts: Callable[[int], bool]) -> int:
    return next((number for number in range(len(types), 0, -1) if counts(types[number - 1])), 0)


def _find_base(path: Path, fields: Mapping[str, Any], types: list[int]) -> int:
    """Find the size of the model's own vocabulary: the rows before those added to it."""
    if "tokenizer.ggml.scores" not in fields:
        return _find_end(types, lambda kind: kind in (NORMAL, BYTE))
    scores = read_scores(path, fields, len(types))
    base = len(types)
    while base and types[base - 1] in (CONTROL, USER_DEFINED) and scores[base - 1] == _ADDED_SCORE:
        base -= 1
    return base


def read_scores(path: Path, fields: Mapping[str, Any], rows: int) -> npt.NDArray[Any]:
    """Read the scores of all rows; TokbenchError if there are too few."""
    scores = read_field(path, fields, "scores", np.ndarray)
    if len(scores) < rows:
        raise TokbenchError(f"{path}: {rows} tokens have {len(scores)} scores", "download it again")
    if np.isnan(scores[:rows]).any():
        number = int(np.isnan(scores[:rows]).argmax())
        raise TokbenchError(f"{path}: the score of the token {number} is not a number", "download it again")
    return scores


def _retype(tokens: list[str], types: list[int]) -> list[int]:
    """Correct types by token text, as llama.cpp does.

    Some tokens end generation whatever the file says.
    """
    names = set(tokens)
    control = set(_ENDS_GENERATION | _FILLS_IN)
    read = set(_ALWAYS_READ)
    if {"<|return|>", "<|call|>"} <= names or {"<|calls|>", "<|flush|>"} <= names or {"<|call|>", "<|flush|>"} <= names:
        read.add("<|end|>")
    if "<|tool_response>" in names:
        control.discard("</s>")
    corrected = []
    for token, kind in zip(tokens, types, strict=True):
        if token in read:
            corrected.append(USER_DEFINED)
        elif token in control and kind in (NORMAL, USER_DEFINED):
            corrected.append(CONTROL)
        else:
            corrected.append(kind)
    return corrected
