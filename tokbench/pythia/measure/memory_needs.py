"""Whether a model fits into free memory, asked before it is created, downloaded or loaded."""

from __future__ import annotations

from functools import partial

from tokbench._shared.environment import name_processor
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import Device
from tokbench.pythia.backends._ctranslate2_library import name_linear_algebra
from tokbench.pythia.measure._process_memory import read_available, read_device_memory
from tokbench.pythia.measure.ram import LinearAlgebra, estimate_ram
from tokbench.pythia.model.architecture import Architecture

_MARGIN = 1.15
_LOGITS = 2 * 4
"""Bytes per value of the logits: in the backend, and as returned."""


def estimate_bytes(
    architecture: Architecture,
    backend: str,
    quantization: str,
    *,
    context: int,
    batch: int = 1,
    used: int | None = None,
    logits: int = 1,
    stored_bytes: int | None = None,
) -> int:
    """Estimate the most memory a process should need, in bytes.

    The peak while loading, or what is resident afterwards with a margin of 15 %, whichever is more.

    used: tokens of each of `batch` texts; default: one text fills the context.
    logits: rows of logits that are returned.
    stored_bytes: as for `estimate_ram`.

    Raises the error of `tokbench.pythia.model.quantization` for a type that is unknown or no longer run.
    """
    estimate = partial(
        estimate_ram,
        architecture,
        backend,
        quantization,
        linear_algebra=find_linear_algebra(),
        stored_bytes=stored_bytes,
    )
    sizes = [estimate(context=context, used=context)]
    if used is not None:
        sizes.append(estimate(context=used, used=used, batch=batch))
    returned = _LOGITS * logits * architecture.vocab_rows
    return max(max(size.loading, int(_MARGIN * (size.resident + returned))) for size in sizes)


def find_linear_algebra() -> LinearAlgebra:
    """Return what CTranslate2 multiplies with here; MKL, which takes more, if it is neither."""
    name = name_linear_algebra()
    return "oneDNN" if name == "oneDNN" else "MKL on AMD" if "AMD" in name_processor() else "MKL"


def check_free_memory(
    architecture: Architecture,
    backend: str,
    quantization: str,
    *,
    name: str,
    context: int | None = None,
    batch: int = 1,
    used: int | None = None,
    logits: int = 1,
    device: Device = "cpu",
) -> None:
    """Raise TokbenchError if running a model should need more memory than is free.

    context: default the model's. Other arguments as for `estimate_bytes`.
    """
    needed = estimate_bytes(
        architecture,
        backend,
        quantization,
        context=context or architecture.context,
        batch=batch,
        used=used,
        logits=logits,
    )
    check_memory(needed, read_free(device), f"{name} as {quantization} on {backend}")


def read_free(device: Device) -> int:
    """Return the free bytes of this machine, or of the first CUDA device."""
    return read_device_memory()[1] if device == "cuda" else read_available()


def check_memory(needed: int, available: int, name: str) -> None:
    """Raise TokbenchError if `needed` bytes exceed those `available`."""
    if needed > available:
        message = f"{name} would need about {needed / 2**30:.1f} GiB, and {available / 2**30:.1f} GiB are free"
        raise TokbenchError(message, "choose a smaller model or type, or close other programs")
