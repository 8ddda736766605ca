"""Standard output: closed, full, or of an encoding that lacks characters. The figures come out as far as they can."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.corpora import write_corpus

SMALL = ("compare", "utf8", "-l", "en,zh", "-n", "2", "-q", "--resamples", "0", "--no-throughput")


def run_with(arguments: tuple[str, ...], **changes: str) -> subprocess.CompletedProcess[bytes]:
    """A real process: encodings and descriptors belong to one."""
    return subprocess.run(
        [sys.executable, "-m", "tokbench", *arguments], capture_output=True, check=False, env={**os.environ, **changes}
    )


@pytest.mark.parametrize("encoding", ["latin-1", "cp437"])
def test_a_table_has_a_plain_form(encoding: str) -> None:
    done = run_with(SMALL, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"tokens/segment en" in done.stdout
    assert b"\\u" not in done.stdout


def test_characters_that_an_encoding_lacks_are_escaped_and_told(tmp_path: Path) -> None:
    write_corpus(tmp_path / "\u4f60", en=["a"])
    done = run_with((*SMALL[:2], "-c", str(tmp_path / "\u4f60"), *SMALL[-4:]), PYTHONIOENCODING="latin-1")
    assert done.returncode == 1
    assert done.stdout.startswith(b"\\u4f60: 1 language")
    assert b"2 characters are shown as \\u...; set PYTHONUTF8=1" in done.stderr  # in the title and the signature
