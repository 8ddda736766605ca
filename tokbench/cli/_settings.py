"""Options from configuration files and the environment: the defaults of the command that runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import typer

from tokbench._shared.configuration import Configuration, Setting, load_configuration, shorten_value
from tokbench.cli._option_table import OPTIONS, Option
from tokbench.errors import TokbenchError

GENERAL = ("corpus", "languages", "format", "offline", "quiet", "verbose")
"""Options that a file may set for all commands."""

FOLDERS = {"cache": "TOKBENCH_CACHE", "tokenizers": "TOKBENCH_TOKENIZERS"}
"""Folders that a file may name, and the variables that outrank it."""

UsageError: Any = typer.BadParameter.__bases__[0]
"""Base class of what typer raises for a wrong command line: click's own, or typer's copy of it in newer versions."""

_SHOWN = 300
_OWN_CORPUS = frozenset({"code", "overlap", "rank", "vocab"})
"""Commands in which naming a corpus asks for something else: the general one is not theirs."""

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_WANTED = {
    "flag": "true or false",
    "number": "a number",
    "text": "a text in quotes",
    "list": 'a list of texts, as in ["en", "th"]',
}


def find_settings(command: str, configuration: Configuration) -> dict[str, Setting]:
    """Return the settings of a command's options by parameter: the environment first, then the files.

    Raises TokbenchError that names the file and the key, or the variable, for a value of the wrong type.
    """
    found = {}
    for option in OPTIONS[command].values():
        setting = read_variable(command, option) or read_file(command, option, configuration)
        if setting is not None:
            found[option.name] = setting
    return found


def read_variable(command: str, option: Option) -> Setting | None:
    """Return what the environment says of an option: TOKBENCH_COMMAND_OPTION, else TOKBENCH_OPTION."""
    for name in list_variables(command, option):
        value = os.environ.get(name)
        if value:
            return Setting(convert_variable(name, value, option), name)
    return None


def list_variables(command: str, option: Option) -> list[str]:
    """Return the variables that set an option of a command, the stronger one first."""
    key = option.key.upper().replace("-", "_")
    prefix = command.upper().replace(" ", "_").replace("-", "_")
    return [f"TOKBENCH_{prefix}_{key}", *([] if has_own(command, option.key) else [f"TOKBENCH_{key}"])]


def convert_variable(name: str, value: str, option: Option) -> Any:
    """Return the value of a variable in the option's type; TokbenchError for a flag that is neither on nor off."""
    if option.kind == "list":
        return [value]
    if option.kind != "flag":
        return value
    if value.casefold() not in _TRUE | _FALSE:
        raise TokbenchError(f"{name} is {value!r:.40}", "use 1 or 0")
    return value.casefold() in _TRUE


def read_file(command: str, option: Option, configuration: Configuration) -> Setting | None:
    """Return what the configuration files say of an option: for the command, else for all."""
    own = configuration.settings.get(f"{command.replace(' ', '.')}.{option.key}")
    general = configuration.settings.get(option.key) if is_general(command, option.key) else None
    setting = own or general
    if setting is None:
        return None
    return Setting(check_type(setting, option), setting.origin)


def is_general(command: str, key: str) -> bool:
    """Return whether the general setting of this key is for the command."""
    return key in GENERAL and not has_own(command, key)


def has_own(command: str, key: str) -> bool:
    """Return whether a command means something else by an option than others do."""
    return command in _OWN_CORPUS and key in ("corpus", "languages")


def check_type(setting: Setting, option: Option) -> Any:
    """Return a value of a file for an option; TokbenchError that names file and key for a wrong type."""
    value = setting.value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match option.kind:
        case "flag" if isinstance(value, bool):
            return value
        case "number" if number:
            return value
        case "text" if isinstance(value, str):
            return value
        case "text" if number and str(option.default).isdecimal():  # a text that holds a number, or a word
            return str(value)
        case "list" if isinstance(value, str) and value:
            return [value]
        case "list" if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return list(value)
        case "list" if is_number_list(option) and (number or is_numbers(value)):
            return [str(one) for one in (value if isinstance(value, list) else [value])]
    raise TokbenchError(f"{setting.origin} is {shorten_value(value)}", f"use {_WANTED[option.kind]}")


def is_number_list(option: Option) -> bool:
    """Return whether an option takes several numbers, as its default shows."""
    return isinstance(option.default, list) and all(str(one).isdecimal() for one in option.default)


def is_numbers(value: Any) -> bool:
    """Return whether a value of a file is a list of whole numbers."""
    return isinstance(value, list) and bool(value) and all(type(one) is int for one in value)


def find_folder(key: str, configuration: Configuration) -> Setting | None:
    """Return the folders that a file names for `cache` or `tokenizers`, as the variable would hold them."""
    setting = configuration.settings.get(key)
    if setting is None:
        return None
    listed = setting.value if isinstance(setting.value, list) and key == "tokenizers" else [setting.value]
    if not listed or not all(isinstance(one, str) and one for one in listed):
        raise TokbenchError(f"{setting.origin} is {shorten_value(setting.value)}", "use a folder in quotes")
    folder = configuration.folders[key]
    paths = [one if one.startswith("~") else str(folder / one) for one in listed]
    return Setting(os.pathsep.join(paths), setting.origin)


def check_keys(configuration: Configuration) -> None:
    """Check that every key of the files means something.

    Raises TokbenchError with the file, the key and the nearest one for a key that does not.
    """
    from tokbench._shared.registry import closest

    known = {*GENERAL, *FOLDERS}
    for command, options in OPTIONS.items():
        known |= {f"{command.replace(' ', '.')}.{key}" for key in options}
    groups = {key.rpartition(".")[0] for key in known} | {key.split(".")[0] for key in known if "." in key}
    for key, setting in configuration.settings.items():
        if key not in known and not (key in groups and setting.value == {}):
            near = closest(key, sorted(known))
            hint = f"did you mean {near}?" if near else "see: tokbench config COMMAND"
            raise TokbenchError(f"{setting.origin}: no option is called that", hint)


def apply_folders(configuration: Configuration) -> None:
    """Let the folders that files name take effect, unless variables name others."""
    for key, variable in FOLDERS.items():
        setting = find_folder(key, configuration)
        if setting is not None and not os.environ.get(variable):
            os.environ[variable] = setting.value


def find_corpus(ctx: Any) -> str | list[str] | None:
    """Return the corpus that the environment or the files set for the command of a context."""
    _, _, command = ctx.command_path.partition(" ")
    setting = find_settings(command, load_configuration()).get("corpus") if command in OPTIONS else None
    found: str | list[str] | None = setting.value if setting else None
    return found


def find_defaults(ctx: Any) -> Mapping[str, Any]:
    """Return the defaults of the command of a context that files and the environment set, by parameter.

    Raises TokbenchError that names the file and the key, or the variable, of a wrong one.
    """
    configuration = load_configuration()
    check_keys(configuration)
    apply_folders(configuration)
    _, _, command = ctx.command_path.partition(" ")
    settings = find_settings(command, configuration) if command in OPTIONS else {}
    parameters = {parameter.name: parameter for parameter in ctx.command.params}
    for name, setting in settings.items():
        try:
            parameters[name].process_value(ctx, setting.value)
        except (TokbenchError, UsageError) as error:
            reason = error if isinstance(error, TokbenchError) else explain_usage(error)
            raise TokbenchError(f"{setting.origin}: {reason.message}", reason.hint) from error
    return {name: setting.value for name, setting in settings.items()}


def explain_usage(error: Any) -> TokbenchError:
    """Build the one-line error for what typer found wrong with the command line."""
    message = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    message, _, near = message.partition(" (Possible options: ")
    if len(message) > _SHOWN:
        message = f"{message[: _SHOWN - 100]}...{message[-97:]}"
    command = error.ctx.command_path if error.ctx else "tokbench"
    hint = f"did you mean {near.removesuffix(')')}?" if near else f"see `{command} --help`"
    return TokbenchError(f"{message[:1].lower()}{message[1:]}", hint)
