"""Requests to the local page that no browser sends."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from hostile.bases import Bases
from hostile.case import Case, Check, Run
from hostile.mutators import DEEP, VALUES, damage_bytes, draw_number, draw_text

SECONDS = 10.0
"""How long a client waits for the answer to a complete request."""
NAMES = ("byt5", "../../etc/passwd", "a" * 300, "no/such-model", "hf:a/b@..", "~", "C:x", "utf8", "\ud800", "NUL")
INCOMPLETE_SECONDS = 3.0
"""How long it waits where the server may well wait for more."""


def draw(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw a case."""
    names = ("utf8", str(bases.tokenizers[pick.choice(("tokenizer.json", "sentencepiece"))]))
    request, note, whole = draw_request(pick, bases)
    answer = folder / "answer"
    stdout = folder.parent / "stdout"
    return Case(
        note,
        ("view", *names, "--port", "0", "--no-open"),
        before=lambda: threading.Thread(target=send, args=(request, whole, stdout, answer), daemon=True).start(),
        checks=(is_served(answer, whole),),
        stopped=True,
        seconds=3 * SECONDS,
    )


def draw_body(pick: random.Random) -> tuple[bytes, str]:
    """Draw a body: a question, damaged."""
    text = pick.choice(
        (
            draw_text(pick, 3000),
            "a" * pick.choice((10_000, 10_000, 100_000, 3_900_000)),
            " \t" * 100_000,
            "\u0301" * 50_000,
        )
    )
    question = {
        "text": text,
        "tokenizers": ["utf8", "tokenizer.json"],
        "reference": "utf8",
        "model": "70m",
        "new_tokens": 64,
    }
    kind = pick.choice(("text", "text", "value", "value", "number", "bytes", "deep", "whole", "unknown"))
    if kind == "value":
        key = pick.choice(list(question))
        question[key] = pick.choice((*VALUES, draw_text(pick), draw_number(pick)))
        kind = f"{key}={str(question[key])[:12]!a}"
    elif kind == "number":
        question["new_tokens"] = draw_number(pick)
    elif kind == "deep":
        key = pick.choice(("text", "tokenizers", "x"))
        return json.dumps({"text": "x", key: 0}).replace(": 0", ": " + "[" * DEEP + "]" * DEEP).encode(), f"deep {key}"
    elif kind == "whole":
        body = pick.choice(
            (b"", b"7", b"[]", b"null", b"[" * DEEP, b'{"a":' * DEEP, b"\xff", b"x" * 5_000_000, b"{}", b"1" * 5000)
        )
        return body, f"all of it {body[:6]!a}"
    elif kind == "unknown":
        question["tokenizers"] = [draw_text(pick), "gpt2", "../../etc/passwd"]
    elif kind == "bytes":
        data, how = damage_bytes(pick, json.dumps(question).encode())
        return data, f"body: {how}"
    return json.dumps(question).encode(), f"{kind}, text {text[:6]!a} of {len(text)}"


def draw_change(pick: random.Random, bases: Bases) -> tuple[str, bytes, str, str]:
    """Draw a request that adds or removes: its path, body, type, and a note."""
    kind = pick.choice(("add", "remove", "upload", "upload"))
    if kind == "upload":
        base = bases.tokenizers[pick.choice(("tokenizer.json", "sentencepiece"))]
        body, how = damage_bytes(pick, base.read_bytes())
        if pick.random() < 0.3:
            body, how = pick.choice(((b'{"a":' * DEEP, "deep"), (b"", "empty"), (b"\0" * (65 << 20), "65 MiB")))
        name = urllib.parse.quote(draw_text(pick), errors="replace")[:3000]
        return f"/api/upload?name={name}", body, "application/octet-stream", f"upload: {how}"
    name = pick.choice((*VALUES, *NAMES, draw_text(pick), draw_number(pick)))
    body = json.dumps({"name": name, "online": pick.choice((True, False, 1, None))}).encode()
    return f"/api/{kind}", body, "application/json", f"{kind} {str(name)[:12]!a}"


def draw_request(pick: random.Random, bases: Bases) -> tuple[bytes, str, bool]:
    """Draw the bytes of a request, and whether it must have an answer."""
    body, note = draw_body(pick)
    content = "application/json"
    method, path = "POST", "/api/encode"
    if pick.random() < 0.4:
        path, body, content, note = draw_change(pick, bases)
    headers = {
        "Host": "127.0.0.1",
        "Content-Type": content,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    kind = pick.choice(("body",) * 6 + ("path", "method", "header", "length", "raw"))
    if kind == "path":
        method, path = (
            "GET",
            pick.choice(
                ("/../../etc/passwd", "/%2e%2e/x", "/page.js%00", "//", "/" + "a" * 70_000, "/api/setup?x=1", "*")
            ),
        )
        note = path[:20]
    elif kind == "method":
        method = note = pick.choice(("GET", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "x" * 100, "HEAD"))
    elif kind == "header":
        name = pick.choice(
            ("Host", "Content-Type", "Transfer-Encoding", "Expect", "Origin", "Sec-Fetch-Site", "Upgrade", "X")
        )
        headers[name] = pick.choice(
            ("evil.example", "chunked", "100-continue", "x" * 70_000, "", "text/plain", "\x01", "websocket")
        )
        note = f"{name}: {headers[name][:12]!a}"
    elif kind == "length":
        headers["Content-Length"] = note = pick.choice(("-1", "0", "99999999999999", "x", "1", "1, 2"))
    elif kind == "raw":
        raw = pick.choice(
            (b"\0\xff\x16\x03", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000, pick.randbytes(200))
        )
        return raw, f"raw {raw[:8]!a}", False
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1", "replace") + body,
        f"{kind}: {note}",
        kind == "body",
    )


def send(request: bytes, whole: bool, stdout: Path, answer: Path) -> None:
    """Send a request, then one of a browser; write down the answers, and stop the server."""
    answers = [ask(find_port(stdout), request, SECONDS if whole else INCOMPLETE_SECONDS)]
    after = b"GET /api/setup HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answers.append(ask(find_port(stdout), after, SECONDS))
    answer.write_bytes(b"\n==\n".join(answers))
    os.kill(os.getpid(), signal.SIGINT)


def find_port(stdout: Path) -> int:
    """Wait until the server says where it listens."""
    import sys

    while True:
        with contextlib.suppress(ValueError, OSError):
            sys.stdout.flush()
        if found := re.search(rb"http://127\.0\.0\.1:(\d+)/", stdout.read_bytes()):
            return int(found[1])
        time.sleep(0.005)


def ask(port: int, request: bytes, seconds: float) -> bytes:
    """Send bytes, and return the answer as far as it comes in time."""
    taken = b""
    end = time.monotonic() + seconds
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), seconds) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
        while time.monotonic() < end:
            connection.settimeout(max(0.01, end - time.monotonic()))
            piece = connection.recv(1 << 20)
            if not piece:
                return taken
            taken += piece
    return taken


def is_served(answer: Path, whole: bool) -> Check:
    """A check: the odd request has no internal error for an answer, and the next one works.

    whole: the request is complete, so that there is an answer, even if only that the text takes too long.
    """

    def check(run: Run) -> str | None:
        first, _, second = answer.read_bytes().partition(b"\n==\n")
        status = re.match(rb"HTTP/1\.1 (\d+)", first)
        if whole and not status:
            return f"no answer within {SECONDS:g} s"
        if status and status[1].startswith(b"5") and b"to encode: choose a shorter one" not in first:
            return f"status {status[1].decode()}"
        if b" 200 " not in second[:20]:
            return "the next request has no answer"
        return None

    return check


__all__ = ["Callable", "draw"]
