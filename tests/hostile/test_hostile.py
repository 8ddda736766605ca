"""A part of the campaign, in the suite: 500 cases, the same each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from helpers.data import ROOT
from hostile.campaign import AREAS
from hostile.outcomes import FAILURES

CASES, SEED = 500, "suite"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the campaign forks")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Run the cases once, in a process without threads, for all workers of pytest."""
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    folder = tmp_path_factory.getbasetemp().parent if parallel else tmp_path_factory.mktemp("hostile")
    file = folder / "hostile.json"
    with FileLock(folder / "hostile.lock"):
        if not file.exists():
            run(file)
    return json.loads(file.read_text("utf-8"))


def run(file: Path) -> None:
    options = ("--cases", str(CASES), "--cheap", "--seed", SEED, "--json", str(file))
    command = [sys.executable, "-m", "tests.hostile", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr


@pytest.mark.parametrize("area", AREAS)
def test_every_case_is_answered(area: str, outcomes: list[dict[str, Any]]) -> None:
    cases = [case for case in outcomes if case["case"].startswith(f"{area}/")]
    assert cases
    failed = [case for case in cases if case["outcome"]["kind"] in FAILURES]
    assert not failed, "\n".join(map(describe, failed))


def describe(case: dict[str, Any]) -> str:
    kind, detail = case["outcome"]["kind"], case["outcome"]["detail"]
    return f"{kind}: {detail}: python -m tests.hostile --seed {SEED} --case {case['case']}"
