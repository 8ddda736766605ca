"""Printing for all commands: nothing in a name or text reaches the terminal as a command."""

from __future__ import annotations

import sys

import typer

from tokbench._shared.terminal import use_color
from tokbench._shared.visible_text import reveal_controls


def echo(message: str = "", *, nl: bool = True, err: bool = False) -> None:
    """Print to standard output, or standard error, with controls and marks of direction written out."""
    stream = sys.stderr if err else sys.stdout
    typer.echo(reveal_controls(message, styled=use_color(stream)), nl=nl, err=err, color=use_color(stream))
