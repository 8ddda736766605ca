"""`tokbench config`: the options that files and the environment set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tokbench.cli._option_table import OPTIONS
from tokbench.cli._options import Json
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError


def run(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="Show all options of this command, such as compare or model measure.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the options that configuration files and the environment set, and where each value comes from.

    Files are `tokbench.toml` and `[tool.tokbench]` in pyproject.toml, nearest upwards from the working directory, then
    a file of the user. A variable TOKBENCH_OPTION outranks them, and the command line outranks both.
    """
    from tokbench._shared.configuration import find_user_file, load_configuration
    from tokbench.report._settings import show

    configuration = load_configuration()
    rows = list(list_command(" ".join(command), configuration) if command else list_all(configuration))
    print_results(show(rows, [str(path) for path in configuration.files], str(find_user_file())))


def list_command(command: str, configuration: Any) -> Iterator[dict[str, Any]]:
    """Yield all options of a command; TokbenchError for an unknown one."""
    from tokbench._shared.registry import closest
    from tokbench.cli._settings import find_settings

    if command not in OPTIONS:
        near = closest(command, list(OPTIONS))
        raise TokbenchError(
            f"no command is called {command!r}", f"did you mean {near!r}?" if near else "see: tokbench --help"
        )
    settings = find_settings(command, configuration)
    for option in OPTIONS[command].values():
        setting = settings.get(option.name)
        value, origin = (setting.value, setting.origin) if setting else (describe(option.default), "default")
        yield {"option": option.key, "value": value, "from": origin}


def list_all(configuration: Any) -> Iterator[dict[str, Any]]:
    """Yield the general options, the folders, the sets, and whatever else is set for a command."""
    from tokbench.cli._settings import GENERAL, find_settings

    found: dict[str, tuple[Any, str]] = dict.fromkeys(GENERAL, (None, "default"))
    found |= dict(list_folders(configuration))
    for command, options in OPTIONS.items():
        settings = find_settings(command, configuration)
        for option in options.values():
            setting = settings.get(option.name)
            if setting is not None:
                shared = setting.origin.endswith((f": {option.key}", f": tool.tokbench.{option.key}"))
                shared |= setting.origin == f"TOKBENCH_{option.key.upper().replace('-', '_')}"
                label = option.key if shared else f"{command.replace(' ', '.')}.{option.key}"
                found[label] = setting.value, setting.origin
    for name, members in configuration.sets.items():
        found[f"sets.{name}"] = list(members), configuration.set_origins[name]
    for label, (value, origin) in found.items():
        yield {"option": label, "value": value, "from": origin}


def list_folders(configuration: Any) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Yield the folders with their values and origins; the cache has a default."""
    import os

    from tokbench._shared.cache_folder import find_cache_folder
    from tokbench.cli._settings import FOLDERS, find_folder

    for key, variable in FOLDERS.items():
        setting = find_folder(key, configuration)
        value = os.environ.get(variable) or (str(find_cache_folder()) if key == "cache" else None)
        from_file = setting is not None and setting.value == value
        from_variable = variable if os.environ.get(variable) else "default"
        yield key, (value, setting.origin if setting is not None and from_file else from_variable)


def describe(value: Any) -> Any:
    """Return a default as JSON and tables show it."""
    return getattr(value, "value", value)
