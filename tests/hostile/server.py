"""A server that answers as the hub does, or lies, stalls, drips and redirects."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMMIT = "a" * 40
FOREVER = 3600.0


@dataclass
class Server:
    """Serves one repository with one file, on a thread for each connection. mode: how it answers; see MODES."""

    content: bytes
    mode: str = "honest"
    name: str = "tokenizer.json"
    port: int = 0

    def start(self) -> None:
        """Listen on a free port of this machine."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        threading.Thread(target=self.accept, args=(listening,), daemon=True).start()

    def accept(self, listening: socket.socket) -> None:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        """Answer one request, and close."""
        with contextlib.suppress(OSError), connection:
            connection.settimeout(FOREVER)
            request = b""
            while b"\r\n\r\n" not in request:
                taken = connection.recv(65536)
                if not taken:
                    return
                request += taken
            method, _, rest = request.decode("latin-1").partition(" ")
            for piece in self.answer(method, rest.partition(" ")[0]):
                connection.sendall(piece)

    def answer(self, method: str, path: str) -> Iterator[bytes]:
        """Yield the bytes of an answer."""
        if method == "HEAD" and path == "/" and self.mode != "deaf":
            yield head(200)
            return
        if self.mode in ODD:
            yield from ODD[self.mode](self)
            return
        if path.startswith("/api/"):
            yield from self.list_files()
        else:
            yield from self.give_file(method)

    def list_files(self) -> Iterator[bytes]:
        names: object = [{"rfilename": self.name}]
        name = {
            "traversal": "../../tokenizer.json",
            "absolute": "/tmp/tokenizer.json",
            "odd name": "\x1b]0;x\x07/tokenizer.json",
        }
        if self.mode in name:
            names = [{"rfilename": name[self.mode]}]
        elif self.mode in WRONG_LISTS:
            names = WRONG_LISTS[self.mode]
        body = json.dumps({"id": "a/b", "sha": COMMIT, "siblings": names}).encode()
        if self.mode in BODIES:
            body = BODIES[self.mode]
        yield head(200, body, "application/json") + body

    def give_file(self, method: str) -> Iterator[bytes]:
        body = {"portal file": b"<html>log in</html>", "flipped": bytes([self.content[0] ^ 1]) + self.content[1:]}
        yield status_line(200) + self.write_headers(body.get(self.mode, self.content)) + b"\r\n"
        if method != "HEAD":
            yield from self.give_body(body.get(self.mode, self.content))

    def write_headers(self, body: bytes) -> bytes:
        """Write the headers of the file, or what the mode has in their place."""
        length = {"longer": len(body) + 1000, "shorter": len(body) - 1000, "huge length": 1 << 60}
        headers = {
            "ETag": {"odd etag": '"../../../../tmp/hostile-etag"'}.get(
                self.mode, f'"{hashlib.sha1(self.content).hexdigest()}"'
            ),
            "X-Repo-Commit": {"odd commit": "../../x"}.get(self.mode, COMMIT),
            "Content-Length": str(length.get(self.mode, len(body))),
        }
        return b"" if self.mode == "no headers" else b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items())

    def give_body(self, body: bytes) -> Iterator[bytes]:
        """Yield the body: at once, byte by byte, or its beginning."""
        if self.mode == "drip":
            for at in range(len(body)):
                yield body[at : at + 1]
                time.sleep(0.5)
        elif self.mode == "stalled body":
            yield body[:100]
            time.sleep(FOREVER)
        else:
            yield body


def status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} X\r\nConnection: close\r\n".encode()


def head(status: int, body: bytes = b"", kind: str = "text/html") -> bytes:
    return status_line(status) + f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()


Answer = Callable[[Server], Iterator[bytes]]


def portal(server: Server) -> Iterator[bytes]:
    body = b"<html><body>Welcome to the hotel</body></html>"
    yield head(200, body) + body


def stall(server: Server) -> Iterator[bytes]:
    time.sleep(FOREVER)
    yield b""


def pour(server: Server) -> Iterator[bytes]:
    yield status_line(200) + b"Content-Type: application/json\r\n\r\n"
    while True:
        yield b"[" * 65536


def pour_headers(server: Server) -> Iterator[bytes]:
    yield status_line(200)
    for number in range(100_000):
        yield f"X-{number}: {'y' * 100}\r\n".encode()


def redirect(where: str, status: int = 302) -> Answer:
    def answer(server: Server) -> Iterator[bytes]:
        place = where.replace("PORT", str(server.port))
        yield status_line(status) + f"Location: {place}\r\nContent-Length: 0\r\n\r\n".encode()

    return answer


def refuse(status: int, extra: str = "") -> Answer:
    def answer(server: Server) -> Iterator[bytes]:
        yield status_line(status) + f"{extra}Content-Length: 2\r\n\r\nno".encode()

    return answer


def say(content: bytes) -> Answer:
    def answer(server: Server) -> Iterator[bytes]:
        yield content

    return answer


ODD = {
    "portal": portal,
    "stall": stall,
    "deaf": stall,
    "pour": pour,
    "pour headers": pour_headers,
    "loop": redirect("http://127.0.0.1:PORT/x"),
    "to a file": redirect("file:///etc/passwd"),
    "to nowhere": redirect("http://127.0.0.1:1/"),
    "to nothing": redirect("", 301),
    "to an odd place": redirect("http://[::1", 307),
    "garbage": say(b"\x00\xff\x16\x03\x01garbage\r\n\r\n"),
    "nothing": say(b""),
    "half a header": say(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "bad chunks": say(status_line(200) + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nxx"),
    "bad length": say(status_line(200) + b"Content-Length: -5\r\n\r\nxx"),
    "bad gzip": say(status_line(200) + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx"),
    "status 999": refuse(999),
    "odd text": refuse(404, "X-Error-Message: \x1b]0;owned\x07\r\n"),
    **{f"status {status}": refuse(status) for status in (204, 304, 400, 401, 403, 404, 418, 451, 500)},
    "gated": refuse(403, "X-Error-Code: GatedRepo\r\n"),
    "no repository": refuse(404, "X-Error-Code: RepoNotFound\r\n"),
}
SLOW = ("stall", "deaf", "drip", "stalled body", "pour", "status 429", "status 503")
ODD |= {f"status {status}": refuse(status, "Retry-After: 999999\r\n") for status in (429, 503)}
WRONG_LISTS: dict[str, object] = {
    "no names": [{}],
    "numbers": [{"rfilename": 7}],
    "null list": None,
    "text list": "tokenizer.json",
    "many": [{"rfilename": f"f{n}"} for n in range(20_000)],
    "other files": [{"rfilename": "pytorch_model.bin"}],
}
BODIES = {
    "empty list": b"",
    "no JSON": b"<html>",
    "deep": b"[" * 100_000,
    "not an object": b"7",
    "bad UTF-8": b'{"id": "\xff\xfe"}',
    "NaN": b'{"id": NaN, "sha": 1e999}',
}
FILES = ("flipped", "portal file", "longer", "shorter", "no headers", "odd commit", "odd etag", "huge length")
MODES = (
    "honest",
    *(mode for mode in ODD if mode not in SLOW),
    "traversal",
    "absolute",
    "odd name",
    *WRONG_LISTS,
    *BODIES,
    *FILES,
)
LIES = (
    "portal",
    "portal file",
    "longer",
    "garbage",
    "nothing",
    "loop",
    "to a file",
    "status 404",
    "no JSON",
    "other files",
)
