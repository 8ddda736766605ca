"""Costs that would mislead: of lost text, of a single text, of models that do not fit, of batches and months."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from helpers.made import make_tokenizer_json, make_wordpiece
from tokbench.comparison import Comparison
from tokbench.errors import TokbenchError
from tokbench.pythia.cost import Costs, Prices, cost
from tokbench.pythia.cost.saved import read_costs
from tokbench.pythia.devices import device_speed
from tokbench.pythia.devices.estimate import DeviceEstimate, estimate
from tokbench.pythia.model.resolution import resolve_model
from tokbench.pythia.serving.loads import Load
from tokbench.report import format_results
from tokbench.report._cost_results import show
from tokbench.report._cost_verdict import write_verdict

# ---- text that is lost


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Compare WordPiece without Thai, which is named first, with bytes."""
    folder = tmp_path_factory.mktemp("lossy")
    corpus = write_corpus(folder / "c", en=["the fox", "the end", "in"], th=["สวัสดี", "ขอบคุณ", "ไป"])
    return tb.compare([str(make_wordpiece(folder)), "utf8"], corpus, throughput=False)


@pytest.fixture(scope="module")
def costs(lossy: Comparison) -> Costs:
    return cost(lossy, model="70m", prices=Prices(per_mtok_in=1, per_mtok_out=2))


def test_no_verdict_compares_what_is_lost(lossy: Comparison, costs: Costs) -> None:
    name = lossy.names[0]
    assert costs.baseline == "utf8"  # the first that loses nothing
    assert set(costs.losses) == {name}
    assert costs.losses[name]["th"] == 3
    verdicts = dict(
        costs.relative.filter(tokenizer=name, use="serving", quantity="money").select("lang", "verdict").rows()
    )
    assert verdicts["th"] == verdicts[None] == "not comparable"
    assert verdicts["en"] == "cheaper"
    own = costs.relative.filter(tokenizer="utf8")["verdict"].unique().to_list()
    assert own == ["equal"]
    assert costs.what_if.filter(tokenizer=name)["training_verdict"].to_list() == ["not comparable"]


def test_the_verdict_says_who_loses_text_and_names_no_dearest_language_of_it(lossy: Comparison, costs: Costs) -> None:
    name = lossy.names[0]
    amounts, serving, _, dearest = write_verdict(costs)
    assert amounts.index("with utf8") < amounts.index(f"with {name} (which loses text)")
    assert f"with {name} (not comparable)" in serving
    assert dearest.startswith("Relative to en, the same text costs up to ")
    assert name not in dearest
    shown = format_results(show(costs), "markdown")
    thai = [line for line in shown.splitlines() if line.startswith(f"| {name} | th")]
    assert len(thai) == 4
    assert all("(" in line for line in thai[:2])
    assert f"(...) {name} loses text" in shown
    timed = cost(lossy, model="70m", speed_of=lambda shape: device_speed("h100", shape, "float16"))
    assert "| estimated |" in format_results(show(timed), "markdown")
    assert "(estimated)" not in format_results(show(timed), "markdown")
    alone = format_results(show(cost(lossy, model=None)), "markdown")
    assert "relative to utf8, the first that loses no text" in alone


def test_losses_are_saved(costs: Costs) -> None:
    document = json.loads(format_results(show(costs), "json"))
    assert document["losses"] == costs.losses
    assert read_costs(document).losses == costs.losses
    del document["losses"]  # as versions before wrote it
    assert read_costs(document).losses == {}


def test_the_command_knows_the_losses_of_a_single_tokenizer(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox", "in"], th=["สวัสดี", "ไป"])
    done = run("cost", str(make_wordpiece(tmp_path)), "-c", str(tmp_path / "c"), COLUMNS="200")
    assert "(which loses text), if en and th have equal shares of the requests." in done.stdout


def test_a_reference_that_costs_the_most_is_said_to(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["abcd", "abc"], de=["ab", "ab"])
    found = write_verdict(cost(tb.compare(["utf8"], corpus, throughput=False), model=None))
    assert found[-1] == "With utf8, the same text costs the most in en."


# ---- a single text


def test_one_text_gives_values_and_neither_intervals_nor_verdicts(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["the fox"])
    found = cost(tb.compare(["utf8", "byt5"], corpus, throughput=False), model="70m")
    assert found.frame["low"].null_count() == found.frame.height
    assert found.relative.filter(tokenizer="byt5", use="training")["verdict"].to_list() == [None]
    assert found.relative["relative"].null_count() == 0
    assert "no intervals: they need several documents or segments" in format_results(show(found), "markdown")


def test_one_text_has_a_best_size_and_perturbations_without_intervals(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox in the snow"])
    made = str(make_tokenizer_json(tmp_path))
    swept = json.loads(
        run("sweep", made, "-c", str(tmp_path / "c"), "--sizes", "300", "--model", "70m", "-f", "json").stdout
    )
    assert {(row["low"], row["high"], row["share"]) for row in swept["best"]} == {(None, None, None)}
    assert {row["tokens_per_segment_low"] for row in swept["values"]} == {None}
    robust = json.loads(run("robust", "utf8", "-c", str(tmp_path / "c"), "-f", "json").stdout)
    (rows,) = [value for value in robust.values() if isinstance(value, list) and value and "ratio_low" in value[0]]
    assert {row["ratio_low"] for row in rows} == {None}


# ---- devices


def test_weights_that_do_not_fit_a_device_have_no_seconds(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox"])
    command = ("cost", "utf8", "-c", str(tmp_path / "c"), "--offline")
    says = "GiB of weights in float16 do not fit NVIDIA H100 SXM, where 67.1 GiB are usable"
    refuse(*command, "--model", "mixtral-8x7b", "--device", "h100", says=says)
    with pytest.raises(TokbenchError, match="do not fit"):
        device_speed("h100", resolve_model("mixtral-8x7b").architecture, "float16")
    assert device_speed("h100", resolve_model("mixtral-8x7b").architecture, "int8").assumed


def test_options_of_a_model_need_one(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox"])
    command = ("cost", "utf8", "-c", str(tmp_path / "c"), "--model", "none")
    refuse(*command, "--device", "h100", says="--device is of a model, and there is none; name a model with --model")
    refuse(*command, "--timings", "t.json", says="--timings is of a model")
    refuse(*command, "--quantization", "int8", says="--quantization is of a model")
    refuse(*command, "--currency", "EUR", says="a currency is that of a price, and there is none")


def test_a_device_runs_float16_unless_told_otherwise_and_says_what_its_efficiency_is_worth(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["the fox", "the end"])
    command = ("cost", "utf8", "-c", str(tmp_path / "c"), "--model", "70m", "--device", "h100", "-f", "json")
    assumed, told = (json.loads(run(*command, *more).stdout) for more in ((), ("--efficiency", "40%")))
    assert assumed["quantization"] == told["quantization"] == "float16"
    (note,) = assumed["notes"].values()
    assert "50% of 989.5 TFLOP/s (fp16)" in note
    assert note.endswith("times by which seconds change: 0.67 at 75%, 1.67 at 30%")
    assert told["notes"]["utf8"].endswith("assumed")

    def seconds(document: dict[str, list[dict[str, object]]]) -> object:
        return next(row["value"] for row in document["costs"] if row["quantity"] == "seconds")

    assert seconds(told) == pytest.approx(seconds(assumed) * 0.5 / 0.4)  # type: ignore[operator]


def served(price: Prices | None) -> DeviceEstimate:
    loads = (Load(29, 29, "en"), Load(102, 102, "th"))
    return estimate(resolve_model("llama-2-7b").architecture, "h100", loads=loads, reference="en", price=price)


def test_money_of_many_users_by_hand() -> None:
    found = served(Prices(per_hour=3.6, currency="EUR"))
    for row in found.times.iter_rows(named=True):
        assert row["money_per_1000000_tokens"] == pytest.approx(1000 / row["tokens_per_second"])
    # A 7B model with 29 tokens read and 28 steps, 1,916 users at once: arithmetic is the limit of both.
    rows = {row["lang"]: row for row in found.languages.iter_rows(named=True)}
    matrices = 2 * 32 * (4 * 4096**2 + 3 * 4096 * 11008)
    logits, pair, rate = 2 * 4096 * 32000, 4 * 32 * 4096, 0.5 * 989.5e12
    read = 1916 * (29 * matrices + pair * 29 * 30 // 2 + logits)
    written = 28 * 1916 * (matrices + logits + pair * 43)
    assert rows["en"]["users"] == 1916
    assert rows["en"]["money_per_1000_requests"] == pytest.approx((read + written) / rate / 1916, rel=1e-3)
    assert rows["th"]["money_premium"] == pytest.approx(
        rows["en"]["requests_per_second"] / rows["th"]["requests_per_second"]
    )
    assert served(None).times["money_per_1000000_tokens"].null_count() == found.times.height
    assert set(served(None).languages["money_premium"]) == {None}


def test_the_command_shows_the_money_of_many_users(tmp_path: Path) -> None:
    command = ("model", "show", "70m", "--device", "h100")
    done = run(*command, "--price-per-hour", "2", "--currency", "eur", COLUMNS="200")
    assert "EUR per million tokens" in done.stdout
    assert "price of the device: 2 EUR per hour" in done.stdout
    assert "EUR" not in run(*command).stdout
    refuse("model", "show", "70m", "--price-per-hour", "2", says="--price-per-hour is of estimates on a device")
    refuse(*command, "--currency", "EUR", says="a currency is that of a price")


# ---- accuracy beside cost


def test_accuracies_stand_beside_requests_and_money_that_can_be() -> None:
    command = ("model", "results", "1.4b", "--task", "sciq")
    says = "a request needs 2,049 tokens, and the context of pythia-1.4b holds 2,048"
    refuse(*command, "--against", "flops", "--prompt-tokens", "2000", "--new-tokens", "49", says=says)
    assert run(*command, "--against", "flops", "--prompt-tokens", "2000", "--new-tokens", "48").returncode == 0
    refuse(*command, "--currency", "EUR", says="a currency is that of a price, and there is none")
    refuse(*command, "--against", "flops", "--currency", "EUR", says="a currency is that of a price")


# ---- sentences


def test_sentences_name_shares_units_and_what_a_month_is(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["abcd", "ab"], de=["abcdefgh", "ab"])
    result = tb.compare(["utf8"], corpus, throughput=False)
    listed = Prices(per_mtok_in=2_000_000, currency="USD", requests_per_day=10, source="x:y@2023-11/undated/p-1")
    shown = format_results(show(cost(result, model=None, prices=listed, prompt_chars=1200, new_text=300)), "markdown")
    assert "if de and en have equal shares of the requests." in shown
    assert "a request reads 1,200 characters of en or their translation, and writes 300 characters" in shown
    assert "2,000,000 USD read" in shown
    assert "the list does not say since when" in shown
    assert "30 days of 10 requests (in the row of a language: all in it)" in shown
    bare = write_verdict(cost(result, model=None))
    assert bare[0].startswith("A request reads 4.00 [")
    weighted = tb.compare(["utf8"], corpus, throughput=False, weights={"en": 3, "de": 1})
    assert "if the requests are 75 % en and 25 % de." in write_verdict(cost(weighted, model=None))[0]


def test_a_format_of_comparisons_names_all_others(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["abcd"])
    says = "choose from: csv, html, json, latex, markdown, parquet, table, xlsx"
    refuse("cost", "utf8", "-c", str(tmp_path / "c"), "-f", "bibtex", says=says)


def test_a_share_is_written_as_a_number_or_in_per_cent(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["abcd", "ab"])
    command = ("cost", "utf8", "-c", str(tmp_path / "c"), "--model", "none", "--price-in", "2", "--price-cached", "1")
    both = [run(*command, "--cached-share", share, "-f", "json").stdout for share in ("80%", "0.8")]
    assert both[0] == both[1]
    money = (
        pl.DataFrame(json.loads(both[0])["costs"]).filter(quantity="money", per="1000000 characters")["value"].item()
    )
    assert money == pytest.approx(0.2 * 2 + 0.8 * 1)
