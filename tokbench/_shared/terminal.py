"""What a stream can show."""

from __future__ import annotations

import os
from typing import TextIO


def use_color(stream: TextIO | None) -> bool:
    """Return whether to write colours to a stream: to a terminal, unless the environment says otherwise.

    NO_COLOR forbids them, else FORCE_COLOR asks for them, also in pipes and files; each counts if it is not empty.
    A terminal of the type `dumb` has none.
    """
    if stream is None or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return os.environ["FORCE_COLOR"] != "0"
    return stream.isatty() and os.environ.get("TERM") != "dumb"
