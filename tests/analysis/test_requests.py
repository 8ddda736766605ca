"""What requests cost beyond their texts: special tokens, chat templates, formats of records, long texts."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import made
from helpers.commands import refuse, run
from helpers.data import needs_data
from helpers.frozen_dataclasses import check_dataclasses
from tokbench._shared import extras
from tokbench.adapters import Tokenizer, _special_tokens, load_tokenizer
from tokbench.adapters._special_tokens import count_added
from tokbench.analysis.requests import (
    FORMATS,
    AddedSpecial,
    _chat,
    _measure,
    find_added_special,
    find_template,
    make_records,
    measure_chat,
    measure_formats,
    measure_lengths,
    measure_requests,
)
from tokbench.catalog import chat_templates
from tokbench.catalog._template_process import render
from tokbench.corpora import ParallelCorpus
from tokbench.errors import TokbenchError

TEMPLATE = "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}<|endoftext|>{% endfor %}"
TALK = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]
CORPUS = ParallelCorpus.from_texts({"en": ["the fox", " a dog\n", "the lazy dog", "42"], "de": ["a", "b", "c", "d"]})


def write_tokenizer(folder: Path, **settings: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = made.make_tokenizer_json(folder)
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return path


@pytest.fixture(scope="module")
def chatting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chatting")
    return write_tokenizer(folder, chat_template=TEMPLATE, bos_token="<|endoftext|>", add_bos_token=True)


def set_processor(path: Path, processor: Any) -> Tokenizer:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"post_processor": processor}))
    return load_tokenizer(path)


# ---- special tokens


@pytest.mark.parametrize(
    ("processor", "count"),
    [
        ({"type": "ByteLevel", "add_prefix_space": False}, 0),
        ({"type": "BertProcessing", "sep": ["[SEP]", 1], "cls": ["[CLS]", 0]}, 2),
        ({"type": "RobertaProcessing"}, 2),
        (
            {
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "<e>"}}],
                "special_tokens": {"<s>": {"ids": [1, 2]}, "<e>": {"ids": [3]}},
            },
            3,
        ),
        ({"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "BertProcessing"}]}, 2),
    ],
)
def test_what_post_processors_add(processor: dict[str, Any], count: int) -> None:
    assert count_added(processor) == count


def test_the_count_is_that_of_the_library(tmp_path: Path) -> None:
    from tokenizers import Tokenizer as Pipeline
    from tokenizers.processors import TemplateProcessing

    path = made.make_tokenizer_json(tmp_path)
    pipeline = Pipeline.from_file(str(path))
    pipeline.post_processor = TemplateProcessing(
        single="<|endoftext|> $A <|endoftext|> <|endoftext|>", special_tokens=[("<|endoftext|>", 0)]
    )
    pipeline.save(str(path))
    found = find_added_special(load_tokenizer(path))
    assert found == AddedSpecial(3, "tokenizer.json, post_processor")
    assert len(pipeline.encode("the").ids) - len(pipeline.encode("the", add_special_tokens=False).ids) == 3


def test_flags_say_so_where_there_is_no_post_processor(tmp_path: Path) -> None:
    flagged = load_tokenizer(write_tokenizer(tmp_path / "a", add_bos_token=True, add_eos_token=True))
    assert find_added_special(flagged) == AddedSpecial(2, "tokenizer_config.json, add_bos_token and add_eos_token")
    off = load_tokenizer(write_tokenizer(tmp_path / "b", add_bos_token=False))
    assert find_added_special(off) == AddedSpecial(0, "tokenizer_config.json, add_bos_token")
    assert find_added_special(load_tokenizer(write_tokenizer(tmp_path / "c"))) == AddedSpecial()
    assert find_added_special(load_tokenizer("utf8")) == AddedSpecial()


def test_a_post_processor_of_another_form_is_an_error(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(write_tokenizer(tmp_path))
    document = json.loads((tmp_path / "tokenizer.json").read_text())
    for wrong in ({"type": "New"}, {"type": "TemplateProcessing", "single": 3}, ["x"]):
        (tmp_path / "tokenizer.json").write_text(json.dumps(document | {"post_processor": wrong}))
        with pytest.raises(TokbenchError, match="post_processor is of an unknown form"):
            find_added_special(tokenizer)


# ---- lengths


def test_lengths_by_hand() -> None:
    corpus = ParallelCorpus.from_texts({"en": ["a" * n for n in range(1, 101)], "de": ["b"] * 100})
    rows = measure_lengths([load_tokenizer("utf8")], corpus, {"utf8": AddedSpecial(2, "here")}, 91).to_dicts()
    assert [row["lang"] for row in rows] == ["en", "de", None]
    assert rows[0] == {
        "tokenizer": "utf8",
        "lang": "en",
        "texts": 100,
        "tokens": 5050,
        "unknown": 0,
        "tokens_per_segment": 50.5,
        "tokens_per_segment_with_special": 52.5,
        "p50": 50,
        "p90": 90,
        "p99": 99,
        "max": 100,
        "over": 11,  # 90 and 2 special tokens are the first that exceed 91
        "share_over": 0.11,
    }
    assert (rows[2]["p50"], rows[2]["p90"], rows[2]["over"], rows[2]["share_over"]) == (1, 80, 11, 0.055)


def test_nothing_is_added_where_no_file_says() -> None:
    row = measure_lengths([load_tokenizer("utf8")], CORPUS, {"utf8": AddedSpecial()}, 12).row(0, named=True)
    assert row["tokens_per_segment_with_special"] is None
    assert (row["max"], row["over"]) == (12, 0)


# ---- formats


@settings(max_examples=40)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])), min_size=1, max_size=3))
def test_every_format_holds_the_same_records(texts: list[str]) -> None:
    records = [dict(record) for record in make_records(texts, "en")]
    written = {name: write(records) for name, write in FORMATS.items()}
    for name in ("JSON", "JSON, indented", "JSON, escaped"):
        assert json.loads(written[name]) == records
    assert written["JSON, escaped"].isascii()
    assert [json.loads(line) for line in written["JSON lines"].split("\n")[:-1]] == records
    assert yaml.safe_load(written["YAML"]) == records
    as_text = [{key: str(value) for key, value in record.items()} for record in records]
    rows = [{field.tag: field.text or "" for field in row} for row in ET.fromstring(written["XML"])]
    assert [{**row, "text": row["text"]} for row in rows] == as_text
    assert list(csv.DictReader(io.StringIO(written["CSV"]))) == as_text
    assert written["Markdown table"].count("\n") == 2 + len(records)


def test_formats_by_hand() -> None:
    records = make_records([" a|b\n", "<c>"], "en")
    assert records[0] == {"id": 1, "language": "en", "characters": 3, "text": "a|b"}
    assert FORMATS["Markdown table"](records).splitlines() == [
        "| id | language | characters | text |",
        "| --- | --- | --- | --- |",
        "| 1 | en | 3 | a\\|b |",
        "| 2 | en | 3 | <c> |",
    ]
    assert FORMATS["XML"](records).splitlines()[2] == (
        "  <record><id>2</id><language>en</language><characters>3</characters><text>&lt;c&gt;</text></record>"
    )
    assert len(make_records(["x"] * 99, "en")) == 50


def test_tokens_of_formats_are_relative_to_json() -> None:
    frame = measure_formats([load_tokenizer("utf8")], CORPUS)
    assert frame.height == 3 * len(FORMATS)
    for lang in ("en", "de"):
        records = make_records(CORPUS.texts(lang), lang)
        for row in frame.filter(lang=lang).to_dicts():
            size = len(FORMATS[row["format"]](records).encode())
            assert (row["tokens"], row["bytes"], row["records"]) == (size, size, 4)
            assert row["ratio"] == size / len(FORMATS["JSON"](records).encode())
    overall = frame.filter(pl.col("lang").is_null() & (pl.col("format") == "CSV")).row(0, named=True)
    assert overall["tokens"] == frame.filter(pl.col("lang").is_not_null() & (pl.col("format") == "CSV"))["tokens"].sum()


# ---- chat


def test_overhead_by_hand(chatting: Path) -> None:
    """A template adds a token at the start, and the role, a colon and a token per message."""
    tokenizer = load_tokenizer(chatting)
    template = find_template(tokenizer)
    assert template is not None
    assert (template.text, template.source) == (TEMPLATE, "tokenizer_config.json, chat_template")
    frame = measure_chat([tokenizer], CORPUS, {tokenizer.name: template})
    assert frame["turns"].to_list() == [1, 2, 1, 2, 1, 2]
    row = frame.row(0, named=True)
    text = "<|endoftext|>user:the fox<|endoftext|>assistant:a dog<|endoftext|>"
    assert row["tokens_contents"] == tokenizer.count("the fox") + tokenizer.count("a dog")
    assert row["tokens_rendered"] == 3 + sum(map(tokenizer.count, text.split("<|endoftext|>")))
    assert row["overhead"] == row["tokens_rendered"] - row["tokens_contents"]
    overall = frame.filter(pl.col("lang").is_null())
    assert overall["overhead"].to_list() == [
        frame.filter(pl.col("lang").is_not_null() & (pl.col("turns") == turns))["overhead"].sum() for turns in (1, 2)
    ]


def test_templates_are_found_in_order(tmp_path: Path) -> None:
    several = [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]
    tokenizer = load_tokenizer(write_tokenizer(tmp_path, chat_template=several))
    found = find_template(tokenizer)
    assert found is not None
    assert found.text == "d"
    (tmp_path / "chat_template.jinja").write_text("beside")
    found = find_template(tokenizer)
    assert found is not None
    assert (found.text, found.source) == ("beside", "chat_template.jinja")
    (tmp_path / "mine.txt").write_text("mine")
    found = find_template(tokenizer, tmp_path / "mine.txt")
    assert found is not None
    assert found.text == "mine"
    assert find_template(load_tokenizer("utf8")) is None
    assert find_template(load_tokenizer(write_tokenizer(tmp_path / "none", chat_template=[]))) is None


def test_the_environment_is_that_of_transformers() -> None:
    template = (
        "{%- for m in messages %}\n    {%- if loop.index > 1 %}{% break %}{% endif %}\n{{ m | tojson }}\n"
        "{%- endfor %}{{ strftime_now('%d %b %Y') }}{{ bos_token }}{{ tools is none }}"
        "{{ add_generation_prompt }}{{ no }}"
    )
    assert render(template, {"bos_token": "<s>"}, [TALK]) == [
        '{"role": "user", "content": "hi"}26 Jul 2024<s>TrueFalse'
    ]


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{{ messages.append(1) }}", "SecurityError"),
        ("{% if", "TemplateSyntaxError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ x.y.z }}", "UndefinedError"),
        ("{% include '/etc/passwd' %}", "no loader"),
        ("{{ raise_exception('roles\nmust alternate') }}", "TemplateError: roles must alternate"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError"),
        ("{% for i in range(99999) %}{{ 'x' * 999 }}{% endfor %}", "it writes more than 16,777,216 characters"),
    ],
)
def test_a_template_that_fails_is_an_error(template: str, says: str) -> None:
    answer = run_template(template)
    assert says in answer["error"]


def run_template(template: str) -> dict[str, Any]:
    """The answer of the process, run in this one."""
    from unittest import mock

    from tokbench.catalog import _template_process

    request = {"template": template, "tokens": {}, "conversations": [TALK], "seconds": 9}
    standard = io.TextIOWrapper(io.BytesIO(json.dumps(request).encode()))
    written = io.StringIO()
    with (
        mock.patch.object(_template_process, "limit_memory"),
        mock.patch.object(_template_process, "limit_seconds"),
        mock.patch.object(sys, "stdin", standard),
        mock.patch.object(sys, "stdout", written),
    ):
        _template_process.main()
    answer: dict[str, Any] = json.loads(written.getvalue())
    return answer


@pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX")
def test_a_template_cannot_take_all_time_or_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_templates, "SECONDS", 1)
    loop = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(TokbenchError, match="mine did not finish within 1 s of CPU time; give another template"):
        chat_templates.render_conversations(loop, {}, [TALK], "mine")
    with pytest.raises(TokbenchError, match="mine cannot be rendered: it ran out of memory within 1 GiB"):
        chat_templates.render_conversations("{% set x = messages[0].content * 9999999999 %}", {}, [TALK], "mine")
    with pytest.raises(TokbenchError, match="mine cannot be rendered: ZeroDivisionError"):
        chat_templates.render_conversations("{{ 1 // 0 }}", {}, [TALK], "mine")
    assert chat_templates.render_conversations("{{ messages[0].content }}é", {}, [TALK] * 2, "mine") == ["hié"] * 2


def test_jinja_is_an_extra(chatting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = extras.is_there
    monkeypatch.setattr(extras, "is_there", lambda module: module != "jinja2" and there(module))
    says = "rendering a chat template needs jinja2, which is not installed; install with: pip install 'tokbench[chat]'"
    refuse("requests", str(chatting), "-n", "4", says=says)
    assert run("requests", str(chatting), "-n", "4", "--no-chat").returncode == 0
    assert run("requests", "utf8", "-n", "4").returncode == 0


# ---- all of it


def test_results_are_frozen() -> None:
    check_dataclasses(_measure, {"Requests"})
    check_dataclasses(_chat, set())
    check_dataclasses(_special_tokens, set())
    with pytest.raises(TokbenchError, match="same name"):
        measure_requests([load_tokenizer("utf8")] * 2, CORPUS)


@pytest.mark.smoke
def test_the_command_shows_all_parts(chatting: Path, tmp_path: Path) -> None:
    words = ("requests", str(chatting), "utf8", "-l", "en,de", "-n", "8", "--context", "30")
    done = run(*words)
    assert done.returncode == 0, done.stderr
    for part in ("tokens per text", "over 30", "1 turn ", "4 turns", "Markdown table"):
        assert part in done.stdout
    assert "chat: template of tokenizer_config.json" in " ".join(done.stdout.split())
    first = run(*words, "--json").stdout
    assert first == run(*words, "--json").stdout
    document = json.loads(first)
    assert document["special_tokens"]["utf8"] == {"count": None, "source": None}
    assert document["templates"]["utf8"] is None
    assert len(document["chat"]) == 3 * 3
    assert len(document["formats"]) == 2 * 3 * len(FORMATS)
    assert "|ctx:30|chat:sha256:" in document["signature"]
    rows = list(csv.DictReader(io.StringIO(run(*words, "-f", "csv").stdout)))
    assert {row["part"] for row in rows} == {"lengths", "chat", "formats"}


def test_one_template_for_all_tokenizers(tmp_path: Path) -> None:
    (tmp_path / "t.jinja").write_text("{{ messages[0].content }}")
    words = ("requests", "utf8", str(made.make_sentencepiece(tmp_path)), "-l", "en", "-n", "2")
    document = json.loads(run(*words, "--chat-template", str(tmp_path / "t.jinja"), "--json").stdout)
    assert document["templates"]["utf8"]["source"] == "t.jinja"
    assert document["chat"][0]["overhead"] < 0  # the template leaves the answer out
    unread = [row for row in document["chat"] if row["tokenizer"] != "utf8"]
    assert [row["overhead"] for row in unread] == [None]
    shown = run(*words, "--chat-template", str(tmp_path / "t.jinja"), "-f", "markdown").stdout
    assert "whose special tokens the engine does not read from text" in shown


def test_unknown_tokens_are_told(tmp_path: Path) -> None:
    shown = run("requests", str(made.make_wordpiece(tmp_path)), "-l", "zh", "-n", "4", COLUMNS="200").stdout
    assert "of its tokens are the unknown token, which hides the length of the text" in shown
    assert "(1.00)" in shown


def test_bad_options_are_one_line(tmp_path: Path) -> None:
    refuse("requests", "utf8", "--context", "0", says="--context is '0'")
    refuse("requests", "utf8", "--no-chat", "--chat-template", "x", says="contradict each other")
    refuse("requests", "utf8", "--chat-template", str(tmp_path / "x"), says="x cannot be read: No such file")
    (tmp_path / "bad").write_bytes(b"\xff")
    refuse("requests", "utf8", "--chat-template", str(tmp_path / "bad"), says="is not UTF-8 at byte 0")
    (tmp_path / "big").write_bytes(b" " * (_chat.LARGEST + 1))
    refuse("requests", "utf8", "--chat-template", str(tmp_path / "big"), says="is too large for a chat template")
    (tmp_path / "wrong").write_text("{{ 1 / 0 }}")
    refuse("requests", "utf8", "--chat-template", str(tmp_path / "wrong"), says="wrong cannot be rendered: ZeroDiv")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        refuse("requests", "utf8", "--chat-template", str(tmp_path / "pipe"), says="is a pipe")


@needs_data
def test_figures_of_qwen() -> None:
    """Its template adds a system message of 21 tokens, then 5 per message: start, role, line feed, end, line feed."""
    tokenizer = load_tokenizer("qwen2.5")
    frame = measure_chat([tokenizer], CORPUS, {"qwen2.5": find_template(tokenizer)})
    assert frame.filter(lang="en")["overhead"].to_list() == [31, 41]
    assert find_added_special(load_tokenizer("t5")) == AddedSpecial(1, "tokenizer.json, post_processor")
