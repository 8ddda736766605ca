"""Checks of tokenizers: nothing is found in sound ones, and each planted fault is found and named."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models

from helpers.broken_tokenizers import FAULTS, Fault, describe_sound, edit, write
from helpers.commands import refuse, run
from helpers.data import ROOT, needs_data
from helpers.made import make_rwkv
from tokbench import Tokenizer, load_tokenizer
from tokbench.adapters.selection.engine_check import FunctionTokenizer
from tokbench.analysis.soundness import CHECKS, ENGINE_CHECKS, Severity, Soundness, Verdict, check_tokenizer
from tokbench.analysis.soundness._calls import RUNS, judge_growth
from tokbench.analysis.soundness._declarations import read_group
from tokbench.analysis.soundness._merges import find_dead_pairs, find_dead_ranks
from tokbench.errors import TokbenchError

NAMES = [check.name for check in CHECKS]
QUICK = [name for name in NAMES if name not in ("threads", "long-runs")]
FACTS = ["bytes", "alphabet", "special-ids", "special-text", "ids", "lengths", "reach", "merges", "files"]


def check(tokenizer: Tokenizer, name: str) -> Verdict:
    (verdict,) = check_tokenizer(tokenizer, select=[name]).verdicts
    return verdict


def read_report(*arguments: str) -> list[dict[str, str]]:
    done = run("check", *arguments, "-f", "json", "--fail-on", "never")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)["reports"]
    verdicts: list[dict[str, str]] = report["verdicts"]
    return verdicts


# ---- faults


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_found_and_named(fault: Fault, tmp_path: Path) -> None:
    (verdict,) = read_report(fault.make(tmp_path), "--select", fault.check)
    assert (verdict["check"], verdict["severity"]) == (fault.check, fault.severity), verdict["evidence"]
    assert fault.evidence in verdict["evidence"]
    if fault.example is not None:
        assert verdict["example"] == fault.example


def test_at_least_25_faults_are_planted() -> None:
    assert len({fault.name for fault in FAULTS}) >= 25
    assert {fault.check for fault in FAULTS} <= set(NAMES)


@pytest.mark.smoke
def test_nothing_is_found_in_a_sound_tokenizer(tmp_path: Path) -> None:
    report = check_tokenizer(load_tokenizer(Path(edit()(tmp_path))), select=QUICK)
    bad = [v for v in report.verdicts if v.severity not in (Severity.PASSED, Severity.NOT_APPLICABLE)]
    assert not bad
    assert [v.check for v in report.verdicts] == QUICK


def test_another_format_has_no_errors(tmp_path: Path) -> None:
    report = check_tokenizer(load_tokenizer(make_rwkv(tmp_path)), select=FACTS)
    assert {v.severity for v in report.verdicts} <= {Severity.NOTE, Severity.PASSED, Severity.NOT_APPLICABLE}


def test_bytes_as_tokens_pass_everything() -> None:
    report = check_tokenizer(load_tokenizer("utf8"), clock=lambda: 0.0)
    assert {v.severity for v in report.verdicts} == {Severity.PASSED, Severity.NOT_APPLICABLE}
    assert [v.check for v in report.verdicts] == NAMES


# ---- calls: engines that depend on how they are called


def utf8() -> Tokenizer:
    return load_tokenizer("utf8")


def encode(texts: Sequence[str]) -> list[list[int]]:
    return [list(text.encode()) for text in texts]


def test_ids_that_change_between_calls_are_found() -> None:
    calls: list[int] = []

    def drift(texts: list[str]) -> list[list[int]]:
        calls.append(1)
        return [ids if len(calls) % 2 else ids[::-1] for ids in encode(texts)]

    verdict = check(FunctionTokenizer(drift, utf8()), "repeats")
    assert verdict.severity is Severity.ERROR
    assert "a second call gives other ids" in verdict.evidence


def test_ids_that_depend_on_neighbours_are_found() -> None:
    def pad(texts: list[str]) -> list[list[int]]:
        longest = max((len(ids) for ids in encode(texts)), default=0)
        return [ids + [0] * (longest - len(ids)) for ids in encode(texts)]

    verdict = check(FunctionTokenizer(pad, utf8()), "batches")
    assert verdict.severity is Severity.ERROR
    assert "alone it gives other ids" in verdict.evidence


def test_ids_that_depend_on_order_are_found() -> None:
    def remember(texts: list[str]) -> list[list[int]]:
        backwards = len(texts) > 1 and texts[0] != ""  # the first text of all is empty
        return [ids[::-1] if backwards else ids for ids in encode(texts)]

    verdict = check(FunctionTokenizer(remember, utf8()), "batches")
    assert verdict.severity is Severity.ERROR
    assert "in another order it gives other ids" in verdict.evidence


def test_state_of_a_thread_is_found() -> None:
    first = threading.current_thread()

    def prefer(texts: list[str]) -> list[list[int]]:
        return [ids if threading.current_thread() is first else ids[::-1] for ids in encode(texts)]

    verdict = check(FunctionTokenizer(prefer, utf8()), "threads")
    assert verdict.severity is Severity.ERROR
    assert "on 4 threads at once it gives other ids" in verdict.evidence


def test_a_text_that_makes_the_engine_fail_is_shrunk() -> None:
    def refuse_marks(texts: list[str]) -> list[list[int]]:
        if any("\u0301" in text for text in texts):
            raise ValueError("no combining marks")
        return encode(texts)

    verdict = check(FunctionTokenizer(refuse_marks, utf8()), "encodes")
    assert (verdict.severity, verdict.example) == (Severity.ERROR, "\u0301")


def test_special_text_that_gives_the_special_id_is_found(tmp_path: Path) -> None:
    document = describe_sound()
    sound = load_tokenizer(Path(write(tmp_path, document)))
    end = document["added_tokens"][0]["id"]

    def obey(texts: list[str]) -> list[list[int]]:
        return [[end] if "<|endoftext|>" in text else sound.encode(text) for text in texts]

    verdict = check(FunctionTokenizer(obey, sound), "special-text")
    assert (verdict.severity, verdict.example, verdict.result) == (Severity.ERROR, "<|endoftext|>", f"[{end}]")


# ---- long runs, by an injected clock


class Work:
    """A clock that an engine advances by its work."""

    def __init__(self, exponent: float) -> None:
        self.exponent, self.seconds = exponent, 0.0

    def __call__(self) -> float:
        return self.seconds

    def encode(self, text: str) -> None:
        self.seconds += 1e-5 * float(len(text) ** self.exponent)


@pytest.mark.parametrize(
    ("exponent", "severity"),
    [
        (0.0, "passed"),
        (1.0, "passed"),
        (1.2, "passed"),
        (1.5, "passed"),
        (1.7, "warning"),
        (2.0, "warning"),
        (3.0, "warning"),
    ],
)
def test_growth_of_time_is_judged_by_its_exponent(exponent: float, severity: str) -> None:
    work = Work(exponent)
    assert judge_growth(work.encode, work).severity.value == severity


def test_one_slow_kind_of_run_is_named() -> None:
    work = Work(1.0)

    def encode_run(text: str) -> None:
        work.exponent = 2.0 if text.isspace() and "\n" not in text else 1.0
        work.encode(text)

    finding = judge_growth(encode_run, work)
    assert "runs of spaces" in finding.evidence
    assert finding.example is not None
    assert set(finding.example) == {" "}
    assert len(RUNS) == 8


def test_a_slow_engine_in_linear_time_passes() -> None:
    work = Work(1.0)
    assert judge_growth(lambda text: [work.encode(text) for _ in range(1000)], work).severity is Severity.PASSED


def test_a_single_slow_moment_is_no_growth() -> None:
    """The first time is short, the second long; when both are taken again, time is in proportion."""
    work, calls = Work(1.0), []

    def hiccup(text: str) -> None:
        calls.append(len(text))
        work.encode(text)
        if calls.count(len(text)) == 1 and len(text) == 128_000:
            work.seconds += 900

    assert judge_growth(hiccup, work).severity is Severity.PASSED


# ---- merges and digits


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12))
def test_a_merge_is_dead_exactly_if_no_text_uses_it(picks: list[tuple[int, int]]) -> None:
    """Against the library: a text is encoded with and without the last merge; every text of the token is tried."""
    vocab, merges = ["a", "b", "c"], []
    for first, second in picks:
        pair = vocab[first % len(vocab)], vocab[second % len(vocab)]
        if len("".join(pair)) <= 5 and "".join(pair) not in vocab:
            merges.append(pair)
            vocab.append("".join(pair))
    numbers = {token: number for number, token in enumerate(vocab)}
    found = find_dead_pairs({"vocab": numbers, "merges": [list(pair) for pair in merges]})
    dead = {merge.parts for merge in found.dead}
    whole = models.BPE(vocab=numbers, merges=merges)
    for pair in merges:
        texts = [before + "".join(pair) + after for before in ("", "a", "b", "c") for after in ("", "a", "b", "c")]
        others = models.BPE(vocab=numbers, merges=[other for other in merges if other != pair])
        used = any(
            [t.value for t in whole.tokenize(text)] != [t.value for t in others.tokenize(text)] for text in texts
        )
        assert used == (pair not in dead)


def test_ranks_that_no_two_tokens_make_are_dead() -> None:
    ranks = {bytes([b]): b for b in b"abcd"} | {b"bc": 200, b"ab": 201, b"abc": 202, b"abcd": 203, b"bcda": 204}
    found = find_dead_ranks(ranks)
    assert found.merges == 5
    # a+bc makes abc, abc+d abcd; bcda would need bcd or cda or da.
    assert [merge.parts for merge in found.dead] == [("bcda",)]


@pytest.mark.parametrize(
    ("pattern", "digits"),
    [
        (r"\p{N}{1,3}|\s+", 3),
        (r"\p{N}|\s+", 1),
        (r"\d{1,2}", 2),
        (r" ?\p{N}+", None),
        (r"[0-9][0-9]", 2),
        (r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++", 3),
        (r" ?\p{L}+", None),
        (r"\p{N}*", None),
    ],
)
def test_the_grouping_of_digits_is_read_from_a_pattern(pattern: str, digits: int | None) -> None:
    assert read_group(pattern) == digits


# ---- the command


def test_the_command_fails_on_the_verdict_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "sound").mkdir()
    (tmp_path / "lossy").mkdir()
    sound = edit()(tmp_path / "sound")
    lossy = next(fault for fault in FAULTS if fault.name == "tabs replaced").make(tmp_path / "lossy")
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"model": {"vocab": ')
    only = ("--select", "loads,white-space")
    assert run("check", sound, *only, "--fail-on", "warning").returncode == 0
    assert run("check", sound, lossy, *only).returncode == 0
    assert run("check", sound, lossy, *only, "--fail-on", "warning").returncode == 1
    done = run("check", str(damaged), sound, *only)
    assert done.returncode == 1
    assert "is damaged" in " ".join(done.stdout.split())  # wherever a line is broken
    assert "2 of 2 checks passed" in done.stdout
    assert run("check", str(damaged), *only, "--fail-on", "never").returncode == 0


@pytest.mark.parametrize(
    ("output_format", "mark"), [("table", "warning"), ("markdown", "| warning"), ("html", "<td"), ("csv", "warning,")]
)
def test_verdicts_in_every_format(output_format: str, mark: str, tmp_path: Path) -> None:
    path = next(fault for fault in FAULTS if fault.name == "crossing merges").make(tmp_path)
    shown = run("check", path, "--select", "merges,ids", "-f", output_format).stdout
    assert mark in shown
    assert "1 of 3 merges cannot fire" in shown.replace("\n", " ")


def test_a_report_is_written_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "check.json"
    assert run("check", "utf8", "--select", "ids", "-o", str(target)).returncode == 0
    assert json.loads(target.read_text())["reports"][0]["counts"]["passed"] == 1


def test_odd_arguments_are_one_line() -> None:
    refuse("check", says="there is nothing to check")
    refuse("check", "no-such-tokenizer", says="no tokenizer is called")
    refuse("check", "utf8", "--select", "bite", says="did you mean 'bytes'")
    refuse("check", "utf8", "--select", "ids", "--ignore", "ids", says="leave no check")
    refuse("check", "--command", "cat", says="--command needs --reference")
    refuse("check", "a:f", "b:g", "--reference", "utf8", says="--reference takes one engine")
    refuse("check", "a:f", "--command", "cat", "--reference", "utf8", says="--reference takes one engine")
    refuse("check", "utf8", "--fail-on", "note", says="--fail-on")
    with pytest.raises(TokbenchError, match="no check is called"):
        check_tokenizer(utf8(), select=["nothing"])


def test_controls_in_examples_do_not_reach_a_terminal(tmp_path: Path) -> None:
    (folder := tmp_path / "x").mkdir()
    document = describe_sound()
    document["normalizer"] = {"type": "Replace", "pattern": {"String": "\x1b"}, "content": ""}
    done = run("check", write(folder, document), "--select", "invisible")
    assert "\x1b" not in done.stdout
    assert "\\x1b" in done.stdout


def test_a_report_counts_and_orders_verdicts() -> None:
    verdicts = tuple(Verdict(name, severity, "") for name, severity in (("a", Severity.PASSED), ("b", Severity.ERROR)))
    report = Soundness("x", "", "", verdicts)
    assert [v.check for v in report.worst_first()] == ["b", "a"]
    assert report.is_at_least(Severity.WARNING)
    assert not Soundness("x", "", "", verdicts[:1]).is_at_least(Severity.NOTE)
    assert {field.name for field in fields(Verdict)} == {"check", "severity", "evidence", "example", "result"}


def test_the_page_defines_every_check() -> None:
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)
    assert described == [*NAMES, *(one.name for one in ENGINE_CHECKS)]


# ---- odd companions


@pytest.mark.parametrize(
    ("content", "severity", "says"),
    [
        ('{"vocab_size": "many", "eos_token_id": null, "pad_token_id": true}', "passed", "it agrees with config.json"),
        ('{"vocab_size": NaN, "bos_token_id": [1, 2]}', "passed", "it agrees with config.json"),
        ('{"text_config": {"vocab_size": 454}}', "passed", "0 of the model's 454 rows are unused"),
        ('{"text_config": {"vocab_size": 453}}', "error", "the model has 453 rows by config.json"),
        ('{"eos_token_id": [3, 99999]}', "error", "eos_token_id is 99999, beyond the 454 ids"),
        ('{"pad_token_id": -1}', "passed", "it agrees with config.json"),
        ("[]", "error", "contains no JSON object"),
        ('{"a": ', "error", "is damaged"),
        ("\xff", "passed", "it agrees with config.json") if False else ("{}", "passed", "it agrees with config.json"),
    ],
)
def test_odd_configurations(content: str, severity: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    verdict = check(load_tokenizer(Path(edit()(tmp_path))), "files")
    assert (verdict.severity.value, says in verdict.evidence) == (severity, True), verdict.evidence


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_a_pipe_beside_a_tokenizer_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    os.mkfifo(tmp_path / "generation_config.json")
    assert check(load_tokenizer(Path(edit()(tmp_path))), "files").severity is Severity.NOT_APPLICABLE


# ---- real tokenizers


@needs_data
@pytest.mark.parametrize(
    ("name", "check_name", "severity", "evidence"),
    [
        ("falcon", "alphabet", "error", "15 of 243 bytes"),
        ("gpt-neox-20b", "ids", "warning", "23 texts"),
        ("gpt-neox-20b", "normalizer", "note", "NFC is applied"),
        ("llama", "bytes", "passed", "all 243"),
        ("llama3", "digits", "passed", "at most 3 digits"),
        ("mistral-v1", "special-text", "passed", "special tokens"),
        ("t5", "unknown", "warning", "155 none"),
    ],
)
def test_verdicts_on_real_tokenizers(name: str, check_name: str, severity: str, evidence: str) -> None:
    verdict = check(load_tokenizer(name), check_name)
    assert verdict.severity.value == severity
    assert evidence in verdict.evidence


@needs_data
def test_faults_planted_in_a_real_tokenizer(shared_data: Path, tmp_path: Path) -> None:
    document = json.loads((shared_data / "tokenizers" / "gpt-neox-20b" / "20B_tokenizer.json").read_bytes())
    document["model"]["dropout"] = 0.2
    document["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Split", "pattern": {"String": "%"}, "behavior": "Removed", "invert": False},
            document["pre_tokenizer"],
        ],
    }
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 50_254}))
    verdicts = read_report(write(tmp_path, document), "--select", "repeats,pre-tokenizer,files")
    assert [(v["check"], v["severity"], v["example"]) for v in verdicts] == [
        ("pre-tokenizer", "error", "%"),
        ("repeats", "error", None),
        ("files", "error", None),
    ]
    assert "ids up to 50,276" in verdicts[2]["evidence"]
