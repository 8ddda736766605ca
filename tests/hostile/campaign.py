"""Draw cases by number, run them on several workers, and tabulate what came of them."""

from __future__ import annotations

import atexit
import json
import math
import os
import random
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path

import typer.main

from hostile.areas.options import list_commands
from hostile.bases import MADE_WITH, Bases, make_bases
from hostile.case import Case, Run
from hostile.outcomes import FAILURES, KINDS, Outcome, judge
from hostile.processes import ask, run_case
from tokbench.adapters import ADAPTERS
from tokbench.adapters._hard_texts import hard_texts
from tokbench.cli import app
from tokbench.corpora._languages import parse_tag
from tokbench.corpora._readers import READERS
from tokbench.pythia.backends import BACKENDS
from tokbench.report import REPORTS

AREAS = ("texts", "corpora", "tokenizers", "results", "models", "cache", "options", "hub", "viewer")
SHARES = {
    "corpora": 2,
    "tokenizers": 4,
    "results": 2,
    "options": 1.5,
    "texts": 0.5,
    "models": 0.5,
    "cache": 0.25,
    "viewer": 0.25,
}
"""How many cases of an area are drawn for one of another."""
CHEAP = {
    "corpora": 6,
    "results": 6,
    "models": 1.5,
    "options": 1.5,
    "hub": 1,
    "tokenizers": 1.2,
    "texts": 0.3,
    "cache": 0.15,
    "viewer": 0.1,
}
"""The same for few seconds: what a process is started for, or waits, is drawn seldom."""

PRELOADED = (
    *(
        "numpy",
        "polars",
        "tokenizers",
        "tiktoken",
        "sentencepiece",
        "regex",
        "ahocorasick_rs",
        "rich.console",
        "rich.table",
    ),
    *("fastokens", "splintr", "gguf", "defusedxml.ElementTree", "altair", "icu4py", "safetensors", "psutil", "pyarrow"),
    *(
        "tokbench",
        "tokbench.cli",
        "tokbench.comparison",
        "tokbench.analysis",
        "tokbench.report",
        "tokbench.report.live",
    ),
    *("tokbench.pythia.cost", "tokbench.adapters", "tokbench.adapters.bench", "starlette.applications", "uvicorn"),
    *(
        "tokbench.analysis.roundtrip",
        "tokbench.analysis.vocabulary",
        "huggingface_hub.hf_api",
        "huggingface_hub.file_download",
        "httpx2",
        "http.client",
        "concurrent.futures",
    ),
)
UNLOADED = frozenset(("ctranslate2", "torch", "transformers", "xllamacpp"))
"""Libraries that may start threads when they are imported."""

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "MKL_NUM_THREADS")

Draw = Callable[[random.Random, Path, Bases], Case]


@dataclass(frozen=True)
class Result:
    """What came of a case: its name (`area/number`), what it was, its outcome and its CPU seconds."""

    case: str
    note: str
    command: str
    outcome: Outcome
    cpu: float


def choose_cases(count: int, areas: Sequence[str], given: Mapping[str, float] = SHARES) -> list[str]:
    """Share cases among the areas, and name them; an area without a share has 1."""
    shares = {area: given.get(area, 1) for area in areas}
    whole = sum(shares.values())
    ordered = sorted(
        (n / share, area, n) for area, share in shares.items() for n in range(math.ceil(count * share / whole))
    )
    return [f"{area}/{n}" for _, area, n in ordered[:count]]


def preload(names: Iterable[str]) -> None:
    """Import modules, as far as they are installed; none of them is called."""
    for name in names:
        try:
            import_module(name)
        except ImportError:
            continue


def warm() -> None:
    """Build here, once, what each fork would build anew: the command line, lists of modules, tables, texts."""
    typer.main.get_command = cache(typer.main.get_command)  # type: ignore[attr-defined]  # 40 ms in each fork
    typer.main.get_command(app)
    for registry in (ADAPTERS, BACKENDS, READERS, REPORTS):
        len(registry)
    parse_tag("en")
    hard_texts()


def rehearse(case: Case, folder: Path, environment: Mapping[str, str]) -> Run:
    """Run a command, and import here what it imported while it ran."""
    modules = folder / "modules"
    run = run_case(replace(case, before=lambda: note_modules(modules)), folder, environment)
    imported = modules.read_text().split() if modules.exists() else []
    preload(name for name in imported if name.partition(".")[0] not in UNLOADED and name != "__main__")
    return run


def note_modules(file: Path) -> None:
    """Write down at the end of this process what it has imported."""
    atexit.register(lambda: file.write_text("\n".join(sys.modules)))


def draw_case(name: str, seed: str, folder: Path, bases: Bases) -> Case:
    """Draw a case, and write its files into a folder."""
    area, _, _ = name.partition("/")
    draw: Draw = import_module(f"hostile.areas.{area}").draw
    return draw(random.Random(f"{seed}/{name}"), folder, bases)


def list_environment(home: Path) -> dict[str, str]:
    """Return the environment of every case: nothing of the user's, no network."""
    return {
        **dict.fromkeys(THREADS, "2"),
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "TOKBENCH_CACHE": str(home / "cache"),
        "HF_HOME": str(home / "hf"),
        "HF_HUB_OFFLINE": "1",
        "NO_COLOR": "1",
        "COLUMNS": "100",
        "CT2_USE_MKL": "1",
        "PYTHONHASHSEED": "0",
    }


def run_one(name: str, seed: str, folder: Path, bases: Bases) -> Result:
    """Draw a case into an empty folder, run it, and judge."""
    shutil.rmtree(folder, ignore_errors=True)
    home, place = folder / "home", folder / "case"
    home.mkdir(parents=True)
    place.mkdir()
    shutil.copytree(bases.folder / "cache", home / "cache", ignore=lambda folder, names: {"models"} & set(names))
    try:
        case = draw_case(name, seed, place, bases)
    except Exception as error:  # noqa: BLE001 - whatever a generator raises is a fault of it, which is shown
        return Result(name, "", "", Outcome("wrong", f"the generator: {type(error).__name__}: {error}"), 0.0)
    environment = list_environment(home)
    run = run_case(case, folder, environment)

    def consult(case: Case, run: Run) -> str | None:
        return ask(lambda: case.reference(run) if case.reference else None, folder)

    outcome = judge(case, run, consult)
    shown = " ".join(a if len(a) < 120 else f"{a[:100]}...{len(a)}" for a in case.arguments)
    return Result(name, case.note, shown.replace(str(folder), "FOLDER"), outcome, run.cpu)


def work(worker: int, tasks: int, names: Sequence[str], seed: str, folder: Path, bases: Bases, results: Path) -> None:
    """Take numbers of cases from a pipe until it ends, and write a line for each."""
    with results.open("w", encoding="utf-8") as stream:
        while taken := os.read(tasks, 4):
            name = names[int.from_bytes(taken, "little")]
            found = run_one(name, seed, folder / f"worker-{worker}", bases)
            fields = {**vars(found), "outcome": vars(found.outcome)}
            stream.write(json.dumps(fields) + "\n")
            stream.flush()


@contextmanager
def prepare() -> Iterator[Bases]:
    """Import everything, and make intact files in a folder that is removed at the end."""
    for name in THREADS:
        os.environ[name] = "2"
    preload(PRELOADED)
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))  # TemporaryDirectory would be removed at the end of every fork
    try:
        home = folder / "home"
        home.mkdir()
        warm()
        bases = make_bases(folder, list_environment(home), rehearse)
        bases.tokenizers, bases.corpora, bases.cached  # noqa: B018 - read once, here
        scratch = folder / "scratch"
        cached = list_environment(home) | {"TOKBENCH_CACHE": str(bases.folder / "cache")}
        for name, line in list_commands(scratch, bases).items():
            if name not in MADE_WITH:
                rehearse(Case(name, (*name.split(), *line)), scratch, cached)
        yield bases
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_campaign(names: Sequence[str], seed: str, workers: int, say: Callable[[str], None]) -> list[Result]:
    """Run cases on some workers; results come in the order of the cases."""
    with prepare() as bases:
        import gc

        gc.collect()
        gc.freeze()
        folder = bases.folder.parent
        tasks, giving = os.pipe()
        files = [folder / f"results-{worker}" for worker in range(workers)]
        children = []
        for worker, file in enumerate(files):
            child = os.fork()
            if not child:
                os.close(giving)
                status = 1
                try:
                    work(worker, tasks, names, seed, folder, bases, file)
                    status = 0
                except BaseException:  # noqa: BLE001 - a fork must not go on in the code of its parent
                    import traceback

                    traceback.print_exc()
                finally:
                    os._exit(status)
            children.append(child)
        os.close(tasks)
        for at in range(len(names)):
            os.write(giving, at.to_bytes(4, "little"))
            if at % 500 == 0:
                say(f"{at:,} of {len(names):,} cases handed out")
        os.close(giving)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
        if any(statuses):
            sys.stderr.write("hostile: a worker ended early; its last case is missing\n")
    found = [Result(**{**row, "outcome": Outcome(**row["outcome"])}) for row in rows]
    places = {name: at for at, name in enumerate(names)}
    return sorted(found, key=lambda result: places[result.case])


def draw_table(results: Sequence[Result]) -> str:
    """Tabulate outcomes by area."""
    areas: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        areas[result.case.partition("/")[0]].append(result)
    areas["total"] = list(results)
    head = ["area", "cases", *KINDS, "CPU s per case"]
    lines = [head, ["---", *["--:"] * (len(head) - 1)]]
    for area, listed in areas.items():
        counts = Counter(result.outcome.kind for result in listed)
        seconds = sum(result.cpu for result in listed) / max(len(listed), 1)
        lines.append([area, f"{len(listed):,}", *(f"{counts[kind]:,}" for kind in KINDS), f"{seconds:.3f}"])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def list_failures(results: Sequence[Result], seed: str, most: int = 3) -> str:
    """List failures by kind, the most frequent first, each with commands that repeat some of its cases."""
    groups: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        if result.outcome.kind in FAILURES:
            area = result.case.partition("/")[0]
            groups[result.outcome.kind, area, result.outcome.detail].append(result)
    lines = []
    for (kind, area, detail), listed in sorted(
        groups.items(), key=lambda item: (KINDS.index(item[0][0]), -len(item[1]))
    ):
        lines.append(f"{kind}, {area}, {len(listed)} times: {detail}")
        for result in listed[:most]:
            lines.append(f"  python -m tests.hostile --seed {seed} --case {result.case}   # {result.note[:110]}")
            lines.append(f"    tokbench {ascii(result.command)[1:-1][:300]}")
    return "\n".join(lines)
