"""Extras: everything that is missing is named at once, and the table is that of the package."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest

from helpers.data import ROOT
from tokbench._shared.extras import EXTRAS, check_extras
from tokbench.errors import TokbenchError


def list_required(extra: str, declared: dict[str, list[str]]) -> set[str]:
    """The libraries of an extra, with those of the extras that it contains."""
    found: set[str] = set()
    for requirement in declared[extra]:
        inner = re.fullmatch(r"tokbench\[(.+)\]", requirement)
        if inner:
            found |= {name for one in inner[1].split(",") for name in list_required(one, declared)}
        else:
            found.add(re.split(r"[>=<;! \[]", requirement)[0])
    return found


def test_the_table_of_extras_is_that_of_pyproject() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for extra, libraries in EXTRAS.items():
        if extra in declared:
            assert set(libraries) == list_required(extra, declared), extra


def test_all_missing_libraries_are_named_with_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(TokbenchError) as caught:
        check_extras({"view": "the local page", "html": "the report", "icu": "words"})
    assert str(caught.value) == (
        "the local page and the report need starlette, uvicorn, altair, which are not installed; "
        "install with: pip install 'tokbench[view,html]'"
    )


def test_a_single_one_is_said_in_the_singular(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(TokbenchError, match=r"^a spreadsheet needs XlsxWriter, which is not installed; install with"):
        check_extras({"xlsx": "a spreadsheet"})


def test_nothing_is_said_of_what_is_installed() -> None:
    check_extras({"unicode": "scripts"})
