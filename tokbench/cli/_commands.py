"""What all commands have in common: options, names of values in the help, completion.

A command is a plain function; `extend` gives it the rest, so that a new command has it too.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from tokbench.cli._completion import COMPLETIONS
from tokbench.cli._invocation import Invocation
from tokbench.cli._needs import check_needs
from tokbench.cli._option_table import OPTIONS, Kind, Option
from tokbench.cli._options import LIST_MARK, Json, OutputFormat, Outputs, Quiet, Verbose, split_names
from tokbench.cli._own_sets import expand_arguments
from tokbench.cli._results import check_files, check_printed
from tokbench.errors import TokbenchError

METAVARS = {
    "a": "TOKENIZER",
    "b": "TOKENIZER",
    "corpora": "CORPUS",
    "output": "FILE",
    "output_format": "FORMAT",
    "price_per_hour": "MONEY",
    "price_per_mtok": "MONEY",
    "timings": "FILE",
}
"""What the help calls values, where neither the option's name nor its type says it well."""


LAST = ("output_format", "output", "as_json", "offline", "skip_missing", "quiet", "verbose")

_APART = frozenset(
    {
        *("as_json", "save", "ledger", "force", "fail_lossy", "fail_over", "allow_upload", "skip_missing"),
        *("executor", "workers", "command"),
    }
)
"""What only the command line can say: where to write and to run, what to agree to, when to fail."""


def extend(words: tuple[str, ...], function: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the shared options, for typer.

    words: the name of the command, as in ("model", "measure"). Registers its options in `OPTIONS`.
    """
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    own = inspect.signature(function).parameters
    added = {key: pair for key, pair in list_shared(hints).items() if key not in hints}
    declared = {key: describe(key, hint) for key, hint in hints.items()}
    declared |= {key: describe(key, hint) for key, (hint, _) in added.items()}
    declared = {key: declared[key] for key in sorted(declared, key=place_option)}
    defaults = {key: one.default for key, one in own.items()} | {key: value for key, (_, value) in added.items()}
    name = " ".join(words)
    options = (read_option(parameter, hint, defaults[parameter]) for parameter, hint in declared.items())
    OPTIONS[name] = {option.key: option for option in options if option}

    @functools.wraps(function)
    def run(**given: Any) -> None:
        invocation = take_invocation(given, name, writes="output" in own)
        with invocation.active():
            expand_arguments(given)
            function(**{key: given[key] for key in own})

    run.__annotations__ = declared
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=defaults[key], annotation=hint)
            for key, hint in declared.items()
        ]
    )
    return run


def take_invocation(given: dict[str, Any], command: str, *, writes: bool) -> Invocation:
    """Read the shared options among the values given, and make `--json` and `-f json` the same.

    command: its name, as in `model measure`.
    writes: whether the command takes formats and files itself, and checks them.

    Raises TokbenchError for options that contradict each other, for a file or format that cannot be written, and
    for missing extras: before anything is loaded.
    """
    name = choose_format(given)
    check_needs(command, given | {"output_format": name})
    if "as_json" in given:
        given["as_json"] = name == "json"
    if "output_format" in given:
        given["output_format"] = name
        if name != "table":
            check_printed(name, anything=not writes)
    output = tuple(given.get("output") or ())
    if not writes:
        check_files(output)
    return Invocation(bool(given["quiet"]), given["verbose"], name, output)


def choose_format(given: Mapping[str, Any]) -> str:
    """Return the format of standard output that `-f` and `--json` ask for; TokbenchError if they contradict."""
    name: str = given.get("output_format") or "table"
    if not given.get("as_json"):
        return name
    if name not in ("table", "json"):
        raise TokbenchError(f"--json is short for --format json, but the format is {name}", "leave one of them out")
    return "json"


def list_shared(hints: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the shared options of a command by parameter: the annotation and the default.

    One that writes results, as JSON or in a chosen format, can do both, and into files.
    """
    shared: dict[str, tuple[Any, Any]] = {}
    if "as_json" in hints or "output_format" in hints:
        shared |= {"output_format": (OutputFormat, "table"), "output": (Outputs, None), "as_json": (Json, False)}
    return shared | {"quiet": (Quiet, False), "verbose": (Verbose, 0)}


def place_option(name: str) -> int:
    """Return where the help shows a parameter: shared ones last, in one order; others keep theirs."""
    return LAST.index(name) if name in LAST else -1


def describe(name: str, hint: Any) -> Any:
    """Return the annotation of a parameter with the name of its values and their completion."""
    info = next(one for one in hint.__metadata__ if hasattr(one, "param_decls"))
    info = copy.copy(info)
    kind = strip_optional(get_args(hint)[0])
    if info.metavar is None:
        info.metavar = name_values(name, kind)
    if info.autocompletion is None and name in COMPLETIONS:
        info.autocompletion = COMPLETIONS[name]
    return Annotated[get_args(hint)[0], info]


def name_values(name: str, kind: Any) -> str | None:
    """Return what the help calls the values of a parameter; None for flags, and for a choice, which names them."""
    several = get_origin(kind) is list
    if kind is bool or (isinstance(kind, type) and issubclass(kind, Enum)):
        return None
    if name in METAVARS:
        word = METAVARS[name]
    elif kind in (int, float):
        word = "N"
    else:
        word = (name.removesuffix("s") if several else name).upper()
    return word


def read_option(name: str, hint: Any, default: Any) -> Option | None:
    """Return what configuration can set; None for arguments, and for what only the command line says."""
    info = hint.__metadata__[0]
    kind = strip_optional(get_args(hint)[0])
    if isinstance(info, type(typer.Argument())) or name in _APART or Path in (kind, *get_args(kind)):
        return None
    names = [one for one in (info.default, *(info.param_decls or ())) if isinstance(one, str)]  # typer's own order
    long = [one.split("/")[0].strip() for one in names if one.startswith("--")]
    key = long[0].removeprefix("--") if long else name.replace("_", "-")
    return Option(name, key, find_kind(kind), default)


def find_kind(kind: Any) -> Kind:
    """Return what the values of a type are."""
    if kind is bool:
        return "flag"
    if kind in (int, float):
        return "number"
    return "list" if get_origin(kind) is list else "text"


def strip_optional(kind: Any) -> Any:
    """Return a type without None."""
    kinds = [one for one in get_args(kind) if one is not NoneType]
    return kinds[0] if NoneType in get_args(kind) and len(kinds) == 1 else kind


def split_lists(parameters: Any, values: dict[str, Any]) -> None:
    """Split the comma-separated values of the options that take several names; numbers have a parser of their own."""
    for parameter in parameters:
        metavar = parameter.metavar or ""
        if metavar.endswith(LIST_MARK) and metavar != f"N{LIST_MARK}" and values.get(parameter.name):
            values[parameter.name] = split_names(parameter.opts[-1], *values[parameter.name])
