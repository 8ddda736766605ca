"""Progress on standard error: one bar per phase, on a terminal only."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tokbench._shared.progress import COUNTING, NO_PROGRESS, Progress
from tokbench._shared.terminal import use_color
from tokbench._shared.visible_text import reveal_controls
from tokbench.cli._echo import echo
from tokbench.cli._invocation import running

if TYPE_CHECKING:
    from tokbench._shared.environment import Clock

MEASURING, PERCENT = "measuring", "per cent"
INTERVAL = 0.1
"""Seconds between two drawings of the bars."""


class Bars:
    """Shows each phase as a bar of a `rich.progress.Progress`.

    Bars are drawn when they are told something, and not by a thread of their own: that would take time from what is
    timed.
    """

    def __init__(self, drawn: Any, clock: Clock = time.monotonic) -> None:
        self.drawn = drawn
        self.clock = clock
        self.bars: dict[str, Bar] = {}
        self.next = 0.0
        self.lock = threading.Lock()

    def start(self, phase: str, total: int) -> None:
        """Show a bar, or begin it again; none for a phase without parts."""
        with self.lock:
            if phase in self.bars:
                self.drawn.remove_task(self.bars.pop(phase).task)
            if total > 0:
                amount = write_amount(phase, 0, total)
                task = self.drawn.add_task(phase, total=total, what="", amount=amount)
                self.next = 0.0  # the first part is named at once
                self.bars[phase] = Bar(task, total, self.clock())

    def advance(self, phase: str, amount: int = 1, what: str = "") -> None:
        """Move a bar on, never beyond its end."""
        with self.lock:
            bar = self.bars.get(phase)
            if bar is None:
                return
            bar.done = min(bar.done + amount, bar.total)
            bar.what = reveal_controls(what) if what else bar.what
            if bar.done == bar.total or self.clock() >= self.next:
                written = write_amount(phase, bar.done, bar.total)
                if phase == COUNTING:
                    written += write_rate(bar.done, bar.total, self.clock() - bar.begun)
                self.drawn.update(bar.task, completed=bar.done, amount=written, what=bar.what)
                self.drawn.refresh()
                self.next = self.clock() + INTERVAL

    def finish(self, phase: str) -> None:
        """Fill a bar."""
        if phase in self.bars:
            self.advance(phase, self.bars[phase].total)


@dataclass
class Bar:
    """A bar: its number in what is drawn, its end, when it began, how far it is, and the part it names."""

    task: Any
    total: int
    begun: float
    done: int = 0
    what: str = ""


def write_amount(phase: str, done: float, total: float) -> str:
    """Write how much of a phase is done.

    >>> write_amount("speed", 3, 12)
    '3/12'
    >>> write_amount("counting", 1_250_000, 3_000_000)
    '1.2/3.0 MB'
    """
    return f"{done / 1e6:.1f}/{total / 1e6:.1f} MB" if phase == COUNTING else f"{done:.0f}/{total:.0f}"


SETTLED = 5.0
"""Seconds after which a rate means something."""


def write_rate(done: float, total: float, seconds: float) -> str:
    """Write the rate in bytes and the time left at that rate; nothing in the first seconds.

    >>> write_rate(30_000_000, 120_000_000, 10)
    ' 3.0 MB/s, 0:00:30 left'
    >>> write_rate(30_000_000, 120_000_000, 1)
    ''
    """
    if seconds < SETTLED or not 0 < done < total:
        return ""
    left = timedelta(seconds=round((total - done) * seconds / done))
    return f" {done / seconds / 1e6:.1f} MB/s, {left} left"


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Show the phases of a task on standard error while a block runs; yields what is to be told.

    Shows nothing with `-q`, and where standard error is no terminal: FORCE_COLOR does not make a file a terminal.
    """
    if running().quiet or sys.stderr is None or not sys.stderr.isatty():
        yield NO_PROGRESS
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color=not use_color(sys.stderr))
    columns = (
        TextColumn("{task.description:<9}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as drawn:
        yield Bars(drawn)


class Measuring:
    """How far a measurement of several parts is, and how far its present part.

    Where standard error is no terminal, each part is a line there, unless `-q` is given: measuring takes minutes.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._begun = 0
        self._percent = 0

    def __call__(self, part: str) -> None:
        """Say that a part begins."""
        self._progress.advance(MEASURING, min(self._begun, 1), part)
        self._begun += 1
        if self._progress is NO_PROGRESS:
            note(f"measuring {part}")

    def show_share(self, share: float) -> None:
        """Say how much of the part is done, from 0 to 1."""
        percent = int(100 * share)
        if percent < self._percent or self._percent == 0:
            self._progress.start(PERCENT, 100)
            self._percent = 0
        self._progress.advance(PERCENT, percent - self._percent)
        self._percent = percent


@contextmanager
def measuring(total: int) -> Iterator[Measuring]:
    """Show how far a measurement of several parts is; yields what is told when a part begins."""
    with show_progress() as progress:
        progress.start(MEASURING, total)
        yield Measuring(progress)
        progress.finish(MEASURING)


def note(sentence: str) -> None:
    """Write a line to standard error, unless `-q` is given."""
    if not running().quiet:
        echo(sentence, err=True)
