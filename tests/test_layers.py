"""Who may import whom: each row knows only the rows above it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.data import ROOT

PACKAGE = ROOT / "tokbench"

ROWS = (
    ("errors",),
    ("notes",),
    ("cache_folder", "registry", "output", "companions"),
    ("tokenizer_classes",),
    ("catalog", "filetype", "gguf_header", "hashes", "environment", "signature"),
    ("places",),
    ("kept",),
    ("assets",),
    ("model_files",),
    ("hard_texts", "rank_files", "threads"),
    ("adapters", "corpora"),
    ("blocks", "descriptions", "parts", "verification", "words"),
    ("engines", "losslessness"),
    ("counting",),
    ("measurement", "isolation"),
    ("statistics", "throughput"),
    ("benchmark", "footprint", "latency", "randomisation"),
    ("benchmark_tables",),
    ("metrics",),
    ("contenders", "results", "provenance", "examples"),
    ("comparison",),
    ("pythia", "changes", "saved", "variants"),
    ("vocabulary",),
    ("roundtrip", "overlap", "difference"),
    ("report",),
    ("view",),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, names in enumerate(ROWS) for name in names}


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
    if own == "__init__":
        return
    assert own in RANK, f"{own} has no row in the architecture"
    for name in imports_of(path) - {own}:
        assert RANK[name] < RANK[own], f"{own} imports {name}"


def test_only_assets_opens_the_network() -> None:
    network = {"socket", "urllib.request", "http.client", "httpx", "requests"}
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        named |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        if module_of(path) not in {"assets", "_network"}:
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


@pytest.mark.parametrize(
    "command", ["import tokbench", "import tokbench.cli; tokbench.cli.app(['--help'], standalone_mode=False)"]
)
def test_importing_and_help_stay_light(command: str) -> None:
    heavy = ["polars", "numpy", "tokenizers", "sentencepiece", "tiktoken", "huggingface_hub", "torch"]
    code = f"import sys; {command}; print(*[m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


def test_modules_stay_readable() -> None:
    long = {str(path): size for path in modules() if (size := len(path.read_text(encoding="utf-8").splitlines())) > 300}
    assert not long
