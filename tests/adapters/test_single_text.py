"""One text: its ids, their number and text, and how a notebook shows them; a text is never taken for a batch."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from helpers.commands import run
from helpers.made import MAKERS, make_tokenizer_json
from tokbench import Tokenizer, load_tokenizer
from tokbench.adapters import EngineTokenizer

TEXT = "the 你好\n"


def load_made(folder: Path, file_format: str) -> Tokenizer:
    suffix = "#cl100k_base" if file_format == "tiktoken" else ""
    folder = folder / "pair" if file_format == "vocab+merges" else folder
    return load_tokenizer(f"{MAKERS[file_format](folder)}{suffix}")


@pytest.mark.parametrize("file_format", [*MAKERS, "bytes"])
def test_the_calls_for_one_text_agree_with_those_for_a_batch(tmp_path: Path, file_format: str) -> None:
    tokenizer = load_tokenizer("utf8") if file_format == "bytes" else load_made(tmp_path, file_format)
    ids = tokenizer.encode(TEXT)
    assert ids == tokenizer.encode_batch([TEXT]).ids.tolist()
    assert {type(number) for number in ids} == {int}
    assert tokenizer.count(TEXT) == len(ids) == len(tokenizer.tokens(TEXT))
    assert type(tokenizer.count(TEXT)) is int
    assert len(tokenizer) == tokenizer.vocab_total == len(tokenizer.token_table())
    assert tokenizer.encode("") == tokenizer.encode_batch([""]).ids.tolist()


def test_tokens_are_written_as_the_command_writes_them(tmp_path: Path) -> None:
    path = str(MAKERS["tiktoken"](tmp_path)) + "#cl100k_base"
    tokens = load_tokenizer(path).tokens("the 你世\n")
    assert tokens == ["the", " ", "你", "\\xe4", "\\xb8", "\\x96", "\\n"]
    assert "|" + "|".join(tokens) + "|" in run("encode", path, "the 你世\n").stdout
    assert load_tokenizer("utf8").tokens("é\u202e") == ["\\xc3", "\\xa9", "\\xe2", "\\x80", "\\xae"]


def test_special_and_unknown_tokens_have_no_text_of_their_own(tmp_path: Path) -> None:
    tokenizer = load_made(tmp_path, "wordpiece")
    assert tokenizer.unk_id is not None
    assert tokenizer.tokens("你") == [f"<special {tokenizer.unk_id}>"]


@pytest.mark.parametrize("engine", [None, "tiktoken", "splintr", "fastokens"])
def test_a_bare_string_is_refused_where_texts_are_due(tmp_path: Path, engine: str | None) -> None:
    tokenizer = load_tokenizer(make_tokenizer_json(tmp_path), engine=engine)
    calls = (tokenizer.encode_batch, tokenizer.count_batch, tokenizer.encode_with_special, tokenizer.spans)
    for call in calls:
        with pytest.raises(TypeError, match="should be a sequence of strings"):
            call("the fox")
    for call in (tokenizer.encode, tokenizer.count, tokenizer.tokens, tokenizer.show):
        with pytest.raises(TypeError, match="text should be a string, not list"):
            call(["the fox"])  # type: ignore[arg-type]


def test_asking_whether_there_is_a_tokenizer_does_not_load_its_reference(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(make_tokenizer_json(tmp_path), engine="tiktoken")
    assert isinstance(tokenizer, EngineTokenizer)
    assert tokenizer
    assert tokenizer._reference is None
    assert len(tokenizer) == len(tokenizer.reference)


class Pieces(HTMLParser):
    """The tokens in a shown text: id and content."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str | None, str]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "bdi"
        if self.inside:
            self.found.append((dict(attrs)["title"], ""))

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            number, text = self.found[-1]
            self.found[-1] = (number, text + data)


def test_a_notebook_shows_each_token(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(make_tokenizer_json(tmp_path))
    text = 'the <b> & "你"'
    shown = tokenizer.show(text)
    assert shown.text == text
    assert repr(shown) == f"{tokenizer.name}: {len(shown.ids)} tokens |{'|'.join(shown.tokens)}|"
    pieces = Pieces(shown._repr_html_()).found
    assert pieces == [(str(number), token) for number, token in zip(shown.ids, shown.tokens, strict=True)]
    assert "<b>" not in shown._repr_html_()


def test_a_long_text_is_shown_in_part() -> None:
    html = load_tokenizer("utf8").show("a" * 5000)._repr_html_()
    assert len(Pieces(html).found) == 2000
    assert "5,000 tokens" in html
    assert "and 3,000 more" in html
