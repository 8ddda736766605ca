"""Which engines run a tokenizer here, and whether each gives the ids of its reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tokbench._shared.environment import installed
from tokbench.adapters import find_engines
from tokbench.adapters.selection._choice import load_verified
from tokbench.adapters.selection.verification import Sample
from tokbench.catalog.sources import Asset


@dataclass(frozen=True)
class InstalledEngine:
    """An engine other than the reference that runs a tokenizer's format.

    name: of the adapter. library: the distribution. version: None if it is not installed.
    exact: whether it gives the ids of the reference on the hard texts and the sample; None if it is not installed.
    reason: why it is not exact; None if it is.
    """

    name: str
    library: str
    version: str | None
    exact: bool | None
    reason: str | None


def verify_engines(asset: Asset, sample: Sample) -> tuple[InstalledEngine, ...]:
    """Compare every engine that runs a tokenizer's format with its reference, in the order of the adapters.

    sample: texts of a corpus; the hard texts are tried as well. Outcomes are cached, as those of `load_engine` are.
    Empty for a tokenizer without files, which no other engine can load.
    """
    return tuple(_verify_each(asset, sample)) if asset.files else ()


def _verify_each(asset: Asset, sample: Sample) -> Iterator[InstalledEngine]:
    reference = None
    for name, module in find_engines(asset.format).items():
        version = installed(module.LIBRARY)
        if version is None:
            yield InstalledEngine(name, module.LIBRARY, None, None, None)
            continue
        _, reference, verification = load_verified(asset, module, sample, reference)
        yield InstalledEngine(name, module.LIBRARY, version, verification.exact, verification.reason)
