"""The pages that follow from the code are those of this code; what the README says works."""

from __future__ import annotations

import importlib.util
import re
import tomllib

import pytest

import tokbench
from helpers.commands import run
from helpers.data import ROOT

HERE = "https://github.com/tokbench/tokbench/blob/main/"
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
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if target.startswith(HERE):
                assert (ROOT / target.removeprefix(HERE)).exists(), f"{page.name} links to {target}"
            elif "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
                if page.parent != ROOT:  # the site holds nothing else
                    assert (page.parent / target).resolve().is_relative_to(ROOT / "docs"), (
                        f"{page.name} links to {target}"
                    )


def test_every_page_is_in_the_navigation() -> None:
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(list_targets(navigation)) == sorted(pages)


def list_targets(entry: str | list[object] | dict[str, object]) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    below = entry.values() if isinstance(entry, dict) else entry
    return [target for one in below for target in list_targets(one)]  # type: ignore[arg-type]


def test_the_first_page_leads_to_every_tutorial() -> None:
    first = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for tutorial in (ROOT / "docs" / "tutorials").glob("*.md"):
        assert f"](tutorials/{tutorial.name})" in first


def test_every_public_name_is_on_the_page_of_python() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^### `tb\.(\w+)`$", page, re.MULTILINE))
    assert listed == set(tokbench.__all__) - {"__version__"}


def test_the_version_stands_in_the_changelog() -> None:
    assert f"## {tokbench.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_extra_that_an_error_names_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tokbench").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r'MissingExtraError\(\s*"[^"]+",\s*"([^"]+)"', text)}
    assert named
    assert named <= extras.keys()


def test_every_page_says_first_what_it_is_for() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        text = page.read_text(encoding="utf-8").removeprefix(docs_build.GENERATED).strip()
        title, _, rest = text.partition("\n")
        assert title.startswith("# "), page
        assert re.match(r"\s*[A-Z`\-a-z\[*][^\n]*\s", rest), page
        assert not re.match(r"\s*(#|```|<!--|\||- )", rest), f"{page.name} does not begin with a sentence"
