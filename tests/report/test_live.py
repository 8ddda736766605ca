"""The local page: what it answers, whom it answers, and how it behaves in a real browser."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokbench as tb
from helpers import made
from helpers.browser import asked_for, open_browser, overflow, take_picture
from helpers.commands import refuse
from tokbench.pythia.cost.whatif import what_if
from tokbench.pythia.model.arithmetic import kv_cache_bytes, prefill_flops
from tokbench.pythia.model.models import find_model
from tokbench.report.live import Question, answer

pytest.importorskip("starlette", reason="no web framework: install tokbench[view]")
pytest.importorskip("uvicorn", reason="no web server: install tokbench[view]")

PASTE = """
const text = document.getElementById("text");
text.value = arguments[0];
text.dispatchEvent(new Event("input", {bubbles: true}));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("view")
    made.make_tokenizer_json(path)
    return path


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The real command, serving two tokenizers on a port that is free."""
    command = [
        sys.executable,
        "-m",
        "tokbench",
        "view",
        "utf8",
        str(folder / "tokenizer.json"),
        "--no-open",
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("2 tokenizers on http://127.0.0.1:"), process.stderr.read() if process.stderr else ""
            yield line.split()[3]
        finally:
            process.terminate()
            _, error = process.communicate()
    # Of SIGTERM, after the last test: it ends the server as it ends every command.
    assert sys.platform == "win32" or (process.returncode, error) == (128 + signal.SIGTERM, "")


def ask(address: str, body: bytes, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(f"{address}api/encode", body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        content = error.read()
        return error.code, json.loads(content) if content.startswith(b"{") else content.decode()


def question(text: str, **changes: Any) -> Question:
    return Question.read({"text": text, "tokenizers": ["utf8"], **changes})


def test_an_answer_worked_out_by_hand() -> None:
    utf8 = tb.load_tokenizer("utf8")
    (encoded,) = answer(question("a\u202eä", second="ab", pieces=3), {"utf8": utf8})
    assert (encoded.tokens, encoded.second_tokens, encoded.premium) == (6, 2, 3.0)
    assert encoded.pieces == ((97, "a", "61"), (226, "\\xe2", "e2"), (128, "\\x80", "80"))
    assert encoded.differs == (False, False, False)
    model = find_model("1.4B")
    shape = what_if(model.architecture, utf8.vocab_total, multiple=model.vocab_multiple).changed
    assert encoded.gflop == prefill_flops(shape, 6) / 1e9
    assert encoded.kv_mib == kv_cache_bytes(shape, 6) / 2**20
    assert encoded.fits


def test_differences_are_from_the_first_tokenizer(folder: Path) -> None:
    both = {"utf8": tb.load_tokenizer("utf8"), "trained": tb.load_tokenizer(str(folder / "tokenizer.json"))}
    bytewise, trained = answer(question("the dog!", tokenizers=["utf8", "trained"]), both)
    assert not any(bytewise.differs or (True,))
    assert trained.differs is not None
    assert [len(bytes.fromhex(piece[2] or "")) > 1 for piece in trained.pieces] == list(trained.differs)
    assert answer(question("x" * 3000), both)[0].fits is False
    assert answer(question(""), both)[0].premium is None


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_is_answered_and_its_pieces_are_its_bytes(text: str) -> None:
    (encoded,) = answer(question(text), {"utf8": tb.load_tokenizer("utf8")})
    assert "".join(piece[2] or "" for piece in encoded.pieces) == text.encode().hex()
    assert all(piece[1].isprintable() for piece in encoded.pieces)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "must be a JSON object"),
        ({"text": 1}, "must be strings"),
        ({"text": "\ud800"}, "lone surrogate"),
        ({"tokenizers": "utf8"}, "list of names"),
        ({"pieces": -1}, "pieces must be"),
        ({"pieces": True}, "pieces must be"),
        ({"model": 3}, "model must be"),
    ],
)
def test_questions_that_are_none_are_refused(document: Any, message: str) -> None:
    with pytest.raises(tb.TokbenchError, match=message):
        Question.read(document)


def test_the_server_answers_its_own_page_alone(address: str) -> None:
    body = json.dumps({"text": "héllo", "tokenizers": ["utf8"]}).encode()
    status, found = ask(address, body)
    assert (status, found["bytes"], found["chars"], found["results"][0]["tokens"]) == (200, 6, 5, 6)
    assert ask(address, body, Host="evil.example")[0] == 400
    assert ask(address, body, **{"Content-Type": "text/plain"})[0] == 415
    assert ask(address, b"{")[0] == 400
    assert ask(address, b" " * 4_000_001)[0] == 413
    status, found = ask(address, json.dumps({"text": "a", "tokenizers": ["gpt9"]}).encode())
    assert (status, found["error"].startswith("no tokenizer 'gpt9' is served here")) == (400, True)
    status, found = ask(address, json.dumps({"text": "a", "tokenizers": ["utf8"], "model": "9T"}).encode())
    assert (status, found["error"].startswith("no model is called '9T'")) == (400, True)
    with urllib.request.urlopen(address, timeout=10) as reply:
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


def test_a_port_that_is_taken_is_one_line(address: str) -> None:
    port = address.rstrip("/").rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "tokbench", "view", "utf8", "--no-open", "--port", port],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"tokbench: cannot listen on port {port} of 127.0.0.1; choose another with --port\n"


def test_an_unknown_tokenizer_is_one_line() -> None:
    refuse("view", "gpt-neox-20bb", "--no-open", says="gpt-neox-20b")


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 15
    while not (found := condition()):
        assert time.monotonic() < end, "the page did not answer in time"
        time.sleep(0.05)
    return found


def tokens_of(browser: Any, number: int) -> list[str]:
    pieces = "document.querySelectorAll('.tokens')[arguments[0]]?.querySelectorAll('bdi') ?? []"
    found: list[str] = browser.execute_script(f"return [...({pieces})].map(t => t.textContent)", number)
    return found


def test_typing_changes_tokens_and_the_address(address: str, tmp_path: Path) -> None:
    with open_browser() as browser:
        browser.get(address)
        wait_for(lambda: browser.find_elements("css selector", "#tokenizers input"))
        text = browser.find_element("id", "text")
        text.send_keys("the dög")
        wait_for(lambda: tokens_of(browser, 0) == ["t", "h", "e", " ", "d", "\\xc3", "\\xb6", "g"])
        text.send_keys("!")
        wait_for(lambda: len(tokens_of(browser, 0)) == 9)
        assert browser.find_elements("css selector", "#results.marked .differs")
        browser.find_element("id", "second").send_keys("abc")
        wait_for(lambda: "3.00" in browser.find_element("id", "counts").text)
        assert "text=the+d%C3%B6g%21" in browser.current_url
        take_picture(browser, tmp_path / "view-light-1280.png")
        kept = browser.current_url
        browser.get("about:blank")
        browser.get(kept)
        wait_for(lambda: len(tokens_of(browser, 0)) == 9)
        assert browser.find_element("id", "second").get_attribute("value") == "abc"
        assert browser.get_log("browser") == []
        asked = [a for a in asked_for(browser) if not a.startswith(("data:", "about:"))]
        assert asked
        assert all(a.startswith(address) for a in asked)
        assert not any("%C3%B6" in a.partition("#")[0] for a in asked)


def test_markup_in_a_text_is_text(address: str, tmp_path: Path) -> None:
    with open_browser(dark=True, width=390) as browser:
        browser.get(address)
        wait_for(lambda: browser.find_elements("css selector", "#tokenizers input"))
        hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202e\x07"
        browser.execute_script(PASTE, hostile)
        wait_for(lambda: "".join(tokens_of(browser, 0)).startswith("<img src=x onerror=alert(1)>"))
        assert not browser.find_elements("css selector", "main img, main script")
        assert browser.get_log("browser") == []
        assert overflow(browser) <= 0
        take_picture(browser, tmp_path / "view-dark-390.png")


def test_a_long_text_stays_responsive(address: str) -> None:
    with open_browser() as browser:
        browser.get(address)
        wait_for(lambda: browser.find_elements("css selector", "#tokenizers input"))
        browser.execute_script(PASTE, "the quick brown fox, 42 times. " * 3226)
        wait_for(lambda: "100,006 bytes" in browser.find_element("id", "status").text)
        assert "too long to be kept in the address" in browser.find_element("id", "status").text
        # The promise is 300 ms; a machine that runs other tests at the same time is given more.
        assert int(browser.execute_script("return document.documentElement.dataset.milliseconds")) < 3000
        assert len(tokens_of(browser, 0)) == 1000
