"""The errors that a user can cause, or can mend."""

from __future__ import annotations

INTERRUPTED = 130
"""The exit status of what Ctrl-C ended, as shells have it."""


class TokbenchError(Exception):
    """Something a user can mend: what is wrong with which value, and what to do next.

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
    """The cache is damaged or cannot be written: the figures are the same, but they take longer."""


class UnavailableError(TokbenchError):
    """A tokenizer that is known but cannot be had here (no network, gated, nowhere found)."""


class MissingExtraError(TokbenchError):
    """An optional library is needed and not installed."""

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the library {library}, which is not installed",
            f"install it with: pip install 'tokbench[{extra}]'",
        )
        self.library = library
        self.extra = extra


class EngineError(TokbenchError):
    """An engine gave up on a text, or on ids, that a tokenizer handed to it.

    tokenizer: its name. task: what was to be done, `encode 'a b'`. reason: what the engine says. text: the whole text,
    None where no text alone is at fault. `fault` is the message without the name of the tokenizer.
    """

    def __init__(self, tokenizer: str, task: str, reason: str, hint: str | None, *, text: str | None = None) -> None:
        self.fault = f"cannot {task}: {reason}"
        super().__init__(f"{tokenizer}: {self.fault}", hint)
        self.tokenizer = tokenizer
        self.task = task
        self.reason = reason
        self.text = text

    def locate(self, place: str) -> EngineError:
        """Return the same error with the place of the text in its corpus."""
        return EngineError(self.tokenizer, f"{self.task}, {place}", self.reason, self.hint, text=self.text)
