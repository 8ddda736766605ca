"""The scripts of benchmarks/ read their options with argparse: `--help` must not start minutes of work."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SCRIPTS = [
    path
    for path in sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_parses_its_options(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported & {"argparse", "typer"}
    raw = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "argv"]
    assert not raw
