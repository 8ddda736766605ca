"""The local page: what it answers, whom it answers, and how it behaves in a real browser."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import made
from helpers.browser import asked_for, open_browser, overflow, take_picture
from helpers.commands import refuse
from helpers.live_page import PASTE, open_page, serve_view, tokens_of, wait_for

pytest.importorskip("starlette", reason="no web framework: install tokbench[view]")
pytest.importorskip("uvicorn", reason="no web server: install tokbench[view]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("view")
    made.make_tokenizer_json(path)
    return path


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The real command, serving two tokenizers on a port that is free."""
    with serve_view("utf8", str(folder / "tokenizer.json")) as address:
        yield address


def ask(address: str, body: bytes, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(f"{address}api/encode", body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        content = error.read()
        return error.code, json.loads(content) if content.startswith(b"{") else content.decode()


def test_the_server_answers_its_own_page_alone(address: str) -> None:
    wait_for(lambda: "loading" not in urllib.request.urlopen(f"{address}api/tokenizers", timeout=10).read().decode())
    body = json.dumps({"text": "héllo", "tokenizers": ["utf8"]}).encode()
    status, found = ask(address, body)
    assert (status, found["bytes"], found["chars"], found["results"][0]["tokens"]) == (200, 6, 5, 6)
    assert ask(address, body, Host="evil.example")[0] == 400
    assert ask(address, body, **{"Content-Type": "text/plain"})[0] == 415
    assert ask(address, b"{")[0] == 400
    assert ask(address, b" " * 4_000_001)[0] == 413
    status, found = ask(address, json.dumps({"text": "a", "tokenizers": ["gpt9"]}).encode())
    assert (status, found["results"]) == (200, [{"tokenizer": "gpt9", "error": "it is not loaded: add it again"}])
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


def test_typing_changes_tokens_and_the_address(address: str, tmp_path: Path) -> None:
    with open_browser() as browser:
        text = open_page(browser, address)
        assert "ไทย" in text.get_attribute("value")  # it starts with an example
        browser.execute_script(PASTE, "")
        text.send_keys("the dög")
        wait_for(lambda: tokens_of(browser, 0) == ["t", "h", "e", "·", "d", "c3", "b6", "g"])
        group = browser.find_element("css selector", "article .group")
        assert group.find_element("class name", "whole").text == "ö"
        text.send_keys("!")
        wait_for(lambda: len(tokens_of(browser, 0)) == 9)
        assert browser.find_elements("css selector", "#results .differs")
        ends = browser.find_elements("css selector", "article:first-child .word-end")
        assert [end.text for end in ends] == ["e", "g"]
        browser.find_element("id", "second").send_keys("abc")
        wait_for(lambda: "3.00" in browser.find_element("id", "counts").text)
        head = browser.find_element("css selector", "#counts thead").text
        assert "÷ second text" in head
        assert "GFLOP" not in head
        assert "price" not in head
        browser.find_element("id", "price").send_keys("2000000")
        wait_for(lambda: "price" in browser.find_element("css selector", "#counts thead").text)
        assert "18.0" in browser.find_element("css selector", "#counts tbody tr:last-child").text.split()
        wait_for(lambda: "text=the+d%C3%B6g%21" in browser.current_url and "price=2000000" in browser.current_url)
        take_picture(browser, tmp_path / "view-light-1280.png")
        kept = browser.current_url
        browser.get("about:blank")
        browser.get(kept)
        wait_for(lambda: len(tokens_of(browser, 0)) == 12)  # of both texts
        assert browser.find_element("id", "second").get_attribute("value") == "abc"
        assert browser.get_log("browser") == []
        asked = [a for a in asked_for(browser) if not a.startswith(("data:", "about:"))]
        assert asked
        assert all(a.startswith(address) for a in asked)
        assert not any("%C3%B6" in a.partition("#")[0] for a in asked)


def test_a_token_is_linked_with_its_id_and_bytes(address: str) -> None:
    with open_browser() as browser:
        open_page(browser, address)
        browser.execute_script(PASTE, "aé")
        wait_for(lambda: tokens_of(browser, 0) == ["a", "c3", "a9"])
        box = browser.find_element("css selector", "article .tokens")
        box.send_keys("\ue014\ue014")  # arrow keys
        assert [one.text for one in browser.find_elements("class name", "current")] == ["c3", ", 195"]
        about = browser.find_element("id", "about").text
        assert about == "token 2 of 3: “\\xc3”, id 195, bytes c3, ends inside a character"
        box.send_keys("\ue012")
        linked = browser.find_elements("css selector", "article:nth-child(2) .linked")
        assert linked  # by the other tokenizer, at the same place of the text
        assert browser.find_element("css selector", "article .list").text == "[97, 195, 169]"


def test_tokenizers_come_and_go(address: str, folder: Path) -> None:
    with open_browser() as browser:
        open_page(browser, address)
        browser.find_element("id", "name").send_keys("byt5\ue007")
        wait_for(lambda: len(browser.find_elements("css selector", "article")) == 3)
        browser.execute_script("document.getElementById('file').hidden = false")
        browser.find_element("id", "file").send_keys(str(folder / "tokenizer.json"))
        wait_for(lambda: len(browser.find_elements("css selector", "article")) == 4)
        assert "file: tokenizer.json" in browser.find_element("id", "tokenizers").text
        wait_for(lambda: "byt5" in browser.current_url)
        assert "file" not in browser.current_url  # a link cannot carry a file
        for name in ("byt5", "file: tokenizer.json"):
            browser.find_element("css selector", f"[aria-label='Remove {name}']").click()
        wait_for(lambda: len(browser.find_elements("css selector", "article")) == 2)
        browser.find_element("id", "name").send_keys("gpt-neox-20bb\ue007")
        wait_for(lambda: "did you mean" in browser.find_element("id", "problem").text)
        assert browser.get_log("browser") == []


def test_markup_in_a_text_is_text(address: str, tmp_path: Path) -> None:
    with open_browser(dark=True, width=390) as browser:
        open_page(browser, address)
        browser.find_element("id", "spaces").click()
        hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202e\x07"
        browser.execute_script(PASTE, hostile)
        wait_for(lambda: "".join(tokens_of(browser, 0)).startswith("<img src=x onerror=alert(1)>"))
        assert not browser.find_elements("css selector", "main img, main script")
        assert browser.get_log("browser") == []
        assert overflow(browser) <= 0
        take_picture(browser, tmp_path / "view-dark-390.png")


def test_a_long_text_is_shown_in_part_and_not_in_the_address(address: str) -> None:
    with open_browser() as browser:
        open_page(browser, address)
        browser.execute_script(PASTE, "the quick brown fox, 42 times. " * 3226)
        wait_for(lambda: "100,006 bytes" in browser.find_element("id", "status").text)
        assert "too long for the address" in browser.find_element("id", "status").text
        assert len(tokens_of(browser, 0)) == 800
        assert "99,206 more tokens" in browser.find_element("css selector", "article").text


def test_messages_are_encoded_as_chatml(address: str) -> None:
    with open_browser() as browser:
        open_page(browser, address)
        browser.find_element("id", "as-chat").click()
        wait_for(lambda: "contain no chat template" in browser.find_element("id", "results").text)
        browser.find_element("css selector", "#template [value=chatml]").click()
        wait_for(lambda: "".join(tokens_of(browser, 0)[:19]) == "<|im_start|>system↵")
        assert browser.get_log("browser") == []
