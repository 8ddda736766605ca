"""Models of other families, by name: the data in `families.toml`, next to this module."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files
from types import MappingProxyType
from typing import Any

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture


@dataclass(frozen=True)
class Relative:
    """A model of another family.

    family: as it is written, such as `Llama 2`.
    hub_id: where its config.json is; None if nowhere.
    source, date: where its numbers are published, and when they were looked up.
    published, active: its parameters and those that serve a token, as published: `6.7B`.
    config: the keys of its config.json that give its shape.
    vocabulary, vocab_multiple, tokenizer: as for `ModelSpec`.
    """

    name: str
    family: str
    aliases: tuple[str, ...]
    hub_id: str | None
    source: str
    date: str
    published: str
    active: str | None
    config: Mapping[str, Any]
    vocabulary: int | None
    vocab_multiple: int
    tokenizer: str | None

    @property
    def architecture(self) -> Architecture:
        """Return its shape."""
        return _read_shape(self.name)


@cache
def relatives() -> tuple[Relative, ...]:
    """Return all models of other families, by family and size."""
    text = package_files("tokbench.pythia.model").joinpath("families.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return tuple(_read(data["date"], family, entry) for family in data["family"] for entry in family["model"])


def _read(date: object, family: dict[str, Any], entry: dict[str, Any]) -> Relative:
    merged = {**family, **entry}
    return Relative(
        name=entry["name"],
        family=family["name"],
        aliases=tuple(entry.get("aliases", ())),
        hub_id=entry.get("hub"),
        source=family["source"],
        date=str(date),
        published=entry["published"],
        active=entry.get("active"),
        config=MappingProxyType({**family["config"], **entry["config"]}),
        vocabulary=merged.get("vocabulary"),
        vocab_multiple=merged.get("multiple", 1),
        tokenizer=merged.get("tokenizer"),
    )


@cache
def _read_shape(name: str) -> Architecture:
    from tokbench.pythia.model.families import read_shape

    relative = _spellings()[fold_name(name)]
    return read_shape(relative.config, name)


def fold_name(name: str) -> str:
    """Return a name without what people spell differently: case, and underscores or spaces for hyphens."""
    return re.sub(r"[_ ]", "-", name.strip()).casefold()


@cache
def _spellings() -> Mapping[str, Relative]:
    found: dict[str, Relative] = {}
    for relative in relatives():
        hub = (relative.hub_id, relative.hub_id.partition("/")[2]) if relative.hub_id else ()
        for name in (relative.name, *relative.aliases, *hub):
            if found.setdefault(fold_name(name), relative) is not relative:
                raise TokbenchError(f"families.toml: the name {name!r} stands for two models")
    return MappingProxyType(found)


def look_up_relative(name: str) -> Relative | None:
    """Return the model with this name, alias or hub id, in any case; None for an unknown name."""
    return _spellings().get(fold_name(name))
