"""Prices from the dated list inside the package genai-prices."""

from __future__ import annotations

import json
import socket
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus

genai_prices = pytest.importorskip("genai_prices")

from genai_prices.types import (  # noqa: E402
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from tokbench.pythia.cost import Prices  # noqa: E402
from tokbench.pythia.cost.price_list import find_constant_price, find_price, read_amount, read_period  # noqa: E402

TODAY = date(2026, 11, 28)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_connection(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("a price list opened the network")

    monkeypatch.setattr(socket, "create_connection", refuse_connection)
    monkeypatch.setattr(socket.socket, "connect", refuse_connection)
    monkeypatch.setattr(socket, "getaddrinfo", refuse_connection)


def make_model(*steps: tuple[date | None, int]) -> ModelInfo:
    prices = [
        ConditionalPrice(
            constraint=None if since is None else StartDateConstraint(start_date=since),
            prices=ModelPrice(input_mtok=Decimal(amount)),
        )
        for since, amount in steps
    ]
    return ModelInfo(id="m", match=ClauseEquals(equals="m"), prices=prices)


def test_prices_are_those_that_the_package_calculates() -> None:
    found = find_price("openai:gpt-4o@2026-11", today=TODAY)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    usage = genai_prices.Usage(input_tokens=10**6, output_tokens=10**6)
    theirs = genai_prices.calc_price(usage, "gpt-4o", provider_id="openai", genai_request_timestamp=at)
    ours = Prices(per_mtok_in=found.per_mtok_in, per_mtok_out=found.per_mtok_out)
    assert ours.per_mtok_in == float(theirs.input_price)
    assert ours.per_mtok_out == float(theirs.output_price)
    assert found.source.startswith("openai:gpt-4o@2026-11/")
    assert found.source.endswith(f"/genai-prices-{genai_prices.__version__}")
    assert find_price("gpt-4o", today=TODAY).per_mtok_in == found.per_mtok_in


def test_the_price_of_a_date_is_the_one_in_force() -> None:
    model = make_model((None, 1), (date(2026, 3, 1), 2), (date(2026, 11, 9), 3))

    def find(text: str) -> tuple[Decimal | TieredPrices | None, date | None]:
        price, since = find_constant_price(model, *read_period(text, TODAY))
        return price.input_mtok, since

    assert find("2026-02") == (1, None)
    assert find("2026-03") == (2, date(2026, 3, 1))
    assert find("2026-11-08") == (2, date(2026, 3, 1))
    assert find("2026-11-09") == (3, date(2026, 11, 9))
    with pytest.raises(tb.TokbenchError, match="changes on 2026-11-09; name a day, for example: m@2026-11-09"):
        find("2026-11")
    with pytest.raises(tb.TokbenchError, match="knows m from 2026-03-01 on, not on 2026-02-01"):
        find_constant_price(make_model((date(2026, 3, 1), 2)), *read_period("2026-02", TODAY))
    assert read_period(None, TODAY) == (TODAY, TODAY)


def test_prices_that_depend_on_more_than_the_day_are_refused() -> None:
    off_peak = ConditionalPrice(
        constraint=TimeOfDateConstraint(start_time=time(1), end_time=time(2)), prices=ModelPrice()
    )
    model = ModelInfo(id="m", match=ClauseEquals(equals="m"), prices=[off_peak])
    with pytest.raises(tb.TokbenchError, match="depends on the time of day"):
        find_constant_price(model, TODAY, TODAY)
    tiered = TieredPrices(base=Decimal(3), tiers=[Tier(start=200_000, price=Decimal(6))])
    assert read_amount(tiered) == (3.0, 200_000)
    assert read_amount(None) == (None, None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpt-4o@2026-13", "'2026-13' is not a month or day"),
        ("gpt-4o@2026-02-30", "'2026-02-30' is not a month or day"),
        ("gpt-4o@", "'' is not a month or day"),
        ("@2026-11", "use MODEL or MODEL@YYYY-MM"),
        ("no such model", "the price list has no model 'no such model'"),
        ("github-copilot:gpt-4o", "github-copilot has no price per token of gpt-4o"),
    ],
)
def test_names_without_a_price_are_refused(name: str, message: str) -> None:
    with pytest.raises(tb.TokbenchError, match=message):
        find_price(name, today=TODAY)


def test_the_command_shows_and_signs_listed_prices(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox"], de=["der Fuchs"])
    line = ("cost", "utf8", "-c", str(tmp_path / "c"), "--model", "none", "--prices", "openai:gpt-4o@2026-11")
    document = json.loads(run(*line, "--requests-per-day", "9", "--cached-share", "0.5", "-f", "json").stdout)
    prices = document["prices"]
    assert prices["currency"] == "USD"
    assert prices["per_mtok_cached"] < prices["per_mtok_in"] < prices["per_mtok_out"]
    assert prices["source"] in document["signature"]
    assert prices["source"] in document["assumptions"]
    refuse(*line, "--price-in", "1", says="--prices gives all prices, in USD")
    refuse(*line, "--currency", "EUR", says="--prices gives all prices, in USD")
    refuse(*line[:-1], "gpt-4o@soon", says="use YYYY-MM or YYYY-MM-DD")


def test_prompts_beyond_those_of_a_price_are_refused(tmp_path: Path) -> None:
    texts = tb.compare(["utf8"], write_corpus(tmp_path / "c", en=["the fox"]), throughput=False)
    from tokbench.pythia.cost import cost

    with pytest.raises(tb.TokbenchError, match="a prompt has 201 tokens, and above 200 another price applies"):
        cost(texts, model=None, prompt_chars=201, prices=Prices(per_mtok_in=1, most_tokens=200))
    cost(texts, model=None, prompt_chars=200, prices=Prices(per_mtok_in=1, most_tokens=200))
