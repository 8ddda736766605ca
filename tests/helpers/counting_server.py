"""The counting APIs of closed models on this machine: they answer as documented, or as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tokbench.catalog import network

KEY = "sk-secret-0123456789"
OVERHEAD = 7
"""Tokens of a message around a text, as the server counts them for Anthropic; none for Gemini."""


@dataclass
class CountingServer:
    """A server whose tokens are bytes in UTF-8.

    texts: what it was asked to count, in order. headers: those of the last request.
    odd: answers requests instead, by their number from 0, or all for None.
    """

    address: str = ""
    texts: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    odd: dict[int | None, Callable[[Handler], None]] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    server_state: CountingServer

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, document: object, **headers: str) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def do_POST(self) -> None:
        state = self.server_state
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number = len(state.texts)
        state.headers = {name.lower(): value for name, value in self.headers.items()}
        anthropic = self.path == "/v1/messages/count_tokens"
        if anthropic:
            assert document == {
                "model": "claude-x",
                "messages": [{"role": "user", "content": document["messages"][0]["content"]}],
            }
            text = document["messages"][0]["content"]
        else:
            assert self.path == "/v1beta/models/gemini-x:countTokens"
            text = document["contents"][0]["parts"][0]["text"]
        state.texts.append(text)
        if odd := state.odd.get(number, state.odd.get(None)):
            odd(self)
        elif self.headers["x-api-key" if anthropic else "x-goog-api-key"] != KEY:
            self.reply(401, error("authentication_error", f"invalid x-api-key {KEY}"))
        elif anthropic:
            self.reply(200, {"input_tokens": OVERHEAD + len(text.encode())})
        else:
            self.reply(200, {"totalTokens": len(text.encode()), "promptTokensDetails": []})


def error(kind: str, message: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}}


@pytest.fixture
def counting_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    """The server, in the place of both providers, with a key that it accepts."""
    handler = type("OurHandler", (Handler,), {"server_state": CountingServer()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state = handler.server_state
        state.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "http_proxy", "HTTP_PROXY", "GOOGLE_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("TOKBENCH_ANTHROPIC_URL", "TOKBENCH_GEMINI_URL"):
            monkeypatch.setenv(name, state.address)
        for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
            monkeypatch.setenv(name, KEY)
        monkeypatch.setattr(network, "_network", network.Network())
        yield state
        state.over.set()
        server.shutdown()
        thread.join()
