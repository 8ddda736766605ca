"""Usage errors: one line each, and no option that silently overrides itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import typer
from typer.core import TyperCommand

from tokbench.errors import TokbenchError

UsageError: Any = typer.BadParameter.__bases__[0]
"""Base class of what typer raises for a wrong command line: click's own, or typer's copy of it in newer versions."""

_HELP = "NoArgsIsHelpError"
_SHOWN = 300


class Command(TyperCommand):
    """A command that refuses an option given twice, unless it collects values or is a plain flag."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; TokbenchError for a single option that is given twice."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        try:
            _, _, given = self.make_parser(ctx).parse_args(list(args))
        except UsageError as error:
            error.ctx = error.ctx or ctx
            raise
        for option, times in Counter(given).items():
            if times > 1 and is_single(option):
                raise TokbenchError(f"{option.opts[-1]} is given {times} times", "give it once")
        return super().parse_args(ctx, args)


def is_single(parameter: Any) -> bool:
    """Return whether a parameter is an option that has one value."""
    flag = getattr(parameter, "is_flag", False) and not parameter.secondary_opts
    return parameter.param_type_name == "option" and not parameter.multiple and not flag


def run_app(app: typer.Typer) -> int:
    """Run the command line and return its exit status.

    Raises TokbenchError for a usage error.
    """
    try:
        status = app(prog_name="tokbench", standalone_mode=False)
    except UsageError as error:
        if type(error).__name__ == _HELP:
            error.show()
            return int(error.exit_code)
        raise explain_usage(error) from error
    except typer.Abort as error:
        raise TokbenchError("standard input ended before the command did", "run it again") from error
    return status if isinstance(status, int) else 0


def explain_usage(error: Any) -> TokbenchError:
    """Build the one-line error for what typer found wrong with the command line."""
    message = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    message, _, near = message.partition(" (Possible options: ")
    if len(message) > _SHOWN:
        message = f"{message[: _SHOWN - 100]}...{message[-97:]}"
    command = error.ctx.command_path if error.ctx else "tokbench"
    hint = f"did you mean {near.removesuffix(')')}?" if near else f"see `{command} --help`"
    return TokbenchError(f"{message[:1].lower()}{message[1:]}", hint)
