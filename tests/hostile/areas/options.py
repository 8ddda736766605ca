"""Every option of every command with hostile values; odd environments, odd standard streams."""

from __future__ import annotations

import os
import random
import resource
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hostile.bases import Bases
from hostile.case import Case
from hostile.mutators import draw_name, draw_path, draw_text
from hostile.processes import SECONDS

NO_NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "1e309",
    "-1e309",
    "18446744073709551616",
    "\uff11\uff12",
    "\u0661\u0662",
    "1_0",
    "0x10",
    "",
)
NO_NUMBERS += ("9" * 400, " ", "1,5", "--", "\u00b2", "x", "1e", "1 2", "\U0001d7d9")
ODD_NUMBERS = (
    "0",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "007",
    " 1",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "1000000",
    "-0",
)
NUMERIC = frozenset(("threads", "new_tokens", "prompts", "batches"))
FORMATS = ("table", "json", "csv", "markdown", "latex", "html", "JSON", "xml", "", "table ", "./x")
REPEATED = {
    "--corpus": None,
    "--languages": ("en", "zh"),
    "--segments": ("1", "2"),
    "--format": ("csv", "json"),
    "--seed": ("1", "2"),
}
REPEATED |= {
    "--reference": ("en", "zh"),
    "--baseline": ("utf8", "utf16"),
    "--engine": ("reference", "auto"),
    "--model": ("70m", "160m"),
}
SLOW = frozenset(("bench", "model load-test", "model make", "model measure", "model score"))


class Option(NamedTuple):
    """An option of a command: its longest name, whether it is a flag, takes a number, or may be repeated."""

    name: str
    flag: bool
    number: bool
    multiple: bool


@cache
def list_options() -> dict[str, list[Option]]:
    """List the options of each command."""
    import typer

    from tokbench.cli import app

    def walk(command: Any, names: tuple[str, ...]) -> Iterator[tuple[str, list[Option]]]:
        inner = getattr(command, "commands", None)
        if not inner:
            yield " ".join(names), [describe(p) for p in command.params if p.param_type_name == "option"]
        for name, sub in (inner or {}).items():
            yield from walk(sub, (*names, name))

    def describe(parameter: Any) -> Option:
        descriptor = getattr(parameter, "type_descriptor", None)  # typer's own; older versions have click's type
        annotation = str(descriptor.annotation if descriptor else parameter.type).lower()
        number = "int" in annotation or "float" in annotation or parameter.name in NUMERIC
        flag = bool(getattr(parameter, "is_flag", False))
        return Option(max(parameter.opts, key=len), flag, number, parameter.multiple)

    return dict(walk(typer.main.get_command(app), ()))


def list_commands(folder: Path, bases: Bases) -> dict[str, tuple[str, ...]]:
    """Return a quick command line that works, for each command."""
    bpe, rwkv, small = str(bases.tokenizers["tokenizer.json"]), str(bases.tokenizers["rwkv"]), ("-c", bases.small)
    (folder / "gold.tsv").write_text("walked\twalk|ed\t3\nfoxes\tfox|es\t1\n")
    result, model = str(bases.results / "comparison.json"), str(bases.folder / "model")
    return {
        "compare": ("utf8", bpe, *small, "--no-throughput", "--resamples", "10"),
        "bench": (rwkv, *small, "--rounds", "2"),
        "encode": ("utf8", "the fox"),
        "corpus": (bases.small,),
        "diff": (result, result),
        "explain": ("fertility",),
        "roundtrip": ("utf8", *small),
        "vocab": (bpe, *small),
        "overlap": ("utf8", bpe, *small),
        "morphology": ("utf8", bpe, "--gold", str(folder / "gold.tsv")),
        "code": ("utf8", "-l", "c", "-n", "2"),
        "explain-diff": (bpe, "utf8", *small),
        "robust": ("utf8", bpe, *small, "--resamples", "10"),
        "requests": ("utf8", bpe, *small),
        "list": ("metrics",),
        "pull": ("utf8",),
        "cost": ("utf8", *small),
        "report": (result, "-o", str(folder / "r.md")),
        "model list": (),
        "model show": ("70m",),
        "model make": ("14m", "--random-weights", str(folder / "w"), "--vocab-rows", "8"),
        "model measure": (model, "--backend", "nope"),
        "model load-test": (model, "--backend", "nope"),
        "model results": ("70m", "--task", "sciq"),
        "model score": (model, *small, "--window", "16"),
    }


def draw(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw a case."""
    commands = list_commands(folder, bases)
    command = pick.choice([name for name in commands for _ in range(1 if name in SLOW else 4)])
    base = (*command.split(), *commands[command])
    kind = pick.choice(
        ("value",) * 6 + ("argument", "argument", "repeated", "environment", "environment", "streams", "outputs")
    )
    if kind == "value":
        return draw_value(pick, command, base)
    if kind == "argument":
        return draw_argument(pick, command, commands[command])
    if kind == "repeated":
        return draw_repeated(pick, command, base, bases)
    if kind == "environment":
        return draw_environment(pick, folder, base)
    if kind == "streams":
        return draw_streams(pick, folder, base)
    return draw_outputs(pick, folder, bases)


def draw_value(pick: random.Random, command: str, base: tuple[str, ...]) -> Case:
    """Give options hostile values."""
    options = list_options()[command]
    if not options:
        return Case("an unknown option", (*base, f"--{draw_text(pick, 9)}".replace("\0", "")), refused=False)
    added, refused, notes = [], False, []
    for option in pick.sample(options, pick.choice((1, 1, 1, min(2, len(options))))):
        value, bad = choose_value(pick, option)
        if option.name == "--output":
            bad = False
        added += [option.name] if option.flag else [f"{option.name}={value}"]
        if option.name in ("--memory", "--hard"):
            added.append("--limit=1")  # they measure for minutes
        refused |= bad
        notes.append(f"{option.name}={value[:20]!a}")
    note, escapes = f"{command} {' '.join(notes)}", "--json" not in added
    return Case(note, (*base, *added), refused=refused, escapes=escapes, noted=command in SLOW)


def choose_value(pick: random.Random, option: Option) -> tuple[str, bool]:
    """Choose a value, and whether it must be refused."""
    if option.number:
        bad = pick.random() < 0.6
        value = pick.choice(NO_NUMBERS if bad else ODD_NUMBERS)
        return value, bad and not (value.strip() == "" and option.name in ("--prompts", "--batches"))
    if option.name == "--format":
        return pick.choice(FORMATS), False
    return pick.choice((draw_text(pick), draw_path(pick), draw_name(pick), *NO_NUMBERS[:3])).replace("\0", ""), False


def draw_argument(pick: random.Random, command: str, base: Sequence[str]) -> Case:
    """Replace an argument, or give one more, or none."""
    arguments = list(base)
    value = pick.choice((draw_path, draw_text, draw_name))(pick).replace("\0", "")
    kind = pick.choice(("replace", "replace", "add", "none"))
    if kind == "none" or not arguments:
        arguments = [] if kind == "none" else [value]
    elif kind == "add":
        arguments += ["--", value]
    else:
        arguments[pick.randrange(len(arguments))] = value
    return Case(
        f"{command}: {kind} {value[:20]!a}",
        (*command.split(), *arguments),
        seconds=4 * SECONDS if kind == "none" else None,  # all tokenizers that are compared if none is named
        noted=command in SLOW,  # bench and model say what they do
    )


def draw_repeated(pick: random.Random, command: str, base: tuple[str, ...], bases: Bases) -> Case:
    """Give an option that counts once twice: an error, or a union, never the last."""
    known = {option.name for option in list_options()[command] if not option.multiple and not option.flag}
    named = sorted(known & set(REPEATED))
    if not named:
        return Case(f"{command} --help twice", (*command.split(), "--help", "--help"))
    name = pick.choice(named)
    pair = REPEATED[name] or (bases.small, str(bases.corpora["other"]))
    union = name == "--languages"
    arguments = (*base, *(part for value in pair for part in (name, value)))
    return Case(
        f"{command} {name} twice", arguments, refused=not union, checks=(has_both,) if union else (), escapes=False
    )


def has_both(run: Any) -> str | None:
    """A check: both languages are in the output."""
    return None if b"en" in run.stdout and b"zh" in run.stdout else "a repeated option: only the last counts"


def draw_environment(pick: random.Random, folder: Path, base: tuple[str, ...]) -> Case:
    """Set variables to what nobody sets them to."""
    file = folder / "file"
    file.touch()
    places = (
        "",
        " ",
        "/dev/null",
        "/dev/null/x",
        "/proc/x",
        str(file),
        "/" + "a" * 300,
        "~nosuchuser",
        "relative",
        "/dev/full",
    )
    choices: dict[str, Sequence[str | None]] = {
        "PYTHONIOENCODING": ("latin-1", "ascii", "cp1252", "utf-16", "ascii:replace"),
        "COLUMNS": ("0", "-1", "1", "99999999999", "nan", "\uff11", "x", ""),
        "HOME": (None, "", "/nonexistent", "/dev/null", "/proc/1"),
        "TOKBENCH_CACHE": (None, *places),
        "TOKBENCH_TOKENIZERS": (*places, ":::", "/:/proc", "~nosuchuser:~"),
        "TOKBENCH_CORPORA": (*places, ":::", "/:/proc", "~nosuchuser:~"),
        "XDG_CACHE_HOME": places,
        "HF_HOME": places,
        "TMPDIR": places,
        "LANG": ("tr_TR.UTF-8", "C", "xx", ""),
        "TERM": ("dumb", "", "\x1b"),
        "FORCE_COLOR": ("1", ""),
        "TZ": ("nowhere", "", ":/dev/null"),
        "HF_HUB_OFFLINE": ("nope", "\uff11"),
    }
    chosen = pick.sample(list(choices), pick.choice((1, 1, 2)))
    environment = {name: pick.choice(choices[name]) for name in chosen}
    note = " ".join(f"{name}={value!a}" for name, value in environment.items())
    figures = "TOKBENCH_TOKENIZERS" not in chosen and base[0] in (
        "compare",
        "encode",
        "roundtrip",
        "cost",
    )
    escapes = "FORCE_COLOR" not in chosen and environment.get("PYTHONIOENCODING") != "utf-16"  # which has zero bytes
    options = {"environment": environment, "figures": figures, "escapes": escapes}
    return Case(f"{base[0]} {note}", base, **options)


def draw_streams(pick: random.Random, folder: Path, base: tuple[str, ...]) -> Case:
    """Run with streams that are full, closed, or gone; in a folder that is no more."""

    def fill() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)

    def leave() -> None:
        reading, writing = os.pipe()
        os.dup2(writing, 1)
        os.close(reading)
        os.close(writing)

    def remove_folder() -> None:
        place = folder / "gone"
        place.mkdir()
        os.chdir(place)
        place.rmdir()

    def shut() -> None:
        os.close(1)

    def shut_error() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 2)

    kinds: dict[str, Callable[[], None] | None] = {
        "full": fill,
        "left": leave,
        "no folder": remove_folder,
        "closed": shut,
    }
    kind = pick.choice((*kinds, "no input", "error full"))
    before = shut_error if kind == "error full" else kinds.get(kind)
    stdin = None if kind == "no input" else b"x"
    silent = kind in ("left", "closed", "error full")
    if kind == "no input" and pick.random() < 0.5:
        base = ("encode", "utf8", "-")
    return Case(f"{base[0]}: {kind}", base, stdin, before=before, silent=silent)


def draw_outputs(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Write results where nothing can be written, or not all of it."""
    if pick.random() < 0.3:
        return draw_small_disk(pick, folder, bases)
    file = folder / "file"
    file.touch()
    place = pick.choice(
        (str(file / "x.json"), "/dev/full", "/dev/null/x.json", "/proc/x.json", str(folder), "", draw_path(pick), "-")
    )
    place = pick.choice(
        (place, str(folder / draw_name(pick)), str(folder / f"{'a' * 251}.json"), str(folder / "no" / "x.json"))
    )
    rwkv, small = str(bases.tokenizers["rwkv"]), ("-c", bases.small)
    commands = (
        ("compare", "utf8", *small, "--no-throughput", "--resamples", "0", f"--save={place}"),
        ("compare", "utf8", *small, "--no-throughput", "--resamples", "0", f"--output={place}"),
        (
            "compare",
            "utf8",
            *small,
            "--no-throughput",
            "--resamples",
            "0",
            f"--output={place}",
            f"--save={folder / 's'}",
        ),
        ("cost", "utf8", *small, f"--output={place}"),
        ("bench", rwkv, *small, "--rounds", "2", f"--output={place}"),
        ("report", str(bases.results / "comparison.json"), f"--output={place}"),
        ("model", "make", "14m", f"--random-weights={place}", "--vocab-rows", "8"),
    )
    command = pick.choice(commands)
    return Case(f"{command[0]} to {place[-20:]!a}", tuple(part.replace("\0", "") for part in command))


def draw_small_disk(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Write results where files above a size cannot be written, as on a full disk; the table fits."""
    most = pick.choice((3_000, 20_000))
    saved, page, values = folder / "s", folder / "r.html", folder / "r.json"
    outputs = pick.choice(((saved,), (page,), (values,), (saved, page)))
    options = [f"--save={path}" if path is saved else f"--output={path}" for path in outputs]
    bpe = str(bases.tokenizers["tokenizer.json"])
    return Case(
        f"files of at most {most} bytes, {' '.join(path.name for path in outputs)}",
        ("compare", "utf8", bpe, "-c", bases.small, "--no-throughput", "--resamples", "10", *options),
        environment={"TOKBENCH_CACHE": str(folder / "empty")},
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        outputs=outputs,
        figures=True,
    )
