"""A network that is slow, cut off, endless, or answers with something else: one clear line, in bounded time."""

from __future__ import annotations

import gzip
import json
import logging
import os
import re
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from helpers.commands import refuse
from helpers.web import COMMIT, HF, LATER, Web, digest, hub_source, read_record, use_catalog
from helpers.web import web as web
from tokbench.adapters import load_asset, load_tokenizer
from tokbench.catalog import network
from tokbench.catalog.sources import find
from tokbench.errors import NetworkWarning, TokbenchError, UnavailableError
from tokbench.pythia.formats.hub import fetch_model

Answer = Callable[[BaseHTTPRequestHandler], None]
PAGE = b"<!DOCTYPE html><html><title>Hotel Wi-Fi</title><form>room number</form></html>"
HEADERS = {"ETag": f'"{"e" * 40}"', "X-Repo-Commit": COMMIT}
FILE = "/org/name/resolve/main/tokenizer.json"


@pytest.fixture(autouse=True)
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a server which does not end exceeds at once; the transfers of a slow machine keep within them."""
    limits = replace(network.LIMITS, silence=0.3, notice=0.05, grace=0.4, file=200_000, listing=100_000)
    monkeypatch.setattr(network, "LIMITS", limits)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit in time, for answers that end by themselves."""
    monkeypatch.setattr(network, "LIMITS", replace(network.LIMITS, silence=10.0, notice=30.0, grace=60.0))


def send(body: bytes, status: int = 200, **headers: str) -> Answer:
    """Answer with headers as they are given (`Content_Length="9"`), and close."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(body)

    return answer


def drip(web: Web, first: bytes = b"") -> Answer:
    """Send headers and a byte at a time, for ever."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(first)
        try:
            while not web.over.wait(0.02):
                handler.wfile.write(b"x")
        except OSError:
            pass

    return answer


def stall(web: Web, first: bytes = b"") -> Answer:
    """Send the start of a body of 100 bytes, and no more."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in {**HEADERS, "Content-Length": "100"}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(first)
        handler.wfile.flush()
        web.over.wait()

    return answer


def pour(handler: BaseHTTPRequestHandler) -> None:
    """Send bytes without end, as fast as they are taken."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"0" * 10_000)
    except OSError:
        pass


def use_address(web: Web, monkeypatch: pytest.MonkeyPatch, more: str = "") -> None:
    file = f'{{ name = "x.json"{more} }}'
    use_catalog(monkeypatch, f'[[one.source]]\nurl = "{web.address}/"\nfiles = [{file}]\n')


def refuse_download(says: str) -> str:
    with pytest.raises(UnavailableError, match=says) as caught:
        find("one")
    folder = Path(os.environ["TOKBENCH_CACHE"]) / "files" / "one"
    assert not folder.exists() or list(folder.iterdir()) == []
    assert read_record() == {}
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- web addresses


@pytest.mark.parametrize("how", [drip, stall])
def test_a_slow_body_is_announced_and_ended(
    web: Web, monkeypatch: pytest.MonkeyPatch, how: Callable[[Web], Answer]
) -> None:
    use_address(web, monkeypatch)
    web.odd["GET /x.json"] = how(web)
    with pytest.warns(
        NetworkWarning, match=r"still waiting for http.*x\.json after 0\.05 s \(Ctrl-C to stop\)"
    ) as told:
        refuse_download(r"x\.json (is too slow: \d+ bytes in \d s|could not be downloaded: .*timed out)")
    assert len(told) == 1


def test_bytes_that_arrive_allow_more_time() -> None:
    transfer = network.Transfer("x", None)
    before = transfer._allow()
    transfer.add(40_000)
    assert transfer._allow() == before + 2
    assert network.Transfer("x", None, ahead=20_000)._allow() == before + 1


def test_what_is_abandoned_stops_when_it_next_counts(web: Web) -> None:
    proceed, ended = threading.Event(), threading.Event()

    def task(transfer: network.Transfer) -> None:
        proceed.wait()
        try:
            transfer.add(1)
        finally:
            ended.set()

    with pytest.warns(NetworkWarning), pytest.raises(UnavailableError, match="too slow"):
        network.Transfer("x", None).run(task)
    proceed.set()
    assert ended.wait(30)


def test_an_endless_body_ends_at_the_limit(web: Web, monkeypatch: pytest.MonkeyPatch, patient: None) -> None:
    web.odd["GET /x.json"] = pour
    use_address(web, monkeypatch)
    refuse_download("is larger than the limit of 200,000 bytes")
    use_address(web, monkeypatch, f', sha256 = "{"0" * 64}", bytes = 1000')
    refuse_download("is larger than the limit of 1,000 bytes")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (send(HF.encode(), Content_Length="1000000"), "is larger than the limit of 200,000 bytes"),
        (send(HF.encode(), Content_Length=str(len(HF) + 9)), f"was cut off after {len(HF)} of {len(HF) + 9} bytes"),
        (send(PAGE, Content_Type="text/html; charset=utf-8"), "the answer is a web page; if this network has a login"),
        (send(gzip.compress(HF.encode()), Content_Encoding="gzip"), "encoded as gzip, which was not requested"),
        (send(b"", 302, Location="file:///etc/passwd"), "edirection to url 'file:///etc/passwd' is not allowed"),
        (send(b"", 302, Location="ftp://127.0.0.1/x"), "it redirects to ftp://127.0.0.1/x"),
        (send(b"", 302, Location="/x.json"), "infinite loop"),
        (send(b"", 302, Location="http://[::1/x"), "could not be downloaded: "),
        (send(b"", Content_Length="9" * 40), "is larger than the limit of 200,000 bytes"),
        (send(b"", 404), "could not be downloaded: status 404"),
        (send(b"", 401), "status 401"),
        (send(b"", 403), "status 403"),
        (send(b"", 429, Retry_After="30"), "status 429; try again in 30 s"),
        (send(b"", 503, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), "status 503; try again after Wed, 21 Oct"),
        (send(b"zz\r\n", Transfer_Encoding="chunked"), "could not be downloaded: "),
        (lambda handler: handler.wfile.write(b"\0\xff nonsense\r\n\r\n"), "could not be downloaded: "),
        (lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200), "could not be downloaded: "),
        (lambda handler: None, "could not be downloaded: "),
    ],
)
def test_an_answer_that_is_no_file_is_one_line(
    web: Web, monkeypatch: pytest.MonkeyPatch, patient: None, answer: Answer, says: str
) -> None:
    use_address(web, monkeypatch)
    web.odd["GET /x.json"] = answer
    refuse_download(re.escape(says))


@pytest.mark.parametrize("promised", ["nine", "-5", ""])
def test_a_length_that_is_no_number_is_not_believed(
    web: Web, monkeypatch: pytest.MonkeyPatch, patient: None, promised: str
) -> None:
    use_address(web, monkeypatch)
    web.odd["GET /x.json"] = send(HF.encode(), Content_Length=promised)
    assert find("one").sha256 == digest(HF)


def test_a_redirect_is_followed_but_not_out_of_https(web: Web, monkeypatch: pytest.MonkeyPatch, patient: None) -> None:
    from urllib.error import URLError
    from urllib.request import HTTPRedirectHandler, Request

    web.files["/y.json"] = HF.encode()
    web.odd["GET /x.json"] = send(b"", 302, Location="/y.json")
    use_address(web, monkeypatch)
    assert find("one").sha256 == digest(HF)
    careful = next(one for one in network._make_opener().handlers if isinstance(one, HTTPRedirectHandler))
    with pytest.raises(URLError, match="it redirects to http://a/b"):
        careful.redirect_request(Request("https://a/b"), None, 302, "", {}, "http://a/b")  # type: ignore[arg-type]


# ---- the hub


def serve_listing(web: Web, body: bytes, **headers: str) -> None:
    web.odd["GET /api/models/org/name"] = send(body, **headers)


@pytest.mark.parametrize(
    "body",
    [
        PAGE,
        b"",
        b"[]",
        b"null",
        b'{"siblings": 5}',
        b'{"siblings": [5]}',
        b'{"siblings": [{}]}',
        b'{"siblings": [{"rfilename": []}]}',
        b"[" * 90_000,
        b"\xff\xfe",
    ],
)
def test_a_listing_that_the_hub_would_not_send(web: Web, patient: None, body: bytes) -> None:
    serve_listing(web, body)
    with pytest.raises(UnavailableError, match=r"org/name on the hub could not be listed: .* login page, log in"):
        find("hf:org/name")


def test_a_listing_has_a_size_limit(web: Web, patient: None) -> None:
    for answer in (pour, send(gzip.compress(b" " * 10_000_000), Content_Encoding="gzip"), send(b"{" * 200_000, 500)):
        web.odd["GET /api/models/org/name"] = answer
        with pytest.raises(
            UnavailableError, match="the list of files of org/name on the hub is larger than the limit of 100,000"
        ):
            find("hf:org/name")


def test_names_in_a_listing_lead_nowhere_else(web: Web, patient: None) -> None:
    names = ["../../../evil/tokenizer.json", "/etc/tokenizer.json", "\x1b]0;x\x07", 7]
    serve_listing(web, json.dumps({"siblings": [{"rfilename": name} for name in names]}).encode())
    with pytest.raises(TokbenchError, match="org/name on the hub has no supported tokenizer file"):
        find("hf:org/name")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (send(b"", 429, Retry_After="7"), "org/name on the hub answered with status 429; try again in 7 s"),
        (send(b"", 503), "answered with status 503"),
        (send(b"", 500), "answered with status 500"),
        (send(b"", 302, Location=FILE), "TooManyRedirects"),
        (send(b"", 302, Location="file:///etc/passwd", X_Linked_Size="9", **HEADERS), "redirects to file:///etc/pass"),
        (send(b"", Content_Length="9"), "the answer is not what the hub sends"),
        (send(b"", **HEADERS), "the answer is not what the hub sends"),
        (send(b"", Content_Length="x", **HEADERS), "could not be downloaded: "),
        (send(b"", Content_Length="9", ETag='"../../x"', X_Repo_Commit=COMMIT), "the answer is not what the hub sends"),
        (send(b"", Content_Length="9", ETag='"a"', X_Repo_Commit="../.."), "the answer is not what the hub sends"),
        (send(b"", Content_Length="300000", **HEADERS), "is larger than the limit of 200,000 bytes"),
    ],
)
def test_a_file_of_the_hub_that_is_announced_wrongly(
    web: Web, monkeypatch: pytest.MonkeyPatch, patient: None, answer: Answer, says: str
) -> None:
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }'))
    web.odd[f"HEAD {FILE}"] = answer
    with pytest.raises(UnavailableError, match=re.escape(says)) as caught:
        find("one")
    assert "\n" not in str(caught.value)
    assert read_record() == {}


def test_a_silent_or_slow_hub(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }'))
    web.odd[f"HEAD {FILE}"] = lambda handler: bool(web.over.wait()) and None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NetworkWarning)
        with pytest.raises(UnavailableError, match=r"ReadTimeout|too slow"):
            find("one")
    del web.odd[f"HEAD {FILE}"]
    web.repositories["org/name"] = {"tokenizer.json": HF.encode()}
    web.odd[f"GET {FILE}"] = stall(web, b"{")
    with (
        pytest.warns(NetworkWarning, match=r"still waiting for tokenizer\.json of org/name on the hub"),
        pytest.raises(UnavailableError, match=r"tokenizer\.json of org/name on the hub is too slow"),
    ):
        find("one")


def test_a_body_from_the_hub_that_is_not_as_announced(web: Web, monkeypatch: pytest.MonkeyPatch, patient: None) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }'))
    web.repositories["org/name"] = {"tokenizer.json": HF.encode()}
    for answer, says in (
        (pour, "is larger than the limit of 200,000 bytes"),
        (send(b"{}"), "Consistency check failed"),
    ):
        web.odd[f"GET {FILE}"] = answer
        with pytest.raises(UnavailableError, match=says):
            find("one")
    del web.odd[f"GET {FILE}"]
    assert find("one").sha256 == digest(HF)


# ---- what is remembered


def test_a_login_page_in_the_place_of_a_file_is_forgotten(web: Web, patient: None) -> None:
    """A network that answers everything with its page, with the headers of the hub."""
    web.repositories["org/name"] = {"tokenizer.json": PAGE}
    with pytest.raises(TokbenchError):
        load_tokenizer("hf:org/name")
    assert read_record() == {}
    web.repositories["org/name"] = {"tokenizer.json": HF.encode()}
    assert load_tokenizer("hf:org/name").encode("a") == [0]
    assert read_record() == {"org/name@main/tokenizer.json": {"sha256": digest(HF), "commit": COMMIT}}


def test_a_file_is_recorded_once_it_was_read(web: Web, monkeypatch: pytest.MonkeyPatch, patient: None) -> None:
    use_address(web, monkeypatch)
    web.files["/x.json"] = json.dumps({"version": "1.0", "model": {"type": "BPE", "vocab": 5, "merges": 0}}).encode()
    with pytest.raises(TokbenchError):
        load_tokenizer("one")
    assert read_record() == {}
    for path in (Path(os.environ["TOKBENCH_CACHE"]) / "files/one").iterdir():
        path.unlink()
    web.files["/x.json"] = HF.encode()
    asset = find("one")
    load_asset(asset)
    assert read_record() == {f"{web.address}/x.json": {"sha256": digest(HF)}}
    asset.files[0].write_text(HF + " ")
    with pytest.raises(TokbenchError, match="it has changed since it was found"):
        load_asset(asset)


def test_pull_records_what_it_can_read(web: Web, patient: None) -> None:
    from tokbench.cli.pull import run

    web.repositories["org/name"] = {"tokenizer.json": PAGE}
    refuse("pull", "hf:org/name", says="tokenizer.json")
    assert read_record() == {}
    web.repositories["org/name"] = {"tokenizer.json": HF.encode()}
    run(["hf:org/name"])
    assert read_record().keys() == {"org/name@main/tokenizer.json"}
    web.commit, web.repositories["org/name"]["tokenizer.json"] = LATER, HF.encode() + b" "
    assert find("hf:org/name").sha256 == digest(HF)


def test_another_tokenizer_under_a_known_name_is_refused(
    web: Web, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    use_catalog(monkeypatch, "vocab_base = 50000\n" + hub_source('{ name = "tokenizer.json" }'))
    web.repositories["org/name"] = {"tokenizer.json": HF.encode()}
    refuse("pull", "one", says="holds 1 tokens, one has 50,000: it is another tokenizer; delete it and try again")
    assert read_record() == {}


def test_the_library_does_not_speak_of_its_attempts(
    web: Web, monkeypatch: pytest.MonkeyPatch, patient: None, caplog: pytest.LogCaptureFixture
) -> None:
    use_catalog(monkeypatch, hub_source('{ name = "tokenizer.json" }'))
    web.repositories["org/name"] = {"tokenizer.json": HF.encode()}
    monkeypatch.setattr(time, "sleep", lambda _: None)
    web.odd[f"GET {FILE}"] = send(HF.encode()[:20], Content_Length=str(len(HF)))
    monkeypatch.setattr(logging.getLogger("huggingface_hub"), "propagate", True)
    with pytest.raises(UnavailableError, match=r"could not be downloaded: .*(closed|Connection)"):
        find("one")
    assert caplog.records == []


# ---- models of the hub


def test_a_model_of_the_hub_within_limits(web: Web, patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    web.odd["GET /api/models/org/name/revision/main"] = send(b"", 429, Retry_After="9")
    with pytest.raises(UnavailableError, match="org/name on the hub answered with status 429; try again in 9 s"):
        fetch_model("org/name")
    web.odd["GET /api/models/org/name/revision/main"] = send(PAGE)
    with pytest.raises(UnavailableError, match="org/name on the hub could not be downloaded: "):
        fetch_model("org/name")
    for tree in (b'["text"]', b"[{}]", b"[null]", b"7", b'[{"type": "file"}]', b"[" * 100_000):
        web.odd["GET /api/models/org/name/revision/main"] = send(b'{"id": "org/name", "sha": "%s"}' % COMMIT.encode())
        web.odd[f"GET /api/models/org/name/tree/{COMMIT}"] = send(tree)
        with pytest.raises(UnavailableError, match="org/name on the hub could not be downloaded: "):
            fetch_model("org/name")


def test_a_listing_of_a_model_that_drips_is_given_no_time_for_its_files(web: Web) -> None:
    web.odd["GET /api/models/org/name/revision/main"] = send(b'{"id": "org/name", "sha": "%s"}' % COMMIT.encode())
    web.odd[f"GET /api/models/org/name/tree/{COMMIT}"] = drip(web)
    with (
        pytest.warns(NetworkWarning, match="still waiting for org/name on the hub"),
        pytest.raises(UnavailableError, match="org/name on the hub is too slow: 0 bytes in 0 s"),
    ):
        fetch_model("org/name")


def test_a_model_that_does_not_arrive(web: Web) -> None:
    web.odd["GET /api/models/org/name/revision/main"] = stall(web, b"{")
    with (
        pytest.warns(NetworkWarning, match="still waiting for org/name on the hub"),
        pytest.raises(UnavailableError, match=r"org/name on the hub is too slow|ReadTimeout"),
    ):
        fetch_model("org/name")
