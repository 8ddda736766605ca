"""Import CTranslate2 with the linear algebra that is right on this processor."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from tokbench._shared.environment import list_processor_flags, name_processor
from tokbench._shared.process import ProcessSetting, set_variable
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.backends import Device

_USE_MKL = "CT2_USE_MKL"
_OFF = frozenset({"0", "false", "off", "no"})
_X86 = frozenset({"x86_64", "amd64", "i386", "i686"})
_EXACT = frozenset({"avx512_vnni", "avx_vnni"})
"""Instructions that multiply 8-bit integers without 16-bit sums between."""


def needs_mkl(machine: str, processor: str, flags: Set[str]) -> bool:
    """Return whether int8 is wrong unless CTranslate2 is told to use MKL.

    On x86 processors that are not Intel's it uses oneDNN, whose 16-bit sums overflow without VNNI: logits are off by a
    fifth. The bundled MKL gets them right, but is many times slower there, so that oneDNN runs where VNNI is.

    flags: of the processor; none if unknown, when VNNI is not relied on.
    """
    return machine.lower() in _X86 and "intel" not in processor.lower() and not flags & _EXACT


@cache
def _find_need() -> bool:
    return needs_mkl(platform.machine(), name_processor(), list_processor_flags())


def name_linear_algebra() -> str | None:
    """Return what CTranslate2 multiplies with on this x86 processor: MKL or oneDNN; None on another processor."""
    if platform.machine().lower() not in _X86:
        return None
    told = os.environ.get(_USE_MKL)
    mkl = _find_need() or "intel" in name_processor().lower() if told is None else told.lower() not in _OFF
    return "MKL" if mkl else "oneDNN"


@contextmanager
def without_torch() -> Iterator[None]:
    """Keep a library from importing torch.

    It is not needed, and takes seconds and 300 MiB.
    """
    hidden = [name for name in ("torch", "transformers") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: the import fails
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


_use_mkl = ProcessSetting(lambda: set_variable(_USE_MKL, "1", keep=True))


@cache
def _import_first() -> bool:
    """Import the library; return whether it uses a linear algebra that is right.

    The choice is made on import, so the variable is set for that time alone.
    """
    right = not _find_need() or _USE_MKL in os.environ or "ctranslate2" not in sys.modules
    with _use_mkl.hold() if _find_need() else nullcontext(), without_torch():
        importlib.import_module("ctranslate2")
    return right


def import_ctranslate2(purpose: str) -> Any:
    """Import the library; MissingExtraError if it is not installed."""
    Path.cwd()  # raises an OSError in a deleted folder, where the library's MKL would end the process
    try:
        _import_first()
        return importlib.import_module("ctranslate2")
    except ModuleNotFoundError as error:
        raise MissingExtraError("ctranslate2", "ctranslate2", purpose) from error


def check_int8(device: Device, quantization: str) -> None:
    """Raise TokbenchError if int8 may be wrong.

    That is the case if the library was imported before it could be told to use MKL, where it has to.
    """
    if device == "cpu" and quantization.startswith("int8") and not _import_first():
        raise TokbenchError(
            f"ctranslate2 was imported without {_USE_MKL}: on this processor its {quantization} is wrong",
            f"set {_USE_MKL}=1 before Python starts, or 0 to run without MKL",
        )
