"""Other packages add entries by entry point, as if they were modules of the folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ADAPTER = '''
"""Splits at spaces."""
import numpy as np
from tokbench.adapters import EncodedBatch, LoadedTokenizer, TokenTable

REFERENCE_FOR = frozenset()

class Words(LoadedTokenizer):
    def encode_batch(self, texts):
        return EncodedBatch.from_lists([[len(word) for word in text.split()] for text in texts])
    def decode_batch(self, batch):
        return ["?" * int(ids.sum()) for ids in batch]
    def read_table(self):
        return TokenTable.from_tokens([b"?" * i for i in range(self.vocab_total)])

def load(asset):
    return Words(asset, "tokbench", "split", base=100, total=100)
'''
READER = '''
"""Pairs set apart by a bar."""
import polars as pl
from tokbench.corpora import LanguageText, RawCorpus

def claims(path):
    return path.suffix == ".bars"

def read(path, options, languages):
    rows = [line.split("|") for line in path.read_text(encoding="utf-8").splitlines()]
    return RawCorpus(name=path.stem, columns=tuple(
        LanguageText(lang=lang, texts=pl.Series([row[i] for row in rows]), origin=str(path))
        for i, lang in enumerate(("en", "de"))))
'''
REPORT = '''
"""Names alone."""
SUFFIXES = frozenset({".names"})

def render(comparison, by):
    return " ".join(comparison.names) + chr(10)
'''
POINTS = """[tokbench.adapters]
length = plugin.adapter
[tokbench.corpora]
bars = plugin.reader
[tokbench.report]
names = plugin.report
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A folder that holds an installed package with three entry points."""
    package = tmp_path / "site" / "plugin"
    package.mkdir(parents=True)
    for name, source in {"__init__": "", "adapter": ADAPTER, "reader": READER, "report": REPORT}.items():
        (package / f"{name}.py").write_text(source)
    metadata = tmp_path / "site" / "plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(POINTS)
    return tmp_path / "site"


def run(plugin: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(plugin)}
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, env=environment)


def test_an_adapter_of_another_package_runs(plugin: Path) -> None:
    code = (
        "import tokbench as tb; print(tb.load_tokenizer('utf8', engine='length').encode_batch(['ab c']).ids.tolist())"
    )
    done = run(plugin, "-c", code)
    assert done.stdout == "[2, 1]\n", done.stderr
    assert "length" in run(plugin, "-m", "tokbench", "list", "adapters").stdout


@pytest.mark.smoke
def test_a_reader_and_a_report_of_another_package_run(plugin: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "x.bars"
    corpus.write_text("a b|c d\ne|f\n")
    done = run(plugin, "-m", "tokbench", "compare", "utf8", "byt5", "-c", str(corpus), "-f", "names")
    assert done.stdout == "utf8 byt5\n", done.stderr


def test_a_name_that_is_taken_is_refused(plugin: Path) -> None:
    metadata = plugin / "plugin-1.0.dist-info" / "entry_points.txt"
    metadata.write_text("[tokbench.adapters]\ntiktoken = plugin.adapter\n")
    done = run(plugin, "-m", "tokbench", "list", "adapters")
    assert done.returncode == 2
    assert "uses a name that is already taken" in done.stderr
