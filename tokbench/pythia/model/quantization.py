"""Types of stored weights: block sizes, dates, and what runs them.

A type has a version: the block layout of ggml's types changed twice in May 2023 under the same names. Version 0 ends on
2023-05-12 (llama.cpp pull request 1405: bit order), version 1 on 2023-05-20 (1508: 16-bit scales), version 2 is
today's, in every GGUF file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Literal

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError

Family = Literal["ggml", "array"]
Source = Literal["checkpoint", "file"]
"""What a backend runs a type from: any checkpoint, or only a file whose matrices have it already."""


@dataclass(frozen=True)
class Quantization:
    """A type of stored weights.

    family: `ggml` for the types of GGUF files and their predecessors, `array` for those of ctranslate2 and
        transformers.
    block_size, block_bytes: matrices are stored row by row in blocks of this many weights and bytes.
    vector_bytes: bytes per value of a vector (biases, norms).
    row_bytes: additional bytes per row (a scale per row).
    first_version, last_version: ggml's versions.
    since, until: first day of the type in this layout, and first day without it; None if unknown or still current.
    reason: why no maintained library runs it; None if one does.
    backends: those that run it, on some device.
    source: what they run it from.
    """

    name: str
    family: Family
    block_size: int
    block_bytes: int
    vector_bytes: int
    row_bytes: int = 0
    first_version: int | None = None
    last_version: int | None = None
    since: date | None = None
    until: date | None = None
    reason: str | None = None
    backends: tuple[str, ...] = ()
    source: Source = "checkpoint"

    @property
    def bits_per_weight(self) -> float:
        """Return the bits per weight of a matrix.

        Including block scales but not row scales.
        """
        return 8 * self.block_bytes / self.block_size

    @property
    def historic(self) -> bool:
        """Return whether no maintained library runs it; `reason` then says why."""
        return self.until is not None

    @property
    def runs(self) -> str:
        """Return which backends run it, in words: `llamacpp, from a GGUF file of it`, or `no backend`."""
        where = ", ".join(self.backends) or "no backend"
        return f"{where}, from a GGUF file of it" if self.source == "file" else where

    @property
    def label(self) -> str:
        """Return the name, with a version if needed to tell layouts apart.

        The last version is added if the plain name means another layout today.

        For example `q4_0@1`.
        """
        return f"{self.name}@{self.last_version}" if self.historic and self.name in _current() else self.name

    def matrix_bytes(self, rows: int, columns: int) -> int:
        """Count the bytes of a matrix; TokbenchError if its rows are not whole blocks."""
        if columns % self.block_size:
            raise TokbenchError(
                f"rows of {columns} weights cannot be stored as {self.name}, in blocks of {self.block_size}",
                "use a type without blocks, f16 or f32",
            )
        return rows * (columns // self.block_size * self.block_bytes + self.row_bytes)


BIT_ORDER = date(2023, 5, 12)
HALF_SCALES = date(2023, 5, 20)
K_QUANTS = date(2023, 6, 5)
_OLD_SCALES = (
    "its blocks have 32-bit scales, which ggml dropped on 2023-05-20 (llama.cpp pull request 1508); no "
    "maintained library reads them"
)
_OLD_ORDER = (
    "its blocks have the bit order that ggml dropped on 2023-05-12 (llama.cpp pull request 1405); no "
    "maintained library reads them"
)
_OLD_Q4_2 = "ggml dropped the type on 2023-05-12 (llama.cpp pull request 1405); no maintained library reads it"
_OLD_Q4_3 = "ggml dropped the type on 2023-04-28 (llama.cpp pull request 1218); no maintained library reads it"


def _ggml(name: str, size: int, block_bytes: int, first: int | None = None, since: date | None = None) -> Quantization:
    return Quantization(
        name, "ggml", size, block_bytes, vector_bytes=4, first_version=first, since=since, backends=("llamacpp",)
    )


def _file(name: str, size: int, block_bytes: int, first: int | None = None, since: date | None = None) -> Quantization:
    # Making these takes a search over scales, and for many of them texts: llama-quantize makes them.
    return replace(_ggml(name, size, block_bytes, first, since), source="file")


def _historic(
    name: str, size: int, block_bytes: int, last: int, since: date | None, until: date, reason: str
) -> Quantization:
    return Quantization(
        name, "ggml", size, block_bytes, 4, first_version=0, last_version=last, since=since, until=until, reason=reason
    )


def _float(name: str, size: int) -> Quantization:
    return Quantization(name, "array", 1, size, vector_bytes=size, backends=("ctranslate2", "transformers"))


def _int8(name: str, vector_bytes: int) -> Quantization:
    # ctranslate2: matrices and embedding in 8 bits with one 32-bit scale per row; biases and norms are floats.
    return Quantization(name, "array", 1, 1, vector_bytes, row_bytes=4, backends=("ctranslate2",))


QUANTIZATIONS: tuple[Quantization, ...] = (
    _ggml("f32", 1, 4),
    _ggml("f16", 1, 2),
    _ggml("bf16", 1, 2),
    _ggml("q8_0", 32, 34, 2, HALF_SCALES),
    _ggml("q5_1", 32, 24, 1, BIT_ORDER),
    _ggml("q5_0", 32, 22, 1, BIT_ORDER),
    _ggml("q4_1", 32, 20, 2, HALF_SCALES),
    _ggml("q4_0", 32, 18, 2, HALF_SCALES),
    _file("q6_k", 256, 210, 2, K_QUANTS),
    _file("q5_k", 256, 176, 2, K_QUANTS),
    _file("q4_k", 256, 144, 2, K_QUANTS),
    _file("q3_k", 256, 110, 2, K_QUANTS),
    _file("q2_k", 256, 84, 2, K_QUANTS),
    _file("iq4_nl", 32, 18),
    _file("iq4_xs", 256, 136),
    _file("iq3_s", 256, 110),
    _file("iq3_xxs", 256, 98),
    _file("iq2_s", 256, 82),
    _file("iq2_xs", 256, 74),
    _file("iq2_xxs", 256, 66),
    _file("iq1_m", 256, 56),
    _file("iq1_s", 256, 50),
    _file("tq2_0", 256, 66),
    _file("tq1_0", 256, 54),
    _file("mxfp4", 32, 17),
    _file("nvfp4", 64, 36),
    _float("float32", 4),
    _float("float16", 2),
    _float("bfloat16", 2),
    _int8("int8", 4),
    _int8("int8_float32", 4),
    _int8("int8_float16", 2),
    _int8("int8_bfloat16", 2),
    _historic("q8_0", 32, 36, 1, date(2023, 4, 25), HALF_SCALES, _OLD_SCALES),
    _historic("q5_1", 32, 24, 0, date(2023, 4, 26), BIT_ORDER, _OLD_ORDER),
    _historic("q5_0", 32, 22, 0, date(2023, 4, 26), BIT_ORDER, _OLD_ORDER),
    _historic("q4_1", 32, 24, 1, None, HALF_SCALES, _OLD_SCALES),
    _historic("q4_0", 32, 20, 1, None, HALF_SCALES, _OLD_SCALES),
    _historic("q4_3", 16, 12, 0, date(2023, 4, 20), date(2023, 4, 28), _OLD_Q4_3),
    _historic("q4_2", 16, 10, 0, date(2023, 4, 18), BIT_ORDER, _OLD_Q4_2),
)
"""Every type, current ones first. `int8` is ctranslate2's on a CPU, where the remaining floats are float32."""


@cache
def _current() -> frozenset[str]:
    return frozenset(entry.name for entry in QUANTIZATIONS if not entry.historic)


def find_quantization(name: str, version: int | None = None) -> Quantization:
    """Return the type with this name.

    version: ggml's version 0, 1 or 2; by default today's type, or the only one there was. `q4_0@1` is the same as
        `find_quantization("q4_0", 1)`. Case does not matter.

    Raises TokbenchError for an unknown name, and for a version that the type does not have.
    """
    bare, at, number = name.strip().casefold().partition("@")
    if at:
        if version is not None or not number.isdecimal():
            raise TokbenchError(f"not a type with a version: {name!r}", "for example: q4_0@1")
        version = int(number)
    found = [entry for entry in QUANTIZATIONS if entry.name == bare]
    if not found:
        raise TokbenchError(f"no quantization is called {name!r}", _suggest(bare))
    if version is None:
        return found[0]
    for entry in found:
        if _has_version(entry, version):
            return entry
    raise TokbenchError(f"{bare} has no version {version}", f"leave the version out, or see: {_spell_versions(found)}")


_MIXTURE = re.compile(r"((?:i?q)\d_k|iq[1-4])_(?:xs|s|m|l)")


def _suggest(name: str) -> str:
    """Return a hint for an unknown name.

    The main type of a mixture that llama-quantize names, or the nearest name.
    """
    names = list(dict.fromkeys(entry.name for entry in QUANTIZATIONS))
    mixture = _MIXTURE.fullmatch(name)
    main = [known for known in names if mixture and known.startswith(mixture[1])]
    if main:
        return f"that is a mixture, whose GGUF files run as they are; their main type is {main[0]}"
    near = closest(name, names)
    return f"did you mean {near!r}?" if near else f"known: {', '.join(names)}"


def _has_version(entry: Quantization, version: int) -> bool:
    if entry.first_version is None:
        return False
    last = CURRENT_VERSION if entry.last_version is None else entry.last_version
    return entry.first_version <= version <= last


CURRENT_VERSION = 2
"""ggml's current version of its block layouts."""


def _spell_versions(entries: list[Quantization]) -> str:
    versions = [
        str(version) for version in range(CURRENT_VERSION + 1) if any(_has_version(e, version) for e in entries)
    ]
    return f"versions {', '.join(versions)}" if versions else "it has never had versions"


def require_runnable(quantization: Quantization) -> None:
    """Raise TokbenchError for a type that no maintained library runs.

    It says since when and why.
    """
    if quantization.historic:
        today = [entry for entry in QUANTIZATIONS if not entry.historic and entry.family == quantization.family]
        same_name = [entry.name for entry in today if entry.name == quantization.name]
        same_size = [entry.name for entry in today if entry.bits_per_weight == quantization.bits_per_weight]
        raise TokbenchError(
            f"{quantization.label} cannot be run: {quantization.reason}",
            f"use today's {(same_name + same_size)[0]}",
        )
