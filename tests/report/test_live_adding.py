"""Tokenizers that are added on the page: by name, and from files, which are tried first and kept nowhere."""

from __future__ import annotations

import asyncio
import errno
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tokbench as tb
from helpers import made
from tokbench.report.live import Uploads, Wanted, Worker, _uploads, choose, make_app
from tokbench.report.live._loading import load

pytest.importorskip("starlette", reason="no web framework: install tokbench[view]")
pytest.importorskip("uvicorn", reason="no web server: install tokbench[view]")

OCTETS = {"content-type": "application/octet-stream"}


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for temporary files."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def page(temporary: Path) -> Iterator[tuple[Any, Worker, Uploads]]:
    """An application with its worker and files."""
    uploads = Uploads()
    worker = Worker(load, [Wanted("utf8", "utf8")], tell=uploads.note)
    yield make_app(worker, uploads, offline=True), worker, uploads
    worker.close()
    uploads.close()
    assert [*temporary.iterdir()] == []


@pytest.fixture(scope="module")
def tokenizer_json(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return made.make_tokenizer_json(tmp_path_factory.mktemp("made")).read_bytes()


def call(app: Any, path: str, body: bytes = b"", method: str = "POST", **headers: str) -> tuple[int, Any]:
    """Return the status and document of a request."""
    fields = {"host": "127.0.0.1", "content-type": "application/json", **headers}
    address, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": address,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
    }
    status, content = 0, b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, content
        status = message.get("status", status)
        content += message.get("body", b"")

    asyncio.run(app(scope, receive, send))
    return status, json.loads(content) if content.startswith((b"{", b"[")) else content.decode()


def named(name: object, **more: object) -> bytes:
    return json.dumps({"name": name, **more}).encode()


def test_a_file_is_tried_used_and_removed(page: Any, temporary: Path, tokenizer_json: bytes) -> None:
    app, worker, _ = page
    status, said = call(app, "/api/upload?name=my%20own.json", tokenizer_json, **OCTETS)
    assert (status, said["added"], said["fault"]) == (200, "file: my own.json", None)
    listed = {one.name: one for one in worker.wait(60)}
    assert listed["file: my own.json"].state == "ready"
    assert listed["file: my own.json"].upload
    (kept,) = temporary.glob("tokbench-view-*/*/*")
    assert kept.read_bytes() == tokenizer_json
    assert kept.parent.parent.stat().st_mode & 0o077 == 0
    body = json.dumps({"text": "the dog", "tokenizers": ["file: my own.json"]}).encode()
    status, found = call(app, "/api/encode", body)
    assert (status, found["results"][0]["tokens"]) == (200, tb.load_tokenizer(kept).count("the dog"))
    _, again = call(app, "/api/upload?name=my%20own.json", tokenizer_json, **OCTETS)
    assert again["added"].startswith("file: my own.json (")
    worker.wait(60)
    for name in ("file: my own.json", again["added"]):
        assert call(app, "/api/remove", named(name))[0] == 200
    assert [*temporary.glob("tokbench-view-*/*")] == []


def test_nothing_of_a_file_is_cached(page: Any, tokenizer_json: bytes, tmp_path: Path) -> None:
    """Not even derived tables; only that this hash has passed the trial."""
    wanted = page[2].keep("x.json", tokenizer_json)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKBENCH_CACHE", str(tmp_path / "cache"))
        load(wanted).encode("the dog")
    page[2].discard(wanted.name)
    kinds = {
        path.relative_to(tmp_path / "cache").parts[0] for path in (tmp_path / "cache").rglob("*") if path.is_file()
    }
    assert kinds <= {"trials"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{}", "bad.json"),
        (b'{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}', "-1"),
        (b"\x80\x04]\x94.", "bad.json is a pickle"),
        (b"GGUF" + b"\0" * 100, "gguf"),
        (b"1 'a' 1\n2 'b' 1\n", "files of the format rwkv cannot be opened here"),
        (b"\xff" * 1000, "bad.json"),
        ('{"model": {}}'.encode("utf-16"), "UTF-16"),  # with a hint that names the file, as the next one
        (b"IQ== 0\nIg== 1\n" * 9, "the same split"),
    ],
)
def test_a_file_that_is_no_tokenizer_is_refused_and_removed(
    page: Any, temporary: Path, content: bytes, says: str
) -> None:
    app, worker, _ = page
    _, said = call(app, "/api/upload?name=bad.json", content, **OCTETS)
    worker.wait(60)
    listed = {one.name: one for one in worker.list()}[said["added"]]
    assert listed.state == "failed"
    assert says in str(listed.fault)
    assert "tokbench-view" not in str(listed.fault)
    assert [*temporary.glob("tokbench-view-*/*")] == []
    call(app, "/api/remove", named(said["added"]))


def test_limits_of_files(page: Any, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, *_ = page
    assert call(app, "/api/upload?name=x", b"", **OCTETS)[1]["fault"].startswith("the file is empty")
    assert call(app, "/api/upload?name=x", b"{}")[0] == 415  # another site's page cannot ask for the right type
    assert call(app, "/api/upload?name=x", b"{}", **OCTETS, host="evil.example")[0] == 400
    assert call(app, "/api/upload?name=x", b"", method="GET")[0] == 405
    monkeypatch.setattr(_uploads, "MOST_TOTAL", 10)
    said = call(app, "/api/upload?name=x", b"x" * 11, **OCTETS)[1]
    assert (said["added"], said["fault"]) == (None, "0 files opened here have 0 MiB together; remove some")
    monkeypatch.setattr(_uploads, "MOST_BYTES", 5)
    with pytest.raises(tb.TokbenchError, match="larger than 0 MiB"):
        Uploads().keep("x", b"123456")
    assert [*temporary.glob("tokbench-view-*/*")] == []


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd", "file: passwd"),
        ("..\\..\\a.json", "file: a.json"),
        ("", "file: unnamed"),
        ("\x1b[31m\u202e", "file: \\x1b[31m\\u202e"),
        ("a" * 500, f"file: {'a' * 79}…"),
        ("\ud800", "file: ?"),
    ],
)
def test_names_of_files_are_labels_only(temporary: Path, name: str, label: str) -> None:
    uploads = Uploads()
    try:
        wanted = uploads.keep(name, b"{}")
        assert wanted.name == label
        assert Path(wanted.argument).name == "tokenizer.json"
        assert temporary in Path(wanted.argument).parents
    finally:
        uploads.close()


def test_files_of_one_name_have_labels_of_their_own(temporary: Path) -> None:
    uploads = Uploads()
    try:
        labels = [uploads.keep(name, b"{}").name for name in ("a", "a (2)", "a", "a", "a (2)")]
        assert labels == ["file: a", "file: a (2)", "file: a (3)", "file: a (4)", "file: a (2) (2)"]
        assert len([*temporary.glob("tokbench-view-*/*")]) == 5
        for label in labels:
            uploads.discard(label)
        assert [*temporary.glob("tokbench-view-*/*")] == []
    finally:
        uploads.close()


def test_a_disk_that_is_full_or_cleaned_is_no_fault_of_the_server(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(path: Path, content: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    uploads = Uploads()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", fill_up)
            with pytest.raises(tb.TokbenchError, match="cannot be kept: No space left on device; make room"):
                uploads.keep("x", b"{}")
        assert [*temporary.glob("tokbench-view-*/*")] == []
        assert uploads._folder is not None
        uploads._folder.rmdir()  # as systems do with what is old
        assert Path(uploads.keep("x", b"{}").argument).read_bytes() == b"{}"
    finally:
        uploads.close()


def test_names_are_of_the_catalogue_or_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose(" GPT-4o ", online=True) == Wanted("o200k_base", "o200k_base", online=True)
    assert choose("some/model", online=True) == Wanted("some/model", "hf:some/model", online=True)
    assert choose("hf:some/model@main", online=False) == Wanted("some/model@main", "hf:some/model@main")
    for path in ("/etc/passwd", "../x", "~/x", "./tokenizer.json", "a/b.json", "..", "."):
        with pytest.raises(tb.TokbenchError, match="paths are not read from the page"):
            choose(path, online=True)
    for name, says in {"gpt-neox-20bb": "gpt-neox-20b", "": "no name", "x" * 301: "too long", "hf:x": "hub"}.items():
        with pytest.raises(tb.TokbenchError, match=says):
            choose(name, online=True)
    (tmp_path / "mine").mkdir()
    made.make_tokenizer_json(tmp_path / "mine")
    monkeypatch.setenv("TOKBENCH_TOKENIZERS", str(tmp_path))
    assert choose("mine", online=True) == Wanted("mine", "mine")
    with pytest.raises(tb.TokbenchError, match="anthropic"):
        choose("anthropic:claude", online=True)


def test_adding_and_removing_by_name(page: Any) -> None:
    app, worker, _ = page
    status, said = call(app, "/api/add", named("byt5", online=True))
    assert (status, said["added"]) == (200, "byt5")
    assert [one.state for one in worker.wait(60) if one.name == "byt5"] == ["ready"]
    assert call(app, "/api/add", named("gpt-neox-20bb"))[1]["fault"].endswith("did you mean 'gpt-neox-20b'?")
    _, said = call(app, "/api/add", named("no/such-model", online=True))
    (listed,) = [one for one in worker.wait(60) if one.name == said["added"]]
    assert listed.state == "failed"  # nothing is downloaded: the page is offline
    for body in (b"", b"[]", b"{}", named(3), named("a\nb"), named("\ud800"), b"[" * 9000):
        assert call(app, "/api/add", body)[0] == 400
        assert call(app, "/api/remove", body)[0] == 400
    assert call(app, "/api/add", b" " * 10_001)[0] == 413
    assert call(app, "/api/add", named("utf8"), **{"content-type": "text/plain"})[0] == 415
    for name in ("byt5", "no/such-model"):
        _, said = call(app, "/api/remove", named(name))
    assert [one["name"] for one in said["tokenizers"]] == ["utf8"]
    status, listed = call(app, "/api/catalog", method="GET")
    assert (status, {one["name"]: one["here"] for one in listed}["utf8"]) == (200, "built in")
    assert call(app, "/api/setup", method="GET")[1]["offline"] is True
