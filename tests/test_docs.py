"""The pages that follow from the code are those of this code; what the README says works."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib

import pytest

import tokbench
from helpers.commands import run
from helpers.data import ROOT

spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
assert spec is not None
assert spec.loader is not None
docs_build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(docs_build)


@pytest.mark.parametrize("page", docs_build.PAGES)
def test_generated_pages_are_of_this_code(page: str) -> None:
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == docs_build.PAGES[page](), "run: python docs/build.py"


def test_every_command_of_the_app_is_in_the_page() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    described = re.findall(r"^#+ `tokbench (.+)`$", page, re.MULTILINE)
    listed = [" ".join(words) for words in docs_build.list_commands()]
    assert described == listed
    assert {"compare", "model", "model measure"} <= set(listed)
    for line in re.findall(r"^  ([a-z-]+)  ", run("--help").stdout.partition("Commands:")[2], re.MULTILINE):
        assert line in listed


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_names_commands_and_options_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    called = re.findall(r"^tokbench .+$", readme, re.MULTILINE)
    assert called
    for line in called:
        arguments = shlex.split(line.partition(" #")[0])[1:]
        command = arguments[:2] if arguments[0] == "model" else arguments[:1]
        done = run(*command, "--help", COLUMNS="200")
        assert done.returncode == 0, line
        for option in (a for a in arguments if re.fullmatch(r"--?[a-z-]+", a)):
            assert option in done.stdout, line


def test_the_version_stands_in_the_changelog() -> None:
    assert f"## {tokbench.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_extra_that_an_error_names_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tokbench").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r'MissingExtraError\(\s*"[^"]+",\s*"([^"]+)"', text)}
    assert named
    assert named <= extras.keys()
