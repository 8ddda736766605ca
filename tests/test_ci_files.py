"""The action and the hooks of pre-commit run commands that exist, and fail when these do."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.broken_tokenizers import edit
from helpers.commands import run
from helpers.data import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
STEPS = {step.get("name"): step for step in ACTION["runs"]["steps"]}
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


def run_step(name: str, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as a runner does: inputs through the environment, in bash that stops at errors."""
    step = STEPS[name]
    values = {key: str(spec["default"]) for key, spec in ACTION["inputs"].items()} | {
        key.replace("_", "-"): value for key, value in inputs.items()
    }
    given = {
        key: values[re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value)[1]] for key, value in step["env"].items()
    }  # type: ignore[index]
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    runner = {"PATH": paths, "RUNNER_TEMP": str(folder), "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={**os.environ, **given, **runner},
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


@needs_bash
def test_the_action_checks_and_fails_with_the_command(tmp_path: Path) -> None:
    edit()(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 300}))
    done = run_step("tokbench check", tmp_path, tokenizers="tokenizer.json", report="check.html", ignore="long-runs")
    assert done.returncode == 1, done.stderr
    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert summary == done.stdout
    assert "the model has 300 rows by config.json" in summary
    assert (tmp_path / "check.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@needs_bash
def test_the_action_compares_results(tmp_path: Path) -> None:
    for name, text in (("old", "one two"), ("new", "one two three four five six")):
        (tmp_path / "en.txt").write_text(f"{text}\n")
        arguments = ("compare", "utf8", "-c", str(tmp_path / "en.txt"), "-m", "tokens_per_segment")
        assert run(*arguments, "-o", str(tmp_path / f"{name}.json")).returncode == 0
    same = run_step("tokbench diff", tmp_path, old="old.json", new="old.json")
    assert same.returncode == 0, same.stderr
    other = run_step("tokbench diff", tmp_path, old="old.json", new="new.json")
    assert other.returncode == 2
    assert "tokbench: " in other.stderr


def test_inputs_reach_a_shell_only_through_the_environment() -> None:
    assert not [name for name, step in STEPS.items() if "${{" in step.get("run", "")]


def test_hooks_name_commands_and_options_that_exist() -> None:
    assert [hook["id"] for hook in HOOKS] == ["tokbench-check", "tokbench-diff"]
    for hook in HOOKS:
        program, command, *options = shlex.split(hook["entry"])
        assert program == "tokbench"
        shown = run(command, "--help", COLUMNS="200").stdout
        assert all(option in shown for option in options if option.startswith("--"))


def test_the_hook_takes_tokenizer_files_only() -> None:
    files = re.compile(HOOKS[0]["files"])
    assert all(files.search(name) for name in ("tokenizer.json", "a/b/tokenizer.model", "x/tekken.json", "r.tiktoken"))
    assert not any(files.search(name) for name in ("config.json", "my-tokenizer.json.bak", "tokenizer_config.json"))


def test_the_documentation_shows_both() -> None:
    for page in (ROOT / "docs" / "how-to" / "ci.md", ROOT / "docs" / "check.md"):
        text = page.read_text(encoding="utf-8")
        assert "uses: tokbench/tokbench@" in text
        assert all(hook["id"] in text for hook in HOOKS)
