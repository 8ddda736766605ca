"""A counting API that refuses, stalls, lies or is overloaded: one clear line, no key in it, and an end."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from helpers.counting_server import KEY, OVERHEAD, CountingServer, Handler, error
from helpers.counting_server import counting_server as counting_server
from tokbench.catalog import count_requests, network
from tokbench.catalog.count_record import Count, CountRecord, hash_text
from tokbench.catalog.count_requests import CountRequests, StoppedError, count_each
from tokbench.catalog.counting_apis import (
    CountingModel,
    Refusal,
    is_counting_model,
    parse_counting_model,
    request_count,
)
from tokbench.catalog.sources import find
from tokbench.catalog.waiting import read_wait
from tokbench.errors import CacheWarning, TokbenchError, UnavailableError

CLAUDE = "anthropic:claude-x"


@pytest.fixture
def model(counting_server: CountingServer) -> CountingModel:
    return parse_counting_model(CLAUDE)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a server which does not end exceeds at once, and short pauses."""
    limits = replace(network.LIMITS, silence=0.3, notice=30.0, grace=0.6)
    monkeypatch.setattr(network, "LIMITS", limits)
    monkeypatch.setattr(count_requests, "PATIENCE", replace(count_requests.PATIENCE, attempts=3, pause=0.001))


@dataclass
class Time:
    """Time that passes only while somebody waits."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def refuse_with(status: int, message: str = "odd", **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.reply(status, error("some_error", message), **headers)


def send(status: int, body: bytes, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.reply(status, body, **headers)


def test_requests_are_as_documented(counting_server: CountingServer, model: CountingModel) -> None:
    assert request_count(model, KEY, "héllo") == OVERHEAD + 6  # the server checks path and document
    assert counting_server.headers["x-api-key"] == KEY
    assert counting_server.headers["anthropic-version"] == "2023-06-01"
    assert counting_server.headers["content-type"] == "application/json"
    assert request_count(parse_counting_model("gemini:gemini-x"), KEY, "héllo") == 6
    assert counting_server.headers["x-goog-api-key"] == KEY
    assert KEY not in str(counting_server.texts)


@pytest.mark.parametrize(
    "name", ["anthropic:", "anthropic:a/b", "anthropic:a b", "gemini:../x", "openai:gpt", "gemini:x?y"]
)
def test_names_that_are_no_model_are_refused(name: str) -> None:
    with pytest.raises(TokbenchError, match="does not name a model of a counting API"):
        parse_counting_model(name)


def test_only_the_prefixes_are_counting_models() -> None:
    assert is_counting_model(CLAUDE)
    assert not any(map(is_counting_model, ["anthropic", "hf:anthropic/x", "c:/x", Path("anthropic:x")]))
    with pytest.raises(TokbenchError, match="gives no ids; use it with: tokbench compare"):
        find(CLAUDE)


@pytest.mark.parametrize(
    "address", ["http://example.org", "https://127.0.0.1.example.org", "http://127.0.0.1:80/x", "file:///x"]
)
def test_texts_go_to_the_provider_or_stay_on_this_machine(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    model = parse_counting_model(CLAUDE)
    assert model.address == "https://api.anthropic.com"
    monkeypatch.setenv("TOKBENCH_ANTHROPIC_URL", address)
    with pytest.raises(TokbenchError, match="names a server other than"):
        _ = model.address


def test_keys_are_of_the_providers_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    gemini = parse_counting_model("gemini:gemini-x")
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UnavailableError, match="needs a key; set GEMINI_API_KEY or GOOGLE_API_KEY"):
        gemini.read_key()
    monkeypatch.setenv("GEMINI_API_KEY", " one\n")
    assert gemini.read_key() == "one"
    monkeypatch.setenv("GOOGLE_API_KEY", "two")
    assert gemini.read_key() == "two"
    monkeypatch.setenv("GOOGLE_API_KEY", "two\nX-Other: header")
    with pytest.raises(UnavailableError, match="GOOGLE_API_KEY is not a key") as caught:
        gemini.read_key()
    assert "Other" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (refuse_with(401, f"invalid x-api-key {KEY}"), r"status 401 \(invalid x-api-key \[key\]\); check the key"),
        (refuse_with(404, "model: claude-x"), r"status 404 \(model: claude-x\); check the name of the model"),
        (refuse_with(400, "in\x1b[31mvalid:\ntext"), r"status 400 \(in\\x1b\[31mvalid: \[text\]\)"),
        (refuse_with(413, "x" * 5000), rf"status 413 \({'x' * 200}\)$"),
        (send(418, b"[]"), "answered with status 418$"),
        (send(302, b"", Location="http://127.0.0.1:9/"), "answered with status 302$"),
        (send(200, b"<html>log in</html>"), "holds no input_tokens; if this network has a login page"),
        (send(200, b'{"input_tokens": -1}'), "holds no input_tokens"),
        (send(200, b'{"input_tokens": 1.5}'), "holds no input_tokens"),
        (send(200, b'{"input_tokens": true}'), "holds no input_tokens"),
        (send(200, b'{"input_tokens": 9999999999}'), "holds no input_tokens"),
        (send(200, b"[" * 50_000), "holds no input_tokens"),
        (send(200, b'{"totalTokens": 3}'), "holds no input_tokens"),
    ],
)  # fmt: skip
def test_what_asking_again_would_not_mend_ends_at_once(
    counting_server: CountingServer, model: CountingModel, answer: Callable[[Handler], None], says: str
) -> None:
    counting_server.odd[None] = answer
    with pytest.raises(UnavailableError, match=says) as caught:
        CountRequests(model, KEY, 10).count("text")
    assert counting_server.texts == ["text"]
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def drip(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while not handler.server_state.over.wait(0.05):
        try:
            handler.wfile.write(b" ")
        except OSError:
            return


def pour(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b" " * 10_000)
    except OSError:
        return


def stall(handler: Handler) -> None:
    handler.server_state.over.wait(5)


@pytest.mark.filterwarnings("ignore:still waiting")
@pytest.mark.parametrize(
    ("answer", "says"), [(drip, "too slow"), (pour, "larger than the limit of 100,000 bytes"), (stall, "timed out")]
)
def test_answers_that_do_not_end_are_given_up(
    counting_server: CountingServer, model: CountingModel, answer: Callable[[Handler], None], says: str
) -> None:
    counting_server.odd[None] = answer
    outcome = request_count(model, KEY, "text")
    assert isinstance(outcome, Refusal)
    assert says in outcome.reason


def test_overload_is_asked_again_after_the_wait_that_the_server_names(
    counting_server: CountingServer, model: CountingModel
) -> None:
    counting_server.odd = {0: refuse_with(429, retry_after="7"), 1: refuse_with(529, "Overloaded")}
    time = Time()
    requests = CountRequests(model, KEY, 10, clock=time.clock, wait=time.wait)
    assert requests.count("text") == OVERHEAD + 4
    assert time.waits == pytest.approx([7.0, 0.002])  # the second pause is twice the first
    assert requests.sent == 3


@pytest.mark.parametrize("status", [408, 429, 500, 502, 529])
def test_retries_end(counting_server: CountingServer, model: CountingModel, status: int) -> None:
    counting_server.odd[None] = refuse_with(status, "Overloaded")
    with pytest.raises(UnavailableError, match=rf"status {status} \(Overloaded\), 3 times; what was counted is kept"):
        CountRequests(model, KEY, 10).count("text")
    assert len(counting_server.texts) == 3


def test_a_wait_of_an_hour_is_not_waited_for(counting_server: CountingServer, model: CountingModel) -> None:
    counting_server.odd[None] = refuse_with(429, "quota", retry_after="3600")
    with pytest.raises(UnavailableError, match=r"status 429 \(quota\) and asks to wait 3,600 s; what was counted"):
        CountRequests(model, KEY, 10).count("text")


def test_the_limit_of_requests_includes_repeated_ones(counting_server: CountingServer, model: CountingModel) -> None:
    counting_server.odd[None] = refuse_with(529)
    with pytest.raises(UnavailableError, match="the limit of 2 requests is reached"):
        CountRequests(model, KEY, 2).count("text")
    assert len(counting_server.texts) == 2


def test_what_was_counted_before_an_error_is_yielded(
    counting_server: CountingServer, model: CountingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_requests, "PATIENCE", replace(count_requests.PATIENCE, senders=1))
    counting_server.odd[2] = refuse_with(401, "revoked")
    counts = count_each(CountRequests(model, KEY, 99), ["a", "bc", "d", "e"])
    assert [next(counts), next(counts)] == [("a", OVERHEAD + 1), ("bc", OVERHEAD + 2)]
    with pytest.raises(UnavailableError, match="revoked"):
        next(counts)
    assert counting_server.texts == ["a", "bc", "d"]


def test_nobody_is_asked_once_the_counts_are_given_up(counting_server: CountingServer, model: CountingModel) -> None:
    requests = CountRequests(model, KEY, 99)
    counts = count_each(requests, [str(i) for i in range(50)])
    next(counts)
    counts.close()
    with pytest.raises(StoppedError):
        requests.count("x")
    assert len(counting_server.texts) < 50


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0), (" 2.5 ", 2.5), ("Sat, 28 Nov 2026 10:00:30 GMT", 30.0), ("Sat, 28 Nov 2026 09:00:00 GMT", 0.0),
        ("", None), ("soon", None), ("-1", None), ("1e9", None), ("9" * 400, None),
    ],
)  # fmt: skip
def test_waits_are_seconds_or_dates(header: str, seconds: float | None) -> None:
    assert read_wait({"retry-after": header}, lambda: datetime(2026, 11, 28, 10, tzinfo=UTC)) == seconds


# ---- the record


def open_record(path: Path, **counts: int) -> CountRecord:
    record = CountRecord(path)
    with record.adding() as writer:
        for text, tokens in counts.items():
            writer.add(text, Count(tokens, "2026-11-28"))
    return record


def test_the_record_outlives_torn_and_damaged_lines(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    open_record(path, one=1, two=2, three=3)
    content = path.read_bytes()
    assert b"one" not in content  # hashes, not texts
    lines = content.strip().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], lines[1].replace(b'"tokens":2', b'"tokens":5'), b"[" * 9000, lines[2][:-9]]))
    assert CountRecord(path).counts == {hash_text("one"): Count(1, "2026-11-28")}
    open_record(path, four=4)
    assert {count.tokens for count in CountRecord(path).counts.values()} == {1, 4}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_in_place_of_the_record_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.jsonl")
    with pytest.warns(CacheWarning, match="it is a pipe"):
        assert CountRecord(tmp_path / "m.jsonl").counts == {}


def test_without_a_cache_counts_last_as_long_as_the_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.warns(CacheWarning, match="cannot be written"):
        record = open_record(tmp_path / "file" / "m.jsonl", one=1)
    assert record.counts[hash_text("one")].tokens == 1


def test_each_host_has_a_record_of_its_own(model: CountingModel, monkeypatch: pytest.MonkeyPatch) -> None:
    here = CountRecord.open(model).path
    monkeypatch.delenv("TOKBENCH_ANTHROPIC_URL")
    there = CountRecord.open(model).path
    assert there.parent.name == "api.anthropic.com"
    assert here.parent.name.startswith("127.0.0.1_")
    assert here.name == there.name == "claude-x.jsonl"


def test_this_machine_is_asked_without_a_proxy(
    counting_server: CountingServer, model: CountingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert request_count(model, KEY, "abc") == OVERHEAD + 3
    assert counting_server.texts == ["abc"]
