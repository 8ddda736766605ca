"""What the page shows of tokens: whole characters over their bytes, differences, costs, messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokbench as tb
from helpers import made
from tokbench.pythia.cost.whatif import what_if
from tokbench.pythia.model.arithmetic import kv_cache_bytes, prefill_flops
from tokbench.pythia.model.models import find_model
from tokbench.report.live import _encoding
from tokbench.report.live._encoding import Encoded, Refused, answer
from tokbench.report.live._pieces import IN_CHARACTER, IN_GRAPHEME, WHOLE, cut_pieces, show_bytes
from tokbench.report.live._question import Question

UTF8 = tb.load_tokenizer("utf8")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("view")
    made.make_tokenizer_json(folder)
    return {"utf8": UTF8, "trained": tb.load_tokenizer(folder / "tokenizer.json", name="trained")}


def ask(text: str, tokenizers: dict[str, Any] | None = None, **changes: Any) -> list[Any]:
    loaded = tokenizers or {"utf8": UTF8}
    return answer(Question.read({"text": text, "tokenizers": [*loaded], **changes}), loaded)


def test_an_answer_worked_out_by_hand() -> None:
    (encoded,) = ask("aä", second="ab", model="1.4B", ids=True)
    assert (encoded.bytes, encoded.chars, encoded.tokens, encoded.second_tokens, encoded.ratio) == (3, 2, 3, 2, 1.5)
    assert encoded.first.cut.pieces == (
        (97, "a", "61", 1, WHOLE),
        (195, "\\xc3", "c3", None, IN_CHARACTER),
        (164, "\\xa4", "a4", 2, WHOLE),
    )
    assert encoded.first.cut.groups == ((1, 2, "ä"),)
    assert encoded.first.differs == (False, False, False)
    assert encoded.second.cut.pieces == ((97, "a", "61", 1, WHOLE), (98, "b", "62", 2, WHOLE))
    assert encoded.ids == (97, 195, 164)
    model = find_model("1.4B")
    shape = what_if(model.architecture, UTF8.vocab_total, multiple=model.vocab_multiple).changed
    assert encoded.cost.gflop == prefill_flops(shape, 3) / 1e9
    assert encoded.cost.kv_mib == kv_cache_bytes(shape, 3) / 2**20
    assert encoded.cost.fits
    (plain,) = ask("a")
    assert (plain.cost, plain.second, plain.second_tokens, plain.ratio, plain.ids) == (None, None, None, None, None)
    assert ask("x" * 3000, model="70m")[0].cost.fits is False


def test_text_that_cannot_be_restored_is_told(both: dict[str, Any], tmp_path: Path) -> None:
    lossy = tb.load_tokenizer(made.make_wordpiece(tmp_path), name="lossy")
    assert [one.exact for one in ask("the dog", both)] == [True, True]
    assert [one.exact for one in ask("ไทย", {"utf8": UTF8, "lossy": lossy}, second="a")] == [True, False]


def test_all_tokenizers_together_show_a_bounded_number_of_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_encoding, "MOST_SHOWN", 40)
    (alone,) = ask("x" * 100, second="y" * 100, pieces=30)
    assert [len(shown.cut.pieces) for shown in (alone.first, alone.second)] == [20, 20]
    (alone,) = ask("x" * 100, pieces=30)
    assert len(alone.first.cut.pieces) == 30


def test_a_family_is_one_character_over_eighteen_bytes() -> None:
    family = "👩‍👩‍👧"
    shown = cut_pieces(UTF8, [*f"a{family}b".encode()], 100, b"")
    assert shown.groups == ((1, 18, family),)
    # 4 bytes of a woman end a code point of two UTF-16 units, the joiner has 3 bytes and one unit.
    ends = [(i, piece.end) for i, piece in enumerate(shown.pieces) if piece.cut == IN_GRAPHEME]
    assert ends == [(4, 3), (7, 4), (11, 6), (14, 7)]
    assert [piece.end for piece in shown.pieces if piece.cut == WHOLE] == [1, 9, 10]


def test_a_character_at_the_end_of_those_shown_is_whole() -> None:
    shown = cut_pieces(UTF8, [*"aäb".encode()], 2, b"")
    assert len(shown.pieces) == 3
    assert shown.groups == ((1, 2, "ä"),)
    assert cut_pieces(UTF8, [*b"ab"], 0, b"") == ((), ())
    assert cut_pieces(UTF8, [], 5, b"") == ((), ())


def test_bytes_that_are_no_text_are_characters_by_themselves() -> None:
    shown = cut_pieces(UTF8, [0xFF, 0xC3, 0x41], 10, None)
    assert [piece.text for piece in shown.pieces] == ["\\xff", "\\xc3", "A"]
    assert [piece.end for piece in shown.pieces] == [None] * 3
    assert shown.groups == ()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a\n\tb", "a\n\tb"),
        ("\u202e".encode(), "\\u202e"),
        (b"\x1b", "\\x1b"),
        ("\u200d".encode(), "\\u200d"),
        ("e\u200d".encode(), "e\u200d"),
        ("\u0e31".encode(), "\u25cc\u0e31"),
        (b" ", " "),
        (b"", ""),
    ],
)
def test_bytes_as_text(content: bytes, text: str) -> None:
    assert show_bytes(content) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_pieces_are_the_bytes_and_groups_whole_clusters(text: str) -> None:
    (encoded,) = ask(text)
    cut = encoded.first.cut
    assert "".join(piece.content or "" for piece in cut.pieces) == text.encode().hex()
    assert all(c.isprintable() or c.isspace() or c == "\u200d" or not c.isascii() for p in cut.pieces for c in p.text)
    for start, size, _ in cut.groups:
        inside = cut.pieces[start : start + size]
        assert [piece.cut == WHOLE for piece in inside] == [False] * (size - 1) + [True]
        bytes.fromhex("".join(piece.content or "" for piece in inside)).decode()
    ends = [piece.end for piece in cut.pieces if piece.end is not None]
    assert ends == sorted(ends)
    assert not text or ends[-1] == len(text.encode("utf-16-le")) // 2
    json.dumps(encoded.to_document())


def test_differences_are_from_the_reference(both: dict[str, Any]) -> None:
    bytewise, trained = ask("the dog!", both)
    assert not any(bytewise.first.differs)
    assert [len(piece.content) > 2 for piece in trained.first.cut.pieces] == list(trained.first.differs)
    bytewise, trained = ask("the dog!", both, reference="trained", second="the")
    assert not any(trained.first.differs)
    assert any(bytewise.first.differs)
    assert not any(trained.second.differs)


def test_a_tokenizer_that_is_not_loaded_is_refused_alone() -> None:
    question = Question.read({"text": "a", "tokenizers": ["gpt9", "utf8"], "reference": "gpt9"})
    refused, encoded = answer(question, {"utf8": UTF8})
    assert refused == Refused("gpt9", "it is not loaded: add it again")
    assert isinstance(encoded, Encoded)
    assert encoded.first.differs == (False,)


def test_a_second_text_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    utf8 = tb.load_tokenizer("utf8")
    encode = utf8.encode_batch
    monkeypatch.setattr(utf8, "encode_batch", lambda texts: (encoded.extend(texts), encode(texts))[1], raising=False)
    kept: dict[str, Any] = {}
    for text in ("a", "ab"):
        answer(Question.read({"text": text, "second": "xyz", "tokenizers": ["utf8"]}), {"utf8": utf8}, kept)
    assert encoded == ["a", "xyz", "ab"]


def test_special_tokens_are_read_only_if_asked(tmp_path: Path) -> None:
    path = made.make_tokenizer_json(tmp_path)
    document = json.loads(path.read_text())
    special = {"id": 5000, "content": "<|end|>", "special": True, "normalized": False}
    flags = {"single_word": False, "lstrip": False, "rstrip": False}
    document["added_tokens"] = [*document.get("added_tokens", ()), {**special, **flags}]
    document["added_tokens"][-1]["id"] = len(document["model"]["vocab"])
    path.write_text(json.dumps(document))
    loaded = {"t": tb.load_tokenizer(path, name="t")}
    (plain,), (read,) = ask("a<|end|>", loaded), ask("a<|end|>", loaded, special=True)
    assert all(piece.content is not None for piece in plain.first.cut.pieces)
    assert read.first.cut.pieces[-1][1:] == ("<|end|>", None, None, WHOLE)
    assert read.tokens == 2
    # Messages always have them; ChatML's are none of this tokenizer's.
    messages = [{"role": "user", "content": "<|end|>"}]
    (chat,) = ask("", loaded, messages=messages, template="chatml")
    assert chat.chars == len("<|im_start|>user\n<|end|><|im_end|>\n")
    assert [piece.text for piece in chat.first.cut.pieces if piece.content is None] == ["<|end|>"]


def test_messages_are_written_by_the_template_of_the_files(tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="no templates: install tokbench[chat]")
    path = made.make_tokenizer_json(tmp_path)
    loaded = {"t": tb.load_tokenizer(path, name="t"), "utf8": UTF8}
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]
    refused, _ = ask("", loaded, messages=messages)
    assert refused.error == "its files contain no chat template; choose ChatML to see the messages anyway"
    (tmp_path / "chat_template.jinja").write_text("{% for m in messages %}[{{ m.role[0] }}]{{ m.content }}{% endfor %}")
    own, _ = ask("", {**loaded, "t": tb.load_tokenizer(path, name="t")}, messages=messages)
    assert own.bytes == len("[u]hi[a]yo")
    assert b"".join(bytes.fromhex(p.content) for p in own.first.cut.pieces) == b"[u]hi[a]yo"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "must be a JSON object"),
        ({"text": 1}, "text must be a string"),
        ({"text": "\ud800"}, "lone surrogate"),
        ({"second": None}, "second must be a string"),
        ({"tokenizers": "utf8"}, "must be a list"),
        ({"tokenizers": [1]}, "must be a list"),
        ({"tokenizers": [str(i) for i in range(65)]}, "up to 64 names"),
        ({"tokenizers": ["a", "b"], "ids": True}, "ids are those of one tokenizer"),
        ({"pieces": -1}, "pieces must be"),
        ({"pieces": True}, "pieces must be"),
        ({"model": 3}, "model must be"),
        ({"reference": []}, "reference must be"),
        ({"special": 1}, "special must be"),
        ({"ids": "yes"}, "ids must be"),
        ({"template": "jinja"}, "template must be"),
        ({"messages": {}}, "messages must be"),
        ({"messages": [{"role": "user", "content": ""}] * 101}, "messages must be"),
        ({"messages": ["hi"]}, "a message needs"),
        ({"messages": [{"role": ["user"], "content": ""}]}, "a message needs"),
        ({"messages": [{"role": "user", "content": "\udfff"}]}, "lone surrogate"),
    ],
)
def test_questions_that_are_none_are_refused(document: Any, message: str) -> None:
    with pytest.raises(tb.TokbenchError, match=message):
        Question.read(document)
