"""What tests share with test_vectors."""

from __future__ import annotations

from pathlib import Path


def read_vector(folder: Path, name: str) -> tuple[list[str], list[list[int]]]:
    """Texts are separated by a marker line; ids stand one text a line."""
    texts = (folder / f"ggml-vocab-{name}.gguf.inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
    lines = (folder / f"ggml-vocab-{name}.gguf.out").read_text().splitlines()
    return texts, [[int(token) for token in line.split()] for line in lines]
