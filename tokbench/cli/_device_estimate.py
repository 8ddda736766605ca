"""The estimate that `model show --device` adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tokbench.cli._options import open_corpus
from tokbench.cli.load_test import choose_base
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.cost import Prices
    from tokbench.pythia.devices.estimate import DeviceEstimate
    from tokbench.pythia.model.resolution import ModelSpec


def estimate_on_device(
    model: ModelSpec,
    device: str,
    quantization: str,
    efficiency: float | None,
    context: int | None,
    corpus: list[str] | None,
    languages: list[str] | None,
    segments: int | None,
    reference: str | None,
    price: Prices | None,
    *,
    offline: bool,
) -> DeviceEstimate:
    """Estimate a model on a device, by language if a corpus or languages are given."""
    from tokbench.adapters import load_tokenizer
    from tokbench.pythia.devices import find_device
    from tokbench.pythia.devices.estimate import estimate
    from tokbench.pythia.serving.loads import read_loads

    find_device(device)  # an unknown name, before texts are read
    texts = open_corpus(corpus, languages, segments) if corpus or languages else None
    base = choose_base(texts, reference)
    if texts is not None and model.tokenizer is None:
        raise TokbenchError(f"the tokenizer of {model.name} is not known", "leave out --corpus and --languages")
    loads = read_loads(texts, load_tokenizer(str(model.tokenizer), offline=offline)) if texts is not None else ()
    return estimate(
        model.architecture,
        device,
        quantization,
        efficiency=efficiency,
        context=context,
        loads=loads,
        reference=base,
        price=price,
    )


def read_price(per_hour: float | None, currency: str | None) -> Prices | None:
    """Return the price of a device; None without one. TokbenchError for a currency alone."""
    from tokbench.pythia.cost import Prices

    prices = Prices(per_hour=per_hour, currency=currency.strip().upper() if currency is not None else None)
    return prices if prices.given else None


def refuse_alone(given: Mapping[str, object]) -> None:
    """Raise TokbenchError for options of an estimate without a device."""
    for name, value in given.items():
        if value is not None:
            raise TokbenchError(f"{name} is of estimates on a device", "add --device, such as --device h100")
