"""Configuration files: which are read, which wins, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tokbench._shared.configuration import LARGEST, Setting, load_configuration
from tokbench.errors import TokbenchError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder in which the working directory is two folders down, with a private home."""
    below = tmp_path / "project" / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.delenv("TOKBENCH_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    return tmp_path / "project"


def write_user_file(project: Path, text: str) -> Path:
    path = project.parent / "user" / "tokbench" / "tokbench.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_nearest_file_upwards_is_read_and_keys_name_their_file(project: Path) -> None:
    (project / "tokbench.toml").write_text('corpus = "far"\n', encoding="utf-8")
    near = project / "a" / "pyproject.toml"
    near.write_text('[tool.tokbench]\ncorpus = "near"\n[tool.tokbench.model.measure]\nthreads = 4\n', encoding="utf-8")
    found = load_configuration()
    assert found.files == (near,)
    assert found.settings == {
        "corpus": Setting("near", f"{near}: tool.tokbench.corpus"),
        "model.measure.threads": Setting(4, f"{near}: tool.tokbench.model.measure.threads"),
    }
    assert found.folders["corpus"] == project / "a"


def test_a_pyproject_of_others_is_passed_over_even_if_it_is_damaged(project: Path) -> None:
    (project / "a" / "b" / "pyproject.toml").write_text("[tool.ruff\n", encoding="utf-8")
    (project / "a" / "pyproject.toml").write_text('[project]\nname = "tokbench-user"\n', encoding="utf-8")
    (project / "tokbench.toml").write_text("quiet = true\n", encoding="utf-8")
    assert load_configuration().settings["quiet"].value is True


def test_in_one_folder_tokbench_toml_comes_first(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.tokbench]\ncorpus = "p"\n', encoding="utf-8")
    (project / "tokbench.toml").write_text('corpus = "t"\n', encoding="utf-8")
    assert load_configuration().settings["corpus"].value == "t"


def test_the_file_of_the_user_fills_in_what_the_project_leaves_open(project: Path) -> None:
    user = write_user_file(project, 'corpus = "u"\nquiet = true\n[sets]\nmine = ["byt5"]\nyours = ["gpt2"]\n')
    (project / "tokbench.toml").write_text('corpus = "p"\n[sets]\nmine = ["llama3", "utf8"]\n', encoding="utf-8")
    found = load_configuration()
    assert found.files == (project / "tokbench.toml", user)
    assert (found.settings["corpus"].value, found.settings["quiet"].value) == ("p", True)
    assert found.sets == {"mine": ("llama3", "utf8"), "yours": ("gpt2",)}


def test_a_variable_names_the_only_file_or_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "tokbench.toml").write_text('corpus = "p"\n', encoding="utf-8")
    write_user_file(project, 'corpus = "u"\n')
    other = project / "other.toml"
    other.write_text('languages = ["en"]\n', encoding="utf-8")
    monkeypatch.setenv("TOKBENCH_CONFIG", str(other))
    assert load_configuration().settings == {"languages": Setting(["en"], f"{other}: languages")}
    monkeypatch.setenv("TOKBENCH_CONFIG", "none")
    assert load_configuration().files == ()
    monkeypatch.setenv("TOKBENCH_CONFIG", str(project / "absent.toml"))
    with pytest.raises(TokbenchError, match="there is no such file"):
        load_configuration()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[compare\n", "is damaged: Expected ']'"),
        (b'corpus = "\xff"\n', "is damaged: byte 10 is not UTF-8"),
        (b"sets = 3\n", "sets is 3; use a table of lists"),
        (b'[sets]\nmine = "llama3"\n', "sets.mine is 'llama3'; use a list of names"),
        (b"[sets]\nmine = []\n", "sets.mine is []"),
        (b"[sets]\nmine = [1]\n", "sets.mine is [1]"),
        (b"a = " + b"[" * 5000, "is damaged"),
        (b"a = " + b"9" * 5000, "is damaged: Exceeds the limit"),
        (b"[sets]\nmine" + b".a" * 50 + b" = 1", "sets.mine is {'a': {'a'"),
        (b"[sets]\nmine" + b" . a" * 1_000 + b" = 1", "a key has more than 100 parts"),
        (b"#" * (LARGEST + 1), "is larger than 1,000,000 bytes"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(project: Path, content: bytes, says: str) -> None:
    path = project / "tokbench.toml"
    path.write_bytes(content)
    with pytest.raises(TokbenchError) as caught:
        load_configuration()
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_of_this_name_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "tokbench.toml")
    assert load_configuration().files == ()


def test_a_comment_of_dots_is_no_key(project: Path) -> None:
    (project / "tokbench.toml").write_text(f"# {'.' * 200}\nquiet = true\n", "utf-8")
    assert load_configuration().settings["quiet"].value is True
