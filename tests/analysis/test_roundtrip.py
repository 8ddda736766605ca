"""What does not come back, why, and the smallest text that shows it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import made
from helpers.commands import run
from helpers.data import needs_data
from tokbench.adapters import load_tokenizer
from tokbench.analysis.roundtrip import RoundTrip, Stage, TextClass, inspect_round_trip, list_probes, shrink
from tokbench.corpora import load_corpus
from tokbench.report._round_trip import format_text


@given(st.text(min_size=1), st.data())
def test_a_shrunk_text_fails_and_no_longer_without_any_of_its_characters(text: str, data: st.DataObject) -> None:
    needed = data.draw(st.lists(st.sampled_from(text), min_size=1, max_size=3))

    def fails(part: str) -> bool:
        return all(part.count(c) >= needed.count(c) for c in needed)

    if fails(text):
        smallest = shrink(text, fails)
        assert sorted(smallest) == sorted(needed)


def test_a_pair_that_fails_only_together_is_found() -> None:
    assert shrink("some e\u0301 in a long text", lambda part: "e\u0301" in part) == "e\u0301"


def test_shrinking_ends_where_everything_fails() -> None:
    assert shrink("abc", lambda _: True) == ""


def causes(found: RoundTrip) -> set[tuple[str, str]]:
    return {(b.text_class.value, b.stage.value) for b in found.breakages}


@pytest.mark.parametrize("name", made.MAKERS)
def test_every_smallest_string_truly_fails_whatever_the_format(name: str, tmp_path: Path) -> None:
    path = made.MAKERS[name](tmp_path)
    tokenizer = load_tokenizer(f"{path}#cl100k_base" if name == "tiktoken" else str(path))
    texts = load_corpus(languages=["en", "zh"], segments=20)
    found = inspect_round_trip(tokenizer, [*texts.texts("en"), *texts.texts("zh")])
    assert found.segments == 40
    assert found.lossless == (not found.breakages)
    for breakage in found.breakages:
        for text, decoded in ((breakage.smallest, breakage.decoded), *breakage.frequent):
            assert tokenizer.decode(tokenizer.encode_batch([text]).ids.tolist()) == decoded != text
        assert breakage.segments + breakage.probes > 0


def test_a_normal_form_is_named_as_the_stage_that_loses(tmp_path: Path) -> None:
    found = inspect_round_trip(load_tokenizer(str(made.make_tokenizer_json(tmp_path))), ["a cafe\u0301", "plain"])
    assert (found.segments, found.lossy_segments) == (2, 1)
    (breakage,) = found.breakages
    assert (breakage.text_class, breakage.stage) == (TextClass.CANONICAL, Stage.NORMALIZER)
    assert breakage.segments == 1
    assert breakage.frequent[0] == ("e\u0301", "\u00e9")
    assert len(breakage.smallest) <= 2


def test_unknown_characters_are_lost_in_the_model(tmp_path: Path) -> None:
    found = inspect_round_trip(load_tokenizer(str(made.make_wordpiece(tmp_path))), ["the \u0416 fox"], probes=False)
    (breakage,) = found.breakages
    assert (breakage.text_class, breakage.stage) == (TextClass.UNKNOWN, Stage.MODEL)
    assert (breakage.smallest, breakage.strings, breakage.segments) == ("\u0416", 1, 1)


def test_spaces_that_words_are_split_at_are_lost_in_the_pre_tokenizer(tmp_path: Path) -> None:
    found = inspect_round_trip(load_tokenizer(str(made.make_wordpiece(tmp_path))), ["the  fox"], probes=False)
    assert causes(found) == {("white space", "pre-tokenizer")}
    assert found.breakages[0].smallest == "  "


def test_two_causes_in_one_segment_are_both_named(tmp_path: Path) -> None:
    found = inspect_round_trip(load_tokenizer(str(made.make_wordpiece(tmp_path))), ["the  \x07 fox"], probes=False)
    assert {b.text_class for b in found.breakages} == {TextClass.WHITESPACE, TextClass.CONTROL}
    assert [b.segments for b in found.breakages] == [1, 1]


def test_bytes_lose_nothing() -> None:
    found = inspect_round_trip(load_tokenizer("utf8"), ["a\x00\u0301"])
    assert found.lossless
    assert found.breakages == ()
    assert found.probes > 2000


def test_probes_are_valid_unicode_and_hold_every_white_space() -> None:
    texts = {probe.text for probe in list_probes(load_tokenizer("utf8"))}
    assert all(text == text.encode().decode() for text in texts)
    assert {chr(c) for c in range(0x110000) if chr(c).isspace()} <= texts
    categories = {unicodedata.category(c) for text in texts for c in text}
    assert categories == {unicodedata.category(chr(c)) for c in range(0x110000)} - {"Cs"}


def test_what_is_shown_is_inert() -> None:
    assert format_text("\x1b[31m\u202e") == '"\\x1b[31m\\u202e"'
    assert format_text("e\u0301") == '"e\u0301" (U+0065 U+0301)'


@pytest.mark.smoke
def test_the_command_names_stage_and_string_and_can_fail(tmp_path: Path) -> None:
    (tmp_path / "x.en").write_text("a cafe\u0301\nplain\n", encoding="utf-8")
    (tmp_path / "x.fr").write_text("un caf\u00e9\nplat\n", encoding="utf-8")
    arguments = ("roundtrip", str(made.make_tokenizer_json(tmp_path)), "-c", str(tmp_path / "x"))
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    (breakage,) = json.loads(done.stdout)["breakages"]
    assert (breakage["class"], breakage["stage"]) == ("canonical normalisation", "normalizer")
    assert breakage["segments"] == 1
    shown = run(*arguments, "--fail-lossy")
    assert shown.returncode == 1
    assert "3 of 4 segments" in shown.stdout
    assert run("roundtrip", "utf8", "-c", str(tmp_path / "x"), "--fail-lossy").returncode == 0


@needs_data
def test_gpt_neox_loses_in_nfc() -> None:
    found = inspect_round_trip(load_tokenizer("gpt-neox-20b"), ["e\u0301", "\u212b"])
    assert causes(found) == {("canonical normalisation", "normalizer")}
    (breakage,) = found.breakages
    assert breakage.segments == 2
    assert len(breakage.smallest) <= 2
    assert dict(breakage.frequent) == {"e\u0301": "\u00e9", "\u212b": "\u00c5"}


@needs_data
def test_t5_loses_unknown_characters_and_white_space() -> None:
    found = inspect_round_trip(load_tokenizer("t5"), load_corpus(languages=["zh"], segments=30).texts("zh"))
    assert ("unknown characters", "model") in causes(found)
    assert {kind for kind, _ in causes(found)} >= {"white space", "compatibility normalisation"}
    assert found.lossy_segments == 30


@needs_data
def test_chatglm_folds_the_comma() -> None:
    found = inspect_round_trip(load_tokenizer("chatglm-6b"), load_corpus(languages=["zh"], segments=30).texts("zh"))
    folded = next(b for b in found.breakages if b.text_class is TextClass.COMPATIBILITY)
    assert folded.stage is Stage.NORMALIZER
    assert folded.frequent[0] == ("，", ",")
    assert ("special-token text", "text rule") in causes(found)


def hard_texts(folder: Path) -> Iterator[str]:
    """Some lines of every FLORES language and of every stress file that is UTF-8."""
    for path in sorted((folder / "corpora" / "flores200" / "dev").iterdir()):
        yield from path.read_text(encoding="utf-8").split("\n")[:5]
    for path in sorted((folder / "corpora" / "stress").rglob("*.*")):
        if path.is_file():
            lines = path.read_bytes()[:20_000].split(b"\n")[:40]
            yield from islice((line.decode() for line in lines if is_utf8(line)), 40)


def is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


@needs_data
@pytest.mark.parametrize("name", ["utf8", "byt5", "rwkv-world", "llama3"])
def test_what_claims_to_lose_nothing_loses_nothing(name: str, shared_data: Path) -> None:
    found = inspect_round_trip(load_tokenizer(name), hard_texts(shared_data))
    assert found.segments > 3000
    assert found.lossless, found.breakages
