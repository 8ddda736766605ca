"""What a tokenizer does with one text: `encode`, `count`, `tokens`, `show`, all derived from the calls for a batch."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokbench._shared.visible_text import reveal_bytes
from tokbench.adapters._encoding import TokenTable

if TYPE_CHECKING:
    from tokbench.adapters._protocol import Tokenizer

MOST_SHOWN = 2_000
"""Tokens that `_repr_html_` writes; the rest is counted."""

_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2")
_OPACITY = "33"  # of 255: the text is legible on a light page and on a dark one
_STYLE = "padding:.1em;border-radius:.2em;white-space:pre-wrap;overflow-wrap:anywhere"


@dataclass(frozen=True)
class TokenizedText:
    """A text and its tokens, which a notebook shows in colour.

    tokenizer: its name. ids: one per token. tokens: their text, as `tokens` gives it.
    """

    tokenizer: str
    text: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]

    def __repr__(self) -> str:
        return f"{self.tokenizer}: {len(self.ids):,} tokens |{'|'.join(self.tokens)}|"

    def _repr_html_(self) -> str:
        """Write each token in a colour that differs from its neighbours'; its id is the title."""
        shown = zip(self.ids[:MOST_SHOWN], self.tokens[:MOST_SHOWN], strict=True)
        pieces = "".join(_write_token(place, number, token) for place, (number, token) in enumerate(shown))
        hidden = len(self.ids) - MOST_SHOWN
        rest = f" and {hidden:,} more" if hidden > 0 else ""
        name = html.escape(self.tokenizer)
        return f'<div><strong>{name}</strong> {len(self.ids):,} tokens</div><div dir="auto">{pieces}{rest}</div>'


def _write_token(place: int, number: int, token: str) -> str:
    colour = f"{_COLOURS[place % len(_COLOURS)]}{_OPACITY}"
    direction = ' dir="ltr"' if "\\" in token else ""  # an escape would be torn apart in right-to-left text
    return f'<bdi title="{number}"{direction} style="background:{colour};{_STYLE}">{html.escape(token)}</bdi>'


def write_token(token: int, content: bytes | None) -> str:
    r"""Write a token as text in which nothing is invisible.

    content: its bytes, None for a special token. Bytes of characters that it holds only a part of are escaped.

    >>> write_token(5, b"\xe4\xbd a\n"), write_token(0, None)
    ('\\xe4\\xbd a\\n', '<special 0>')
    """
    return f"<special {token}>" if content is None else reveal_bytes(content)


class SingleText:
    """The calls for one text, for any tokenizer that has those for a batch.

    A mix-in: it needs `name`, `vocab_total`, `encode_batch`, `count_batch` and `token_table` of the class.
    """

    def encode(self: Tokenizer, text: str) -> list[int]:
        """Return the ids of one text, as Python integers; `encode_batch` gives arrays, and is faster for several."""
        ids: list[int] = self.encode_batch([check_single(text)]).ids.tolist()
        return ids

    def count(self: Tokenizer, text: str) -> int:
        """Return the number of tokens of one text."""
        return int(self.count_batch([check_single(text)])[0])

    def tokens(self: Tokenizer, text: str) -> list[str]:
        """Return the text of each token of one text, with nothing invisible in it.

        Characters of which a token holds only a part are shown by their bytes, as in `\\xe4`.
        """
        return write_tokens(self.encode(text), self.token_table())

    def show(self: Tokenizer, text: str) -> TokenizedText:
        """Return one text with its tokens; notebooks show them in colour."""
        ids = self.encode(text)
        return TokenizedText(self.name, text, tuple(ids), tuple(write_tokens(ids, self.token_table())))

    def __len__(self: Tokenizer) -> int:
        return self.vocab_total

    def __bool__(self) -> bool:
        return True  # without asking for the size, for which some engines load the reference


def write_tokens(ids: Sequence[int], table: TokenTable) -> list[str]:
    """Write each token as text in which nothing is invisible."""
    return [write_token(number, table[number]) for number in ids]


def check_single(text: str) -> str:
    """Return the text; TypeError where it is something else, such as a sequence of texts."""
    if not isinstance(text, str):
        raise TypeError(f"text should be a string, not {type(text).__name__}; encode_batch takes several")
    return text
