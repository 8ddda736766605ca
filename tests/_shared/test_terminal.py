"""What standard output can show: colours and columns."""

from __future__ import annotations

import io
import sys

import pytest

from tokbench._shared.terminal import measure_width, use_color


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "terminal", "pipe"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
    ids=str,
)
def test_colours_follow_the_environment(
    environment: dict[str, str], terminal: bool, pipe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert use_color(Terminal()) is terminal
    assert use_color(io.StringIO()) is pipe
    assert use_color(None) is False


@pytest.mark.parametrize(("columns", "width"), [("72", 72), ("", 100), ("x", 100), ("0", 100), ("-5", 100)])
def test_a_pipe_is_as_wide_as_columns_says_or_100(columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert measure_width() == width
    monkeypatch.setattr(sys, "stdout", None)
    assert measure_width() == width


def test_a_terminal_says_how_wide_it_is_unless_columns_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "64")
    assert measure_width() == 64
