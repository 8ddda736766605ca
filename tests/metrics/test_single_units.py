"""A single segment or document says nothing about others: no interval, rather than one of no width."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import tokbench as tb

LINES = {"en": ["one line", "and two"], "de": ["eine Zeile", "und zwei"]}


@pytest.mark.parametrize(("segments", "defined"), [(1, False), (2, True)])
def test_parallel_text(segments: int, defined: bool) -> None:
    texts = {lang: lines[:segments] for lang, lines in LINES.items()}
    frame = tb.compare(["utf8", "byt5"], texts, metrics=["tokens_per_segment", "premium"]).frame
    assert frame["value"].count() == frame.height
    assert (frame["low"].count() > 0) is defined
    assert (frame["high"].count() > 0) is defined


def test_groups_of_which_one_has_a_single_text(tmp_path: Path) -> None:
    """It has no interval of its own, and the interval over all would not know how it varies."""
    for name, lines in (("one", ["only this"]), ("two", LINES["en"])):
        (tmp_path / f"{name}.txt").write_text("\n".join(lines), "utf-8")
    groups = [str(tmp_path / f"{name}.txt") for name in ("one", "two")]
    frame = tb.compare(["utf8", "byt5"], groups, metrics=["chars_per_token"]).frame.filter(tokenizer="utf8")
    bounded = dict(frame.select("lang", pl.col("low").is_not_null()).iter_rows())
    assert bounded == {None: False, "one": False, "two": True}
