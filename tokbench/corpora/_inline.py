"""Text of XML elements in which mark-up of the original format is dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class InlineText:
    """Gathers the text of one element at a time, without that of elements in it whose tag `is_hidden`."""

    def __init__(self, is_hidden: Callable[[str], bool]) -> None:
        self._is_hidden = is_hidden
        self._parts: list[str] | None = None
        self._inside = 0
        self._hidden = 0

    @property
    def is_open(self) -> bool:
        """Return whether an element is being gathered."""
        return self._parts is not None

    def open(self) -> None:
        """Begin to gather: the element itself has just begun."""
        self._parts, self._inside, self._hidden = [], 1, 0

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Handle the start of an element inside; `cp` is a character by its code point."""
        self._inside += 1
        if self._hidden or self._is_hidden(tag):
            self._hidden += 1
        elif tag == "cp" and self._parts is not None:
            code = attributes.get("hex", "")
            value = int(code, 16) if len(code) <= 6 and all(c in "0123456789abcdefABCDEF" for c in code or "x") else -1
            if 0 <= value < 0x110000 and not 0xD800 <= value < 0xE000:
                self._parts.append(chr(value))

    def end(self) -> str | None:
        """Handle the end of an element; return the text if it is the one that is gathered."""
        self._inside -= 1
        self._hidden -= self._hidden > 0
        if self._inside or self._parts is None:
            return None
        text, self._parts = "".join(self._parts), None
        return text

    def add(self, text: str) -> None:
        """Add a piece of text, unless it is hidden."""
        if self._parts is not None and not self._hidden:
            self._parts.append(text)
