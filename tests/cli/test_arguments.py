"""Every argument of every command: numbers, repetition, names that no file has. A new option is covered by itself."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer
from typer.main import get_command

from helpers.commands import refuse, run
from tokbench.__main__ import main
from tokbench.cli import COMMANDS, MODEL_COMMANDS, app
from tokbench.cli._usage import is_single
from tokbench.errors import INTERRUPTED, TokbenchError

FUNCTIONS: dict[tuple[str, ...], Callable[..., None]] = {
    **{(name,): function for name, function in COMMANDS.items()},
    **{("model", name): function for name, function in MODEL_COMMANDS.items()},
}
LONG = "a" * 300
NO_NAMES = (LONG, f"./{LONG}", "~nosuchuser", "hf:..", "hf:a/b.git", "hf:a/b@../x")
ALL_NAMES = {("compare",), ("pull",), ("report",), ("model", "score")}
"""Commands that are tried with each of these names; others with two of them."""
NO_NUMBERS = ("nan", "inf", "-inf", "1e309", str(2**64), "9" * 5000, "-1", "\uff15", "\u0663", "1_000", "0x10", "", "x")
LISTS = (
    ("bench", "--threads"),
    ("cost", "--new-tokens"),
    ("model measure", "--prompts"),
    ("model measure", "--batches"),
    ("model load-test", "--users"),
    ("model load-test", "--prompts"),
)
"""Options whose text holds numbers."""
REQUIRED = {("report",): ("-o", "x.html"), ("model", "make"): ("--random-weights", "x"), ("explain",): ("--variants",)}
EMPTY_IS_NONE = {"--prompts", "--batches"}


SHARES = {"--precision", "--efficiency", "--share", "--cached-share"}
NUMBER_FROM = r"(whole )?number from [0-9.,]+ to [0-9,]+"


def walk(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    below = getattr(command, "commands", {})
    if not below:
        yield words, command
    for name, one in below.items():
        yield from walk(one, (*words, name))


TREE = dict(walk(get_command(app)))


def numbers() -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """The options of all commands that are numbers: command, option, declaration."""
    for words, function in FUNCTIONS.items():
        for name, hint in get_type_hints(function, include_extras=True).items():
            if {int, float} & {*get_args(get_args(hint)[0] if get_args(hint) else hint), *get_args(hint)[:1]}:
                declared = next(one for one in hint.__metadata__ if isinstance(one, type(typer.Option())))
                # within Annotated, the first name is typer's "default"
                given = [one for one in (declared.default, *(declared.param_decls or ())) if isinstance(one, str)]
                yield words, given[-1] if given else name, declared


NUMBERS = list(numbers())


def test_the_walk_finds_every_command_and_its_numbers() -> None:
    assert TREE.keys() == FUNCTIONS.keys()
    found = {(" ".join(words), option) for words, option, _ in NUMBERS}
    assert {
        ("compare", "--segments"),
        ("cost", "--price-per-hour"),
        ("view", "--port"),
        ("diff", "--fail-over"),
    } <= found
    assert len(found) >= 25


@pytest.mark.parametrize(("words", "option", "declared"), NUMBERS, ids=[f"{' '.join(w)} {o}" for w, o, _ in NUMBERS])
def test_every_number_has_bounds_and_the_one_parser(words: tuple[str, ...], option: str, declared: Any) -> None:
    assert option.startswith("--"), "declared by whole_option or decimal_option"
    assert declared.min is not None
    refuse(*words, f"{option}={2**64}", says=f"{option} is '{2**64}'; use a ")
    bounds = r"share such as 1% or 0\.01, from [0-9.]+% to [0-9]+%" if option in SHARES else NUMBER_FROM
    for text in NO_NUMBERS:
        with pytest.raises(TokbenchError, match=rf"use a {bounds}$"):
            declared.parser(text)


@pytest.mark.parametrize(("command", "option"), LISTS)
def test_numbers_in_lists_are_read_by_the_same_parser(command: str, option: str) -> None:
    tokenizer = {"bench": ["gpt-neox-20b"], "model measure": ["pythia-70m"], "model load-test": ["70m"]}.get(
        command, []
    )
    for text in ("nan", str(2**64), "9" * 5000, "\uff15", "-1", ""):
        if text or option not in EMPTY_IS_NONE:
            refuse(*command.split(), *tokenizer, f"{option}={text}", says=f"{option} is {text[:40]!r}"[:-1])


@pytest.mark.parametrize("words", TREE, ids=" ".join)
def test_a_single_option_given_twice_is_refused(words: tuple[str, ...]) -> None:
    for option in filter(is_single, TREE[words].params):
        value = [] if option.secondary_opts else ["1"]
        name = option.opts[-1]
        refuse(*words, name, *value, option.opts[0], *value, says=f"{name} is given 2 times; give it once")


@pytest.mark.parametrize("words", TREE, ids=" ".join)
def test_a_usage_error_is_one_line_that_names_the_command(words: tuple[str, ...]) -> None:
    refuse(*words, "--no-such-option", says="no such option: --no-such-option")
    refuse(*words, *["x"] * 3, "--help=1", says=f"see `tokbench {' '.join(words)} --help`")
    for option in filter(is_single, TREE[words].params):
        if not option.secondary_opts:
            refuse(*words, option.opts[-1], says=f"requires an argument; see `tokbench {' '.join(words)} --help`")


def test_a_misspelt_option_and_choice_are_answered() -> None:
    refuse("compare", "--langages", "en", says="no such option: --langages; did you mean --languages?")
    refuse("compare", "--by", "colour", says="'colour' is not one of 'summary', 'language'")
    refuse("list", "x" * 5000, says="is not one of")
    refuse("nosuch", says="no such command 'nosuch'")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param(name, words, id=f"{name[:20]}-{' '.join(words)}")
        for words in FUNCTIONS
        for name in (NO_NAMES if words in ALL_NAMES else NO_NAMES[::3])
        if words != ("model", "list")
    ],
)
def test_a_name_that_nothing_has_is_refused(words: tuple[str, ...], name: str, tmp_path: Path) -> None:
    positional = [option for option in TREE[words].params if option.param_type_name == "argument"]
    values = [name for _ in positional] if words != ("explain",) else ["gini", name]
    if words == ("encode",):
        values.append("text")
    done = run(*words, *values, *REQUIRED.get(words, ()))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("tokbench: ")
    assert len(line) < 2 * len(name) + 600


@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", "utf8", "-n", "2", "-l", "en", "-o", f"{LONG}.json"),
        ("compare", "utf8", "-n", "2", "-l", "en", "--save", LONG),
        ("compare", "utf8", "-c", LONG),
        ("bench", "utf8", "-n", "2", "-l", "en", "-o", f"{LONG}.json"),
        ("cost", "utf8", "-n", "2", "-l", "en", "-o", f"{LONG}.json"),
        ("cost", "utf8", "-n", "2", "-l", "en", "--timings", LONG),
        ("report", LONG, "-o", "x.html"),
        ("model", "make", "70m", "--random-weights", LONG),
        ("model", "measure", "70m", "-o", f"{LONG}.json"),
        ("model", "score", "70m", "-o", f"{LONG}.json"),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_a_path_with_too_long_a_name_is_refused(arguments: tuple[str, ...]) -> None:
    refuse(*arguments, says="File name too long")


def test_languages_of_several_options_are_one_list() -> None:
    common = ("compare", "utf8", "-n", "2", "--no-throughput", "--resamples", "0")
    assert run(*common, "-l", "en,zh").stdout == run(*common, "-l", "en", "-l", "zh").stdout
    refuse(*common, "-l", "en,,zh", says="--languages 'en,,zh' has an empty name")


def test_the_parser_of_numbers_takes_what_people_write() -> None:
    assert run("cost", "utf8", "-n", "+2", "-l", "en", "--price-per-hour", "1.5e-1", "--timings", "x").returncode == 2
    assert run("vocab", "utf8", "--top", " 3 ").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX closes the input")
def test_closed_input_and_a_deleted_folder_are_one_line(tmp_path: Path) -> None:
    def say(script: str) -> tuple[int, str]:
        done = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, check=False, cwd=tmp_path)
        return done.returncode, done.stderr.decode()

    says = "tokbench: standard input is closed; give the text as the last argument\n"
    assert say('"$0" -m tokbench encode utf8 <&-') == (2, says)
    says = "tokbench: the current folder no longer exists; change to another one\n"
    assert say('mkdir gone; cd gone; rmdir ../gone; "$0" -m tokbench report x.json -o y.html') == (2, says)


def test_every_default_passes_the_parser() -> None:
    for words, function in FUNCTIONS.items():
        defaults = {name: one.default for name, one in inspect.signature(function).parameters.items()}
        for of, option, declared in NUMBERS:
            default = defaults.get(option.removeprefix("--").replace("-", "_"))
            if of == words and default not in (None, inspect.Parameter.empty):
                assert declared.parser(default) == default


def test_what_is_wrong_with_timings_is_told_shortly(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"timings": [[{"phase": "prefill"}] * 2] * 1000}))
    done = run("cost", "utf8", "--timings", str(path))
    assert done.returncode == 2
    assert "no timings (" in done.stderr
    assert len(done.stderr) < 1000


def test_ctrl_c_while_a_compiled_module_is_imported_is_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise ImportError("initialization failed") from KeyboardInterrupt()

    monkeypatch.setattr("tokbench.cli._usage.run_app", fail)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == INTERRUPTED
    assert capsys.readouterr().err == "tokbench: interrupted\n"
