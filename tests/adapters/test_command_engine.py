"""Engines in another process: what they answer is compared, and each way to fail is one clear line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from helpers import line_engines
from helpers.commands import refuse, run
from tokbench import load_tokenizer
from tokbench.adapters.selection._pipe import PipeError
from tokbench.adapters.selection.command import CommandEngine, FunctionEngine, is_function
from tokbench.adapters.selection.random_texts import LONGEST, draw_texts
from tokbench.analysis.soundness import ENGINE_CHECKS, Severity, Soundness, check_function
from tokbench.errors import TokbenchError

PROGRAM = Path(line_engines.__file__)
TEXTS = ["", "a", "h\u00e9", "line\nfeed", "\x00\u2028\ud7ff", "\U0001f600" * 3, '"quoted" \\']


def command(way: str) -> str:
    return f"{sys.executable} {PROGRAM} {way}"


def check(engine: CommandEngine | FunctionEngine, *select: str) -> Soundness:
    with engine:
        return check_function(engine, load_tokenizer("utf8"), select=select or None, texts=50)


# ---- commands


@pytest.mark.smoke
def test_a_command_answers_each_text() -> None:
    with CommandEngine(command("sound")) as engine:
        assert engine(TEXTS) == line_engines.encode(TEXTS)
        assert engine([]) == []
        assert engine(["again"]) == [[97, 103, 97, 105, 110]]
        many = [f"text {number}" * 20 for number in range(3000)]  # more than a pipe holds, both ways
        assert engine(many) == line_engines.encode(many)


@pytest.mark.parametrize(
    ("way", "says"),
    [
        ("garbage", "is no JSON: 'not JSON'"),
        ("empty", "is no JSON: ''"),
        ("deep", "is no JSON: '[[["),
        ("object", "is no array of ids"),
        ("strings", "is no array of ids"),
        ("nested", "is no array of ids"),
        ("floats", "is no array of ids"),
        ("huge", "is no array of ids"),
        ("control", r"'\x1b[31m red'"),
        ("dies", "its process ended with status 3: out of cheese, after 3 of 7 answers"),
        ("mute", "gave no answer within 0.5 s, after 0 of 7; does it flush its output after each line?"),
        ("stuck", "gave no answer within 0.5 s"),
    ],
)
def test_a_command_that_fails_is_one_line(way: str, says: str) -> None:
    with (
        CommandEngine(command(way), limit=0.5 if way in ("mute", "stuck") else 60) as engine,
        pytest.raises(PipeError) as caught,
    ):
        engine(TEXTS)
    line = str(caught.value)
    assert says in line
    assert "\n" not in line


def test_a_command_that_answers_twice_is_refused() -> None:
    def call(engine: CommandEngine) -> None:
        for _ in range(9):  # what is too much may come after all that was waited for
            engine([*TEXTS, *TEXTS])

    with CommandEngine(command("twice")) as engine, pytest.raises(PipeError, match="more than one line per text"):
        call(engine)


def test_a_command_is_started_again_after_a_failure() -> None:
    with CommandEngine(command("dies")) as engine:
        with pytest.raises(PipeError):
            engine(TEXTS)
        assert engine(TEXTS[:2]) == [[], [97]]


def test_no_process_is_left(tmp_path: Path) -> None:
    engine = CommandEngine(command("stuck"), limit=0.2)
    with pytest.raises(PipeError):
        engine(["a"])
    assert engine._process is None
    with CommandEngine(command("sound")) as engine:
        engine(["a"])
        started = engine._process
        assert started is not None
    assert started.process.returncode is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "names no program"), ("  ", "names no program"), ("a 'b", "cannot be parsed"), ("a\0b", "names no program")],
)
def test_a_command_line_is_parsed(text: str, says: str) -> None:
    with pytest.raises(TokbenchError, match=says):
        CommandEngine(text)


@pytest.mark.parametrize("name", ["/no/such/program", str(Path(__file__).parent)])
def test_a_program_that_cannot_be_started(name: str) -> None:
    refuse("check", "--command", name, "--reference", "utf8", says=f"cannot start {name!r}")


# ---- functions


def function(name: str, limit: float = 60) -> FunctionEngine:
    return FunctionEngine(f"helpers.line_engines:{name}", limit)


@pytest.mark.parametrize("name", ["encode", "encode_arrays", "chat"])
def test_a_function_answers_in_a_process_of_its_own(name: str) -> None:
    with function(name) as engine:
        assert engine(TEXTS) == line_engines.encode(TEXTS)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("drop_last", "it returns 0 sequences for 1 texts"),
        ("leave_range", "hold 256, which is not in 0 to 255"),
        ("give_floats", "not a row of integers"),
        ("give_none", "it returns NoneType, not a sequence"),
        ("give_sets", "its rows are set, not integers"),
        ("look_up", "its process ended with status 1: KeyError: ''"),
        ("abort", "its process was ended by SIGABRT"),
        ("missing", "has no attribute 'missing'"),
    ],
)
def test_a_function_that_breaks_the_contract(name: str, says: str) -> None:
    report = check(function(name))
    first, *others = report.verdicts
    assert (first.check, first.severity) == ("contract", Severity.ERROR)
    assert says in first.evidence
    assert {verdict.severity for verdict in others} == {Severity.NOT_APPLICABLE}


def test_what_is_written_as_a_function() -> None:
    names = ["m:f", "a.b:c.d", "a-b:c", "hf:org/name", "a:", ":b", "a:b:c", "1:2"]
    assert [name for name in names if is_function(name)] == ["m:f", "a.b:c.d"]
    refuse("check", "no function", "--reference", "utf8", says="'no function' is no function")


# ---- against a reference


def test_an_exact_engine_passes() -> None:
    report = check(CommandEngine(command("sound")), "contract", "repeats", "random-texts", "special-text")
    assert [verdict.severity.value for verdict in report.verdicts] == ["passed", "passed", "not applicable", "passed"]
    assert report.verdicts[-1].evidence == "50 random texts have the ids of tokbench"


def test_the_smallest_text_with_other_ids_is_shown() -> None:
    report = check(function("fold"), "corpus")
    (verdict,) = report.verdicts
    assert (verdict.severity, verdict.example) == (Severity.ERROR, "\u00e9")
    assert verdict.result == "[101] instead of [195, 169]"
    assert "segments of tokbench14 have other ids than with tokbench" in verdict.evidence


def test_the_command_line_checks_engines(tmp_path: Path) -> None:
    only = ("--select", "contract,repeats", "-f", "json")
    done = run("check", "--command", command("sound"), "--reference", "utf8", *only)
    assert done.returncode == 0
    (report,) = json.loads(done.stdout)["reports"]
    assert report["counts"]["passed"] == 2
    assert report["sha256"] == load_tokenizer("utf8").asset.sha256
    done = run("check", "helpers.line_engines:leave_range", "--reference", "utf8", *only)
    assert done.returncode == 1
    assert (
        run("check", "helpers.line_engines:leave_range", "--reference", "utf8", *only, "--fail-on", "never").returncode
        == 0
    )


def test_every_engine_check_has_a_name_of_its_own() -> None:
    assert len({check.name for check in ENGINE_CHECKS}) == len(ENGINE_CHECKS)


# ---- bench


def test_bench_times_a_command_and_refuses_an_inexact_one(tmp_path: Path) -> None:
    texts = tmp_path / "en.txt"
    texts.write_text("".join(f"line {number} of a small text\n" for number in range(12)))
    arguments = ("bench", "utf8", "-c", str(texts), "--rounds", "2", "-f", "json")
    (exact,) = json.loads(run(*arguments, "--command", command("sound")).stdout)["benchmarks"]
    assert [engine["exact"] for engine in exact["engines"]] == [True, True]
    assert {speed["name"] for speed in exact["speeds"]} == {"bytes", exact["engines"][1]["name"]}
    (wrong,) = json.loads(run(*arguments, "--command", command("garbage")).stdout)["benchmarks"]
    assert wrong["engines"][1]["exact"] is False
    assert "is no JSON: 'not JSON'" in wrong["engines"][1]["reason"]
    refuse("bench", "utf8", "byt5", "--command", "cat", says="--command is an engine of one tokenizer")


# ---- random texts


def test_random_texts_follow_from_the_seed() -> None:
    tokenizer = load_tokenizer("utf8")
    texts = draw_texts(tokenizer, 300, 7)
    assert texts == draw_texts(tokenizer, 300, 7)
    assert texts != draw_texts(tokenizer, 300, 8)
    assert texts[:100] == draw_texts(tokenizer, 100, 7)
    assert all(text and len(text) < 2 * LONGEST for text in texts)
    assert len({ord(character) >> 8 for text in texts for character in text}) > 50
    for text in texts:
        text.encode()  # no half of a character
