"""Errors that a user can cause or fix."""

from __future__ import annotations

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells report it."""


class TokbenchError(Exception):
    """An error that the user can fix: what is wrong, which value, what to do next.

    `str(error)` is one line: the message, then the hint if there is one.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        line = self.message if self.hint is None else f"{self.message}; {self.hint}"
        return " ".join(line.split())


class CacheWarning(UserWarning):
    """The cache is damaged or not writable: results are the same, but take longer."""


class NetworkWarning(UserWarning):
    """The network is slow: results are the same, but take longer."""


class CorpusWarning(UserWarning):
    """A corpus argument means one thing, but could be taken for another."""


class UnavailableError(TokbenchError):
    """A known tokenizer or corpus is not available here: no network, gated, or not found."""


class MissingExtraError(TokbenchError):
    """A library is needed but not installed; extra: the extra that brings it, None for a library of the core."""

    def __init__(self, library: str, extra: str | None, purpose: str) -> None:
        package = library if extra is None else f"'tokbench[{extra}]'"
        super().__init__(
            f"{purpose} needs the library {library}, which is not installed", f"install it with: pip install {package}"
        )
        self.library = library
        self.extra = extra


class EngineError(TokbenchError):
    """An engine failed on a text, or on ids, of a tokenizer.

    tokenizer: its name.
    task: what was attempted, such as `encode 'a b'`.
    reason: what the engine reports.
    text: the whole text; None if no single text is at fault.
    fault: the message without the name of the tokenizer.
    """

    def __init__(self, tokenizer: str, task: str, reason: str, hint: str | None, *, text: str | None = None) -> None:
        self.fault = f"cannot {task}: {reason}"
        super().__init__(f"{tokenizer}: {self.fault}", hint)
        self.tokenizer = tokenizer
        self.task = task
        self.reason = reason
        self.text = text

    def locate(self, place: str) -> EngineError:
        """Return the error with the position of its text in the corpus in the task."""
        return EngineError(self.tokenizer, f"{self.task}, {place}", self.reason, self.hint, text=self.text)
