"""A hub and a web server on this machine, and a catalogue of one entry whose files they have."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

import pytest

from tokbench.catalog import entries as catalog
from tokbench.catalog import network
from tokbench.catalog.entries import read_catalog

COMMIT, LATER = "a" * 40, "b" * 40
HF = json.dumps({"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})
RANKS = b"IQ== 0\nIg== 1\n"


def digest(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


@dataclass
class Web:
    """What the server holds: {path: bytes} for plain addresses, {repository: {file: bytes}} for the hub.

    odd: what answers a request such as "GET /x" in another way.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    commit: str = COMMIT
    broken: bool = False
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    odd: dict[str, Callable[[Handler], None]] = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    web: Web

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if self.web.broken else body)

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        self.web.asked.append(f"{self.command} {path}")
        if odd := self.web.odd.get(f"{self.command} {path}"):
            odd(self)
        elif path in self.web.files:
            self.reply(200, self.web.files[path])
        elif path.startswith("/api/models/"):
            self.list_repository("/".join(path.split("/")[3:5]))
        elif "/resolve/" in path:
            repository, _, rest = path[1:].partition("/resolve/")
            revision, _, name = rest.partition("/")
            self.resolve_file(repository, revision, name)
        else:
            self.reply(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def list_repository(self, name: str) -> None:
        if name not in self.web.repositories:
            self.reply(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        siblings = [{"rfilename": file} for file in self.web.repositories[name]]
        body = json.dumps({"id": name, "sha": self.web.commit, "siblings": siblings}).encode()
        self.reply(200, body, {"Content-Type": "application/json"})

    def resolve_file(self, repository: str, revision: str, name: str) -> None:
        if repository in self.web.gated:
            self.reply(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        elif repository not in self.web.repositories:
            self.reply(401, b"", {"X-Error-Code": "RepoNotFound"})
        elif revision not in {"main", self.web.commit}:
            self.reply(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif name not in self.web.repositories[repository]:
            self.reply(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": self.web.commit})
        else:
            body = self.web.repositories[repository][name]
            self.reply(200, body, {"ETag": f'"{digest(body)[:40]}"', "X-Repo-Commit": self.web.commit})


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Web]:
    """A server on the loopback, as the hub and as any other host, and a process that may use the network."""
    import huggingface_hub
    from huggingface_hub import constants

    handler = type("OurHandler", (Handler,), {"web": Web()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.web.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        use_endpoint(monkeypatch, handler.web.address)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        yield handler.web
        handler.web.over.set()
        huggingface_hub.close_session()
        server.shutdown()
        thread.join()


def use_endpoint(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    from huggingface_hub import constants

    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "http_proxy", "HTTP_PROXY", "TOKBENCH_TOKENIZERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(network, "_network", network.Network())


def use_catalog(monkeypatch: pytest.MonkeyPatch, sources: str, name: str = "one") -> None:
    """A catalogue of one entry with the given sources, in the place of the shipped one."""
    text = f'[{name}]\nfamily = "f"\nalgorithm = "a"\nlicence = "l"\n{sources}'
    entries = read_catalog(text)
    monkeypatch.setattr(catalog, "_shipped", lambda: entries)
    spellings = MappingProxyType({catalog.fold(name): name})
    monkeypatch.setattr(catalog, "_spellings", lambda: spellings)


def hub_source(files: str, more: str = "") -> str:
    return f'[[one.source]]\nhub = "org/name"\n{more}\nfiles = [{files}]\n'


def read_record() -> dict[str, dict[str, str]]:
    path = Path(os.environ["TOKBENCH_CACHE"]) / "hashes.json"
    entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {key: {name: entry[name] for name in entry if name != "check"} for key, entry in entries.items()}
