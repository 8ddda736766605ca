"""What a transfer may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a request, in seconds and bytes.

    probe: seconds in total to find out whether hosts can be reached.
    silence: seconds to connect, and between two pieces of an answer.
    notice: seconds until the user is told what is being waited for.
    grace, rate: a transfer may take `grace` seconds, plus one second per `rate` bytes.
    file, listing, answer: maximum bytes of a file of unknown size, of an answer that describes files, and of an answer
        to `post`.
    """

    probe: float = 4.0
    silence: float = 10.0
    notice: float = 5.0
    grace: float = 60.0
    rate: float = 20_000.0
    file: int = 1_000_000_000
    listing: int = 20_000_000
    answer: int = 100_000
