"""Resolve what `--model` names to a model's shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench._shared.paths import expand_home, explain_path
from tokbench._shared.pipes import refuse_special
from tokbench._shared.registry import closest
from tokbench._shared.visible_text import reveal_controls
from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.models import Model, list_spellings, look_up_model
from tokbench.pythia.model.relatives import Relative, look_up_relative, relatives

_MOST_BYTES = 1 << 24  # of a config.json; real ones have some kilobytes
_HINT = "use a name that `tokbench model list` shows, a config.json or its folder, or org/name on the hub"


@dataclass(frozen=True)
class ModelSpec:
    """What costs need to know of a model.

    name: as shown in tables.
    vocabulary: tokens of its own tokenizer; None if unknown.
    vocab_multiple: what its embedding is padded to a multiple of when the vocabulary changes; 1 if unknown.
    tokenizer: catalogue name of its own tokenizer, the baseline of what-ifs; None if unknown.
    """

    name: str
    architecture: Architecture
    vocabulary: int | None
    vocab_multiple: int
    tokenizer: str | None


def resolve_model(name: str, *, offline: bool = False) -> ModelSpec:
    """Return the shape of a model.

    name: in this order, a name of the suite (`1.4b`, `pythia-70m-deduped`, `pythia-70m-seed1`), one of another family
        (`llama-2-7b`) or its hub id, the path of a config.json or of a folder with one, or `org/name[@revision]`,
        optionally with the prefix `hf:`, whose config.json is downloaded unless the cache has it.

    Raises TokbenchError, naming the nearest match, for an unknown name, and for a config.json whose shape is not known;
    UnavailableError if the hub is needed but not available.
    """
    named = _look_up(name)
    if named is not None:
        return named
    path = expand_home(name)
    try:
        here = bool(name.strip()) and path.exists()
    except OSError as error:
        raise explain_path(path, error) from error
    if here:
        return _read_path(path)
    return _fetch(name, offline=offline)


def resolve_named(name: str) -> ModelSpec:
    """Return the shape of a model of the suite or of another family, by name: no file is read, nothing downloaded.

    Raises TokbenchError, naming the nearest match, for an unknown name.
    """
    named = _look_up(name)
    if named is None:
        raise _explain_unknown(name)
    return named


def _look_up(name: str) -> ModelSpec | None:
    model = look_up_model(name)
    if model is not None:
        return describe_model(model)
    relative = look_up_relative(name)
    return None if relative is None else describe_relative(relative)


def _explain_unknown(name: str) -> TokbenchError:
    near = closest(name, [*list_spellings(), *(relative.name for relative in relatives())])
    hint = f"did you mean {near!r}? otherwise {_HINT}" if near else _HINT
    return TokbenchError(f"no model is called {name[:80]!r}", hint)


def describe_model(model: Model) -> ModelSpec:
    """Return what costs need to know of a model of the suite."""
    return ModelSpec(model.name, model.architecture, model.vocabulary, model.vocab_multiple, "gpt-neox-20b")


def describe_relative(relative: Relative) -> ModelSpec:
    """Return what costs need to know of a model of another family."""
    return ModelSpec(
        relative.name, relative.architecture, relative.vocabulary, relative.vocab_multiple, relative.tokenizer
    )


def _read_path(path: Path) -> ModelSpec:
    config = path / "config.json" if path.is_dir() else path
    try:
        if path.is_dir() and not config.exists():
            raise TokbenchError(f"{path} has no config.json", "a folder of a model has one")
        refuse_special(config)
        size = config.stat().st_size
    except OSError as error:
        raise explain_path(config, error) from error
    if size > _MOST_BYTES:
        raise TokbenchError(f"{config} is no config.json: it has {size:,} bytes", _HINT)
    folder = config.resolve().parent.name if config.name == "config.json" else config.stem
    return _build(read_json_object(config), config, folder)


def _fetch(name: str, *, offline: bool) -> ModelSpec:
    from tokbench.pythia.formats.hub import fetch_configuration, parse_hub_id

    parsed = parse_hub_id(name)
    if parsed is None:
        raise _explain_unknown(name)
    repository, revision = parsed
    config = fetch_configuration(repository, revision, offline=offline)
    label = f"{repository}@{revision}" if revision else repository
    return _build(read_json_object(config), f"config.json of {label}", label)


def _build(config: Mapping[str, Any], source: object, name: str) -> ModelSpec:
    from tokbench.pythia.model.families import read_shape

    return ModelSpec(reveal_controls(name), read_shape(config, source), None, 1, None)
