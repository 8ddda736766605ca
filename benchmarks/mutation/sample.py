"""Would the tests notice? A seeded sample of mutants of the core: `python benchmarks/mutation/sample.py --seed 1`.

cosmic-ray (the extra `mutation`) makes the mutants: an operator, a comparison, a number, a condition, a loop or a
decorator is changed. Places are drawn first, then one mutant of each, so that a sum with ten possible operators counts
no more than a number with two. Annotations are left out, since they are not run, and so are replacements that only
crash (a shift in place of a division, `is` in place of `<`).

Each mutant runs the tests of the packages that test its module, fastest first, until one fails; without shared data.
A mutant survives if all pass, and is killed by a failure or by its time limit. All happens in a copy of the repository.
Survivors are printed as they come; the exit status is 1 where fewer than 90 % are killed, those that
equivalent.toml names left out.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import difflib
import importlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import tomllib
import traceback
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.work_item import MutationSpec
from coverage import Coverage

for module in ("hypothesis", "numpy", "polars", "sentencepiece", "tiktoken", "tokenizers", "typer", "pandas", "rich"):
    importlib.import_module(module)

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("tokbench", "tests", "corpora", "docs", "pyproject.toml", "README.md")

TESTS: Mapping[str, tuple[str, ...]] = {
    "tokbench/metrics": ("tests/metrics", "tests/comparison"),
    "tokbench/measurement": ("tests/measurement", "tests/metrics", "tests/comparison"),
    "tokbench/analysis/overlap.py": ("tests/analysis/test_overlap.py",),
    "tokbench/analysis/token_attribution.py": ("tests/analysis/test_token_attribution.py",),
    "tokbench/analysis/metric_variants.py": ("tests/analysis/test_metric_variants.py",),
    "tokbench/comparison/diff.py": ("tests/comparison/test_diff.py",),
}
"""What is mutated, and the tests that are to notice."""

NOT_MUTATED = {"loading.py", "__init__.py"}
"""Of these folders: threads and files, which tests of other kinds cover; names alone."""

ONLY_CRASH = re.compile(
    r"BinaryOperator_(Add|Sub|Mul|Div|FloorDiv|Mod|Pow)_(RShift|LShift|BitOr|BitAnd|BitXor)"
    r"|BinaryOperator_(RShift|LShift|BitOr|BitAnd|BitXor)_(Add|Sub|Mul|Div|FloorDiv|Mod|Pow)"
    r"|ComparisonOperator_(Eq|NotEq|Lt|LtE|Gt|GtE)_Is|ComparisonOperator_Is(Not)?_(Eq|NotEq|Lt|LtE|Gt|GtE)"
)
ENOUGH = 0.9

Place = tuple[str, tuple[int, int], tuple[int, int]]
"""A module, and where in it a mutant starts and ends: line and column."""

Change = tuple[str, str, str]
"""A file, a line of it and what becomes of that, without surrounding space."""

OPTIONS = ["-x", "-p", "no:xdist", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=line", "--assert=plain"]
LOG, RECORD = Path("tests.log"), Path("tests.json")


@dataclass(frozen=True)
class Test:
    """A test function: its name, the seconds of all its cases, and the lines that it runs (file, line)."""

    name: str
    seconds: float
    lines: set[tuple[str, int]]


EQUIVALENT = Path(__file__).with_name("equivalent.toml")
"""Mutants that behave as the original, and why."""

ANY = "*"
"""In EQUIVALENT, all mutants of a line."""


def list_mutants(modules: Iterable[str]) -> dict[Place, list[MutationSpec]]:
    """Return the mutants of modules by place."""
    places: dict[Place, list[MutationSpec]] = {}
    for module in modules:
        path = Path(module)
        nodes = list(ast_nodes(get_ast_from_path(path)))
        annotations = list(find_annotations(path.read_text(encoding="utf-8")))
        for name in operator_names():
            operator = get_operator(name)
            if operator.arguments() or ONLY_CRASH.search(name):
                continue
            found = chain.from_iterable(map(operator().mutation_positions, nodes))
            for occurrence, (start, end) in enumerate(found):
                if not any(first <= start < last for first, last in annotations):
                    mutant = MutationSpec(path, name, occurrence, start, end)
                    places.setdefault((module, start, end), []).append(mutant)
    return places


def find_annotations(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield start and end (line, column) of the annotations of a module, and of its type aliases."""
    for node in ast.walk(ast.parse(source)):
        found: list[ast.expr | None] = []
        if isinstance(node, ast.arg | ast.AnnAssign):
            found = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            found = [node.returns]
        if isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation):
            found.append(node.value)
        for annotation in found:
            if annotation is not None:
                end = annotation.end_lineno or 0, annotation.end_col_offset or 0
                yield (annotation.lineno, annotation.col_offset), end


def list_modules() -> list[str]:
    """Return the files that are mutated."""
    paths = (path for target in TESTS for path in [ROOT / target, *sorted((ROOT / target).glob("*.py"))])
    return [path.relative_to(ROOT).as_posix() for path in paths if path.is_file() and path.name not in NOT_MUTATED]


def copy_repository(folder: Path) -> None:
    """Copy what the tests need; modules are recompiled by their content, not by their time."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    for package in ("tokbench", "tests"):
        compileall.compile_dir(folder / package, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


def run_tests(tests: Sequence[str], limit: float, *plugins: object) -> bool:
    """Run tests in a fork of this process, which has imported all but tokbench; return whether they pass in time."""
    child = os.fork()
    if not child:
        status = 1
        try:
            os.setsid()
            signal.setitimer(signal.ITIMER_REAL, limit)  # ends the process
            log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            status = pytest.main([*OPTIONS, *tests], plugins=plugins)
        except BaseException:  # noqa: BLE001 - the fork ends here, whatever happened
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what the tests started
    return status == 0


def count_seconds() -> float:
    """Return the processor time of this process and of those that it started: a busy machine changes nothing."""
    return sum(os.times()[:4])


class Recorder:
    """A plugin that writes the seconds of each test and the lines of tokbench that it runs."""

    def __init__(self) -> None:
        self.coverage = Coverage(data_file=None, source=["tokbench"], config_file=False)
        self.coverage.set_option("run:disable_warnings", ["no-data-collected", "module-not-imported"])
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.lines: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Record one test."""
        self.coverage.erase()
        started = count_seconds()
        with self.coverage.collect():
            result: object = yield
        name = item.nodeid.partition("[")[0]
        self.seconds[name] += count_seconds() - started
        data = self.coverage.get_data()
        for file in data.measured_files():
            own = Path(file).relative_to(Path.cwd()).as_posix()
            self.lines[name].update((own, line) for line in data.lines(file) or ())
        return result

    def pytest_sessionfinish(self) -> None:
        """Write what was recorded."""
        RECORD.write_text(json.dumps([[name, s, sorted(self.lines[name])] for name, s in self.seconds.items()]))


def record_tests(tests: Sequence[str]) -> list[Test]:
    """Run tests on the original code, if they are not recorded; return each test function, fastest first."""
    if not RECORD.exists() and not run_tests(tests, 3600, Recorder()):
        raise SystemExit(f"the tests fail on the original:\n{LOG.read_text()[-4000:]}")
    found = [
        Test(name, seconds, {(file, line) for file, line in lines})
        for name, seconds, lines in json.loads(RECORD.read_text())
    ]
    return sorted(found, key=lambda test: test.seconds)


def find_lines(source: str, start: int, end: int) -> range | None:
    """Return the lines of the smallest statement within a function around some lines; None where there is none."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    statements = [node for function in functions for part in function.body for node in ast.walk(part)]
    around = [
        range(node.lineno, (node.end_lineno or 0) + 1)
        for node in statements
        if isinstance(node, ast.stmt) and node.lineno <= start <= end <= (node.end_lineno or 0)
    ]
    return min(around, key=len, default=None)


def choose_tests(mutant: MutationSpec, tests: Sequence[Test]) -> list[Test]:
    """Return the tests that run what is mutated; those of its package where that runs at import."""
    module = mutant.module_path.as_posix()
    own = [test for test in tests if test.name.startswith(find_tests(module))]
    lines = find_lines(mutant.module_path.read_text(encoding="utf-8"), mutant.start_pos[0], mutant.end_pos[0])
    return own if lines is None else [test for test in own if any((module, line) in test.lines for line in lines)]


def find_tests(module: str) -> tuple[str, ...]:
    """Return the folders and files of tests that are to notice a mutant of a module."""
    return next(tests for target, tests in TESTS.items() if module.startswith(target))


def read_equivalents() -> dict[Change, str]:
    """Return the reasons in EQUIVALENT by file, line and line of the mutant; a line that is gone is an error."""
    reasons: dict[Change, str] = {}
    for entry in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["mutant"]:
        lines = {line.strip() for line in (ROOT / entry["file"]).read_text(encoding="utf-8").splitlines()}
        if entry["line"] not in lines:
            raise SystemExit(f"{EQUIVALENT.name}: {entry['file']} has no line {entry['line']!r}")
        for mutant in entry["mutants"]:
            reasons[entry["file"], entry["line"], mutant] = entry["reason"]
    return reasons


def find_change(before: str, after: str) -> tuple[str, str]:
    """Return the lines that differ, before and after, without surrounding space."""
    differences = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    old, new = (" ".join(line[2:].strip() for line in differences if line[0] == sign) for sign in "-+")
    return old, new


class Sample:
    """Mutants of a seed, one after the other, and how many of them were noticed."""

    def __init__(
        self, seed: int, mutants: Sequence[MutationSpec], tests: Sequence[Test], equivalents: Mapping[Change, str]
    ) -> None:
        self.seed, self.mutants, self.tests, self.equivalents = seed, mutants, tests, equivalents
        self.killed = self.equivalent = self.survived = 0

    def run(self) -> None:
        """Run all, print those that survive, and the score."""
        for number, mutant in enumerate(self.mutants, 1):
            note = self.judge(mutant)
            if note:
                print(f"{number} {note}", flush=True)
        print(
            f"seed {self.seed}: {self.killed} of {self.counted} killed ({self.score:.1%}), {self.equivalent} equivalent"
        )

    @property
    def counted(self) -> int:
        """Mutants that are not equivalent."""
        return self.killed + self.survived

    @property
    def score(self) -> float:
        """Share of those that are killed."""
        return self.killed / self.counted if self.counted else 1.0

    def judge(self, mutant: MutationSpec) -> str:
        """Run the tests of one mutant; return what is to be said of it."""
        module = mutant.module_path.as_posix()
        own = choose_tests(mutant, self.tests)
        with use_mutation(mutant.module_path, get_operator(mutant.operator_name)(), mutant.occurrence) as sources:
            before, after = find_change(*sources)
            change = f"{module}:{mutant.start_pos[0]} {mutant.operator_name}\n  - {before}\n  + {after}"
            reason = self.equivalents.get((module, before, after)) or self.equivalents.get((module, before, ANY))
            if reason:
                self.equivalent += 1
                return f"equivalent, {reason}: {change}"
            limit = 60 + 20 * sum(test.seconds for test in own)
            if own and not run_tests([test.name for test in own], limit):
                self.killed += 1
                return ""
        self.survived += 1
        return f"survives {len(own)} tests, {self.killed} killed: {change}"


def main() -> None:
    """Draw, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--only", default="", help="part of a module's path, to mutate that alone")
    parser.add_argument("--longest", type=float, default=3.0, help="seconds of the longest test that is run")
    parser.add_argument("--record", type=Path, help="file of the lines that tests run, read if it is there")
    parser.add_argument("--list", action="store_true", help="print how many places each module has, and run nothing")
    arguments = parser.parse_args()
    os.environ.pop("TOKBENCH_TOKENIZERS", None)
    os.environ |= {"TOKBENCH_TEST_DATA": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    modules = [module for module in list_modules() if arguments.only in module]
    equivalents = read_equivalents()
    record = arguments.record.resolve() if arguments.record else None
    with tempfile.TemporaryDirectory() as folder:
        copy_repository(Path(folder))
        os.chdir(folder)
        sys.path.insert(0, folder)
        if record is not None and record.exists():
            shutil.copy(record, RECORD)
        places = list_mutants(modules)
        if arguments.list:
            for module in modules:
                print(module, sum(place[0] == module for place in places))
            return
        tests = record_tests(sorted({test for module in modules for test in find_tests(module)}))
        if record is not None:
            shutil.copy(RECORD, record)
        scores = []
        for seed in arguments.seed:
            choose = random.Random(seed)
            drawn = choose.sample(sorted(places), min(arguments.mutants, len(places)))
            mutants = [choose.choice(places[place]) for place in drawn]
            sample = Sample(seed, mutants, [test for test in tests if test.seconds <= arguments.longest], equivalents)
            sample.run()
            scores.append(sample.score)
    sys.exit(min(scores) < ENOUGH)


if __name__ == "__main__":
    main()
