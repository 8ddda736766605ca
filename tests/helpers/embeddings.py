"""Safetensors files with nothing but the tensors that are given."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_CODES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}


def write_safetensors(path: Path, tensors: Mapping[str, npt.NDArray[Any]], code: str = "F32") -> Path:
    """Write a file by the definition of the format; BF16 keeps the upper halves of float32."""
    head: dict[str, Any] = {}
    content = b""
    for name, tensor in tensors.items():
        if code == "BF16":
            data = (tensor.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        else:
            data = tensor.astype(_CODES[code]).tobytes()
        head[name] = {"dtype": code, "shape": list(tensor.shape), "data_offsets": [len(content), len(content + data)]}
        content += data
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)
    return path


def write_model(folder: Path, tensors: Mapping[str, npt.NDArray[Any]], code: str = "F32", **config: Any) -> Path:
    """Write model.safetensors and config.json into a folder, and return it."""
    write_safetensors(folder / "model.safetensors", tensors, code)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def draw(rows: int, width: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Draw a matrix of rows of norm about 1."""
    found = np.random.default_rng(seed).standard_normal((rows, width)) / np.sqrt(width)
    return found.astype(np.float32)
