"""Closed models are known by counts: what needs counts works, the rest is null, and texts leave only if allowed."""

from __future__ import annotations

import _thread
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from helpers.counting_server import KEY, OVERHEAD, CountingServer, Handler, error
from helpers.counting_server import counting_server as counting_server
from tokbench.adapters import CountedTokenizer
from tokbench.catalog import count_requests
from tokbench.errors import INTERRUPTED, TokbenchError, UnavailableError
from tokbench.measurement.api_counts import PROBES, count_by_api
from tokbench.metrics import METRICS
from tokbench.pythia.cost.overview import compute_overview

CLAUDE, GEMINI = "anthropic:claude-x", "gemini:gemini-x"
TEXTS = {"en": ["two words", "x"], "zh": ["一 二", "三"]}
NEED_IDS = (
    *("byte_fallback_rate", "continued_words", "unk_rate", "unk_char_rate", "round_trip_exact", "entropy"),
    *("token_bytes_p50", "utilisation", "type_token_ratio", "bits_per_byte_coded", "vocab_total", "throughput"),
)


def day(number: int) -> Callable[[], datetime]:
    return lambda: datetime(2026, 11, number, tzinfo=UTC)


def count(model: str = CLAUDE, texts: Any = TEXTS, **options: Any) -> CountedTokenizer:
    return count_by_api(model, texts, **{"allow_upload": True, "today": day(28), **options})


def list_files() -> list[Path]:
    return [path for path in Path(os.environ["TOKBENCH_CACHE"]).rglob("*") if path.is_file()]


def test_counts_give_what_ids_would(counting_server: CountingServer) -> None:
    """The server counts bytes: every value is that of `utf8`, or null."""
    result = tb.compare([count(), count(GEMINI), "utf8"], TEXTS, baseline="utf8")
    of_utf8 = result.frame.filter(pl.col("tokenizer") == "utf8")
    keys = ["lang", "metric"]
    for name in (CLAUDE, GEMINI):
        own = result.frame.filter(pl.col("tokenizer") == name).join(of_utf8, on=keys, nulls_equal=True)
        known = own.drop_nulls("value")
        for column in ("value", "low", "high", "n"):
            assert known[column].equals(known[f"{column}_right"]), (name, column)
        null = set(own.filter(pl.col("value").is_null() & pl.col("value_right").is_not_null())["metric"])
        assert set(NEED_IDS) - {"throughput"} <= null
        assert not {"tokens_per_segment", "bytes_per_token", "fertility", "premium", "gini", "nsl"} & null
        assert result.frame.filter((pl.col("tokenizer") == name) & (pl.col("metric") == "throughput")).is_empty()
    assert result.differences["ratio"].to_list() == [1.0] * 6
    assert {METRICS[name].name for name in NEED_IDS} == set(NEED_IDS)


def test_the_message_around_a_text_is_subtracted(counting_server: CountingServer) -> None:
    counted = count()
    assert counted.overhead == OVERHEAD
    assert counted.count_batch(["two words", "", "三"]).tolist() == [9, 0, 3]
    assert count(GEMINI).overhead == 0
    assert sorted(counting_server.texts[:3]) == sorted(PROBES)  # before any text of the user
    with pytest.raises(TokbenchError, match="has no count for a text of 5 characters"):
        counted.count("other")
    with pytest.raises(TokbenchError, match="a counting API gives no ids"):
        counted.encode("x")


def test_a_count_below_that_of_an_empty_message_is_refused(counting_server: CountingServer) -> None:
    counting_server.odd[3] = lambda handler: handler.reply(200, {"input_tokens": OVERHEAD - 1})
    with pytest.raises(TokbenchError, match="counted 6 tokens for a text, fewer than the 7 of an empty message"):
        count(texts=["one"]).count("one")


def test_counted_texts_are_not_sent_again(counting_server: CountingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = count()
    sent = len(counting_server.texts)
    assert sent == len(PROBES) + 4
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    again = count(allow_upload=False, offline=True, today=day(30))
    assert again.asset == first.asset
    assert again.dates == "2026-11-28"
    assert len(counting_server.texts) == sent
    result = tb.compare([CLAUDE, "utf8"], TEXTS)  # the name alone finds them
    assert (
        result.tokenizers[0].origin
        == "counted by API on 2026-11-28, 7 tokens of the message around each text subtracted"
    )


def test_tables_and_signatures_say_when_it_was_counted(counting_server: CountingServer, tmp_path: Path) -> None:
    count(texts=["two words"])
    counted = count(today=day(30))
    assert counted.dates == "2026-11-28 to 2026-11-30"
    result = tb.compare([counted, "utf8"], TEXTS)
    host = counting_server.address.removeprefix("http://")
    assert f"|eng:{host}@2026-11-28..2026-11-30/count_tokens,tokbench/" in result.signature()
    assert f"tok:{CLAUDE}@sha256:{counted.asset.sha256}," in result.signature()
    note = (
        "counted by API on 2026-11-28 to 2026-11-30, 7 tokens of the message around each text subtracted; ids, losses"
    )
    assert note in result.to_markdown()
    result.save(tmp_path / "saved")
    loaded = tb.load(tmp_path / "saved")
    assert loaded.frame.equals(result.frame)
    assert loaded.tokenizers == result.tokenizers
    of_models = compute_overview(loaded)  # leaves out what has no vocabulary
    assert of_models.reading is not None
    assert of_models.what_ifs is not None
    assert (of_models.reading.tokenizer, of_models.what_ifs.points["tokenizer"].to_list()) == ("utf8", ["utf8"])


def test_another_count_is_another_signature(counting_server: CountingServer) -> None:
    hashes = {count(texts=["one"]).asset.sha256, count(texts=["two"]).asset.sha256, count(GEMINI, ["one"]).asset.sha256}
    assert len(hashes) == 3


def test_nothing_leaves_unless_allowed(counting_server: CountingServer) -> None:
    host = counting_server.address.removeprefix("http://")
    with pytest.raises(UnavailableError) as caught:
        count(allow_upload=False)
    # 9 + 1 + 7 + 3 bytes, and 3 of the probes
    assert str(caught.value) == (
        f"{CLAUDE}: 7 texts (23 bytes) would be sent to {host}; "
        "to send them, add --allow-upload (in Python: count_by_api(..., allow_upload=True))"
    )
    with pytest.raises(UnavailableError, match=r"to count 7 texts \(23 bytes\): offline"):
        count(offline=True)
    with pytest.raises(TokbenchError, match=r"7 texts \(23 bytes\) need one request each, the limit is 6; raise"):
        count(max_requests=6)
    assert counting_server.texts == []
    assert list_files() == []


def test_a_wrong_key_is_noticed_before_texts_are_sent(
    counting_server: CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "wrong")
    with pytest.raises(UnavailableError, match="status 401"):
        count()
    assert set(counting_server.texts) <= set(PROBES)
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(UnavailableError, match="needs a key; set ANTHROPIC_API_KEY"):
        count()


def test_without_a_network_it_ends_at_once(counting_server: CountingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_ANTHROPIC_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="cannot be counted: no network"):
        count()


def test_neither_key_nor_text_is_stored(counting_server: CountingServer, tmp_path: Path) -> None:
    count(texts=["something private"]).count("something private")
    (path,) = list_files()
    content = path.read_text()
    assert "private" not in content
    assert KEY not in content


def test_steps_are_told(counting_server: CountingServer) -> None:
    steps: list[tuple[str, int, int]] = []
    count(on_step=lambda *step: steps.append(step))
    assert steps == [(CLAUDE, number, 7) for number in range(1, 8)]


# ---- the command line


def test_the_command_asks_before_it_sends(counting_server: CountingServer, tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["abcd", "ab"])
    arguments = ("compare", CLAUDE, "utf8", "-c", str(tmp_path / "c"), "--no-throughput", "-f", "json")
    refuse(*arguments, says="5 texts (9 bytes) would be sent to 127.0.0.1")
    refuse(*arguments, "--allow-upload", "--max-requests", "4", says="the limit is 4; raise --max-requests")
    assert counting_server.texts == []
    done = run(*arguments, "--skip-missing")
    assert done.returncode == 0
    assert "would be sent" in json.loads(done.stdout)["skipped"][0]["reason"]
    done = run(*arguments, "--allow-upload")
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    assert run(*arguments).returncode == 0  # counted
    assert len(counting_server.texts) == 5


def test_ctrl_c_keeps_what_was_counted(
    counting_server: CountingServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts with & ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    monkeypatch.setattr(count_requests, "PATIENCE", replace(count_requests.PATIENCE, senders=1))
    write_corpus(tmp_path / "c", en=[f"text {i}" for i in range(30)])

    def interrupt(handler: Handler) -> None:
        _thread.interrupt_main()
        handler.server_state.over.wait(0.3)
        handler.reply(529, error("overloaded_error", "Overloaded"))

    counting_server.odd[12] = interrupt
    arguments = ("compare", CLAUDE, "-c", str(tmp_path / "c"), "--no-throughput", "--allow-upload")
    done = run(*arguments)
    assert done.returncode == INTERRUPTED
    assert "of 33 counts are kept" in done.stderr
    (path,) = list_files()
    kept = path.read_bytes().count(b'"tokens"')
    assert kept == 12
    counting_server.odd.clear()
    counting_server.texts.clear()
    assert run(*arguments).returncode == 0
    assert len(counting_server.texts) == 33 - kept


@pytest.mark.parametrize("command", ["encode", "vocab", "roundtrip", "bench"])
def test_commands_that_need_ids_say_so(command: str) -> None:
    refuse(
        command, CLAUDE, *(["x"] if command == "encode" else []), says="anthropic:claude-x: a counting API gives no ids"
    )


def test_a_wrong_name_is_one_line() -> None:
    refuse("compare", "anthropic:a/b", "-n", "1", says="'anthropic:a/b' does not name a model of a counting API")
