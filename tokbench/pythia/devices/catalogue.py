"""Peak figures of GPUs, Apple's chips and a CPU, from their vendors' datasheets.

They are data in `devices.toml`, next to this module, each with its source and the date of its announcement.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files as package_files
from types import MappingProxyType
from typing import Any, Literal

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError
from tokbench.pythia.model.quantization import Quantization

NumberType = Literal["fp32", "tf32", "fp16", "fp8", "int8"]
NUMBER_TYPES: tuple[NumberType, ...] = ("fp32", "tf32", "fp16", "fp8", "int8")


@dataclass(frozen=True)
class DeviceSpec:
    """Peak figures of a device; None where the vendor publishes none.

    flops: FLOP/s of dense matrix products, by the type of their numbers; fp16 holds for bfloat16 too.
    bandwidth: bytes/s of its memory.
    memory: bytes.
    power: limit in watts (TDP).
    source: the vendor's document with the figures.
    announced: when the vendor announced the device.
    """

    name: str
    title: str
    kind: Literal["gpu", "apple", "cpu"]
    flops: Mapping[NumberType, float]
    bandwidth: float
    memory: float | None
    power: float | None
    source: str
    announced: date
    aliases: tuple[str, ...] = ()
    note: str | None = None


@cache
def devices() -> tuple[DeviceSpec, ...]:
    """Return all devices, in the order of the file."""
    data = tomllib.loads(package_files("tokbench.pythia.devices").joinpath("devices.toml").read_text(encoding="utf-8"))
    return tuple(_read_device(entry) for entry in data["device"])


def _read_device(entry: Mapping[str, Any]) -> DeviceSpec:
    flops: dict[NumberType, float] = {kind: entry[kind] * 1e12 for kind in NUMBER_TYPES if kind in entry}
    return DeviceSpec(
        name=entry["name"],
        title=entry["title"],
        kind=entry["kind"],
        flops=MappingProxyType(flops),
        bandwidth=entry["bandwidth"] * 1e9,
        memory=entry["memory"] * 1e9 if "memory" in entry else None,
        power=entry.get("power"),
        source=entry["source"],
        announced=entry["date"],
        aliases=tuple(entry.get("aliases", ())),
        note=entry.get("note"),
    )


def find_device(name: str) -> DeviceSpec:
    """Return the device with this name or alias; case does not matter.

    Raises TokbenchError, naming the nearest match, for an unknown name.
    """
    spellings = {spelling: one for one in devices() for spelling in (one.name, *one.aliases)}
    folded = name.strip().casefold().replace("_", "-").replace(" ", "-")
    found = spellings.get(folded)
    if found is None:
        near = closest(folded, list(spellings))
        hint = f"did you mean {near!r}?" if near else "see: tokbench list devices"
        raise TokbenchError(f"no device is called {name!r}", hint)
    return found


def choose_number_type(quantization: Quantization) -> NumberType:
    """Return the type of the matrix products of weights in a type.

    32-bit weights: fp32, since TF32 has to be switched on. int8 of ctranslate2: int8. All others, among them the blocks
    of ggml, whose weights are unpacked: fp16.
    """
    if quantization.name in ("f32", "float32"):
        return "fp32"
    return "int8" if quantization.name.startswith("int8") else "fp16"
