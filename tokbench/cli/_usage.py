"""Usage errors: one line each, and no option that silently overrides itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import typer
from typer.core import TyperCommand

from tokbench.cli._commands import split_lists
from tokbench.cli._settings import UsageError, explain_usage, find_defaults
from tokbench.errors import TokbenchError

_HELP = "NoArgsIsHelpError"


class Command(TyperCommand):
    """A command that refuses an option given twice, unless it collects values or is a plain flag."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        for parameter in self.params:
            if parameter.param_type_name == "argument" and parameter.metavar:
                vars(parameter)["display_type_rich"] = lambda ctx: None  # no `<list[str]>` behind its name

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; TokbenchError for a single option that is given twice."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        if not set(args) & set(ctx.help_option_names):
            ctx.default_map = find_defaults(ctx)
        try:
            _, _, given = self.make_parser(ctx).parse_args(list(args))
        except UsageError as error:
            error.ctx = error.ctx or ctx
            raise
        for option, times in Counter(given).items():
            if times > 1 and is_single(option):
                raise TokbenchError(f"{option.opts[-1]} is given {times} times", "give it once")
        left: list[str] = super().parse_args(ctx, args)
        split_lists(self.params, ctx.params)
        return left


def is_single(parameter: Any) -> bool:
    """Return whether a parameter is an option that has one value."""
    flag = (getattr(parameter, "is_flag", False) or getattr(parameter, "count", False)) and not parameter.secondary_opts
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
