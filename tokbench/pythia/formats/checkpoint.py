"""A model on disk, checked before use.

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

Activation = Literal["gelu", "gelu_tanh", "silu"]


@dataclass(frozen=True)
class Computation:
    """What a forward pass needs beyond the shape.

    end_of_text: the id that is not generated.
    """

    activation: Activation = "gelu"
    rotary_base: float = 10000.0
    end_of_text: int = 0


@dataclass(frozen=True)
class StoredType:
    """Tensors of a GGUF file that have one type: how many, their values, and their bytes."""

    name: str
    tensors: int
    values: int
    bytes: int


_HUB_ID = re.compile(r"(?:hf:)?(?P<repo>[\w-][\w.-]*/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class Checkpoint:
    """A complete model on disk: every tensor is present, in the right shape.

    path: a folder or a GGUF file.
    files: the configuration and the weights.
    weights: random or pretrained (the default without a marker).
    stored: the type of most matrices in the file: float16, q4_0, int8, ...
    tokenizer: the tokenizer.json, if there is one.
    computation: None for models that only converters of the backends read; `obstacle` then says what ours lack.
    types: of a GGUF file, most bytes first.
    """

    name: str
    path: Path
    format: Format
    architecture: Architecture
    weights: WeightsKind
    stored: str
    files: tuple[Path, ...]
    tokenizer: Path | None
    computation: Computation | None = Computation()
    obstacle: str | None = None
    types: tuple[StoredType, ...] = ()

    @property
    def stored_bytes(self) -> int | None:
        """Return the exact bytes of a GGUF file's tensors; None for other formats."""
        return sum(kind.bytes for kind in self.types) if self.types else None

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
