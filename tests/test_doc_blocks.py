"""Every block of code of the documentation runs, or its source says why it cannot; nothing is left out in silence."""

from __future__ import annotations

import ast
import doctest
import json
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from helpers.commands import run
from helpers.doc_blocks import REASONS, Block, list_pages, read_blocks
from helpers.doc_desk import write_desk

BLOCKS = [block for page in list_pages() for block in read_blocks(page)]
SHELL = {"sh", "console"}
SHOWN = {"text", "py"}  # output, and calls of the generated page
DATA = {"toml": tomllib.loads, "json": json.loads, "yaml": yaml.safe_load}
MOST_UNRUN = {
    "cluster": 2,
    "files": 4,
    "install": 3,
    "minutes": 3,
    "network": 7,
    "other programs": 1,
    "server": 1,
    "weights": 26,
}
RUNNABLE = {page for block in BLOCKS if block.language in SHELL | {"python"} for page in [block.page]}
CHECKER = doctest.OutputChecker()
LAX = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vocabularies that are rebuilt from a package are rebuilt once for all pages."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def desk(tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a page."""
    write_desk(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("TOKBENCH_CACHE", str(shared_cache))
    monkeypatch.setenv("TOKBENCH_CORPORA", str(tmp_path / "corpora"))
    monkeypatch.setenv("TOKBENCH_CONFIG", str(tmp_path / "tokbench.toml"))
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    return tmp_path


@pytest.mark.parametrize("page", sorted(RUNNABLE))
def test_the_blocks_of_a_page_run(page: str, desk: Path) -> None:
    names: dict[str, Any] = {"__name__": page}
    with pl.Config():  # which gives back what a page sets
        for block in BLOCKS:
            if block.page == page:
                run_block(block, names)


def run_block(block: Block, names: dict[str, Any]) -> None:
    """Run a block in the current folder; a block with a title is a file, which those after it may use."""
    if block.title:
        Path(block.title).parent.mkdir(parents=True, exist_ok=True)
        Path(block.title).write_text(block.text, encoding="utf-8")
    if block.reason and not block.starts:
        return
    if block.language == "console":
        for command, output in block.shown():
            if block.reason_of(command) is None:
                printed = run_command(block, command)
                assert CHECKER.check_output(output, printed, LAX), f"{block.page}:{block.line} {command}\n{printed}"
    elif block.language == "sh":
        for command in block.commands():
            if block.reason_of(command) is None:
                run_command(block, command)
    elif block.language == "python" and not block.title:
        run_python(block, names)


def run_command(block: Block, command: str) -> str:
    """Run `tokbench ...` or `cat FILE | tokbench ...`; status 1 is a result only where the line names it."""
    source, _, rest = command.rpartition(" | ")
    program, *arguments = shlex.split(rest, comments=True)
    where = f"{block.page}:{block.line}: {command}"
    assert program == "tokbench", f"{where}: mark it with its reason, as helpers/doc_blocks.py says"
    stdin = Path(source.removeprefix("cat ")).read_bytes() if source else b""
    # What shows its output runs without the settings that make others small; streams refuse such settings.
    plain = {"TOKBENCH_CONFIG": "none"} if block.language == "console" or "*" in command else {}
    done = run(*arguments, stdin=stdin, **plain)
    assert done.returncode in ({0, 1} if "exit status 1" in command else {0}), f"{where}\n{done.stderr}"
    return done.stdout


def run_python(block: Block, names: dict[str, Any]) -> None:
    """Run statements, or examples with their output."""
    name = f"{block.page}:{block.line}"
    if ">>>" not in block.text:
        exec(compile(block.text, name, "exec"), names)
        return
    examples = doctest.DocTestParser().get_doctest(block.text, names, name, block.page, block.line)
    examples.globs = names
    report: list[str] = []
    failed, tried = doctest.DocTestRunner().run(examples, out=report.append, clear_globs=False)
    assert tried
    assert failed == 0, "".join(report)


def test_every_block_has_a_kind_that_is_tested() -> None:
    unknown = {(b.page, b.line, b.language) for b in BLOCKS} - {
        (b.page, b.line, b.language) for b in BLOCKS if b.language in SHELL | SHOWN | DATA.keys() | {"python"}
    }
    assert not unknown
    assert {block.page for block in BLOCKS if block.language == "py"} <= {"docs/python.md"}


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language in DATA], ids=lambda b: f"{b.page}:{b.line}")
def test_settings_can_be_read(block: Block) -> None:
    assert DATA[block.language](block.text)


def test_marks_have_a_known_reason_and_apply() -> None:
    for block in BLOCKS:
        where = f"{block.page}:{block.line}"
        assert block.reason is None or block.reason in REASONS, f"{where}: {block.reason}"
        if block.language in SHELL:
            lines = list(block.commands())
            assert all(any(line.startswith(start) for line in lines) for start in block.starts), where


def test_what_does_not_run_is_a_short_list() -> None:
    left_out = list(list_unrun())
    counts = Counter(reason for _, reason, _ in left_out)
    listed = "\n".join(f"{where}: {reason}: {line}" for where, reason, line in left_out)
    run_here = sum(1 for b in BLOCKS if b.language in SHELL for line in b.commands() if b.reason_of(line) is None)
    assert all(counts[reason] <= most for reason, most in MOST_UNRUN.items()), listed
    assert run_here > 80, listed


def list_unrun() -> Iterator[tuple[str, str, str]]:
    """Page and line, reason, and the first line of what does not run."""
    for block in BLOCKS:
        lines = block.commands() if block.language in SHELL else block.text.splitlines()[:1]
        for line in lines:
            if reason := block.reason_of(line):
                yield f"{block.page}:{block.line}", reason, line


@pytest.mark.parametrize("line", sorted({line for _, _, line in list_unrun() if line.startswith("tokbench ")}))
def test_what_does_not_run_names_commands_and_options_that_exist(line: str) -> None:
    arguments = shlex.split(line, comments=True)[1:]
    command = arguments[:2] if arguments[0] == "model" else arguments[:1]
    done = run(*command, "--help", COLUMNS="200")
    assert done.returncode == 0
    for option in (a for a in arguments if re.fullmatch(r"--?[a-z-]+", a)):
        assert option in done.stdout


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "python" and b.reason], ids=lambda b: b.page)
def test_python_that_does_not_run_is_python(block: Block) -> None:
    assert ast.parse(block.text)
