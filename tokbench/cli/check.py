"""`tokbench check`: whether a tokenizer, or an engine, is sound; also for CI."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._numbers import decimal_option, whole_option
from tokbench.cli._options import Json, Offline, ProgramCommand, expand_tokenizers, list_option
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError, UnavailableError

if TYPE_CHECKING:
    from tokbench.adapters.selection.command import ProcessEngine
    from tokbench.analysis.soundness import Check, Soundness

_SUBJECTS = (
    "Catalogue names, aliases, paths, hub repositories org/name[@revision] or sets; with --reference, one function "
    "module:name from a list of texts to the ids of each."
)


class Limit(StrEnum):
    """The verdict that makes the command fail."""

    error = "error"
    warning = "warning"
    never = "never"


def run(
    tokenizers: Annotated[list[str] | None, typer.Argument(help=_SUBJECTS, show_default=False)] = None,
    reference_tokenizer: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="TOKENIZER",
            help="Tokenizer whose ids a function or command must give.",
            show_default=False,
        ),
    ] = None,
    command: ProgramCommand = None,
    select: Annotated[
        list[str] | None, list_option("--select", metavar="CHECK", help="Run only these checks. [default: all]")
    ] = None,
    ignore: Annotated[
        list[str] | None, list_option("--ignore", metavar="CHECK", help="Leave out these checks.")
    ] = None,
    fail_on: Annotated[
        Limit, typer.Option("--fail-on", help="Exit with status 1 if a verdict is this bad or worse.")
    ] = Limit.error,
    random_texts: Annotated[
        int, whole_option("--random-texts", low=1, high=1_000_000, help="Random texts on which an engine is compared.")
    ] = 2000,
    seed: Annotated[int, whole_option("--seed", help="Seed of the random texts.")] = 0,
    limit: Annotated[
        float,
        decimal_option(
            "--limit", low=0.1, high=86_400, help="Time limit in seconds per answer of a function or command."
        ),
    ] = 60.0,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Check whether a tokenizer is sound: one verdict per check, with evidence and the smallest example.

    A verdict is an error (it contradicts its files or gives other ids for the same text), a warning (it loses text or
    wastes ids), a note, passed, or not applicable. docs/check.md defines each check.

    With --reference, the subject is an engine: a Python function, or with --command a program in any language. Its ids
    must be those of the reference on hard texts, special tokens as text, random texts and the embedded corpus.
    """
    from tokbench.analysis.soundness import CHECKS, ENGINE_CHECKS, Severity
    from tokbench.report._soundness import show

    is_engine = reference_tokenizer is not None or command is not None
    known: tuple[Check, ...] = ENGINE_CHECKS if is_engine else CHECKS  # type: ignore[type-arg]
    names = pick_names(known, select, ignore)
    given = tokenizers or []
    if is_engine:
        engine = open_engine(given, reference_tokenizer, command, limit)
        texts = (random_texts, seed)
        reports = [check_engine(engine, reference_tokenizer or "", names, texts, offline=offline)]
    else:
        reports = check_all(given, names, offline=offline)
    titles = {check.name: check.title for check in known}
    print_results(show(reports, titles), "json" if as_json else "table")
    if fail_on is not Limit.never and any(report.is_at_least(Severity(fail_on.value)) for report in reports):
        raise typer.Exit(1)


def pick_names(checks: tuple[Check, ...], select: list[str] | None, ignore: list[str] | None) -> list[str]:  # type: ignore[type-arg]
    """Return the names of the checks to run; TokbenchError for an unknown name, and if none is left."""
    from tokbench.analysis.soundness._checks import pick_checks

    for given in (select, ignore):
        pick_checks(checks, given)
    names = [
        check.name for check in checks if (not select or check.name in select) and check.name not in (ignore or ())
    ]
    if not names:
        raise TokbenchError("--select and --ignore leave no check", "leave one of them out")
    return names


def check_all(tokenizers: list[str], names: list[str], *, offline: bool) -> list[Soundness]:
    """Check tokenizers; a file that cannot be loaded is a verdict, a name that is unknown an error."""
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.soundness import check_tokenizer, report_unloadable

    if not tokenizers:
        raise TokbenchError("there is nothing to check", "name a tokenizer, or use --command with --reference")
    reports = []
    groups = ([name] if is_file(name) else expand_tokenizers([name], offline=offline) for name in tokenizers)
    for name in dict.fromkeys(name for group in groups for name in group):
        try:
            loaded = load_tokenizer(name, offline=offline)
        except UnavailableError:
            raise
        except TokbenchError as error:
            if not is_file(name) and not is_found(name, offline=offline):
                raise
            reports.append(report_unloadable(name, error))
            continue
        reports.append(check_tokenizer(loaded, select=names))
    return reports


def is_file(name: str) -> bool:
    """Return whether an argument is the path of something, with or without the rules to read it by."""
    return os.path.exists(name.partition("#")[0])  # noqa: PTH110 - false for a name that is too long


def is_found(name: str, *, offline: bool) -> bool:
    """Return whether a name has files here, so that an error is theirs."""
    from tokbench.adapters import find_asset

    try:
        find_asset(name, offline=offline)
    except TokbenchError:
        return False
    return True


def open_engine(given: list[str], reference: str | None, command: str | None, limit: float) -> ProcessEngine:
    """Return the function or command to check; TokbenchError unless there is one, and a reference."""
    from tokbench.adapters.selection.command import CommandEngine, FunctionEngine

    if reference is None:
        raise TokbenchError("--command needs --reference", "name the tokenizer whose ids it must give")
    if (command is None) == (not given) or len(given) > 1:
        raise TokbenchError("--reference takes one engine", "give one function module:name, or --command alone")
    return FunctionEngine(given[0], limit) if command is None else CommandEngine(command, limit)


def check_engine(
    engine: ProcessEngine, reference: str, names: list[str], texts: tuple[int, int], *, offline: bool
) -> Soundness:
    """Check an engine against a reference; texts: the number of random texts, and their seed."""
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.soundness import check_function

    loaded = load_tokenizer(reference, offline=offline)
    with engine:
        return check_function(engine, loaded, select=names, texts=texts[0], seed=texts[1])
