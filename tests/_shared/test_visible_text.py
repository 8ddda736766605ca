"""Nothing that a name, a text or an error contains is obeyed by a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokbench as tb
from helpers.commands import refuse, run
from tokbench import report
from tokbench._shared.visible_text import reveal_controls
from tokbench.report import By, _views, table

HOSTILE = "a\x1b]0;PWN\x07\x1b[31m\x9b2J\u202e\u2066\x7f\r\u2028z"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def test_every_control_and_mark_of_direction_is_written_out() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        kind = unicodedata.category(character), unicodedata.bidirectional(character)
        obeyed = kind[0] in {"Cc", "Cs", "Zl", "Zp"} or kind[1] in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"}
        if obeyed and character not in "\n\t":
            assert reveal_controls(character).isascii(), hex(code)
    kept = "a\tb\n\u00a0\u3000\u200c\u200d\U0001f468\u200d\U0001f469 ä 中"
    assert reveal_controls(kept) == kept


@given(st.text(alphabet=st.one_of(st.sampled_from(HOSTILE + '"\\\n'), st.characters())))
def test_json_remains_the_same_document(text: str) -> None:
    written = reveal_controls(json.dumps([text], ensure_ascii=False, indent=1))
    assert json.loads(written) == [text]
    assert not OBEYED.search(written)


def test_styles_of_our_own_tables_alone_pass() -> None:
    assert reveal_controls("\x1b[1;32m7 *\x1b[0m\x1b[8m\x1b]0;x\x07", styled=True) == (
        "\x1b[1;32m7 *\x1b[0m\\x1b[8m\\x1b]0;x\\x07"
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved comparison whose corpus, tokenizer and languages are called so."""
    folder = tmp_path_factory.mktemp("hostile")
    texts = {"en": ["x", "yy"], "de": ["x", "y"]}
    document = report.render(tb.compare(["utf8"], texts, bootstrap=None, throughput=False), "json")
    named = json.dumps(HOSTILE)[1:-1]
    path = folder / "result.json"
    renamed = re.sub('"utf8"|(?<=tok:)utf8', lambda found: found[0].replace("utf8", named), document)
    path.write_text(renamed, encoding="utf-8")
    return path


def test_a_result_with_hostile_names_as_text_and_csv(hostile: Path) -> None:
    result = tb.load(hostile)
    assert HOSTILE in result.names
    views: tuple[By, ...] = ("summary", "language")
    for by in views:
        text = report.render(result, "table", by)
        assert not OBEYED.search(text)
        assert "a\\x1b]0;PWN\\x07" in text
        colored = re.sub(r"\x1b\[(?:0|1|2|3|1;32)m", "", table.format_results(_views.show(result, by), color=True))
        assert not OBEYED.search(colored)
    written = report.render(result, "csv")
    assert not OBEYED.search(written)
    assert len(list(csv.reader(io.StringIO(written)))) == result.frame.height + 1


def test_commands_print_hostile_names_written_out(hostile: Path, tmp_path: Path) -> None:
    shown = run("diff", str(hostile), str(hostile))
    assert not OBEYED.search(shown.stdout + shown.stderr)
    shown = run("encode", "utf8", HOSTILE.replace("\r", ""), "--json")
    assert not OBEYED.search(shown.stdout + shown.stderr)
    strange = tmp_path / "b\x1b[31mad\u202e.json"
    strange.write_text("{")
    for path in (strange, tmp_path / "\x1b]0;x\x07.json"):
        refuse("compare", str(path), says="x1b")
        assert not OBEYED.search(run("compare", str(path)).stderr)
