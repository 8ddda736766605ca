"""What the server and the process that encodes tell each other about tokenizers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["loading", "ready", "failed"]


@dataclass(frozen=True)
class Wanted:
    """A tokenizer to load.

    name: its label on the page. argument: what `find_asset` takes.
    upload: whether it is a file that was opened on the page, of which nothing may be cached.
    online: whether its files may be downloaded.
    """

    name: str
    argument: str
    upload: bool = False
    online: bool = False


@dataclass(frozen=True)
class Listed:
    """A tokenizer of the page: being loaded, ready (with its engine and number of ids), or failed (with the reason)."""

    name: str
    state: State
    engine: str | None = None
    vocabulary: int | None = None
    fault: str | None = None
    upload: bool = False

    def to_document(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Reply:
    """An answer to a request: an HTTP status and a JSON document."""

    status: int
    content: bytes

    @classmethod
    def of(cls, document: Any, status: int = 200) -> Reply:
        """Write a document as JSON."""
        return cls(status, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))

    @classmethod
    def refuse(cls, fault: object, status: int = 400, culprits: Sequence[str] = ()) -> Reply:
        """Write why a request is refused.

        culprits: the tokenizers without which it might not have been.
        """
        return cls.of({"error": str(fault), "culprits": [*culprits]}, status)
