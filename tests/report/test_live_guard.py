"""Whom the local page answers, and how much it holds for clients that are slow."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from helpers.served import load_treacherous
from tokbench.report.live import Wanted, Worker, make_app

pytest.importorskip("starlette", reason="no web framework: install tokbench[view]")
uvicorn = pytest.importorskip("uvicorn", reason="no web server: install tokbench[view]")

from tokbench.report.live import _connections, _requests, _server  # noqa: E402

QUESTION = json.dumps({"text": "a", "tokenizers": ["utf8"]}).encode()
OWN = "http://127.0.0.1"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    one = Worker(load_treacherous, [Wanted("utf8", "utf8")])
    one.start()
    one.wait(60)
    yield one
    one.close()


async def call(
    app: Any, path: str = "/api/encode", *, method: str = "POST", body: bytes = QUESTION, **headers: str
) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of an answer."""
    fields = {"host": "127.0.0.1", "content-type": "application/json"}
    fields.update((name.replace("_", "-"), value) for name, value in headers.items())
    pairs = [(name.encode(), value.encode()) for name, value in fields.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": pairs}
    started: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.append(message)

    await app(scope, receive, send)
    (start,) = started
    return start["status"], {name.decode().lower(): value.decode() for name, value in start["headers"]}


def test_other_sites_neither_ask_nor_change_anything(worker: Worker) -> None:
    app = make_app(worker)

    async def scenario() -> None:
        for origin in ("http://evil.example", "null", "http://127.0.0.1:9", "https://127.0.0.1", ""):
            for path in ("/api/encode", "/api/add", "/api/remove", "/api/upload"):
                assert (await call(app, path, origin=origin))[0] == 403, (origin, path)
        for site in ("cross-site", "same-site"):
            assert (await call(app, "/api/tokenizers", method="GET", sec_fetch_site=site))[0] == 403
            assert (await call(app, "/", method="GET", sec_fetch_site=site))[0] == 200  # a link leads here
        assert (await call(app, origin=OWN, sec_fetch_site="same-origin"))[0] == 200
        assert (await call(app, origin="http://localhost:9", host="localhost:9"))[0] == 200  # a forwarded port
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:8765", "", "[::1]"):
            assert (await call(app, host=host))[0] == 400, host

    asyncio.run(scenario())


def test_every_answer_forbids_to_be_framed_guessed_or_kept(worker: Worker) -> None:
    app = make_app(worker)

    async def scenario() -> None:
        cases = (
            await call(app),
            await call(app, "/", method="GET"),
            await call(app, "/nope", method="GET"),
            await call(app, method="PUT"),
            await call(app, host="evil.example"),
            await call(app, origin="null"),
            await call(app, content_type="text/plain"),
        )
        assert [status for status, _ in cases] == [200, 200, 404, 405, 400, 403, 415]
        for _, headers in cases:
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")

    asyncio.run(scenario())


def test_requests_are_held_within_a_limit_together(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(worker)
    monkeypatch.setattr(_requests, "MOST_HELD", len(QUESTION))

    async def scenario() -> None:
        assert (await call(app, body=QUESTION + b" "))[0] == 503
        for _ in range(3):  # what has been answered is not counted
            assert (await call(app))[0] == 200
        replies = await asyncio.gather(*(call(app) for _ in range(3)))
        assert sorted(status for status, _ in replies) == [200, 503, 503]

    asyncio.run(scenario())


def test_a_name_that_no_file_can_have_is_unknown(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", "/")
    app = make_app(worker)
    for name in ("a" * 300, "ก" * 300):
        assert asyncio.run(call(app, "/api/add", body=json.dumps({"name": name}).encode()))[0] == 200


def test_connections_end_that_make_no_progress(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second request, a body that nobody wanted, a reply that nobody takes; more of them than are allowed."""
    monkeypatch.setattr(_requests, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(_connections, "MOST", 20)
    server = uvicorn.Server(_server.configure(make_app(worker), 0))
    page = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    long = json.dumps({"text": "x" * 300_000, "tokenizers": ["utf8"], "pieces": 20_000}).encode()
    head = b"POST /api/encode HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    ask = head + f"Content-Length: {len(long)}\r\n\r\n".encode() + long

    async def scenario() -> None:
        running = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]

        async def leave(content: bytes, limit: int = 1024) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
            writer.write(content)
            return reader, writer

        half = await leave(page + b"GET / HT", limit=1 << 20)
        unwanted = await leave(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{", limit=1 << 20)
        for reader, _ in (half, unwanted):
            assert b"How tokenizers split" in await reader.read()  # until the server closes it
        untaken = [await leave(ask) for _ in range(3)]
        while len(server.server_state.connections) < 3:
            await asyncio.sleep(0.01)
        while server.server_state.connections:
            await asyncio.sleep(0.01)
        many = [await leave(b"") for _ in range(40)]
        await asyncio.sleep(0.05)
        assert len(server.server_state.connections) <= 20
        for _, writer in (half, unwanted, *untaken, *many):
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        while server.server_state.connections:
            await asyncio.sleep(0.01)
        server.should_exit = True
        await running

    asyncio.run(scenario())
