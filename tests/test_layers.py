"""Who may import whom: each row knows only the rows above it."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import polars as pl
import pytest

from helpers.data import ROOT
from tokbench.metrics import METRICS

PACKAGE = ROOT / "tokbench"

ROWS = (
    "errors",
    "_shared",
    "executors",
    "corpora",
    "catalog",
    "adapters",
    "measurement",
    "metrics",
    "comparison",
    "pythia",
    "analysis",
    "report",
    "cli",
)
RANK = {name: rank for rank, name in enumerate(ROWS)}
APART = (
    ("corpora", "catalog"),
    ("catalog", "corpora"),
)


def imports_of(path: Path) -> set[str]:
    """The modules of tokbench, by their first name, that a file imports anywhere, type checking apart."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "tokbench":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("tokbench.")}
    return {name for name in found if (PACKAGE / name).exists() or (PACKAGE / f"{name}.py").exists()}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_module_knows_only_rows_above_its_own(path: Path) -> None:
    own = module_of(path)
    if own in {"__init__", "__main__"}:
        return
    assert own in RANK, f"{own} has no row in the architecture"
    for name in imports_of(path) - {own}:
        assert RANK[name] < RANK[own], f"{own} imports {name}"
        assert (name, own) not in APART, f"{own} imports {name}"


def test_the_top_level_has_these_names() -> None:
    there = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert there - {"__init__", "__main__", "__pycache__"} == set(ROWS)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_modules_form_no_circle() -> None:
    """Anywhere in a module, functions included; type checking apart."""
    paths = {name_of(path): path for path in modules()}
    known: dict[str, set[str]] = {}
    for name, path in paths.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typing = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        known[name] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node not in typing:
                full = {f"{node.module}.{alias.name}" for alias in node.names}
                known[name] |= {found if found in paths else node.module for found in full} & paths.keys()
            elif isinstance(node, ast.Import) and node not in typing:
                known[name] |= {alias.name for alias in node.names} & paths.keys()
    TopologicalSorter(known).prepare()  # CycleError names the circle


def test_one_module_opens_the_network() -> None:
    network = {"socket", "urllib.request", "http.client", "httpx", "requests"}
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        named |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        if path != PACKAGE / "catalog" / "network.py":
            assert not named & network, path


def test_only_the_command_line_prints_or_exits() -> None:
    for path in modules():
        if module_of(path) in {"cli", "__main__"}:
            continue
        called = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        }
        assert not called & {"print", "sys.exit", "exit", "quit", "typer.echo"}, path


def test_no_python_runs_inside_an_expression_of_polars() -> None:
    """It would wait for the interpreter lock, which a thread that waits for polars may hold."""
    udf = pl.col("a").map_batches(lambda values: values)
    assert "python_udf" in str(udf)
    exprs = [expr for metric in METRICS.values() for expr in (metric.expr, metric.numerator, metric.denominator)]
    assert not [expr for expr in exprs if expr is not None and "python_udf" in str(expr)]
    banned = {"map_batches", "map_elements", "map_groups", "map_rows", "rolling_map"}
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not banned & {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}, path


@pytest.mark.parametrize(
    "command", ["import tokbench", "import tokbench.cli; tokbench.cli.app(['--help'], standalone_mode=False)"]
)
def test_importing_and_help_stay_light(command: str) -> None:
    heavy = ["polars", "numpy", "tokenizers", "sentencepiece", "tiktoken", "huggingface_hub", "torch"]
    code = f"import sys; {command}; print(*[m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


READY_MADE = (
    *("cost", "cost.overview", "cost.request_trace", "measure.extrapolated", "measure.measured", "measure.probe"),
    "measure.measurement",
    *("model.facts", "model.memory", "model.models", "model.resolution", "results.published", "results.quality"),
    *("devices", "devices.estimate", "serving.load_test", "serving.summary"),
)
"""Modules of pythia whose results a report shows."""


def test_report_takes_costs_ready_made() -> None:
    """What a report tells of Pythia is handed over as data; only the page of `view` computes, as one types."""
    for path in modules():
        if module_of(path) == "report" and path.parent.name != "live":
            named = {
                node.module
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.ImportFrom)
            }
            of_pythia = {name for name in named if name and name.startswith("tokbench.pythia")}
            assert of_pythia <= {f"tokbench.pythia.{name}" for name in READY_MADE}, path


def test_modules_stay_readable() -> None:
    long = {str(path): size for path in modules() if (size := len(path.read_text(encoding="utf-8").splitlines())) > 300}
    assert not long


def test_the_command_line_prints_in_one_place() -> None:
    """Where controls are written out: a name must not reach a terminal in another way."""
    for path in (PACKAGE / "cli").glob("*.py"):
        if path.name != "_echo.py":
            text = path.read_text(encoding="utf-8")
            assert not any(call in text for call in ("typer.echo", " print(", "secho", "stdout.write")), path
