"""The Pythia suite: eight sizes on the Pile and on the deduplicated Pile, and what belongs to it.

That is the first release (v0), two smaller sizes, and small sizes trained again with other seeds. Each has 154
checkpoints. The facts are data in `models.toml`, next to this module. (The module is not called `suite`,
because `tokbench.pythia.suite` is the function.)
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files as package_files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import non_embedding_parameters, pad_vocabulary, parameters

if TYPE_CHECKING:
    import polars as pl

OWNER = "EleutherAI"
DEDUPED = "-deduped"


@dataclass(frozen=True)
class Model:
    """One model of the suite.

    vocabulary: tokens of its tokenizer.
    vocab_multiple: what its embedding is padded to a multiple of.
    batch_tokens: training batch size in tokens; `batch_tokens_v0` is that of the first release.
    old_name: its name in 2022; None for a model that had none.
    first_step: the first step that was saved: 0, but 1000 in the first release.
    """

    name: str
    size: str
    deduped: bool
    hub_id: str
    old_name: str | None
    architecture: Architecture
    vocabulary: int
    vocab_multiple: int
    batch_tokens: int
    batch_tokens_v0: int
    learning_rate: float
    equivalents: tuple[str, ...]
    licence: str
    first_step: int = 0

    @property
    def corpus(self) -> str:
        """Return the training corpus.

        About 300 billion tokens; those of the deduplicated Pile were seen about 1.5 times.
        """
        return "the deduplicated Pile" if self.deduped else "the Pile"


@dataclass(frozen=True)
class Revision:
    """A saved training step.

    name: the branch on the hub.
    tokens_seen: tokens seen until then.
    """

    step: int
    name: str
    tokens_seen: int


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(package_files("tokbench.pythia.model").joinpath("models.toml").read_text(encoding="utf-8"))


@cache
def models() -> tuple[Model, ...]:
    """Return the sixteen models by size, the plain one before the deduplicated one."""
    data = _data()
    return tuple(_read_model(data, entry, deduped) for entry in data["size"] for deduped in (False, True))


@cache
def variants() -> tuple[Model, ...]:
    """Return what else belongs to the suite: 14M and 31M, the first release (`-v0`), and other seeds (`-seed1`)."""
    data = _data()
    small = tuple(_read_model(data, entry, False) for entry in data["small"])
    first = tuple(
        replace(_rename(model, "-v0"), old_name=model.old_name, batch_tokens=model.batch_tokens_v0, first_step=1000)
        for model in models()
    )
    seeds = {entry["size"]: entry.get("seeds", 0) for entry in (*data["small"], *data["size"])}
    seeded = tuple(
        _rename(model, f"-seed{seed}")
        for model in (*small, *models())
        if not model.deduped
        for seed in range(1, seeds[model.size] + 1)
    )
    return (*small, *first, *seeded)


def _rename(model: Model, ending: str) -> Model:
    return replace(model, name=model.name + ending, hub_id=model.hub_id + ending, old_name=None)


def _read_model(data: dict[str, Any], entry: dict[str, Any], deduped: bool) -> Model:
    ending = DEDUPED if deduped else ""
    name = f"pythia-{entry['size'].lower()}{ending}"
    multiple = data["vocabulary_multiple"] * entry["model_parallel"]
    return Model(
        name=name,
        size=entry["size"],
        deduped=deduped,
        hub_id=f"{OWNER}/{name}",
        old_name=f"pythia-{entry['old_size'].lower()}{ending}" if "old_size" in entry else None,
        architecture=Architecture(
            layers=entry["layers"],
            width=entry["width"],
            heads=entry["heads"],
            vocab_rows=pad_vocabulary(data["vocabulary"], multiple),
            context=entry.get("context", data["context"]),
        ),
        vocabulary=data["vocabulary"],
        vocab_multiple=multiple,
        batch_tokens=data["batch_tokens"],
        batch_tokens_v0=entry.get("batch_tokens_v0", data["batch_tokens"]),
        learning_rate=entry["learning_rate"],
        equivalents=tuple(entry["equivalents"]),
        licence=data["licence"],
    )


def suite() -> pl.DataFrame:
    """Return all models as a frame, in the order of `models`.

    Columns: name, size, deduped, layers, width, heads, vocab_rows, parameters, non_embedding, batch_tokens (per
        training
    step), learning_rate, equivalents (a list), old_name, hub_id, licence.
    """
    import polars as pl

    return pl.DataFrame(
        [
            {
                "name": model.name,
                "size": model.size,
                "deduped": model.deduped,
                "layers": model.architecture.layers,
                "width": model.architecture.width,
                "heads": model.architecture.heads,
                "vocab_rows": model.architecture.vocab_rows,
                "parameters": parameters(model.architecture),
                "non_embedding": non_embedding_parameters(model.architecture),
                "batch_tokens": model.batch_tokens,
                "learning_rate": model.learning_rate,
                "equivalents": list(model.equivalents),
                "old_name": model.old_name,
                "hub_id": model.hub_id,
                "licence": model.licence,
            }
            for model in models()
        ],
        schema_overrides={"equivalents": pl.List(pl.String)},
    )


def _fold(name: str) -> str:
    name = re.sub(r"[_ ]", "-", name.strip()).casefold()
    return name.removeprefix(f"{OWNER}/".casefold()).removeprefix("pythia-")


@cache
def _spellings() -> Mapping[str, Model]:
    found: dict[str, Model] = {}
    for model in models():
        for name in (model.name, model.old_name):
            # No name of the first release is in use today; a clash would be caught here.
            if name is not None and found.setdefault(_fold(name), model) is not model:
                raise TokbenchError(f"Pythia suite: the name {name!r} stands for two models")
    for model in variants():
        found[_fold(model.name)] = model
    return MappingProxyType(found)


def look_up_model(name: str) -> Model | None:
    """Return the model with this name, as `find_model` takes it; None for an unknown name."""
    return _spellings().get(_fold(name))


def list_spellings() -> list[str]:
    """List the names that `find_model` takes, without the old ones."""
    return [model.name for model in (*models(), *variants())]


def find_model(name: str) -> Model:
    """Return the model with this name.

    name: such as `pythia-1.4b`, `1.4B`, `EleutherAI/pythia-1.4b`, or the old `pythia-1.3b`, in any case; with
        `-deduped`, the deduplicated one; with `-v0`, that of the first release; of small sizes, with `-seed1` to
        `-seed9`.

    Raises TokbenchError, naming the nearest match, for an unknown name.
    """
    found = look_up_model(name)
    if found is None:
        near = closest(_fold(name), list(_spellings()))
        plain = (*variants()[: len(_data()["small"])], *models())
        known = ", ".join(model.size for model in plain if not model.deduped)
        hint = f"did you mean {_spellings()[near].name!r}? " if near else ""
        raise TokbenchError(f"no Pythia model is called {name!r}", f"{hint}the sizes are {known}, each also {DEDUPED}")
    return found


@cache
def revisions() -> tuple[Revision, ...]:
    """Return the saved steps of every model.

    0, powers of two up to 512, and every thousandth.
    """
    data = _data()
    steps = [0, *(2**power for power in range(10)), *range(1000, data["steps"] + 1, 1000)]
    return tuple(Revision(step, f"step{step}", step * data["batch_tokens"]) for step in steps)


def checkpoints() -> pl.DataFrame:
    """Return the saved steps as a frame.

    Columns: step, revision (branch on the hub), tokens_seen.
    """
    import polars as pl

    return pl.DataFrame(
        [{"step": saved.step, "revision": saved.name, "tokens_seen": saved.tokens_seen} for saved in revisions()]
    )


def find_checkpoint(revision: str) -> Revision:
    """Return the saved step of a branch on the hub; `main` is the last one.

    Raises TokbenchError, naming the nearest saved step, if there is none.
    """
    saved = {step.name: step for step in revisions()}
    last = revisions()[-1]
    if revision == "main":
        return last
    if revision in saved:
        return saved[revision]
    match = re.fullmatch(r"(?:step)?(\d+)", revision)
    if match is None:
        hint = f"checkpoints are called step0, step1, step2, step4 to step512, step1000 to {last.name}, or main"
    else:
        nearest = min(revisions(), key=lambda step: abs(step.step - int(match[1])))
        hint = f"the nearest one is {nearest.name}"
    raise TokbenchError(f"no Pythia checkpoint is called {revision!r}", hint)
