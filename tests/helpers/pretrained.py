"""Small checkpoints that count as pretrained: random weights without the marker that says so."""

from __future__ import annotations

from pathlib import Path

from helpers.made import train_byte_level
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make
from tokbench.pythia.model.architecture import Architecture


def make_pretrained(architecture: Architecture, folder: Path, seed: int = 1) -> Checkpoint:
    """Write a checkpoint with a tokenizer of its own, and open it."""
    make(architecture, folder, seed=seed)
    unmark(folder / "model.safetensors")
    train_byte_level(min(400, architecture.vocab_rows - 1)).save(str(folder / "tokenizer.json"))
    return open_checkpoint(folder)


def unmark(file: Path) -> None:
    """Remove the marker of random weights from a safetensors file."""
    from safetensors.numpy import load_file, save_file

    save_file(load_file(file), file, {"format": "pt"})
