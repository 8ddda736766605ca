"""What all commands have in common: lists, formats, -v and -q, extras, completion, progress."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.main import get_command

from helpers.commands import USAGE, refuse, run
from tokbench.cli import COMMANDS, app
from tokbench.cli._commands import extend
from tokbench.cli._completion import COMPLETIONS, METRICS, find_languages
from tokbench.cli._invocation import Invocation
from tokbench.cli._logging import logging_to_terminal
from tokbench.cli._needs import list_needs
from tokbench.cli._options import LIST_MARK
from tokbench.cli._progress import Bars, Measuring, note
from tokbench.cli._warnings import name_library, show_warning
from tokbench.errors import CacheWarning
from tokbench.metrics import BUILT_IN
from tokbench.report import REPORTS
from tokbench.report.xlsx import MOST_ROWS

SMALL = ("compare", "utf8", "byt5", "-l", "en,de", "-n", "4", "--no-throughput", "--resamples", "0")


def walk(command: Any, words: tuple[str, ...] = ()) -> Any:
    below = getattr(command, "commands", {})
    if not below:
        yield " ".join(words), command
    for name, one in below.items():
        yield from walk(one, (*words, name))


TREE: dict[str, Any] = dict(walk(get_command(app)))


# ---- what every command has


@pytest.mark.parametrize("command", TREE)
def test_every_command_has_the_shared_options_once(command: str) -> None:
    flags = [flag for parameter in TREE[command].params for flag in parameter.opts]
    assert {"-v", "--verbose", "-q", "--quiet"} <= set(flags)
    assert len(flags) == len(set(flags))
    assert ("--json" in flags) == ("-f" in flags)
    if "--json" in flags:
        assert {"-o", "--output"} <= set(flags)


@pytest.mark.parametrize("command", TREE)
def test_every_list_takes_commas_and_says_so_in_the_same_words(command: str) -> None:
    """All but files, corpora and tokenizers, in whose names a comma may be."""
    whole = ("output", "corpus", "gold", "tokenizers")
    for parameter in TREE[command].params:
        if parameter.param_type_name == "option" and parameter.multiple and parameter.name not in whole:
            assert parameter.metavar.endswith(LIST_MARK), f"declare {parameter.name} with list_option"
            assert "Comma-separated or repeated." in parameter.help


@pytest.mark.parametrize("command", TREE)
def test_no_help_shows_a_type_of_python(command: str) -> None:
    shown = run(*command.split(), "--help").stdout
    assert not any(word in shown for word in ("<str>", "<list", "<int", "<float", "<Path", "TEXT>", "INTEGER"))


def test_the_help_of_a_format_names_all_that_exist() -> None:
    (shown,) = (one.help for one in TREE["compare"].params if one.name == "output_format")
    assert all(name in shown for name in REPORTS), "see OutputFormat in cli/_options.py"


def test_a_new_command_has_all_that_without_code_of_its_own() -> None:
    assert extend(("diff",), COMMANDS["diff"]).__annotations__.keys() >= {"output_format", "output", "quiet", "verbose"}


# ---- lists


def test_commas_and_repetition_are_the_same() -> None:
    commas = run(*SMALL, "-m", "gini,fertility", "--json")
    repeated = run(*SMALL, "-m", "gini", "-m", "fertility", "--json")
    mixed = run(*SMALL, "-m", "gini,fertility", "-m", "gini", "--json")
    assert commas.returncode == 0, commas.stderr
    values = [json.loads(done.stdout)["results"] for done in (commas, repeated, mixed)]
    assert values[0] == values[1] == values[2]


def test_lists_of_every_kind_take_both(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse("bench", "utf8", "--path", "batch,single", "--path", "x", says="no path is called 'x'")
    refuse("bench", "utf8", "--threads", "1", "--threads", "2,0", says="--threads is '0'")
    refuse("model", "measure", "70m", "--prompts", "64,x", says="--prompts is 'x'")
    refuse("overlap", "utf8", "byt5", "--script", "Latn,,Hira", says="has an empty name")
    refuse(*SMALL, "-m", "gini,", says="has an empty name")


# ---- formats


def test_json_is_short_for_its_format_and_contradictions_are_refused() -> None:
    assert run("list", "corpora", "--json").stdout == run("list", "corpora", "-f", "json").stdout
    one, other = (json.loads(run(*SMALL, *flags).stdout) for flags in (("--json",), ("-f", "json")))
    assert one["results"] == other["results"]
    refuse("list", "corpora", "--json", "-f", "csv", says="--json is short for --format json, but the format is csv")
    refuse("list", "corpora", "-f", "cvs", says="no report format is called 'cvs'; did you mean 'csv'?")


def test_output_also_writes_everywhere(tmp_path: Path) -> None:
    done = run("list", "corpora", "-o", str(tmp_path / "a.json"), "-o", str(tmp_path / "a.md"))
    assert done.returncode == 0, done.stderr
    assert "tokbench14" in done.stdout
    assert {row["name"] for row in json.loads((tmp_path / "a.json").read_text())} >= {"tokbench14", "code"}
    assert (tmp_path / "a.md").read_text().startswith("| name |")
    refuse("list", "corpora", "-o", "nowhere/a.json", says="there is no folder nowhere")


def test_values_are_the_same_in_all_tables(tmp_path: Path) -> None:
    files = [tmp_path / f"a.{ending}" for ending in ("csv", "parquet", "xlsx")]
    done = run(*SMALL, *(word for file in files for word in ("-o", str(file))))
    assert done.returncode == 0, done.stderr
    as_csv, as_parquet = pl.read_csv(files[0], infer_schema_length=None), pl.read_parquet(files[1])
    assert as_csv.columns == as_parquet.columns
    cell = (pl.col("tokenizer") == "utf8") & (pl.col("lang") == "en") & (pl.col("metric") == "bytes_per_token")
    for frame in (as_csv, as_parquet):
        assert frame.filter(cell)["value"].item() == 1.0
    import zipfile

    with zipfile.ZipFile(files[2]) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == as_parquet.height + 1


def test_binary_files_are_the_same_for_the_same_results(tmp_path: Path) -> None:
    for ending in ("parquet", "xlsx"):
        first, second = (tmp_path / f"{name}.{ending}" for name in "ab")
        run("list", "corpora", "-o", str(first))
        run("list", "corpora", "-o", str(second))
        assert first.read_bytes() == second.read_bytes()


def test_a_spreadsheet_has_texts_and_no_formulas() -> None:
    import zipfile

    from tokbench.report._document_model import Results
    from tokbench.report.xlsx import encode_results

    frame = pl.DataFrame({"name": ["=1+1", "http://x"], "value": [1.5, None], "rate": [float("inf"), float("nan")]})
    content = encode_results(Results(list, list, lambda: frame))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        texts = archive.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "<v>1.5</v>" in sheet
    assert "=1+1" in texts
    assert "hyperlink" not in sheet
    assert MOST_ROWS == 2**20 - 1


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def test_binary_results_go_to_a_pipe_but_not_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tokbench", "list", "corpora", "-f", "parquet"], capture_output=True, check=True
    )
    assert "tokbench14" in pl.read_parquet(done.stdout)["name"].to_list()
    from tokbench.cli._results import check_printed
    from tokbench.errors import TokbenchError

    monkeypatch.setattr(sys, "stdout", Terminal(io.BytesIO(), encoding="utf-8"))
    with pytest.raises(
        TokbenchError, match=r"parquet is binary, and standard output is a terminal; add -o FILE\.parquet"
    ):
        check_printed("parquet")


def test_results_without_a_table_say_which_format_has_them(tmp_path: Path) -> None:
    done = run("explain", "gini", "-f", "csv")
    assert done.returncode != 0
    assert "these results are no table, so csv cannot hold them; use json" in done.stderr
    assert run("model", "list", "-f", "csv").stdout.startswith("name,")
    assert run("list", "adapters", "-f", "csv").stdout.startswith("name,reads,about\n")


def test_results_without_formats_of_their_own_follow_the_shared_options(tmp_path: Path) -> None:
    """Such as those of `cost --ledger`, which ignored --format and --output."""
    from tokbench.cli._results import print_results
    from tokbench.report._document_model import Results

    results = Results(list, lambda: [{"stage": "read"}], lambda: pl.DataFrame({"stage": ["read"]}))
    with Invocation(output_format="csv", output=(tmp_path / "a.json",)).active():
        print_results(results)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == [{"stage": "read"}]


# ---- -v and -q


def test_verbose_explains_on_standard_error_and_changes_no_result() -> None:
    silent, told = run(*SMALL, "--json"), run(*SMALL, "--json", "-v")
    assert silent.stderr == ""
    assert json.loads(silent.stdout)["results"] == json.loads(told.stdout)["results"]
    lines = told.stderr.splitlines()
    assert any(line.startswith("tokbench: corpora: the corpus ") for line in lines)
    assert any(line.startswith("tokbench: adapters: utf8 runs on ") for line in lines)
    more = run(*SMALL, "--json", "-vv").stderr.splitlines()
    assert len(more) >= len(lines)


def test_the_log_has_lines_that_no_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    with logging_to_terminal(1):
        logging.getLogger("tokbench.catalog.sources").info("%s", "a\x1b[31m\nb")
        logging.getLogger("tokbench.catalog.sources").debug("not at this level")
        logging.getLogger("httpx").info("not ours")
    logging.getLogger("tokbench.catalog.sources").info("no longer heard")
    assert capsys.readouterr().err == "tokbench: catalog: a\\x1b[31m b\n"


def test_quiet_hides_notes_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    with Invocation(quiet=True).active():
        note("measuring")
        show_warning(CacheWarning("damaged"), CacheWarning, "x.py", 1)
    assert capsys.readouterr().err == ""
    note("measuring")
    assert capsys.readouterr().err == "measuring\n"


def test_warnings_of_libraries_are_one_line_with_their_name(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/usr/lib/python3/site-packages/torch/nn/functional.py"
    show_warning("two\nlines", UserWarning, path, 7)
    with Invocation(verbose=1).active():
        show_warning("two\nlines", UserWarning, path, 7)
    assert capsys.readouterr().err.splitlines() == [
        "tokbench: UserWarning of torch: two lines",
        f"tokbench: UserWarning of {path}:7: two lines",
    ]
    assert name_library("/home/me/script.py") == "script.py"
    assert warnings.showwarning is not show_warning


# ---- extras


@pytest.mark.parametrize(
    ("command", "given", "extras"),
    [
        ("view", {}, {"view"}),
        ("vocab", {}, {"unicode"}),
        ("vocab", {"moved": "gpt2"}, set()),
        ("overlap", {"by": None, "script": None}, set()),
        ("overlap", {"by": "script"}, {"unicode"}),
        ("requests", {"chat_template": Path("a.jinja")}, {"chat"}),
        ("requests", {}, set()),
        ("compare", {"segmenter": "icu", "output": [Path("a.html"), Path("b.xlsx")]}, {"icu", "html", "xlsx"}),
        ("compare", {"output_format": "html"}, {"html"}),
        ("bench", {"output_format": "html"}, set()),
        ("report", {"output": [Path("a.md")], "charts": True}, {"html"}),
        ("cost", {"backend": "analytic"}, set()),
        ("cost", {"backend": "llamacpp"}, {"llamacpp"}),
        ("model measure", {"backend": ["ctranslate2", "llamacpp"]}, {"ctranslate2", "llamacpp"}),
        ("model load-test", {"backend": "llamacpp", "output": [Path("a.html")]}, {"llamacpp", "html"}),
        ("list", {"output_format": "xlsx"}, {"xlsx"}),
        ("encode", {}, set()),
    ],
)
def test_what_a_command_needs_follows_from_its_options(command: str, given: dict[str, Any], extras: set[str]) -> None:
    assert dict(list_needs(command, given)).keys() == extras


def test_missing_extras_are_found_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("starlette", "xlsxwriter", "altair"):
        monkeypatch.setitem(sys.modules, module, None)
    refuse("view", "--no-open", says="the local page needs starlette, which is not installed; install with: pip")
    done = run("compare", "nosuch", "-o", str(tmp_path / "a.html"), "-o", str(tmp_path / "a.xlsx"))
    assert done.returncode == USAGE
    assert "pip install 'tokbench[html,xlsx]'" in done.stderr
    assert "nosuch" not in done.stderr


# ---- completion


def complete(words: str) -> list[str]:
    """What bash offers after these words, of which the last may be incomplete."""
    parts = words.split(" ")
    given = {"COMP_WORDS": words, "COMP_CWORD": str(len(parts) - 1), "_TOKBENCH_COMPLETE": "complete_bash"}
    return [line for line in run(**given).stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        ("tokbench compare gpt-n", ["gpt-neox-20b"]),
        ("tokbench encode gpt-n", ["gpt-neox-20b"]),
        ("tokbench compare -m gin", ["gini", "gini_normalised"]),
        ("tokbench compare -m gini,fert", ["gini,fertility"]),
        ("tokbench compare -l e", ["en", "es"]),
        ("tokbench compare -c code -l go,p", ["go,php", "go,python"]),
        ("tokbench compare -c tok", ["tokbench14"]),
        ("tokbench compare -c flo", ["flores200/dev", "flores200/devtest"]),
        ("tokbench corpus nt", ["ntrex128"]),
        ("tokbench list corpora -f p", ["parquet"]),
        ("tokbench compare --engine ref", ["reference"]),
        ("tokbench cost --backend ct", ["ctranslate2"]),
        ("tokbench model show pythia-70m-", ["pythia-70m-deduped"]),
        ("tokbench compare --by lang", ["language"]),
    ],
)
def test_names_are_completed(words: str, some: list[str]) -> None:
    assert complete(words) == some


def test_completion_reads_languages_from_any_corpus(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("id\ten\tzh-Hans\tcolumn of text\n", encoding="utf-8")
    (tmp_path / "x.jsonl").write_text('{"en": "a", "th": "b"}\n', encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("eng_Latn.dev", "tha_Thai.dev", "README.md"):
        (folder / name).touch()
    assert list(find_languages(tmp_path / "x.tsv")) == ["id", "en", "zh-Hans"]
    assert list(find_languages(tmp_path / "x.jsonl")) == ["en", "th"]
    assert sorted(find_languages(folder)) == ["eng_Latn", "tha_Thai"]
    assert complete(f"tokbench compare -c {tmp_path / 'x.tsv'} -l z") == ["zh-Hans"]
    assert complete(f"tokbench compare -c {tmp_path / 'absent'} -l z") == []


def test_completion_imports_nothing_that_measures() -> None:
    heavy = ["polars", "numpy", "tokenizers", "sentencepiece", "tiktoken", "huggingface_hub", "rich"]
    names = ("tokenizers", "metrics", "languages", "corpus", "output_format", "engine", "backend", "model")
    code = (
        "import sys, types; from tokbench.cli._completion import COMPLETIONS as c;"
        "ctx = types.SimpleNamespace(params={}, command_path='tokbench compare');"
        f"found = [c[name](ctx, [], '') for name in {names}]; assert all(found);"
        f"print(*[m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_metrics_of_completion_are_those_that_exist() -> None:
    assert list(BUILT_IN) == list(METRICS), "see METRICS in cli/_completion.py"


def test_sets_of_the_configuration_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tokbench.toml"
    file.write_text('[sets]\nmine = ["byt5"]\n', encoding="utf-8")
    monkeypatch.setenv("TOKBENCH_CONFIG", str(file))
    assert "@mine" in COMPLETIONS["tokenizers"](None, [], "@m")


# ---- progress


class Drawn:
    """Records what a `rich.progress.Progress` is told."""

    def __init__(self) -> None:
        self.tasks: dict[int, dict[str, Any]] = {}
        self.drawings = 0

    def add_task(self, phase: str, **facts: Any) -> int:
        self.tasks[len(self.tasks)] = {"phase": phase, "completed": 0, **facts}
        return len(self.tasks) - 1

    def remove_task(self, task: int) -> None:
        self.tasks[task]["removed"] = True

    def update(self, task: int, **facts: Any) -> None:
        self.tasks[task] |= facts

    def refresh(self) -> None:
        self.drawings += 1


def test_a_comparison_tells_phases_that_reach_their_ends() -> None:
    from tokbench import compare
    from tokbench.metrics.resampling import Bootstrap

    drawn = Drawn()
    texts = {"en": ["a b", "c d", "e f"], "de": ["a", "b", "c"]}
    compare(["utf8", "byt5"], texts, bootstrap=Bootstrap(resamples=10), progress=Bars(drawn, clock=lambda: 0.0))
    ended = {task["phase"]: (task["completed"], task["total"]) for task in drawn.tasks.values()}
    assert ended["loading"] == (2, 2)
    assert ended["counting"] == (24, 24)
    assert list(ended) == ["loading", "counting", "speed", "intervals"]
    assert all(done == total > 0 for done, total in ended.values())


def test_bars_are_drawn_at_most_ten_times_a_second_and_at_their_ends() -> None:
    drawn, now = Drawn(), [0.0]
    bars = Bars(drawn, clock=lambda: now[0])
    bars.start("counting", 1_000_000)
    for _ in range(50):
        bars.advance("counting", 10_000, "utf8 en")
    assert drawn.drawings == 1
    now[0] = 0.2
    bars.advance("counting", 10_000)
    assert (drawn.drawings, drawn.tasks[0]["amount"]) == (2, "0.5/1.0 MB")
    bars.advance("counting", 10**9)
    assert (drawn.drawings, drawn.tasks[0]["completed"]) == (3, 1_000_000)
    bars.start("next", 2)
    bars.advance("next", 0, "its first part")  # at once, whenever the last bar was drawn
    assert (drawn.drawings, drawn.tasks[1]["what"]) == (4, "its first part")
    bars.start("empty", 0)
    bars.advance("empty")
    bars.finish("never started")
    assert len(drawn.tasks) == 2


def test_no_progress_is_written_to_a_pipe_even_if_colours_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    done = run(*SMALL, FORCE_COLOR="1")
    assert done.stderr == ""
    assert "\x1b[" in done.stdout
    assert "\x1b[" not in run(*SMALL, FORCE_COLOR="1", NO_COLOR="1").stdout


# ---- pull


def test_pull_says_what_is_here_already() -> None:
    done = run("pull", "mistral-v1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("mistral-v1: here already: sentencepiece from ")
    assert run("pull", "tokbench14", "numbers").stdout == (
        "tokbench14: here already, built in\nnumbers: here already, built in\n"
    )


def test_pull_takes_what_a_folder_has_as_list_does(tmp_path: Path, shared_data: Path) -> None:
    done = run("pull", "chatglm-6b", TOKBENCH_TOKENIZERS=str(shared_data / "tokenizers"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("chatglm-6b: here already: sentencepiece from folder")


def test_quiet_hides_what_a_language_is_called() -> None:
    command = ("compare", "utf8", "-l", "eng", "-n", "2", "--no-throughput", "--resamples", "0")
    assert run(*command).stderr == "tokbench: eng is en\n"
    assert run(*command, "-q").stderr == ""


def test_every_command_prints_binary_formats(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ab\n", "utf-8")
    command = [sys.executable, "-m", "tokbench", "count", "utf8", "a.txt", "-f", "parquet"]
    done = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
    assert pl.read_parquet(done.stdout)["bytes"].to_list() == [3]


def test_a_measurement_shows_its_parts_and_how_far_the_present_one_is() -> None:
    told: list[tuple[object, ...]] = []

    class Recorded:
        def start(self, phase: str, total: int) -> None:
            told.append(("start", phase, total))

        def advance(self, phase: str, amount: int = 1, what: str = "") -> None:
            told.append((phase, amount, what))

        def finish(self, phase: str) -> None:
            told.append(("finish", phase))

    tell = Measuring(Recorded())
    tell("a")
    for share in (0.25, 0.5, 1.0):
        tell.show_share(share)
    tell("b")
    tell.show_share(0.3)
    assert told == [
        ("measuring", 0, "a"),
        ("start", "per cent", 100), ("per cent", 25, ""), ("per cent", 25, ""), ("per cent", 50, ""),
        ("measuring", 1, "b"),
        ("start", "per cent", 100), ("per cent", 30, ""),
    ]  # fmt: skip
