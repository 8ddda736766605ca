"""The server of the local page lives on, whatever it is asked and however."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

import tokbench as tb
from helpers.served import load_or_end, load_treacherous
from tokbench.report.live import Wanted, Worker, make_app
from tokbench.report.live._process import respond

pytest.importorskip("starlette", reason="no web framework: install tokbench[view]")
uvicorn = pytest.importorskip("uvicorn", reason="no web server: install tokbench[view]")

from tokbench.report.live import _connections, _requests, _server  # noqa: E402

UTF8, NOBODY = Wanted("utf8", "utf8"), Wanted("nobody", "nobody")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    one = Worker(load_treacherous, [UTF8, NOBODY])
    one.start()
    one.wait(60)
    yield one
    one.close()


def ask(worker: Worker, text: str) -> tuple[int, Any]:
    reply = worker.ask(json.dumps({"text": text, "tokenizers": ["utf8"]}).encode())
    return reply.status, json.loads(reply.content)


async def call(app: Any, body: Any, path: str = "/api/encode", method: str = "POST", **headers: str) -> int:
    """Return the status of a request; `body`: its chunks, or None for one that never arrives."""
    fields = {"host": "127.0.0.1", "content-type": "application/json", **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
    }
    chunks = list(body or ())
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if not chunks:
            await asyncio.Event().wait()
        chunk = chunks.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]


def test_a_text_that_takes_too_long_or_ends_the_engine_is_refused(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, failed = worker.wait(60)
    assert (ready.name, ready.state, ready.vocabulary) == ("utf8", "ready", 256)
    assert (failed.state, failed.fault) == ("failed", "nobody is not available here; name another")
    assert ask(worker, "ab")[1]["results"][0]["tokens"] == 2
    first = worker._process.pid
    status, said = ask(worker, "crash")
    assert (status, said["error"]) == (
        503,
        "the engine of utf8 ended its process on this text: choose another one",
    )
    assert worker.wait(60)[0].state == "ready"
    assert ask(worker, "ab")[1]["results"][0]["tokens"] == 2
    monkeypatch.setattr(worker, "_limit", 0.2)
    hanging = worker._process.pid
    status, said = ask(worker, "hang")
    assert (status, said["error"]) == (503, "the text takes utf8 longer than 0.2 s to encode: choose a shorter one")
    assert said["culprits"] == ["utf8"]
    assert hanging != first
    with pytest.raises(ProcessLookupError):
        os.kill(hanging, 0)  # its core is free
    monkeypatch.setattr(worker, "_limit", 60.0)
    worker.wait(60)
    assert ask(worker, "ab")[0] == 200


def test_tokenizers_are_added_and_removed_while_it_runs(worker: Worker) -> None:
    def ask_other() -> Any:
        body = json.dumps({"text": "ab", "tokenizers": ["other"]}).encode()
        return json.loads(worker.ask(body).content)["results"][0]

    worker.add(Wanted("other", "utf8"))
    assert [(one.name, one.state) for one in worker.wait(60)][-1] == ("other", "ready")
    worker.add(Wanted("other", "nobody"))  # it is here
    assert ask_other()["tokens"] == 2
    worker.remove("other")
    assert ask_other()["error"] == "it is not loaded: add it again"
    assert "other" not in [one.name for one in worker.list()]
    worker.add(NOBODY)  # a failed one is tried again
    assert [one.state for one in worker.wait(60) if one.name == "nobody"] == ["failed"]
    worker.remove("never")


def test_there_is_a_limit_to_tokenizers(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    from tokbench.report.live import _worker

    monkeypatch.setattr(_worker, "MOST_TOKENIZERS", 1)
    with pytest.raises(tb.TokbenchError, match="1 tokenizers are loaded; remove some"):
        worker.add(Wanted("more", "utf8"))


def test_an_engine_that_ends_its_process_while_loading_fails_alone() -> None:
    told: list[Any] = []
    failing = Worker(load_or_end, [Wanted("bad", "bad")], tell=told.append)
    try:
        failing.start()
        (listed,) = failing.wait(60)
        assert listed.state == "failed"
        assert listed.fault == "an engine ended its process while this tokenizer was loading: leave it out"
        failing.add(UTF8)
        assert [one.state for one in failing.wait(60)] == ["failed", "ready"]
        assert json.loads(failing.ask(b'{"text": "ab", "tokenizers": ["utf8"]}').content)["results"][0]["tokens"] == 2
        assert [one.name for one in told] == ["bad", "utf8"]
    finally:
        failing.close()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 50_000, "nested too deeply"),
        (b'{"text": "\xff"}', "can't decode"),
        (b"\x00", ""),
        (b"", ""),
        (b'{"text": "\\ud800"}', "lone surrogate"),
        (b'{"text": "a", "messages": [[]]}', "a message needs"),
        (b'{"text": "a", "model": "\\udfff"}', "no model is called"),
        (b'{"tokenizers": ["utf8", "utf8"]}', "name each tokenizer once"),
        (b'{"pieces": 1' + b"0" * 5000 + b"}", ""),
        (b'{"pieces": NaN}', "pieces must be"),
    ],
)
def test_a_request_that_is_no_question_is_400(body: bytes, says: str) -> None:
    reply = respond(body, {"utf8": tb.load_tokenizer("utf8")})
    assert reply.status == 400
    assert says in json.loads(reply.content)["error"]


def test_control_characters_in_a_text_are_text() -> None:
    body = json.dumps({"text": "\0\x1b\u202e", "tokenizers": ["utf8"]}).encode()
    assert respond(body, {"utf8": tb.load_tokenizer("utf8")}).status == 200


def test_requests_are_refused_before_they_reach_the_engines(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(worker)
    question = json.dumps({"text": "a", "tokenizers": ["utf8"]}).encode()

    async def scenario() -> None:
        assert await call(app, [question[:5], question[5:]]) == 200
        assert await call(app, [b" " * 3_000_000] * 2) == 413
        assert await call(app, [question[:5], None]) == 400
        assert await call(app, [question, None]) == 400  # withdrawn
        assert await call(app, [question], host="evil.example") == 400
        assert await call(app, [question], **{"content-type": "text/plain"}) == 415
        for method in ("GET", "PUT", "TRACE", "NONSENSE", ""):
            assert await call(app, [question], method=method) == 405
        for path in ("/../../etc/passwd", "/%2e%2e/x", "//etc/passwd", "/page.py", "/\0", "", "/api/encode/"):
            assert await call(app, [b""], path=path, method="GET") in (307, 404)
        monkeypatch.setattr(_requests, "BODY_SECONDS", 0.05)
        assert await call(app, None) == 408
        monkeypatch.setattr(_requests, "MOST_WAITING", 0)
        assert await call(app, [question]) == 503

    asyncio.run(scenario())


def test_odd_and_silent_clients_do_not_end_the_server(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through real sockets: many that say nothing, lengths that are none, a body that does not come."""
    monkeypatch.setattr(_requests, "BODY_SECONDS", 0.2)
    server = uvicorn.Server(_server.configure(make_app(worker), 0))
    page = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    post = b"POST /api/encode HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"

    async def exchange(port: int, content: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(content)
        received = await reader.read()
        writer.close()
        return received

    async def scenario() -> None:
        running = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
        assert (await exchange(port, page)).startswith(b"HTTP/1.1 200")
        assert len(server.server_state.connections) <= _connections.MOST
        for length in (b"-1", b"x", b"1e3", b"9" * 30, b"1, 2"):
            received = await exchange(port, post + b"Content-Length: " + length + b"\r\n\r\n{}")
            assert received.startswith((b"HTTP/1.1 400", b"HTTP/1.1 408")), (length, received)
        assert (await exchange(port, post + b"Content-Length: 9\r\n\r\n{")).startswith(b"HTTP/1.1 408")
        assert (await exchange(port, post + b"\r\n")).startswith(b"HTTP/1.1 400")
        assert (await exchange(port, b"\x16\x03\x01 no http\r\n\r\n")).startswith(b"HTTP/1.1 400")
        assert (await exchange(port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400")
        assert await exchange(port, b"GET / HT") == b""  # closed when it says no more
        for reader, writer in silent:
            assert await reader.read() == b""
            writer.close()
        assert (await exchange(port, page)).startswith(b"HTTP/1.1 200")
        server.should_exit = True
        await running

    asyncio.run(scenario())
