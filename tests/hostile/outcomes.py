"""What came of a case: ok, one clear line, or a failure of some kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from hostile.case import Case, Run

KINDS = ("ok", "line", "traceback", "abort", "hang", "wrong")
FAILURES = KINDS[2:]

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FRAME = re.compile(r'File "[^"]*/(tokbench/[^"]+)", line \d+, in (\S+)')
_WARNING = re.compile(rb"^\S+:\d+: \w*Warning: (.*)", re.MULTILINE)
_LONGEST_LINE = 2000
_WEIGHTS = re.compile(r".*: weights: (random|pretrained)\b")
"""What commands say of a model before they run it."""
SAVED = {"comparison.json", *(f"{n}.parquet" for n in ("counts", "documents", "ids", "texts", "tokenizers", "vocab"))}
INTERRUPTED = 130
_FINE = (0, 1, 2, INTERRUPTED)


@dataclass(frozen=True)
class Outcome:
    """kind: one of KINDS. detail: what is wrong, without what differs from case to case."""

    kind: str
    detail: str = ""

    @property
    def failed(self) -> bool:
        return self.kind in FAILURES


def judge(case: Case, run: Run, consult: Callable[[Case, Run], str | None]) -> Outcome:
    """Say what came of a case. consult: asks the reference of a case, in another process."""
    if run.status is None:
        return Outcome("hang", f"after {run.cpu:.0f} s of CPU time" if run.cpu > 1 else "waiting")
    panic = b"PanicException" in run.stderr or b"panicked at" in run.stderr
    if run.status < 0 or panic:
        return Outcome("abort", name_panic(run.stderr) if panic else f"signal {-run.status}")
    if b"Traceback (most recent call last)" in run.stderr or run.status not in _FINE:
        return Outcome("traceback", name_traceback(run.stderr, run.status))
    failed = run.status and not (case.stopped and run.status == INTERRUPTED)
    detail = check_errors(case, run) if failed else check_success(case, run)
    detail = detail or check_characters(case, run) or check_outputs(case, run)
    if not detail and run.status == 0 and case.reference:
        detail = consult(case, run)
    if detail:
        return Outcome("wrong", detail)
    return Outcome("line" if failed else "ok")


def name_traceback(stderr: bytes, status: int) -> str:
    """Name the exception and the innermost function of ours."""
    text = stderr.decode(errors="replace")
    last = next((line for line in reversed(text.splitlines()) if re.match(r"[\w.]+(:|$)", line)), f"status {status}")
    frames = _FRAME.findall(text)
    where = " in ".join(reversed(frames[-1])) if frames else "no frame of ours"
    return f"{last.partition(':')[0]} in {where}"


def name_panic(stderr: bytes) -> str:
    """Name the place of a panic."""
    found = re.search(rb"panicked at (\S+?)(:\d+)*:?\s", stderr)
    return f"panic in {found[1].decode(errors='replace').rpartition('/')[2]}" if found else "panic"


def check_errors(case: Case, run: Run) -> str | None:
    """Check an answer with an exit status other than 0: one line, which begins as all of ours."""
    written = run.stderr.decode(errors="replace").splitlines()
    lines = [line for line in written if not _WEIGHTS.match(line)]
    notes = [line for line in lines if line.startswith("tokbench: ")]
    first = shorten(next((line for line in lines if line not in notes), "none"))
    if case.accepted:
        return f"refused: {shorten(notes[-1]) if notes else first}"
    if case.figures and not run.stdout:
        return f"no figures: {shorten(notes[-1]) if notes else first}"
    if run.status == 1 and run.stdout and len(lines) == len(notes):
        return None  # figures, and perhaps a note: --fail-over, --fail-lossy, a file that could not be written
    if lines and lines[0].startswith("Usage:"):
        return "a usage error of several lines"
    if case.silent and not lines:
        return None
    if not notes or (len(lines) > len(notes) and not case.noted):
        return f"status {run.status} with other lines than ours: {first}"
    if run.stdout:
        return f"status {run.status} with output on standard output"
    if len(notes[-1]) > _LONGEST_LINE:
        return "a line of more than 2,000 characters"
    return None


def check_success(case: Case, run: Run) -> str | None:
    """Check an answer with exit status 0."""
    if case.refused:
        return f"accepted: {case.note}"
    if warned := _WARNING.search(run.stderr):
        return f"a warning of a library: {shorten(warned[1].decode(errors='replace'))}"
    return next((detail for check in case.checks if (detail := check(run))), None)


def check_characters(case: Case, run: Run) -> str | None:
    """Look for characters that steer a terminal."""
    named = [("standard error", run.stderr)]
    named += [("standard output", run.stdout)] if case.escapes else []
    for name, content in named:
        found = _CONTROL.search(content.decode("utf-8", errors="ignore"))
        if found:
            return f"U+{ord(found[0]):04X} on {name}"
    return None


def check_outputs(case: Case, run: Run) -> str | None:
    """Check that files are absent or whole."""
    for path in case.outputs:
        if path.is_dir() and {inner.name for inner in path.iterdir()} != SAVED:
            return "a folder of --save in part"
        if not path.is_file():
            if run.status == 0 and not path.exists():
                return f"no output file of {path.suffix}"
            continue
        content = path.read_bytes()
        if not content:
            return f"an empty {path.suffix} file"
        if path.suffix == ".json" and (detail := find_fault(content)):
            return f"{path.suffix} file: {detail}"
    return None


def shorten(text: str) -> str:
    """Leave out what differs from case to case."""
    return re.sub(r"\d+", "N", re.sub(r"'[^']*'|\"[^\"]*\"|/\S+", "...", text))[:90]


def find_fault(content: bytes) -> str | None:
    """Say why bytes are not strict JSON, or None."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} in JSON")

    try:
        json.loads(content, parse_constant=refuse)
    except ValueError as error:
        return shorten(str(error))
    return None


def is_json(run: Run) -> str | None:
    """A check: standard output is strict JSON."""
    return (detail := find_fault(run.stdout)) and f"standard output: {detail}"


def is_filled(run: Run) -> str | None:
    """A check: something is on standard output."""
    return None if run.stdout.strip() else "nothing on standard output"
