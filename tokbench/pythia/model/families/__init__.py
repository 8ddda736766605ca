"""Read the config.json of a model of any known family, for arithmetic alone.

One function per `model_type`. Unlike `formats.configuration`, which decides whether a checkpoint can be run, this looks
only at keys that change a shape; it refuses values of theirs that it cannot count with, and ignores all other keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tokbench._shared.registry import closest
from tokbench._shared.visible_text import reveal_controls
from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import parameters
from tokbench.pythia.model.families import classic, experts, gated, later, recurrent
from tokbench.pythia.model.families._keys import Keys

Reader = Callable[[Keys], Architecture]

READERS: Mapping[str, Reader] = {
    **{
        name: reader
        for module in (classic, gated, experts, later, recurrent)
        for name, reader in module.READERS.items()
    }
}
"""Readers by `model_type`."""

_MOST = 10**15


def read_shape(config: Mapping[str, Any], source: object) -> Architecture:
    """Read the shape of a model from its config.json; of a model with several parts, that of its text part.

    Raises TokbenchError for an unknown `model_type`, naming the known ones, and for the first key whose value cannot be
    counted with.
    """
    keys = Keys(config, source)
    kind = keys.text("model_type")
    if kind not in READERS and isinstance(config.get("text_config"), dict):
        keys = Keys(config["text_config"], f"{source}, text_config")
        kind = keys.text("model_type")
    reader = READERS.get(kind)
    if reader is None:
        near = closest(kind, list(READERS))
        hint = f"did you mean {near!r}? " if near else ""
        message = f"{source}: the shape of model_type {reveal_controls(kind)[:60]!r} is not known"
        raise TokbenchError(message, f"{hint}known: {', '.join(sorted(READERS))}")
    architecture = reader(keys)
    if parameters(architecture) > _MOST:
        raise TokbenchError(f"{source}: {parameters(architecture):.1e} parameters", "no model has so many")
    return architecture
