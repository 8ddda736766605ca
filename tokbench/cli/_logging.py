"""The log of tokbench on standard error, for `-v`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tokbench.cli._echo import echo

LOGGER = "tokbench"


class TerminalHandler(logging.Handler):
    """Write records as lines of tokbench, with nothing that a terminal obeys."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        text = " ".join(record.getMessage().split())
        package = record.name.split(".")[1].removeprefix("_")
        echo(f"tokbench: {package}: {text}", err=True)


@contextmanager
def logging_to_terminal(verbose: int) -> Iterator[None]:
    """Write what is logged to standard error: what is done at 1, details from 2.

    Only loggers of tokbench are heard: those of libraries may tell more than a user wants to show.
    """
    logger = logging.getLogger(LOGGER)
    handler = TerminalHandler()
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbose == 1 else logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
