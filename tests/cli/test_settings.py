"""Options from files and the environment, and what the command `config` shows of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from helpers.commands import USAGE, Result, run
from helpers.data import ROOT
from tokbench.catalog.sets import expand_sets
from tokbench.cli._settings import FOLDERS, GENERAL

SMALL = ("compare", "utf8", "--no-throughput", "--json")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOKBENCH_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    return tmp_path


def configure(project: Path, text: str) -> None:
    (project / "tokbench.toml").write_text(text, encoding="utf-8")


def read_corpus(done: Result) -> tuple[str, list[str], int]:
    assert done.returncode == 0, done.stderr
    corpus = json.loads(done.stdout)["corpus"]
    return corpus["name"], corpus["languages"], corpus["segments"]


def test_the_command_line_outranks_the_environment_and_that_the_files(project: Path) -> None:
    configure(project, 'corpus = "code"\nlanguages = ["go", "c"]\n[compare]\nresamples = 0\nsegments = 3\n')
    assert read_corpus(run(*SMALL)) == ("code", ["go", "c"], 3)
    assert read_corpus(run(*SMALL, TOKBENCH_LANGUAGES="c,rust")) == ("code", ["c", "rust"], 3)
    assert read_corpus(run(*SMALL, TOKBENCH_SEGMENTS="4", TOKBENCH_COMPARE_SEGMENTS="5")) == ("code", ["go", "c"], 5)
    assert read_corpus(run(*SMALL, "-l", "php", "-n", "6", TOKBENCH_LANGUAGES="c")) == ("code", ["php"], 6)


def test_lists_and_texts_of_files_are_as_on_the_command_line(project: Path) -> None:
    configure(project, 'languages = "go,c"\ncorpus = "code"\n[compare]\nmetric = ["gini", "premium"]\nresamples = 0\n')
    done = run(*SMALL, "-n", "2")
    assert read_corpus(done) == ("code", ["go", "c"], 2)
    assert {row["metric"] for row in json.loads(done.stdout)["results"]} == {"gini", "premium"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('corpsu = "code"', "corpsu: no option is called that; did you mean corpus?"),
        ("[compare]\nresample = 3", "compare.resample: no option is called that; did you mean compare.resamples?"),
        ("[comparison]\nseed = 3", "comparison.seed: no option is called that"),
        ("[compare]\nresamples = 'many'", "compare.resamples is 'many'; use a number"),
        ("[compare]\nresamples = true", "compare.resamples is True; use a number"),
        ("[compare]\nresamples = -1", "compare.resamples: --resamples is '-1'; use a whole number from 0 to 1,000,000"),
        ("[compare]\nby = 'word'", "compare.by: invalid value for '--by': 'word'"),
        ("[compare]\nby = 3", "compare.by is 3; use a text in quotes"),
        ("[compare]\nthroughput = 'no'", "compare.throughput is 'no'; use true or false"),
        ("[compare]\nmetric = [1]", "compare.metric is [1]; use a list of texts"),
        ("[compare]\noutput = ['x.csv']", "compare.output: no option is called that"),
        ("[compare]\nsave = 'x'", "compare.save: no option is called that"),
        ("languages = []", "languages is []; use a list of texts"),
        ("quiet = 1", "quiet is 1; use true or false"),
        ("cache = 3", "cache is 3; use a folder in quotes"),
        ("tokenizers = [3]", "tokenizers is [3]; use a folder in quotes"),
        ("[compare", "is damaged"),
        ("a" + ".a" * 50 + " = 1", "a.a.a.a.a.a.a.a.a: no option is called that"),
        ("[compare]\nlimit = nan", "compare.limit: no option is called that"),
        ("[compare]\nseed = nan", "compare.seed: --seed is 'nan'"),
        ('"\\u001b[31m" = 3', "\\x1b[31m: no option is called that"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line_with_file_and_key(project: Path, text: str, says: str) -> None:
    configure(project, text)
    done = run(*SMALL)
    assert (done.returncode, done.stdout) == (USAGE, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"tokbench: {project / 'tokbench.toml'}")
    assert says in line


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TOKBENCH_SEGMENTS", "x", "TOKBENCH_SEGMENTS: --segments is 'x'"),
        ("TOKBENCH_COMPARE_BY", "x", "TOKBENCH_COMPARE_BY: invalid value for '--by'"),
        ("TOKBENCH_OFFLINE", "maybe", "TOKBENCH_OFFLINE is 'maybe'; use 1 or 0"),
    ],
)
def test_what_is_wrong_in_a_variable_is_one_line_with_its_name(name: str, value: str, says: str) -> None:
    done = run(*SMALL, **{name: value})
    assert done.returncode == USAGE
    assert done.stderr.startswith(f"tokbench: {says}")


def test_help_and_version_need_no_working_configuration(project: Path) -> None:
    configure(project, "[compare")
    assert run("compare", "--help").returncode == 0
    assert run("--version").returncode == 0


def test_folders_are_relative_to_the_file_and_variables_outrank_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(project, 'cache = "here"\ntokenizers = ["models", "more"]\n')
    monkeypatch.delenv("TOKBENCH_CACHE")
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    below = project / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    shown = {row["option"]: row for row in json.loads(run("config", "--json").stdout)}
    assert shown["cache"]["value"] == str(project / "here")
    assert shown["tokenizers"]["value"] == os.pathsep.join(map(str, (project / "models", project / "more")))
    assert shown["cache"]["from"] == f"{project / 'tokbench.toml'}: cache"
    shown = {row["option"]: row for row in json.loads(run("config", "--json", TOKBENCH_CACHE="/x").stdout)}
    assert (shown["cache"]["value"], shown["cache"]["from"]) == ("/x", "TOKBENCH_CACHE")


def test_config_shows_each_value_and_where_it_is_from(project: Path) -> None:
    text = (
        'corpus = "code"\n[compare]\nresamples = 20\n[model.measure]\nprompts = [64, 128]\n[sets]\nmine = ["llama3"]\n'
    )
    configure(project, text)
    file = project / "tokbench.toml"
    rows = {row["option"]: row for row in json.loads(run("config", "--json", TOKBENCH_SEED="3").stdout)}
    assert rows["corpus"]["value"] in ("code", ["code"])
    assert rows["corpus"]["from"] == f"{file}: corpus"
    assert rows["compare.resamples"] == {
        "option": "compare.resamples",
        "value": 20,
        "from": f"{file}: compare.resamples",
    }
    assert rows["model.measure.prompts"]["value"] == ["64", "128"]
    assert rows["seed"] == {"option": "seed", "value": "3", "from": "TOKBENCH_SEED"}
    assert rows["sets.mine"] == {"option": "sets.mine", "value": ["llama3"], "from": f"{file}: sets.mine"}
    assert rows["quiet"] == {"option": "quiet", "value": None, "from": "default"}
    own = {row["option"]: row for row in json.loads(run("config", "compare", "--json").stdout)}
    assert own["seed"] == {"option": "seed", "value": 0, "from": "default"}
    assert own["by"]["value"] == "summary"
    assert "output" not in own
    assert str(file) in run("config").stdout


def test_config_of_an_unknown_command_is_refused() -> None:
    done = run("config", "compar")
    assert done.returncode == USAGE
    assert "no command is called 'compar'; did you mean 'compare'?" in done.stderr


def test_a_general_corpus_is_not_for_commands_that_mean_something_else_by_it(project: Path) -> None:
    configure(project, 'languages = ["en"]\n')
    done = run("overlap", "utf8", "byt5", "--json")
    assert done.returncode == 0, done.stderr


def test_the_example_of_the_documentation_is_accepted(project: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    configure(project, page.partition("```toml\n")[2].partition("```")[0])
    shown = {row["option"]: row["value"] for row in json.loads(run("config", "-f", "json").stdout)}
    assert shown["compare.metric"] == ["premium", "gini"]
    assert shown["sets.mine"] == ["llama3", "o200k_base"]
    assert all(f"\n{key} = " in page for key in (*GENERAL, *FOLDERS))


def test_own_sets_stand_for_their_tokenizers(project: Path) -> None:
    configure(project, '[sets]\nbytes = ["utf8", "byt5"]\nall-mine = ["@bytes", "utf8"]\nround = ["@round"]\n')
    done = run("compare", "@all-mine", "-l", "en", "-n", "2", "--no-throughput", "--json", "--resamples", "0")
    assert done.returncode == 0, done.stderr
    assert [one["name"] for one in json.loads(done.stdout)["tokenizers"]] == ["utf8", "byt5"]
    refused = run("compare", "@round")
    assert (refused.returncode, refused.stdout) == (USAGE, "")
    assert "the set @round contains itself: @round > @round; remove it from one" in refused.stderr


def test_own_sets_hide_those_of_the_catalogue_and_may_contain_them() -> None:
    sets = {"mine": ("llama3", "gpt2"), "openai": ("gpt2",), "both": ("@mine", "@openai")}
    assert expand_sets(["gpt2", "@mine"], sets) == ["gpt2", "llama3"]
    assert expand_sets(["@both", "utf8"], sets) == ["llama3", "gpt2", "utf8"]
    assert expand_sets(["gpt2", "gpt2"], sets) == ["gpt2", "gpt2"]


def test_the_general_corpus_is_not_that_of_rank_nor_of_overlap(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(project, 'corpus = "tokbench14"\n')
    assert run("rank", "thai", "-n", "1").returncode == 0
    monkeypatch.setenv("TOKBENCH_CORPUS", "tokbench14")
    assert run("rank", "thai", "-n", "1").returncode == 0
    assert "weighted" not in run("overlap", "utf8", "byt5").stdout
