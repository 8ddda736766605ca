"""Sizes as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

from tokbench._shared.process_sizes import read_sizes


def test_sizes_are_bytes_and_other_lines_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "status"
    file.write_text("Name:\tpython\nVmHWM:\t   20 kB\nVmRSS:\t    12 kB\nThreads:\t3\n")
    assert read_sizes(file) == {"VmHWM": 20 * 1024, "VmRSS": 12 * 1024}
