"""The lines of a rank file."""

from __future__ import annotations

import binascii
from collections.abc import Iterable


def format_ranks(ranks: Iterable[tuple[bytes, int]]) -> bytes:
    """Serialise ranks as a rank file: one line per token, in base64, and its rank."""
    encode = binascii.b2a_base64
    return b"".join([b"%b %d\n" % (encode(token, newline=False) or b"=", rank) for token, rank in ranks])
