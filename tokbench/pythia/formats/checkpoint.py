"""A GPT-NeoX model on disk, checked before use.

A Hugging Face folder, GGUF file or CTranslate2 folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tokbench._shared.hashes import sha256_of_all
from tokbench.pythia.model.architecture import Architecture

Format = Literal["safetensors", "gguf", "ctranslate2"]
WeightsKind = Literal["random", "pretrained"]

RANDOM: WeightsKind = "random"
PRETRAINED: WeightsKind = "pretrained"

_HUB_ID = re.compile(r"(?:hf:)?(?P<repo>[\w-][\w.-]*/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class Checkpoint:
    """A complete model on disk: every tensor is present, in the right shape.

    path: a folder or a GGUF file.
    files: the configuration and the weights.
    weights: random or pretrained (the default without a marker).
    stored: the type of the matrices in the file: float16, q4_0, int8, ...
    tokenizer: the tokenizer.json, if there is one.
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
        """Return the SHA-256 over weights, configuration and tokenizer.

        It is the key of derived files.
        """
        return sha256_of_all([*self.files, *([self.tokenizer] if self.tokenizer else [])])

    @property
    def weight_files(self) -> tuple[Path, ...]:
        """Return the files with tensors, without the configuration."""
        return tuple(file for file in self.files if file.suffix != ".json")
