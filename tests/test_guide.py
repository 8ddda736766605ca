"""The guide is a notebook: its code runs, and what it shows is what comes out."""

from __future__ import annotations

import doctest

import polars as pl

from helpers.data import ROOT


def test_the_guide_runs() -> None:
    with pl.Config():  # which gives back what the guide sets
        failed, tried = doctest.testfile(str(ROOT / "docs" / "guide.md"), module_relative=False, encoding="utf-8")
    assert tried >= 15
    assert failed == 0, "see the captured output"
