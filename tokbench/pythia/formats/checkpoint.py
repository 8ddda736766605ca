"""A GPT-NeoX model on disk: a Hugging Face folder, a GGUF file or a CTranslate2 folder, checked before use."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tokbench._shared.hashes import sha256_of_all
from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture

Format = Literal["safetensors", "gguf", "ctranslate2"]
WeightsKind = Literal["random", "pretrained"]

RANDOM: WeightsKind = "random"
PRETRAINED: WeightsKind = "pretrained"

_HUB_ID = re.compile(r"(?:hf:)?(?P<repo>[\w-][\w.-]*/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class Checkpoint:
    """A model on disk that was found whole: every tensor there, in the right shape.

    `path` is a folder or a GGUF file, `files` the configuration and the weights, `weights` whether these are random or
    pretrained (what no marker calls random counts as pretrained). `stored` is the type of the matrices in the file:
    float16, q4_0, int8, ... `tokenizer` is its tokenizer.json, if it has one.
    """

    name: str
    path: Path
    format: Format
    architecture: Architecture
    weights: WeightsKind
    stored: str
    files: tuple[Path, ...]
    tokenizer: Path | None

    @property
    def sha256(self) -> str:
        """SHA-256 over weights, configuration and tokenizer: the key of what is made from them."""
        return sha256_of_all([*self.files, *([self.tokenizer] if self.tokenizer else [])])

    @property
    def weight_files(self) -> tuple[Path, ...]:
        """The files with tensors, without the configuration."""
        return tuple(file for file in self.files if file.suffix != ".json")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; TokbenchError where there is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TokbenchError(f"{path} cannot be read as JSON: {error}", "get the file again") from error
    if not isinstance(content, dict):
        raise TokbenchError(f"{path} holds no JSON object", "get the file again")
    return content
